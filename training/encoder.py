"""The encoder: HuBERT's graph as MERT uses it (post-LN), at our sizes, with a log-mel front end; and its heads.

The convolutions run over time and bands, as in MusicFM: what one note teaches about a timbre holds for the next pitch.

Module names equal the Hugging Face state dict, so that crates/models loads the file as it would a published MERT.
"""

import torch
from torch import nn
from torch.nn import functional as F

from features import LOG_MEL, RATE_HZ

CONFIG = {
    "architectures": ["MERTModel"],
    "model_type": "mert_model",
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 768,
    "hidden_act": "gelu",
    "feat_extract_activation": "gelu",
    "conv_dim": [32, 48, 64],
    "conv_kernel": [5, 3, 3],
    "conv_stride": [4, 2, 1],
    "conv_band_stride": [2, 2, 2],
    "conv_bias": True,
    "feat_extract_norm": "layer",
    "feat_proj_layer_norm": True,
    "do_stable_layer_norm": False,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 16,
    "layer_norm_eps": 1e-5,
    "sample_rate": RATE_HZ,
    "log_mel": LOG_MEL,
}


class ConvLayer(nn.Module):
    """`[batch, channels, frames, bands]`: kernel x kernel taps, bands padded with zeros, normed over channels."""

    def __init__(self, channels_in, channels_out, kernel, stride, band_stride):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, (stride, band_stride), padding=(0, kernel // 2))
        self.layer_norm = nn.LayerNorm(channels_out)

    def forward(self, x):
        return F.gelu(self.layer_norm(self.conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2))


class PositionalConv(nn.Module):
    """Weight-normed over dimension 2, one norm per kernel tap, as in HuBERT."""

    def __init__(self, hidden, taps, groups):
        super().__init__()
        self.conv = nn.Conv1d(hidden, hidden, taps, padding=taps // 2, groups=groups)
        nn.init.normal_(self.conv.weight, std=(4.0 / (taps * hidden)) ** 0.5)
        weight = self.conv.weight.detach()
        del self.conv._parameters["weight"]
        self.conv.weight_g = nn.Parameter(weight.norm(dim=(0, 1), keepdim=True))
        self.conv.weight_v = nn.Parameter(weight)
        self.groups, self.taps = groups, taps

    def forward(self, x):
        v = self.conv.weight_v
        weight = self.conv.weight_g * v / v.norm(dim=(0, 1), keepdim=True)
        out = F.conv1d(x.transpose(1, 2), weight, self.conv.bias, padding=self.taps // 2, groups=self.groups)
        return F.gelu(out[..., : x.shape[1]]).transpose(1, 2)


class Attention(nn.Module):
    def __init__(self, hidden, heads):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(hidden, hidden) for _ in range(4))

    def forward(self, x):
        b, t, h = x.shape
        q, k, v = (p(x).view(b, t, self.heads, -1).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, h))


class FeedForward(nn.Module):
    def __init__(self, hidden, inner):
        super().__init__()
        self.intermediate_dense, self.output_dense = nn.Linear(hidden, inner), nn.Linear(inner, hidden)

    def forward(self, x):
        return self.output_dense(F.gelu(self.intermediate_dense(x)))


class EncoderLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention = Attention(c["hidden_size"], c["num_attention_heads"])
        self.layer_norm = nn.LayerNorm(c["hidden_size"])
        self.feed_forward = FeedForward(c["hidden_size"], c["intermediate_size"])
        self.final_layer_norm = nn.LayerNorm(c["hidden_size"])

    def forward(self, x):
        x = self.layer_norm(x + self.attention(x))
        return self.final_layer_norm(x + self.feed_forward(x))


class Encoder(nn.Module):
    """`[batch, n_mels, mel frames]` -> mean over the hidden states `[batch, frames, hidden]`."""

    def __init__(self, c=CONFIG):
        super().__init__()
        dims, bands = [1, *c["conv_dim"]], c["log_mel"]["n_mels"]
        self.feature_extractor = nn.Module()
        self.feature_extractor.conv_layers = nn.ModuleList(
            ConvLayer(dims[i], dims[i + 1], *shape)
            for i, shape in enumerate(zip(c["conv_kernel"], c["conv_stride"], c["conv_band_stride"]))
        )
        for stride in c["conv_band_stride"]:
            bands = (bands - 1) // stride + 1
        self.feature_projection = nn.Module()
        self.feature_projection.layer_norm = nn.LayerNorm(dims[-1] * bands)
        self.feature_projection.projection = nn.Linear(dims[-1] * bands, c["hidden_size"])
        self.encoder = nn.Module()
        self.encoder.pos_conv_embed = PositionalConv(
            c["hidden_size"], c["num_conv_pos_embeddings"], c["num_conv_pos_embedding_groups"]
        )
        self.encoder.layer_norm = nn.LayerNorm(c["hidden_size"])
        self.encoder.layers = nn.ModuleList(EncoderLayer(c) for _ in range(c["num_hidden_layers"]))

    def hidden_states(self, x):
        x = x.transpose(1, 2).unsqueeze(1)
        for conv in self.feature_extractor.conv_layers:
            x = conv(x)
        x = x.permute(0, 2, 3, 1).flatten(2)  # band by band, each with its channels
        x = self.feature_projection.projection(self.feature_projection.layer_norm(x))
        x = self.encoder.layer_norm(x + self.encoder.pos_conv_embed(x))
        states = [x]
        for layer in self.encoder.layers:
            states.append(layer(states[-1]))
        return states

    def forward(self, x):
        states = self.hidden_states(x)
        return torch.stack(states).mean(0)


class Heads(nn.Module):
    """Label (softmax), instruments and descriptors (sigmoid) from the mean and deviation over frames."""

    def __init__(self, hidden, labels, instruments, descriptors, inner=192, dropout=0.1):
        super().__init__()
        for name, classes in (("label", labels), ("instruments", instruments), ("descriptors", descriptors)):
            layers = nn.Sequential(nn.Linear(2 * hidden, inner), nn.GELU(), nn.Linear(inner, classes))
            setattr(self, name, layers)
        self.dropout = dropout

    @staticmethod
    def pool(mean_states):
        return torch.cat([mean_states.mean(1), mean_states.std(1, correction=0)], dim=-1)

    def forward(self, mean_states):
        pooled = F.dropout(self.pool(mean_states), self.dropout, self.training)
        return {name: getattr(self, name)(pooled) for name in ("label", "instruments", "descriptors")}
