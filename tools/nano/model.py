"""SlimLM-nano in PyTorch: the form of MPT that SlimLM has (learned positions, biases, LayerNorm,
exact GELU, tied head), and what trains it well on a processor."""
import json
import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F

QK = 32  # values in a Q4_0 block


class RoundQ4(torch.autograd.Function):
    """Rounds to what Q4_0 holds (blocks of 32, one half-precision scale); the gradient passes."""

    @staticmethod
    def forward(ctx, w):
        b = w.reshape(-1, QK)
        at = b.abs().argmax(dim=1, keepdim=True)
        d = (b.gather(1, at) / -8).half().float()
        inv = torch.where(d == 0, torch.zeros_like(d), 1 / d)
        return ((b * inv).round().clamp(-8, 7) * d).reshape(w.shape)

    @staticmethod
    def backward(ctx, g):
        return g


class Round8(torch.autograd.Function):
    """Rounds activations as the engine does in front of a 4-bit matrix (blocks of 32 in 8 bits)."""

    @staticmethod
    def forward(ctx, x):
        b = x.reshape(-1, QK)
        d = (b.abs().amax(dim=1, keepdim=True) / 127).clamp(min=1e-12)
        return (torch.round(b / d).mul_(d)).view(x.shape)

    @staticmethod
    def backward(ctx, g):
        return g


class Block(nn.Module):
    def __init__(self, dim, wide):
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        for name, rows, cols in (("q", dim, dim), ("k", dim, dim), ("v", dim, dim),
                                 ("o", dim, dim), ("up", wide * dim, dim),
                                 ("down", dim, wide * dim)):
            setattr(self, "w" + name, nn.Parameter(torch.empty(rows, cols)))
            setattr(self, "b" + name, nn.Parameter(torch.zeros(rows)))


