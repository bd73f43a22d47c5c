//! Attention with the score matrix cut into bands of queries, so that long audio needs little memory.

use rayon::prelude::*;

use super::{
    Array, Heads, Mask,
    gemm::{Matrix, dot, matmul},
};

/// Queries whose scores are held at once.
const BAND: usize = 256;

pub(super) fn attend(
    q: &Array,
    k: &Array,
    v: &Array,
    heads: Heads,
    mask: Mask,
    pool: bool,
) -> Array {
    let mut out = Array::filled(q.rows, heads.queries * heads.width, None);
    if pool && q.rows > 1 {
        let parts: Vec<Vec<f32>> = (0..heads.queries)
            .into_par_iter()
            .map(|head| one_head(q, k, v, heads, head, mask))
            .collect();
        for (head, part) in parts.iter().enumerate() {
            put(&mut out, part, head, heads.width);
        }
    } else {
        for head in 0..heads.queries {
            let part = one_head(q, k, v, heads, head, mask);
            put(&mut out, &part, head, heads.width);
        }
    }
    out
}

fn put(out: &mut Array, part: &[f32], head: usize, width: usize) {
    for (row, part) in out.data.chunks_exact_mut(out.columns).zip(part.chunks_exact(width)) {
        row[head * width..][..width].copy_from_slice(part);
    }
}

/// The output `[queries, width]` of one query head.
fn one_head(q: &Array, k: &Array, v: &Array, heads: Heads, head: usize, mask: Mask) -> Vec<f32> {
    let width = heads.width;
    let key_head = head * heads.keys / heads.queries;
    let scale = (width as f32).sqrt().recip();
    let mut out = vec![0.0; q.rows * width];
    let mut scores = Vec::new();
    for first in (0..q.rows).step_by(BAND) {
        let rows = BAND.min(q.rows - first);
        let seen = match mask {
            Mask::Keys(n) => n.min(k.rows),
            Mask::Causal { offset } => (offset + first + rows).min(k.rows),
        };
        scores.clear();
        scores.resize(rows * seen, 0.0);
        let queries = &q.data[first * q.columns + head * width..];
        let (keys, values) = (&k.data[key_head * width..], &v.data[key_head * width..]);
        if rows == 1 {
            for (score, key) in scores.iter_mut().zip(keys.chunks(k.columns)) {
                *score = dot(&queries[..width], &key[..width]);
            }
        } else {
            let a = Matrix::new(queries, (rows, width), (q.columns, 1));
            let b = Matrix::new(keys, (width, seen), (1, k.columns));
            matmul(&mut scores, seen, a, b, false);
        }
        for (row, scores) in scores.chunks_exact_mut(seen).enumerate() {
            let visible = match mask {
                Mask::Keys(_) => seen,
                Mask::Causal { offset } => (offset + first + row + 1).min(seen),
            };
            softmax(&mut scores[..visible], scale);
            scores[visible..].fill(0.0);
        }
        let a = Matrix::new(&scores, (rows, seen), (seen, 1));
        let b = Matrix::new(values, (seen, width), (v.columns, 1));
        matmul(&mut out[first * width..][..rows * width], width, a, b, false);
    }
    out
}

fn softmax(scores: &mut [f32], scale: f32) {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = ((*score - top) * scale).exp();
        sum += *score;
    }
    let scale = 1.0 / sum;
    scores.iter_mut().for_each(|score| *score *= scale);
}
