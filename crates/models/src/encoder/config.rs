//! An encoder's config.json: HuBERT's fields as MERT publishes them, and ours for log-mel input.

use serde::Deserialize;

use crate::{
    ModelError,
    backend::{Bands, ConvShape},
    log_mel::LogMelConfig,
    source::Source,
};

/// The graph of a HuBERT-like encoder.
#[derive(Clone, Debug, Deserialize)]
pub struct EncoderConfig {
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Transformer layers; there is one hidden state more.
    pub num_hidden_layers: usize,
    /// Attention heads.
    pub num_attention_heads: usize,
    /// Width inside the feed-forward part.
    pub intermediate_size: usize,
    /// Channels after each convolution.
    pub conv_dim: Vec<usize>,
    /// Taps of each convolution.
    pub conv_kernel: Vec<usize>,
    /// Step of each convolution.
    pub conv_stride: Vec<usize>,
    /// Step of each convolution over the mel bands, if they run over bands as well as time (as MusicFM's do, Won et al.,
    /// 2023); empty if a frame's bands are its channels.
    #[serde(default)]
    pub conv_band_stride: Vec<usize>,
    /// Whether the convolutions have a bias.
    #[serde(default)]
    pub conv_bias: bool,
    /// `group` (the first layer, over time) or `layer` (every layer, over channels).
    pub feat_extract_norm: ConvNorm,
    /// Whether the features are normalised before their projection.
    #[serde(default = "yes")]
    pub feat_proj_layer_norm: bool,
    /// Normalise before each part (true) or after (false).
    #[serde(default)]
    pub do_stable_layer_norm: bool,
    /// Taps of the positional convolution.
    pub num_conv_pos_embeddings: usize,
    /// Its groups.
    pub num_conv_pos_embedding_groups: usize,
    /// Added to the variance in the transformer's norms.
    #[serde(default = "small")]
    pub layer_norm_eps: f64,
    /// Rate of the audio; 24 kHz where the file does not say.
    #[serde(default = "rate")]
    pub sample_rate: u32,
    /// Log-mel input instead of the waveform.
    #[serde(default)]
    pub log_mel: Option<LogMelConfig>,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default = "gelu")]
    feat_extract_activation: String,
    #[serde(default)]
    feature_extractor_cqt: bool,
    #[serde(default)]
    deepnorm: bool,
    #[serde(default)]
    conv_pos_batch_norm: bool,
}

/// Where the convolutional front end normalises.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ConvNorm {
    /// After the first convolution, each channel over time.
    Group,
    /// After every convolution, each frame over channels.
    Layer,
}

const MODEL_TYPES: [&str; 4] = ["mert_model", "hubert", "mert", "barline_encoder"];
const ARCHITECTURES: [&str; 4] = ["MERTModel", "MusicHubertModel", "HubertModel", "BarlineEncoder"];
/// No published encoder comes near; a damaged file must not ask for more memory than this allows.
const MAX_WIDTH: usize = 1 << 16;
const MAX_LAYERS: usize = 1 << 10;
/// Shorter audio is padded to the front end's first frame: two minutes of mel frames are more than any needs.
const MAX_MIN_FRAMES: usize = 1 << 14;

fn yes() -> bool {
    true
}

fn small() -> f64 {
    1e-5
}

fn rate() -> u32 {
    24_000
}

fn gelu() -> String {
    "gelu".to_owned()
}

/// What a configuration says that it is of.
#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
    #[serde(default)]
    architectures: Vec<String>,
}

impl Kind {
    fn check(&self, file: &str) -> Result<(), ModelError> {
        let fail = |field: &str, message: String| Err(ModelError::field(file, field, message));
        if let Some(kind) =
            self.model_type.as_ref().filter(|kind| !MODEL_TYPES.contains(&kind.as_str()))
        {
            return fail(
                "model_type",
                format!("{kind:?} is no audio encoder, known are {MODEL_TYPES:?}"),
            );
        }
        let known = self.architectures.iter().any(|name| ARCHITECTURES.contains(&name.as_str()));
        let named = self.model_type.is_some() && self.architectures.is_empty();
        if !known && !named {
            let names = &self.architectures;
            return fail(
                "architectures",
                format!("no audio encoder in {names:?}, known are {ARCHITECTURES:?}"),
            );
        }
        Ok(())
    }
}

impl EncoderConfig {
    /// Reads and checks `folder`/config.json.
    ///
    /// # Errors
    /// [`ModelError`] naming the field that is missing, contradictory or not supported.
    pub fn load(source: &Source, folder: &str) -> Result<Self, ModelError> {
        let file = format!("{folder}config.json");
        let (bytes, fail) = (source.read(&file)?, |e: serde_json::Error| {
            ModelError::field(&file, "encoder configuration", e.to_string())
        });
        // First what it is: fields that a language model's configuration lacks would only puzzle.
        serde_json::from_slice::<Kind>(&bytes).map_err(fail)?.check(&file)?;
        let config: Self = serde_json::from_slice(&bytes).map_err(fail)?;
        config.check(&file)?;
        Ok(config)
    }

    /// Channels of the encoder's input: mel bands, or 1 for the waveform.
    pub fn input_channels(&self) -> usize {
        self.log_mel.map_or(1, |mel| mel.n_mels)
    }

