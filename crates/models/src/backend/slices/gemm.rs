//! Matrix products. The product itself is the `gemm` crate's, which picks its vector
//! instructions at run time; called directly, it runs on this thread unless told otherwise.

use gemm::Parallelism;
use rayon::prelude::*;

/// Products under this many multiplications stay on the calling thread.
const POOL_MIN_WORK: usize = 1 << 20;
/// Rows of a matrix-vector product that one pool task takes.
const POOL_ROWS: usize = 256;

/// A view of a matrix with any strides; rows may overlap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `shape` is rows and columns, `strides` the steps between them.
    pub(super) fn new(data: &'a [f32], shape: (usize, usize), strides: (usize, usize)) -> Self {
        let ((rows, columns), (row_stride, column_stride)) = (shape, strides);
        let last = rows.saturating_sub(1) * row_stride + columns.saturating_sub(1) * column_stride;
        assert!(rows == 0 || columns == 0 || last < data.len(), "matrix view outside its data");
        Self { data, rows, columns, row_stride, column_stride }
    }
}

/// `out += a b`, with the rows of `out` `out_stride` apart.
#[expect(unsafe_code, reason = "the gemm crate takes pointers")]
pub(super) fn matmul(out: &mut [f32], out_stride: usize, a: Matrix<'_>, b: Matrix<'_>, pool: bool) {
    if a.rows == 0 || b.columns == 0 {
        return;
    }
    assert_eq!(a.columns, b.rows, "inner sizes of a matrix product");
    assert!(
        b.columns <= out_stride && (a.rows - 1) * out_stride + b.columns <= out.len(),
        "product outside its output"
    );
    let pooled = pool && a.rows * a.columns * b.columns >= POOL_MIN_WORK;
    let parallelism = if pooled { Parallelism::Rayon(0) } else { Parallelism::None };
    // SAFETY: `Matrix::new` checked that every element of `a` and `b` lies in its slice, the
    // assertions above do so for `out`, whose rows don't overlap, and `out` is borrowed mutably,
    // so it aliases neither. All strides are non-negative and below isize::MAX.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            true,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// `out += W x` with `W` row-major `[out, x]`.
pub(super) fn matvec(out: &mut [f32], weight: &[f32], x: &[f32], pool: bool) {
    if pool && weight.len() >= POOL_MIN_WORK {
        out.par_chunks_mut(POOL_ROWS)
            .zip(weight.par_chunks(POOL_ROWS * x.len()))
            .for_each(|(out, weight)| rows_by(out, weight, x));
    } else {
        rows_by(out, weight, x);
    }
}

/// `out += x W` with `W` row-major `[x, out]`.
pub(super) fn vecmat(out: &mut [f32], x: &[f32], weight: &[f32], pool: bool) {
    let width = out.len();
    if pool && weight.len() >= POOL_MIN_WORK {
        out.par_chunks_mut(POOL_ROWS)
            .enumerate()
            .for_each(|(index, part)| columns_by(part, x, weight, width, index * POOL_ROWS));
    } else {
        columns_by(out, x, weight, width, 0);
    }
}

/// The outputs from `first` on: four inputs at a time, so that each output is touched seldom.
fn columns_by(out: &mut [f32], x: &[f32], weight: &[f32], width: usize, first: usize) {
    const RUN: usize = 4;
    let n = out.len();
    let row = |index: usize| &weight[index * width + first..][..n];
    let runs = x.chunks_exact(RUN);
    let rest = runs.remainder();
    for (run, x) in runs.enumerate() {
        let rows: [&[f32]; RUN] = std::array::from_fn(|lane| row(run * RUN + lane));
        for (column, out) in out.iter_mut().enumerate() {
            *out += x[0] * rows[0][column]
                + x[1] * rows[1][column]
                + x[2] * rows[2][column]
                + x[3] * rows[3][column];
        }
    }
    let done = x.len() - rest.len();
    for (lane, x) in rest.iter().enumerate() {
        out.iter_mut().zip(row(done + lane)).for_each(|(out, weight)| *out += x * weight);
    }
}

fn rows_by(out: &mut [f32], weight: &[f32], x: &[f32]) {
    for (out, row) in out.iter_mut().zip(weight.chunks_exact(x.len())) {
        *out += dot(row, x);
    }
}

/// Sixteen partial sums, so that the compiler may use any vector width.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    let (a_runs, b_runs) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_runs.remainder().iter().zip(b_runs.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_runs.zip(b_runs) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}
