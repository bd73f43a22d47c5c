"""The language model: Llama's graph at our sizes, driven by input embeddings, with the adapter in front.

Module names equal the Hugging Face state dict of LlamaForCausalLM with tied embeddings.
"""

import torch
from torch import nn
from torch.nn import functional as F

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 384,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "max_position_embeddings": 512,
    "vocab_size": 0,  # filled from the tokenizer
    "tie_word_embeddings": True,
    "attention_bias": False,
    "mlp_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
DROPOUT = 0.1  # of what each half of a layer adds, in training
CHUNK_FRAMES = 12  # one soft token every 0.96 s


class RmsNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        return self.weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)


def rotary(length, dim, theta):
    angle = torch.outer(torch.arange(length).float(), theta ** (-torch.arange(0, dim, 2).float() / dim))
    return torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        size, self.heads, self.groups = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"]
        self.dim = size // self.heads
        self.q_proj = nn.Linear(size, size, bias=False)
        self.k_proj = nn.Linear(size, self.groups * self.dim, bias=False)
        self.v_proj = nn.Linear(size, self.groups * self.dim, bias=False)
        self.o_proj = nn.Linear(size, size, bias=False)

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        q = rotate(self.q_proj(x).view(b, t, self.heads, self.dim).transpose(1, 2), cos, sin)
        k = rotate(self.k_proj(x).view(b, t, self.groups, self.dim).transpose(1, 2), cos, sin)
        v = self.v_proj(x).view(b, t, self.groups, self.dim).transpose(1, 2)
        k, v = (y.repeat_interleave(self.heads // self.groups, dim=1) for y in (k, v))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(out.transpose(1, 2).reshape(b, t, -1))


class Mlp(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate_proj = nn.Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.up_proj = nn.Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.down_proj = nn.Linear(c["intermediate_size"], c["hidden_size"], bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.self_attn, self.mlp = Attention(c), Mlp(c)
        self.input_layernorm = RmsNorm(c["hidden_size"], c["rms_norm_eps"])
        self.post_attention_layernorm = RmsNorm(c["hidden_size"], c["rms_norm_eps"])

    def forward(self, x, cos, sin):
        x = x + F.dropout(self.self_attn(self.input_layernorm(x), cos, sin), DROPOUT, self.training)
        return x + F.dropout(self.mlp(self.post_attention_layernorm(x)), DROPOUT, self.training)


class Llama(nn.Module):
    """Input embeddings `[batch, length, hidden]` -> states after the final norm -> logits `[batch, length, vocab]`."""

    def __init__(self, c):
        super().__init__()
        self.config = c
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.model.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.model.norm = RmsNorm(c["hidden_size"], c["rms_norm_eps"])
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=0.05)

    def states(self, x):
        c = self.config
        cos, sin = rotary(x.shape[1], c["hidden_size"] // c["num_attention_heads"], c["rope_theta"])
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return self.model.norm(x)

    def logits(self, states):
        return states @ self.model.embed_tokens.weight.T

    def forward(self, x):
        return self.logits(self.states(x))


class Talker(nn.Module):
    """Adapter and language model; the encoder stays as train_encoder.py left it."""

    def __init__(self, config, encoder_hidden):
        super().__init__()
        self.lm = Llama(config)
        self.llama_proj = nn.Linear(encoder_hidden, config["hidden_size"])

    def embeds(self, before, chunks, text):
        """`[bos, <audio>]` ids, chunk means `[batch, tokens, encoder hidden]`, then the rest of the prompt and the answer."""
        embed = self.lm.model.embed_tokens
        head = embed(before).expand(chunks.shape[0], -1, -1)
        return torch.cat([head, self.llama_proj(chunks), embed(text)], 1)


def chunk_means(states, frames=CHUNK_FRAMES):
    """`[batch, frames, hidden]` -> `[batch, ceil(frames / chunk), hidden]`; the remainder by its own length."""
    return torch.stack([part.mean(1) for part in states.split(frames, dim=1)], 1)
