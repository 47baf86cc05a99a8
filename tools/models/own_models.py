#!/usr/bin/env python3
"""Goldens of families without a class in transformers, from the papers' and published models' rules.

A Llama block in plain torch functions, with what sets each of them apart:
  mobillama  all layers have one MLP (arXiv 2402.16840); as many key heads as heads
  mobilellm  each block is computed twice in a row (arXiv 2402.14905, "LS"), embedding shared
  phonelm    max(gate, 0) * up; cosines and sines rounded to multiples of 1 / 127 (arXiv 2411.05046).
             Its published modeling code takes the largest value among the positions at hand in place
             of 1, so that its results depend on how a prompt is cut; 1 is what that tends to.
  openelm    heads, key heads and MLP width differ between layers; norms of query and key heads;
             gate and up in one matrix (arXiv 2404.14619)

Format and versions as make_goldens.py, which see.  Usage: own_models.py OUTDIR [NAME...]
"""
import sys

import torch

from make_goldens import N_TOKENS, VOCAB, write

CTX = 128


def rms(x, w, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * w


def angles(n, dim, eight_bits):
    freq = 1.0 / (10000.0 ** (torch.arange(0, dim, 2).float() / dim))
    a = torch.outer(torch.arange(n).float(), freq)
    c, s = torch.cat((a, a), -1).cos(), torch.cat((a, a), -1).sin()
    if eight_bits:
        c, s = (c * 127).round() / 127, (s * 127).round() / 127
    return c, s


def turned(x, c, s):
    half = x.shape[-1] // 2
    return x * c + torch.cat((-x[..., half:], x[..., :half]), -1) * s


def attention(q, k, v, cos, sin):
    """q [heads][n][d], k and v [key heads][n][d], each shared by heads in a row."""
    group = q.shape[0] // k.shape[0]
    k, v = turned(k, cos, sin).repeat_interleave(group, 0), v.repeat_interleave(group, 0)
    scores = turned(q, cos, sin) @ k.transpose(1, 2) / q.shape[-1] ** 0.5
    n = q.shape[1]
    mask = torch.full((n, n), float("-inf")).triu(1)
    out = torch.softmax(scores + mask, -1) @ v
    return out.transpose(0, 1).reshape(n, -1)


def heads(x, d):
    return x.view(x.shape[0], -1, d).transpose(0, 1)


def llama_like(t, ids, n_layers, repeat, d, eps, act, eight_bits, mlp_of):
    x = t["model.embed_tokens.weight"][ids]
    cos, sin = angles(len(ids), d, eight_bits)
    for i in range(n_layers):
        p, m = f"model.layers.{i}.", f"model.layers.{mlp_of(i)}.mlp."
        for _ in range(repeat):
            y = rms(x, t[p + "input_layernorm.weight"], eps)
            q, k, v = (heads(y @ t[p + f"self_attn.{n}_proj.weight"].T, d) for n in "qkv")
            x = x + attention(q, k, v, cos, sin) @ t[p + "self_attn.o_proj.weight"].T
            y = rms(x, t[p + "post_attention_layernorm.weight"], eps)
            h = act(y @ t[m + "gate_proj.weight"].T) * (y @ t[m + "up_proj.weight"].T)
            x = x + h @ t[m + "down_proj.weight"].T
    x = rms(x, t["model.norm.weight"], eps)
    return x @ t.get("lm_head.weight", t["model.embed_tokens.weight"]).T


def openelm(t, ids, config):
    d, eps = config["head_dim"], 1e-6
    x = t["transformer.token_embeddings.weight"][ids]
    cos, sin = angles(len(ids), d, False)
    for i in range(config["num_transformer_layers"]):
        p = f"transformer.layers.{i}."
        nq, nk = config["num_query_heads"][i], config["num_kv_heads"][i]
        y = rms(x, t[p + "attn_norm.weight"], eps)
        q, k, v = heads(y @ t[p + "attn.qkv_proj.weight"].T, d).split([nq, nk, nk])
        q, k = rms(q, t[p + "attn.q_norm.weight"], eps), rms(k, t[p + "attn.k_norm.weight"], eps)
        x = x + attention(q, k, v, cos, sin) @ t[p + "attn.out_proj.weight"].T
        y = rms(x, t[p + "ffn_norm.weight"], eps)
        gate, up = (y @ t[p + "ffn.proj_1.weight"].T).chunk(2, -1)
        x = x + (torch.nn.functional.silu(gate) * up) @ t[p + "ffn.proj_2.weight"].T
    return rms(x, t["transformer.norm.weight"], eps) @ t["transformer.token_embeddings.weight"].T


def values(shapes, seed):
    g = torch.Generator().manual_seed(seed)
    out = {}
    for name, shape in shapes.items():
        r = torch.randn(shape, generator=g)
        if len(shape) == 1:
            v = 1.0 + 0.1 * r
        elif "embed" in name:
            v = 0.5 * r
        else:
            v = r * 1.2 / shape[-1] ** 0.5
        out[name] = v.half().float()
    return out


def llama_shapes(n_layers, dim, nq, nk, d, ff, mlps, head):
    s = {"model.embed_tokens.weight": (VOCAB, dim), "model.norm.weight": (dim,)}
    if head:
        s["lm_head.weight"] = (VOCAB, dim)
    for i in range(n_layers):
        p = f"model.layers.{i}."
        s[p + "input_layernorm.weight"] = s[p + "post_attention_layernorm.weight"] = (dim,)
        s[p + "self_attn.q_proj.weight"] = (nq * d, dim)
        s[p + "self_attn.k_proj.weight"] = s[p + "self_attn.v_proj.weight"] = (nk * d, dim)
        s[p + "self_attn.o_proj.weight"] = (dim, nq * d)
        if i < mlps:
            s[p + "mlp.gate_proj.weight"] = s[p + "mlp.up_proj.weight"] = (ff, dim)
            s[p + "mlp.down_proj.weight"] = (dim, ff)
    return s


def ids_of(seed):
    g = torch.Generator().manual_seed(seed + 1000)
    return torch.randint(0, VOCAB, (N_TOKENS,), generator=g).tolist()


def main(out):
    silu, relu = torch.nn.functional.silu, torch.relu
    base = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48,
            "max_position_embeddings": CTX, "vocab_size": VOCAB, "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0}

    t, ids = values(llama_shapes(3, 32, 4, 4, 8, 48, 1, True), 50), ids_of(50)
    write(out, "mobillama", {**base, "model_type": "llama", "num_hidden_layers": 3,
                             "num_key_value_heads": 2, "hidden_act": "silu",
                             "tie_word_embeddings": False}, t, ids,
          llama_like(t, ids, 3, 1, 8, 1e-5, silu, False, lambda i: 0))

    t, ids = values(llama_shapes(2, 32, 4, 2, 8, 48, 2, False), 51), ids_of(51)
    write(out, "mobilellm", {**base, "model_type": "mobilellm", "num_hidden_layers": 2,
                             "num_key_value_heads": 2, "hidden_act": "silu",
                             "layer_sharing": True, "share_embedding": True}, t, ids,
          llama_like(t, ids, 2, 2, 8, 1e-5, silu, False, lambda i: i))

    t, ids = values(llama_shapes(2, 32, 4, 4, 8, 48, 2, False), 52), ids_of(52)
    write(out, "phonelm", {**base, "model_type": "phonelm", "num_hidden_layers": 2,
                           "num_key_value_heads": 4, "hidden_act": "relu",
                           "tie_word_embeddings": True}, t, ids,
          llama_like(t, ids, 2, 1, 8, 1e-5, relu, True, lambda i: i))

    config = {"model_type": "openelm", "num_transformer_layers": 3, "model_dim": 32, "head_dim": 8,
              "num_query_heads": [2, 4, 6], "num_kv_heads": [1, 2, 3],
              "ffn_multipliers": [0.5, 1.3, 2.0], "ffn_dim_divisor": 16, "ffn_with_glu": True,
              "activation_fn_name": "swish", "normalization_layer_name": "rms_norm",
              "normalize_qk_projections": True, "share_input_output_layers": True,
              "max_context_length": CTX, "rope_freq_constant": 10000, "vocab_size": VOCAB}
    s = {"transformer.token_embeddings.weight": (VOCAB, 32), "transformer.norm.weight": (32,)}
    for i, ff in enumerate((16, 48, 64)):
        p, nq, nk = f"transformer.layers.{i}.", 2 * (i + 1), i + 1
        s.update({p + "attn_norm.weight": (32,), p + "ffn_norm.weight": (32,),
                  p + "attn.q_norm.weight": (8,), p + "attn.k_norm.weight": (8,),
                  p + "attn.qkv_proj.weight": ((nq + 2 * nk) * 8, 32),
                  p + "attn.out_proj.weight": (32, nq * 8),
                  p + "ffn.proj_1.weight": (2 * ff, 32), p + "ffn.proj_2.weight": (32, ff)})
    t, ids = values(s, 53), ids_of(53)
    write(out, "openelm", config, t, ids, openelm(t, ids, config))


if __name__ == "__main__":
    main(sys.argv[1])
