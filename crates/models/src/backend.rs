//! The operations that the encoder and the language model are made of, once as plain loops over
//! slices for the processor ([`Slices`]) and once as candle operations for any device ([`Device`]).
//!
//! The slices are the default: candle's own processor path starts process-wide thread pools that
//! are never joined, which a plugin can't have (a single-threaded model touches none here).
//! Every activation is a matrix `[frames, channels]`; a batch is a loop over its clips.

mod device;
mod slices;

use std::fmt::Debug;

pub(crate) use self::{device::OnDevice, slices::Slices};
use crate::ModelError;

/// Which keys a query may attend to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mask {
    /// The first `n` keys.
    Keys(usize),
    /// Query `i` sees the keys up to and including `offset + i`.
    Causal { offset: usize },
}

/// Sizes of an attention call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    pub(crate) width: usize,
}

/// Fixed numbers of a one-dimensional convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvShape {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) groups: usize,
}

impl ConvShape {
    /// Frames that come out of `frames` frames; 0 if there are too few.
    pub(crate) fn frames(&self, frames: usize) -> usize {
        let padded = frames + 2 * self.padding;
        if padded < self.kernel { 0 } else { (padded - self.kernel) / self.stride + 1 }
    }
}

/// How a convolution runs over bands as well as frames: the columns of its input are `bands` runs of `channels`, padded
/// with zero bands so that a window of `kernel` bands is centred on every `stride`-th one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bands {
    pub(crate) bands: usize,
    pub(crate) channels: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
}

impl Bands {
    /// Bands that come out.
    pub(crate) fn outputs(&self) -> usize {
        (self.bands - 1) / self.stride + 1
    }

    /// Zero columns on either side.
    pub(crate) fn padding(&self) -> usize {
        self.kernel / 2 * self.channels
    }

    /// Columns of one window: the inputs of the convolution that [`Backend::conv_bands`] takes.
    pub(crate) fn window(&self) -> usize {
        self.kernel * self.channels
    }
}

pub(crate) type Result<T> = std::result::Result<T, ModelError>;

/// A set of kernels. Shapes are checked when weights load, so the kernels only assert them.
pub(crate) trait Backend: Clone + Debug + Send + Sync {
    /// An activation `[rows, columns]`.
    type Array: Clone + Debug + Send + Sync;
    /// A weight vector or matrix.
    type Weight: Clone + Debug + Send + Sync;
    /// Weights of a convolution in the order that its kernel wants.
    type Conv: Clone + Debug + Send + Sync;

    /// A vector, or a matrix `[outputs, inputs]` for [`Backend::linear`].
    fn weight(&self, values: Vec<f32>, shape: &[usize]) -> Result<Self::Weight>;
    /// An embedding table `[ids, columns]`, which may serve [`Backend::linear`] too.
    fn table(&self, values: Vec<f32>, shape: &[usize]) -> Result<Self::Weight>;
    /// `values` is `[outputs, inputs / groups, kernel]`.
    fn conv_weight(
        &self,
        values: Vec<f32>,
        bias: Option<Vec<f32>>,
        shape: ConvShape,
    ) -> Result<Self::Conv>;
    fn upload(&self, values: Vec<f32>, columns: usize) -> Result<Self::Array>;
    fn download(&self, x: &Self::Array) -> Result<Vec<f32>>;
    fn rows(&self, x: &Self::Array) -> usize;

    /// `x W^T + b` with `W` `[out, in]`.
    fn linear(
        &self,
        x: &Self::Array,
        weight: &Self::Weight,
        bias: Option<&Self::Weight>,
    ) -> Result<Self::Array>;
    fn conv(&self, x: &Self::Array, conv: &Self::Conv) -> Result<Self::Array>;
    /// The same convolution, without groups or padding, over every window of bands: `[frames, output bands x outputs]`.
    fn conv_bands(&self, x: &Self::Array, conv: &Self::Conv, bands: Bands) -> Result<Self::Array>;
    /// Normalises runs of the weight's length, a row or each band of a row; `eps` is added to the variance.
    fn layer_norm(
        &self,
        x: Self::Array,
        weight: &Self::Weight,
        bias: &Self::Weight,
        eps: f64,
    ) -> Result<Self::Array>;
    /// Normalises each column over all rows: GroupNorm with as many groups as channels.
    fn time_norm(
        &self,
        x: Self::Array,
        weight: &Self::Weight,
        bias: &Self::Weight,
        eps: f64,
    ) -> Result<Self::Array>;
    /// Root-mean-square norm over runs of the weight's length: a row, or each head of a row.
    fn rms_norm(&self, x: &Self::Array, weight: &Self::Weight, eps: f64) -> Result<Self::Array>;
    /// `x/2 (1 + erf(x / sqrt 2))`.
    fn gelu(&self, x: Self::Array) -> Result<Self::Array>;
    /// `gate / (1 + exp(-gate)) * up`.
    fn swiglu(&self, gate: Self::Array, up: &Self::Array) -> Result<Self::Array>;
    fn add(&self, a: Self::Array, b: &Self::Array) -> Result<Self::Array>;
    fn scale(&self, x: Self::Array, factor: f32) -> Result<Self::Array>;
    /// Keeps the first `rows` rows.
    fn head_rows(&self, x: Self::Array, rows: usize) -> Result<Self::Array>;
    /// The last row alone.
    fn last_row(&self, x: &Self::Array) -> Result<Self::Array>;
    /// Sets the rows from `first` on to zero.
    fn zero_rows_from(&self, x: Self::Array, first: usize) -> Result<Self::Array>;
    /// Adds `more` under `store` and gives the whole.
    fn append<'a>(
        &self,
        store: &'a mut Option<Self::Array>,
        more: Self::Array,
    ) -> Result<&'a Self::Array>;
    /// Rows of an embedding table.
    fn embed(&self, table: &Self::Weight, ids: &[u32], columns: usize) -> Result<Self::Array>;
    /// Rotates the two halves of every head by `cos`, `sin` `[rows, width / 2]` (NeoX layout).
    fn rope(&self, x: Self::Array, cos: &[f32], sin: &[f32], width: usize) -> Result<Self::Array>;
    /// Scaled dot-product attention; query heads share key heads in runs.
    fn attend(
        &self,
        q: &Self::Array,
        k: &Self::Array,
        v: &Self::Array,
        heads: Heads,
        mask: Mask,
    ) -> Result<Self::Array>;
}

#[cfg(test)]
mod tests;
