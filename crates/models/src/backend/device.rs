//! The same operations in candle's own tensors, for GPUs. On the processor it gives the same
//! values (the tests hold it to that) but starts candle's pools.

use candle_core::{D, Device, Tensor};

use super::{Backend, Bands, ConvShape, Heads, Mask, Result};

/// candle on one device.
#[derive(Clone, Debug)]
pub(crate) struct OnDevice {
    pub(crate) device: Device,
}

/// A convolution's weights as torch has them.
#[derive(Clone, Debug)]
pub(crate) struct Conv {
    shape: ConvShape,
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Backend for OnDevice {
    type Array = Tensor;
    type Weight = Tensor;
    type Conv = Conv;

    fn weight(&self, values: Vec<f32>, shape: &[usize]) -> Result<Tensor> {
        Ok(Tensor::from_vec(values, shape, &self.device)?)
    }

    fn table(&self, values: Vec<f32>, shape: &[usize]) -> Result<Tensor> {
        self.weight(values, shape)
    }

    fn conv_weight(
        &self,
        values: Vec<f32>,
        bias: Option<Vec<f32>>,
        shape: ConvShape,
    ) -> Result<Conv> {
        let weight = Tensor::from_vec(
            values,
            (shape.outputs, shape.inputs / shape.groups, shape.kernel),
            &self.device,
        )?;
        let bias =
            bias.map(|bias| Tensor::from_vec(bias, shape.outputs, &self.device)).transpose()?;
        Ok(Conv { shape, weight, bias })
    }

    fn upload(&self, values: Vec<f32>, columns: usize) -> Result<Tensor> {
        let rows = values.len() / columns;
        Ok(Tensor::from_vec(values, (rows, columns), &self.device)?)
    }

    fn download(&self, x: &Tensor) -> Result<Vec<f32>> {
        Ok(x.flatten_all()?.to_vec1()?)
    }

    fn rows(&self, x: &Tensor) -> usize {
        x.dims().first().copied().unwrap_or(0)
    }

    fn linear(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let product = x.matmul(&weight.t()?)?;
        Ok(match bias {
            Some(bias) => product.broadcast_add(bias)?,
            None => product,
        })
    }

    fn conv(&self, x: &Tensor, conv: &Conv) -> Result<Tensor> {
        let ConvShape { stride, padding, groups, .. } = conv.shape;
        let channels_first = x.t()?.unsqueeze(0)?.contiguous()?;
        let out = channels_first
            .conv1d(&conv.weight, padding, stride, 1, groups)?
            .squeeze(0)?
            .t()?
            .contiguous()?;
        Ok(match &conv.bias {
            Some(bias) => out.broadcast_add(bias)?,
            None => out,
        })
    }

    fn conv_bands(&self, x: &Tensor, conv: &Conv, bands: Bands) -> Result<Tensor> {
        let padded = x.pad_with_zeros(1, bands.padding(), bands.padding())?;
        // Every window is an item of the batch: `[bands, window, frames]`.
        let windows: Vec<Tensor> = (0..bands.outputs())
            .map(|band| padded.narrow(1, band * bands.stride * bands.channels, bands.window())?.t())
            .collect::<candle_core::Result<_>>()?;
        let out = Tensor::stack(&windows, 0)?.conv1d(&conv.weight, 0, conv.shape.stride, 1, 1)?;
        let out = match &conv.bias {
            Some(bias) => out.broadcast_add(&bias.unsqueeze(1)?)?,
            None => out,
        };
        Ok(out.permute((2, 0, 1))?.flatten_from(1)?.contiguous()?)
    }

    fn layer_norm(&self, x: Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
        let runs = x.reshape(((), weight.elem_count()))?;
        let normed = standardise(&runs, D::Minus1, eps)?;
        Ok(normed.broadcast_mul(weight)?.broadcast_add(bias)?.reshape(x.shape())?)
    }

    fn time_norm(&self, x: Tensor, weight: &Tensor, bias: &Tensor, eps: f64) -> Result<Tensor> {
        Ok(standardise(&x, D::Minus2, eps)?.broadcast_mul(weight)?.broadcast_add(bias)?)
    }

    fn rms_norm(&self, x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
        let runs = x.reshape(((), weight.elem_count()))?;
        let scale = (runs.sqr()?.mean_keepdim(1)? + eps)?.sqrt()?;
        Ok(runs.broadcast_div(&scale)?.broadcast_mul(weight)?.reshape(x.shape())?)
    }

    fn gelu(&self, x: Tensor) -> Result<Tensor> {
        Ok(x.gelu_erf()?)
    }

    fn swiglu(&self, gate: Tensor, up: &Tensor) -> Result<Tensor> {
        Ok((gate.silu()? * up)?)
    }

    fn add(&self, a: Tensor, b: &Tensor) -> Result<Tensor> {
        Ok((a + b)?)
    }

    fn scale(&self, x: Tensor, factor: f32) -> Result<Tensor> {
        Ok((x * f64::from(factor))?)
    }

    fn head_rows(&self, x: Tensor, rows: usize) -> Result<Tensor> {
        let rows = rows.min(self.rows(&x));
        Ok(x.narrow(0, 0, rows)?)
    }

    fn last_row(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.narrow(0, self.rows(x) - 1, 1)?)
    }