    /// Shapes of the front end's convolutions; those over bands take a window of bands as their input channels.
    pub(super) fn convs(&self) -> Vec<ConvShape> {
        let bands = self.bands();
        let inputs = std::iter::once(self.input_channels()).chain(self.conv_dim.iter().copied());
        inputs
            .zip(&self.conv_dim)
            .zip(self.conv_kernel.iter().zip(&self.conv_stride))
            .enumerate()
            .map(|(index, ((inputs, outputs), (kernel, stride)))| ConvShape {
                inputs: bands.get(index).map_or(inputs, Bands::window),
                outputs: *outputs,
                kernel: *kernel,
                stride: *stride,
                padding: 0,
                groups: 1,
            })
            .collect()
    }

    /// How each convolution runs over bands; empty if none does.
    pub(super) fn bands(&self) -> Vec<Bands> {
        let mut bands = self.input_channels();
        let channels = std::iter::once(1).chain(self.conv_dim.iter().copied());
        self.conv_band_stride
            .iter()
            .zip(channels.zip(&self.conv_kernel))
            .map(|(&stride, (channels, &kernel))| {
                let layer = Bands { bands, channels, kernel, stride };
                bands = layer.outputs();
                layer
            })
            .collect()
    }

    /// Columns that the last convolution gives.
    pub(super) fn features(&self) -> usize {
        let bands = self.bands().last().map_or(1, Bands::outputs);
        self.conv_dim.last().map_or(0, |channels| channels * bands)
    }

    /// Frames of input that give one frame of features.
    pub fn min_frames(&self) -> usize {
        let layers = self.conv_kernel.iter().zip(&self.conv_stride).rev();
        layers.fold(1, |frames, (kernel, stride)| {
            (frames - 1).saturating_mul(*stride).saturating_add(*kernel)
        })
    }

    /// Shape of the positional convolution.
    pub(super) fn position(&self) -> ConvShape {
        ConvShape {
            inputs: self.hidden_size,
            outputs: self.hidden_size,
            kernel: self.num_conv_pos_embeddings,
            stride: 1,
            padding: self.num_conv_pos_embeddings / 2,
            groups: self.num_conv_pos_embedding_groups,
        }
    }

    fn check(&self, file: &str) -> Result<(), ModelError> {
        let fail = |field: &str, message: String| Err(ModelError::field(file, field, message));
        for (field, act) in [
            ("hidden_act", &self.hidden_act),
            ("feat_extract_activation", &self.feat_extract_activation),
        ] {
            if act != "gelu" {
                return fail(field, format!("{act:?} is not supported, only \"gelu\""));
            }
        }
        for (field, set) in [
            ("feature_extractor_cqt", self.feature_extractor_cqt),
            ("deepnorm", self.deepnorm && !self.do_stable_layer_norm),
            ("conv_pos_batch_norm", self.conv_pos_batch_norm),
        ] {
            if set {
                return fail(field, "true is not supported".to_owned());
            }
        }
        self.check_sizes(file)
    }

    fn check_bands(&self, file: &str) -> Result<(), ModelError> {
        let fail = |message: &str| Err(ModelError::field(file, "conv_band_stride", message));
        let strides = &self.conv_band_stride;
        if strides.is_empty() {
            return Ok(());
        }
        if strides.len() != self.conv_dim.len() || strides.contains(&0) {
            return fail("needs a positive number for each convolution");
        }
        if self.log_mel.is_none() || self.feat_extract_norm != ConvNorm::Layer {
            return fail("needs log_mel input and feat_extract_norm \"layer\"");
        }
        if self.conv_kernel.iter().any(|kernel| kernel.is_multiple_of(2)) {
            return fail("needs an odd conv_kernel, for its windows are centred");
        }
        Ok(())
    }

    fn check_sizes(&self, file: &str) -> Result<(), ModelError> {
        let fail = |field: &str, message: &str| Err(ModelError::field(file, field, message));
        let sane = |n: usize| (1..=MAX_WIDTH).contains(&n);
        if !sane(self.hidden_size)
            || self.num_attention_heads == 0
            || !self.hidden_size.is_multiple_of(self.num_attention_heads)
        {
            return fail("num_attention_heads", "hidden_size must be a positive multiple of it");
        }
        if !sane(self.intermediate_size) {
            return fail("intermediate_size", "out of range");
        }
        if !(1..=MAX_LAYERS).contains(&self.num_hidden_layers) {
            return fail("num_hidden_layers", "out of range");
        }
        let convs = self.conv_dim.len();
        if convs == 0 || self.conv_kernel.len() != convs || self.conv_stride.len() != convs {
            return fail(
                "conv_dim",
                "conv_dim, conv_kernel and conv_stride must have the same length, not zero",
            );
        }
        if !self.conv_dim.iter().chain(&self.conv_kernel).chain(&self.conv_stride).all(|n| sane(*n))
        {
            return fail(
                "conv_dim",
                "conv_dim, conv_kernel or conv_stride holds a number out of range",
            );
        }
        if self.log_mel.is_some() && self.min_frames() > MAX_MIN_FRAMES {
            return fail("conv_stride", "one frame of features needs too many frames of input");
        }
        self.check_bands(file)?;
        let groups = self.num_conv_pos_embedding_groups;
        if groups == 0
            || !self.hidden_size.is_multiple_of(groups)
            || !sane(self.num_conv_pos_embeddings)
        {
            return fail(
                "num_conv_pos_embedding_groups",
                "must divide hidden_size, and the kernel must be in range",
            );
        }
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 1.0) {
            return fail("layer_norm_eps", "must lie between 0 and 1");
        }
        if !(8_000..=192_000).contains(&self.sample_rate) {
            return fail("sample_rate", "must lie between 8000 and 192000");
        }
        Ok(())
    }
}
