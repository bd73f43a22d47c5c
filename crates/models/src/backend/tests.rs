//! The two backends agree, and the pool changes nothing.

use super::*;

/// Largest difference allowed between the backends, relative to values around 1.
const TOLERANCE: f32 = 2e-5;

/// Numbers in -1..1 from a small linear congruential generator.
fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0
        })
        .collect()
}

fn close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (index, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= TOLERANCE * (1.0 + b.abs()), "value {index}: {a} and {b}");
    }
}

fn candle() -> OnDevice {
    OnDevice { device: candle_core::Device::Cpu }
}

fn layers<B: Backend>(b: &B) -> Vec<Vec<f32>> {
    let x = b.upload(noise(7 * 24, 1), 24).unwrap();
    let (w, bias) =
        (b.weight(noise(24, 2), &[24]).unwrap(), b.weight(noise(24, 3), &[24]).unwrap());
    let square = b.weight(noise(24 * 24, 4), &[24, 24]).unwrap();
    let table = b.table(noise(24 * 24, 8), &[24, 24]).unwrap();
    let (cos, sin) = (noise(7 * 3, 5), noise(7 * 3, 6));
    let mut store = None;
    b.append(&mut store, x.clone()).unwrap();
    b.append(&mut store, b.gelu(x.clone()).unwrap()).unwrap();
    let head = b.weight(noise(6, 7), &[6]).unwrap();
    let out = [
        b.linear(&x, &square, Some(&bias)),
        b.linear(&b.last_row(&x).unwrap(), &square, None),
        b.linear(&x, &table, None),
        b.linear(&b.last_row(&x).unwrap(), &table, Some(&bias)),
        b.layer_norm(x.clone(), &w, &bias, 1e-5),
        b.time_norm(x.clone(), &w, &bias, 1e-5),
        b.rms_norm(&x, &w, 1e-6),
        b.rms_norm(&x, &head, 1e-6),
        b.swiglu(x.clone(), &b.scale(x.clone(), 0.5).unwrap()),
        b.zero_rows_from(x.clone(), 3),
        b.head_rows(x.clone(), 2),
        b.rope(x.clone(), &cos, &sin, 6),
        b.embed(&table, &[3, 0, 23], 24),
        Ok(store.unwrap()),
    ];
    out.into_iter().map(|array| b.download(&array.unwrap()).unwrap()).collect()
}

fn convs<B: Backend>(b: &B) -> Vec<Vec<f32>> {
    let x = b.upload(noise(29 * 8, 1), 8).unwrap();
    let shapes = [(8, 3, 2, 0, 1), (8, 4, 1, 2, 4), (8, 1, 1, 0, 1), (8, 5, 3, 1, 2)];
    shapes
        .iter()
        .map(|&(outputs, kernel, stride, padding, groups)| {
            let shape = ConvShape { inputs: 8, outputs, kernel, stride, padding, groups };
            let weight = noise(outputs * 8 / groups * kernel, 2);
            let conv =
                b.conv_weight(weight, (kernel != 1).then(|| noise(outputs, 3)), shape).unwrap();
            let out = b.conv(&x, &conv).unwrap();
            assert_eq!(b.rows(&out), shape.frames(29));
            b.download(&out).unwrap()
        })
        .collect()
}

fn band_convs<B: Backend>(b: &B) -> Vec<Vec<f32>> {
    [(8, 1, 3, 2), (4, 2, 3, 1), (8, 1, 1, 3), (2, 4, 5, 2)]
        .iter()
        .map(|&(bands, channels, kernel, stride)| {
            let bands = Bands { bands, channels, kernel, stride };
            let inputs = bands.window();
            let shape = ConvShape { inputs, outputs: 6, kernel, stride: 2, padding: 0, groups: 1 };
            let weight = noise(6 * inputs * kernel, 2);
            let conv = b.conv_weight(weight, (kernel != 1).then(|| noise(6, 3)), shape).unwrap();
            let x = b.upload(noise(29 * 8, 1), 8).unwrap();
            let out = b.conv_bands(&x, &conv, bands).unwrap();
            let (weight, bias) = (noise(6, 4), noise(6, 5));
            let norm = (b.weight(weight, &[6]).unwrap(), b.weight(bias, &[6]).unwrap());
            let out = b.layer_norm(out, &norm.0, &norm.1, 1e-5).unwrap();
            assert_eq!(b.rows(&out), shape.frames(29));
            b.download(&out).unwrap()
        })
        .collect()
}

fn attention<B: Backend>(b: &B, rows: usize) -> Vec<Vec<f32>> {
    let heads = Heads { queries: 4, keys: 2, width: 6 };
    let keys = 300;
    let q = b.upload(noise(rows * 24, 1), 24).unwrap();
    let k = b.upload(noise(keys * 12, 2), 12).unwrap();
    let v = b.upload(noise(keys * 12, 3), 12).unwrap();
    [Mask::Keys(keys), Mask::Keys(11), Mask::Causal { offset: keys - rows }]
        .into_iter()
        .map(|mask| b.download(&b.attend(&q, &k, &v, heads, mask).unwrap()).unwrap())
        .collect()
}

#[test]
fn slices_and_candle_agree() {
    let slices = Slices { pool: false };
    let pairs = [
        (layers(&slices), layers(&candle())),
        (convs(&slices), convs(&candle())),
        (band_convs(&slices), band_convs(&candle())),
        (attention(&slices, 300), attention(&candle(), 300)),
        (attention(&slices, 1), attention(&candle(), 1)),
    ];
    for (a, b) in pairs {
        for (a, b) in a.iter().zip(&b) {
            close(a, b);
        }
    }
}

#[test]
fn the_pool_and_its_size_change_no_bit() {
    let big = |pool: bool| {
        let b = Slices { pool };
        let x = b.upload(noise(200 * 256, 1), 256).unwrap();
        let w = b.weight(noise(768 * 256 * 6, 2), &[768 * 6, 256]).unwrap();
        let mut out = vec![
            b.linear(&x, &w, None).unwrap(),
            b.linear(&b.last_row(&x).unwrap(), &w, None).unwrap(),
        ];
        out.push(b.gelu(out[0].clone()).unwrap());
        let mut values: Vec<Vec<f32>> = out.iter().map(|x| b.download(x).unwrap()).collect();
        values.extend(attention(&b, 300));
        values
    };
    let alone = big(false);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(|| big(true)) == alone, "{threads} threads");
    }
}