    fn zero_rows_from(&self, x: Tensor, first: usize) -> Result<Tensor> {
        let (rows, columns) = x.dims2()?;
        if first >= rows {
            return Ok(x);
        }
        let zeros = Tensor::zeros((rows - first, columns), x.dtype(), &self.device)?;
        Ok(Tensor::cat(&[&x.narrow(0, 0, first)?, &zeros], 0)?)
    }

    fn append<'a>(&self, store: &'a mut Option<Tensor>, more: Tensor) -> Result<&'a Tensor> {
        let whole = match store.take() {
            None => more,
            Some(whole) => Tensor::cat(&[&whole, &more], 0)?,
        };
        Ok(store.insert(whole))
    }

    fn embed(&self, table: &Tensor, ids: &[u32], _columns: usize) -> Result<Tensor> {
        Ok(table.index_select(&Tensor::new(ids, &self.device)?, 0)?)
    }

    fn rope(&self, x: Tensor, cos: &[f32], sin: &[f32], width: usize) -> Result<Tensor> {
        let (rows, columns) = x.dims2()?;
        let half = width / 2;
        let heads = x.reshape((rows, columns / width, width))?;
        let cos = Tensor::from_slice(cos, (rows, 1, half), &self.device)?;
        let sin = Tensor::from_slice(sin, (rows, 1, half), &self.device)?;
        let (low, high) = (heads.narrow(2, 0, half)?, heads.narrow(2, half, half)?);
        let new_low = (low.broadcast_mul(&cos)? - high.broadcast_mul(&sin)?)?;
        let new_high = (high.broadcast_mul(&cos)? + low.broadcast_mul(&sin)?)?;
        Ok(Tensor::cat(&[&new_low, &new_high], 2)?.reshape((rows, columns))?)
    }

    fn attend(
        &self,
        q: &Tensor,
        k: &Tensor,
        v: &Tensor,
        heads: Heads,
        mask: Mask,
    ) -> Result<Tensor> {
        let Heads { queries, keys, width } = heads;
        let (rows, seen) = (self.rows(q), self.rows(k));
        let split = |x: &Tensor, n: usize| x.reshape(((), n, width))?.transpose(0, 1)?.contiguous();
        // Each key head serves a run of query heads.
        let spread = |x: &Tensor| -> candle_core::Result<Tensor> {
            let shared = split(x, keys)?.unsqueeze(1)?;
            shared
                .broadcast_as((keys, queries / keys, seen, width))?
                .reshape((queries, seen, width))
        };
        let scores = split(q, queries)?.matmul(&spread(k)?.transpose(1, 2)?.contiguous()?)?;
        let scores = (scores * f64::from(width as u32).sqrt().recip())?;
        let scores = scores.broadcast_add(&self.mask(rows, seen, mask)?)?;
        let scores = scores.broadcast_sub(&scores.max_keepdim(2)?)?.exp()?;
        let weights = scores.broadcast_div(&scores.sum_keepdim(2)?)?;
        Ok(weights.matmul(&spread(v)?)?.transpose(0, 1)?.reshape((rows, queries * width))?)
    }
}

impl OnDevice {
    /// 0 where a query may look, a large negative number elsewhere.
    fn mask(&self, rows: usize, seen: usize, mask: Mask) -> candle_core::Result<Tensor> {
        const HIDDEN: f32 = -1e30;
        let visible = |row: usize| match mask {
            Mask::Keys(n) => n,
            Mask::Causal { offset } => offset + row + 1,
        };
        let values: Vec<f32> = (0..rows)
            .flat_map(|row| (0..seen).map(move |key| if key < visible(row) { 0.0 } else { HIDDEN }))
            .collect();
        Tensor::from_vec(values, (rows, seen), &self.device)
    }
}

fn standardise(x: &Tensor, dim: D, eps: f64) -> candle_core::Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(dim)?)?;
    let spread = (centred.sqr()?.mean_keepdim(dim)? + eps)?.sqrt()?;
    centred.broadcast_div(&spread)
}