class Nano(nn.Module):
    """wide: hidden units of a feed-forward part, in widths of the model. Weights are those of noise;
    the tables of tokens and positions are made by circuits.py."""

    def __init__(self, vocab=6144, dim=384, layers=7, heads=6, context=1024, wide=2):
        super().__init__()
        self.vocab, self.dim, self.heads, self.context = vocab, dim, heads, context
        self.wide = wide
        self.wte = nn.Parameter(torch.empty(vocab, dim))
        self.wpe = nn.Parameter(torch.empty(context, dim))
        self.blocks = nn.ModuleList(Block(dim, wide) for _ in range(layers))
        self.norm_f = nn.LayerNorm(dim)
        self.round = False  # compute as the engine does with Q4_0, 8-bit activations included
        self.frozen = 0  # first blocks that are not trained
        nn.init.normal_(self.wte, std=0.003)
        nn.init.normal_(self.wpe, std=0.002)
        for b in self.blocks:
            for n in "qkv":
                nn.init.normal_(getattr(b, "w" + n), std=1 / math.sqrt(dim))
            nn.init.normal_(b.wup, std=1 / math.sqrt(dim))
            nn.init.normal_(b.wo, std=0.1 / math.sqrt(dim * 2 * layers))
            nn.init.normal_(b.wdown, std=0.1 / math.sqrt(wide * dim * 2 * layers))

    def w(self, p):
        return RoundQ4.apply(p) if self.round else p

    def a(self, x):
        return Round8.apply(x) if self.round else x

    def weights(self, b):
        return {n: self.w(getattr(b, "w" + n)) for n in ("q", "k", "v", "o", "up", "down")}

    def qkv(self, x, w, b):
        n, t, _ = x.shape
        hd = self.dim // self.heads
        x = self.a(x)
        return [F.linear(x, w[i], getattr(b, "b" + i)).view(n, t, self.heads, hd).transpose(1, 2)
                for i in "qkv"]

    def rest(self, x, y, w, b):
        n, _, t, _ = y.shape
        x = x + F.linear(self.a(y.transpose(1, 2).reshape(n, t, self.dim)), w["o"], b.bo)
        h = F.gelu(F.linear(self.a(b.norm_2(x)), w["up"], b.bup))
        return x + F.linear(self.a(h), w["down"], b.bdown)

    def through(self, blocks, x, y, mask):
        """x: [n][t][dim]; y: the same of the prefix, [1][s][dim], or None."""
        for b in blocks:
            w = self.weights(b)
            q, k, v = self.qkv(b.norm_1(x), w, b)
            if y is not None:
                pq, pk, pv = self.qkv(b.norm_1(y), w, b)
                k = torch.cat([pk.expand(len(x), -1, -1, -1), k], dim=2)
                v = torch.cat([pv.expand(len(x), -1, -1, -1), v], dim=2)
                y = self.rest(y, F.scaled_dot_product_attention(pq, pk, pv, is_causal=True), w, b)
            x = self.rest(x, F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None]), w, b)
        return x, y

    @torch.no_grad()
    def bottom(self, ids, pos, mask, prefix=None):
        """What the frozen blocks make of tokens. ids, pos: [n][t]. mask: [n][t][s + t], True where a
        row may look; s: length of prefix, tokens that all rows have in front of them, computed once."""
        wte = self.w(self.wte)
        y = None if prefix is None else (wte[prefix] + self.wpe[:len(prefix)])[None]
        return self.through(self.blocks[:self.frozen], wte[ids] + self.wpe[pos], y, mask)

    def top(self, x, y, mask):
        """The other blocks: [n][t][dim], [1][s][dim] or None, and the matrix of the output."""
        x, y = self.through(self.blocks[self.frozen:], x, y, mask)
        return self.a(self.norm_f(x)), y if y is None else self.a(self.norm_f(y)), self.w(self.wte)

    def forward(self, ids, pos, mask):
        x, _, wte = self.top(*self.bottom(ids, pos, mask), mask)
        return x, wte

    def block(self, b, x):
        """One block on whole texts, [n][t][dim]."""
        w = self.weights(b)
        q, k, v = self.qkv(b.norm_1(x), w, b)
        return self.rest(x, F.scaled_dot_product_attention(q, k, v, is_causal=True), w, b)

    def mpt(self):
        """The tensors under the names of MPT, rounded when training has come to that."""
        out = {"transformer.wte.weight": self.w(self.wte), "transformer.wpe.weight": self.wpe,
               "transformer.norm_f.weight": self.norm_f.weight,
               "transformer.norm_f.bias": self.norm_f.bias}
        for i, b in enumerate(self.blocks):
            p = f"transformer.blocks.{i}."
            out[p + "attn.Wqkv.weight"] = self.w(torch.cat([b.wq, b.wk, b.wv]))
            out[p + "attn.Wqkv.bias"] = torch.cat([b.bq, b.bk, b.bv])
            for ours, theirs in (("o", "attn.out_proj"), ("up", "ffn.up_proj"),
                                 ("down", "ffn.down_proj")):
                out[p + theirs + ".weight"] = self.w(getattr(b, "w" + ours))
                out[p + theirs + ".bias"] = getattr(b, "b" + ours)
            for n in ("norm_1", "norm_2"):
                out[p + n + ".weight"] = getattr(b, n).weight
                out[p + n + ".bias"] = getattr(b, n).bias
        return {k: v.detach().float().contiguous() for k, v in out.items()}

    def config(self):
        return {"model_type": "mpt", "architectures": ["MPTForCausalLM"], "d_model": self.dim,
                "n_heads": self.heads, "n_layers": len(self.blocks),
                "expansion_ratio": self.wide,
                "max_seq_len": self.context, "vocab_size": self.vocab, "learned_pos_emb": True,
                "no_bias": False, "norm_type": "layernorm", "norm_eps": 1e-05,
                "tie_word_embeddings": True, "bos_token_id": 0, "eos_token_id": 0,
                "torch_dtype": "float32",
                "attn_config": {"alibi": False, "attn_type": "multihead_attention",
                                "qk_ln": False, "rope": False, "clip_qkv": None}}


def write_safetensors(tensors, path):
    """The format of huggingface/safetensors: length, JSON header, data."""
    head, at, data = {}, 0, []
    for name, t in tensors.items():
        raw = t.numpy().astype("<f4").tobytes()
        head[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        data.append(raw)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for raw in data:
            f.write(raw)
    os.replace(path + ".part", path)
