#!/usr/bin/env python3
"""What PyTorch says about SlimLM-nano, for tests/cli/nano.t.

    reference.py MODEL_FOLDER|MODEL.gguf TEXT... [--ask DOCUMENT REQUEST]

Prints the perplexity of each text as `docassist perplexity` defines it: windows of the context that do
not overlap, all tokens of a window but the first. MODEL_FOLDER is what train.py wrote; of a GGUF file
(Python package gguf) the weights are decoded to F32 first, and the tokenizer is TOKENIZER.json of
--tokenizer. With --ask also the greedy answer to one SlimLM prompt.
"""
import argparse
import json
import os

import numpy as np
import torch
from tokenizers import Tokenizer

from model import Nano


def folder_tensors(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as f:
        raw = f.read()
    n = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + n])
    body = raw[8 + n:]
    config = json.load(open(os.path.join(folder, "config.json"), encoding="utf-8"))
    return {k: torch.from_numpy(np.frombuffer(body[slice(*v["data_offsets"])], "<f4").copy()
                                ).view(v["shape"]) for k, v in head.items()}, config


def gguf_tensors(path):
    from gguf import GGUFReader
    from gguf.quants import dequantize
    names = {"token_embd.weight": "wte.weight", "position_embd.weight": "wpe.weight",
             "output_norm.weight": "norm_f.weight", "output_norm.bias": "norm_f.bias"}
    parts = {"attn_norm": "norm_1", "ffn_norm": "norm_2", "attn_qkv": "attn.Wqkv",
             "attn_output": "attn.out_proj", "ffn_up": "ffn.up_proj", "ffn_down": "ffn.down_proj"}
    r = GGUFReader(path)
    out = {}
    for t in r.tensors:
        name = names.get(t.name)
        if name is None:
            _, i, part, kind = t.name.split(".")
            name = f"blocks.{i}.{parts[part]}.{kind}"
        out["transformer." + name] = torch.from_numpy(
            dequantize(t.data, t.tensor_type).astype(np.float32).copy()).view(
                *[int(x) for x in reversed(t.shape)])
    arch = bytes(r.fields["general.architecture"].parts[-1]).decode()

    def number(key):
        return int(r.fields[arch + "." + key].parts[-1][0])
    return out, {"vocab_size": out["transformer.wte.weight"].shape[0],
                 "d_model": out["transformer.wte.weight"].shape[1],
                 "n_layers": number("block_count"), "n_heads": number("attention.head_count"),
                 "max_seq_len": out["transformer.wpe.weight"].shape[0],
                 "expansion_ratio": number("feed_forward_length") // number("embedding_length")}


@torch.no_grad()
def load(path):
    t, c = gguf_tensors(path) if path.endswith(".gguf") else folder_tensors(path)
    m = Nano(c["vocab_size"], c["d_model"], c["n_layers"], c["n_heads"], c["max_seq_len"],
             c["expansion_ratio"])
    m.wte.copy_(t["transformer.wte.weight"])
    m.wpe.copy_(t["transformer.wpe.weight"])
    m.norm_f.weight.copy_(t["transformer.norm_f.weight"])
    m.norm_f.bias.copy_(t["transformer.norm_f.bias"])
    for i, b in enumerate(m.blocks):
        p = f"transformer.blocks.{i}."
        for kind, letter in (("weight", "w"), ("bias", "b")):
            for n, x in zip("qkv", t[p + "attn.Wqkv." + kind].chunk(3)):
                getattr(b, letter + n).copy_(x)
            for n, name in (("o", "attn.out_proj"), ("up", "ffn.up_proj"),
                            ("down", "ffn.down_proj")):
                getattr(b, letter + n).copy_(t[f"{p}{name}.{kind}"])
            for n in ("norm_1", "norm_2"):
                getattr(getattr(b, n), kind).copy_(t[f"{p}{n}.{kind}"])
    return m


@torch.no_grad()
def logits(m, ids):
    n = len(ids)
    x, w = m(torch.tensor([ids]), torch.arange(n)[None],
             torch.ones(1, n, n, dtype=torch.bool).tril())
    return (x[0] @ w.T).double()


def perplexity(m, texts):
    """texts: lists of token ids, none in a window with another."""
    total, count = 0.0, 0
    for part in (ids[at:at + m.context] for ids in texts for at in range(0, len(ids), m.context)):
        if len(part) > 1:
            p = logits(m, part)[:-1].log_softmax(1)
            total -= p.gather(1, torch.tensor(part[1:])[:, None]).sum().item()
            count += len(part) - 1
    return np.exp(total / count), count


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("model")
    ap.add_argument("texts", nargs="*")
    ap.add_argument("--tokenizer")
    ap.add_argument("--separator", help="a line between the texts of a file")
    ap.add_argument("--ask", nargs=2)
    ap.add_argument("--system", default="prompts/slimlm/system.txt")
    a = ap.parse_intermixed_args()
    m = load(a.model)
    tok = Tokenizer.from_file(a.tokenizer or os.path.join(a.model, "tokenizer.json"))
    for path in a.texts:
        text = open(path, encoding="utf-8").read()
        texts = text.split(a.separator + "\n") if a.separator else [text]
        value, n = perplexity(m, [tok.encode(t, add_special_tokens=False).ids for t in texts])
        print(f"{path}: perplexity {value:.6f}, {n} tokens")
    if a.ask:
        system = open(a.system, encoding="utf-8").read().rstrip("\n")
        document = open(a.ask[0], encoding="utf-8").read().strip()
        ids = tok.encode(f"{system}\n\n <document>\n{document}\n</document>\n\n<request>\n"
                         f"{a.ask[1]}\n</request>", add_special_tokens=False).ids
        start = len(ids)
        while len(ids) < min(m.context, start + 200) and ids[-1] != tok.token_to_id("</response>"):
            ids.append(int(logits(m, ids)[-1].argmax()))
        print(tok.decode(ids[start:], skip_special_tokens=False))


if __name__ == "__main__":
    main()
