//! The processor backend: row-major `Vec<f32>` and plain loops, on the calling thread unless the
//! model is large enough to be worth rayon's pool (which the program sizes, not this crate).

mod activation;
mod attention;
mod gemm;

use std::sync::Arc;

use super::{Backend, Bands, ConvShape, Heads, Mask, Result};
use gemm::{Matrix, matmul};

/// The processor backend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slices {
    /// Whether large products use rayon's global pool. Results are the same either way.
    pub(crate) pool: bool,
}

/// A row-major matrix.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) data: Vec<f32>,
}

/// A vector or matrix of weights, shared where the model shares it.
#[derive(Clone, Debug)]
pub(crate) struct Weight {
    data: Arc<[f32]>,
    /// Stored `[inputs][outputs]`, in which the product runs over contiguous outputs; an embedding
    /// table stays `[outputs][inputs]`.
    inputs_first: bool,
}

/// Weights `[group][kernel][inputs / groups][outputs / groups]`, so that with channels last a window
/// of the input is one contiguous run and the convolution is one matrix product without a copy.
#[derive(Clone, Debug)]
pub(crate) struct Conv {
    shape: ConvShape,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Array {
    fn filled(rows: usize, columns: usize, bias: Option<&[f32]>) -> Self {
        let data = match bias {
            None => vec![0.0; rows * columns],
            Some(bias) => bias.repeat(rows),
        };
        Self { rows, columns, data }
    }
}

impl Backend for Slices {
    type Array = Array;
    type Weight = Weight;
    type Conv = Arc<Conv>;

    fn weight(&self, values: Vec<f32>, shape: &[usize]) -> Result<Weight> {
        Ok(match shape {
            [outputs, inputs] => {
                Weight { data: transposed(&values, *outputs, *inputs).into(), inputs_first: true }
            }
            _ => Weight { data: values.into(), inputs_first: false },
        })
    }

    fn table(&self, values: Vec<f32>, _shape: &[usize]) -> Result<Weight> {
        Ok(Weight { data: values.into(), inputs_first: false })
    }

    fn conv_weight(
        &self,
        values: Vec<f32>,
        bias: Option<Vec<f32>>,
        shape: ConvShape,
    ) -> Result<Self::Conv> {
        let (inputs, outputs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
        let window = inputs * shape.kernel;
        let mut weight = Vec::with_capacity(values.len());
        for group in values.chunks_exact(outputs * window) {
            for at in 0..window {
                let from = at % inputs * shape.kernel + at / inputs;
                weight.extend((0..outputs).map(|output| group[output * window + from]));
            }
        }
        Ok(Conv { shape, weight, bias }.into())
    }

    fn upload(&self, data: Vec<f32>, columns: usize) -> Result<Array> {
        Ok(Array { rows: data.len() / columns, columns, data })
    }

    fn download(&self, x: &Array) -> Result<Vec<f32>> {
        Ok(x.data.clone())
    }

    fn rows(&self, x: &Array) -> usize {
        x.rows
    }

    fn linear(
        &self,
        x: &Array,
        weight: &Self::Weight,
        bias: Option<&Self::Weight>,
    ) -> Result<Array> {
        let outputs = weight.data.len() / x.columns;
        let mut out = Array::filled(x.rows, outputs, bias.map(|bias| &bias.data[..]));
        if x.rows == 1 && weight.inputs_first {
            gemm::vecmat(&mut out.data, &x.data, &weight.data, self.pool);
        } else if x.rows == 1 {
            gemm::matvec(&mut out.data, &weight.data, &x.data, self.pool);
        } else {
            let strides = if weight.inputs_first { (outputs, 1) } else { (1, x.columns) };
            let a = Matrix::new(&x.data, (x.rows, x.columns), (x.columns, 1));
            let b = Matrix::new(&weight.data, (x.columns, outputs), strides);
            matmul(&mut out.data, outputs, a, b, self.pool);
        }
        Ok(out)
    }

    fn conv(&self, x: &Array, conv: &Self::Conv) -> Result<Array> {
        let ConvShape { inputs, outputs, kernel, stride, padding, groups } = conv.shape;
        let (group_in, group_out) = (inputs / groups, outputs / groups);
        let rows = conv.shape.frames(x.rows);
        let mut out = Array::filled(rows, outputs, conv.bias.as_deref());
        let mut group_data = Vec::new();
        for group in 0..groups {
            let data = if groups == 1 && padding == 0 {
                &x.data
            } else {
                pad_group(x, padding, group * group_in, group_in, &mut group_data);
                &group_data
            };
            let weight = &conv.weight[group * group_out * kernel * group_in..]
                [..group_out * kernel * group_in];
            let a = Matrix::new(data, (rows, kernel * group_in), (stride * group_in, 1));
            let b = Matrix::new(weight, (kernel * group_in, group_out), (group_out, 1));
            matmul(&mut out.data[group * group_out..], outputs, a, b, self.pool);
        }
        Ok(out)
    }

    fn conv_bands(&self, x: &Array, conv: &Self::Conv, bands: Bands) -> Result<Array> {
        let ConvShape { inputs, outputs, kernel, stride, .. } = conv.shape;
        let (rows, count) = (conv.shape.frames(x.rows), bands.outputs());
        let bias = conv.bias.as_ref().map(|bias| bias.repeat(count));
        let mut out = Array::filled(rows, count * outputs, bias.as_deref());
        let padded = pad_columns(x, bands.padding());
        let mut window = Vec::new();
        for band in 0..count {
            pad_group(&padded, 0, band * bands.stride * bands.channels, inputs, &mut window);
            let a = Matrix::new(&window, (rows, kernel * inputs), (stride * inputs, 1));
            let b = Matrix::new(&conv.weight, (kernel * inputs, outputs), (outputs, 1));
            matmul(&mut out.data[band * outputs..], count * outputs, a, b, self.pool);
        }
        Ok(out)
    }

    fn layer_norm(
        &self,
        mut x: Array,
        weight: &Self::Weight,
        bias: &Self::Weight,
        eps: f64,
    ) -> Result<Array> {
        activation::layer_norm(&mut x.data, &weight.data, &bias.data, eps);
        Ok(x)
    }

    fn time_norm(
        &self,
        mut x: Array,
        weight: &Self::Weight,
        bias: &Self::Weight,
        eps: f64,
    ) -> Result<Array> {
        activation::time_norm(&mut x.data, &weight.data, &bias.data, eps);
        Ok(x)
    }

    fn rms_norm(&self, x: &Array, weight: &Self::Weight, eps: f64) -> Result<Array> {
        let mut x = x.clone();
        activation::rms_norm(&mut x.data, &weight.data, eps);
        Ok(x)
    }

    fn gelu(&self, mut x: Array) -> Result<Array> {
        activation::gelu(&mut x.data, self.pool);
        Ok(x)
    }

    fn swiglu(&self, mut gate: Array, up: &Array) -> Result<Array> {
        for (gate, up) in gate.data.iter_mut().zip(&up.data) {
            *gate = *gate / (1.0 + (-*gate).exp()) * up;
        }
        Ok(gate)
    }

    fn add(&self, mut a: Array, b: &Array) -> Result<Array> {
        a.data.iter_mut().zip(&b.data).for_each(|(a, b)| *a += b);
        Ok(a)
    }

    fn scale(&self, mut x: Array, factor: f32) -> Result<Array> {
        x.data.iter_mut().for_each(|x| *x *= factor);
        Ok(x)
    }

    fn head_rows(&self, mut x: Array, rows: usize) -> Result<Array> {
        x.rows = x.rows.min(rows);
        x.data.truncate(x.rows * x.columns);
        Ok(x)
    }

    fn last_row(&self, x: &Array) -> Result<Array> {
        let data = x.data[x.data.len() - x.columns..].to_vec();
        Ok(Array { rows: 1, columns: x.columns, data })
    }

    fn zero_rows_from(&self, mut x: Array, first: usize) -> Result<Array> {
        let start = (first * x.columns).min(x.data.len());
        x.data[start..].fill(0.0);
        Ok(x)
    }

    fn append<'a>(&self, store: &'a mut Option<Array>, more: Array) -> Result<&'a Array> {
        let whole = match store.take() {
            None => more,
            Some(mut whole) => {
                whole.data.extend_from_slice(&more.data);
                whole.rows += more.rows;
                whole
            }
        };
        Ok(store.insert(whole))
    }

    fn embed(&self, table: &Self::Weight, ids: &[u32], columns: usize) -> Result<Array> {
        let data = ids
            .iter()
            .flat_map(|id| &table.data[*id as usize * columns..][..columns])
            .copied()
            .collect();
        Ok(Array { rows: ids.len(), columns, data })
    }

    fn rope(&self, mut x: Array, cos: &[f32], sin: &[f32], width: usize) -> Result<Array> {
        let half = width / 2;
        for (row, (cos, sin)) in x
            .data
            .chunks_exact_mut(x.columns)
            .zip(cos.chunks_exact(half).zip(sin.chunks_exact(half)))
        {
            for head in row.chunks_exact_mut(width) {
                let (low, high) = head.split_at_mut(half);
                for (((low, high), cos), sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
                    (*low, *high) = (*low * cos - *high * sin, *high * cos + *low * sin);
                }
            }
        }
        Ok(x)
    }

    fn attend(&self, q: &Array, k: &Array, v: &Array, heads: Heads, mask: Mask) -> Result<Array> {
        Ok(attention::attend(q, k, v, heads, mask, self.pool))
    }
}

/// `[columns][rows]` of `[rows][columns]`, in tiles that fit the cache.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const TILE: usize = 32;
    let mut out = vec![0.0; values.len()];
    for first_row in (0..rows).step_by(TILE) {
        for first_column in (0..columns).step_by(TILE) {
            for row in first_row..rows.min(first_row + TILE) {
                for column in first_column..columns.min(first_column + TILE) {
                    out[column * rows + row] = values[row * columns + column];
                }
            }
        }
    }
    out
}

/// `x` with `padding` zero columns on either side.
fn pad_columns(x: &Array, padding: usize) -> Array {
    let columns = x.columns + 2 * padding;
    let mut data = vec![0.0; x.rows * columns];
    for (to, from) in data.chunks_exact_mut(columns).zip(x.data.chunks_exact(x.columns)) {
        to[padding..padding + x.columns].copy_from_slice(from);
    }
    Array { rows: x.rows, columns, data }
}

/// Copies the channels of one group out of `x`, with `padding` zero frames before and after.
fn pad_group(x: &Array, padding: usize, first: usize, channels: usize, out: &mut Vec<f32>) {
    out.clear();
    out.resize(padding * channels, 0.0);
    for row in x.data.chunks_exact(x.columns) {
        out.extend_from_slice(&row[first..first + channels]);
    }
    out.resize(out.len() + padding * channels, 0.0);
}
