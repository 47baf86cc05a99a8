#!/usr/bin/env python3
"""Makes tests/golden/mixture.tsv: the type that llama-quantize gives each matrix of real shapes.

    LLAMA_QUANTIZE=PROGRAM python tools/models/make_mixture_golden.py > tests/golden/mixture.tsv

The model files have true headers and no data (holes), which `llama-quantize --dry-run` never reads.
A line: shape, architecture, mixture, tensor, values in a row, rows, type. Made with llama.cpp v0.5.0;
needs gguf 0.19 for writing the headers.
"""
import os
import re
import subprocess
import sys
import tempfile

import gguf

# width, layers, heads, key heads, width of the MLP, vocabulary, tied head
SHAPES = {
    "SmolLM-135M": ("llama", 576, 30, 9, 3, 1536, 49152, True),
    "Llama-3.2-1B": ("llama", 2048, 16, 32, 8, 8192, 128256, True),
    "Llama-3.1-8B": ("llama", 4096, 32, 32, 8, 14336, 128256, False),
    "Qwen2-0.5B": ("qwen2", 896, 24, 14, 2, 4864, 151936, True),
}


def tensors(arch, width, layers, heads, kv, mlp, vocab, tied):
    head = width // heads
    yield "token_embd.weight", (width, vocab)
    if not tied:
        yield "output.weight", (width, vocab)
    yield "output_norm.weight", (width,)
    for i in range(layers):
        b = f"blk.{i}."
        yield b + "attn_norm.weight", (width,)
        yield b + "ffn_norm.weight", (width,)
        for name, rows in (("q", heads * head), ("k", kv * head), ("v", kv * head)):
            yield f"{b}attn_{name}.weight", (width, rows)
            if arch == "qwen2":
                yield f"{b}attn_{name}.bias", (rows,)
        yield b + "attn_output.weight", (heads * head, width)
        yield b + "ffn_gate.weight", (width, mlp)
        yield b + "ffn_up.weight", (width, mlp)
        yield b + "ffn_down.weight", (mlp, width)


def write(path, shape):
    arch, width, layers, heads, kv, mlp, vocab, _ = shape
    w = gguf.GGUFWriter(path, arch)
    w.add_context_length(2048)
    w.add_embedding_length(width)
    w.add_block_count(layers)
    w.add_feed_forward_length(mlp)
    w.add_head_count(heads)
    w.add_head_count_kv(kv)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_freq_base(10000.0)
    w.add_vocab_size(vocab)
    w.add_tokenizer_model("none")
    size = 0
    for name, dims in tensors(*shape):
        kind = gguf.GGMLQuantizationType.F16 if len(dims) == 2 else gguf.GGMLQuantizationType.F32
        n = dims[0] * (dims[1] if len(dims) == 2 else 1) * (2 if len(dims) == 2 else 4)
        w.add_tensor_info(name, list(reversed(dims)), None, n, raw_dtype=kind)
        size += (n + 31) // 32 * 32
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_ti_data_to_file()
    w.close()
    with open(path, "r+b") as f:
        f.truncate((os.path.getsize(path) + 31) // 32 * 32 + size)


LINE = re.compile(r"\]\s+(\S+)\s+- \[\s*(\d+),\s*(\d+),.*type =\s*(\w+),(.*)")
for shape_name, shape in SHAPES.items():
    with tempfile.TemporaryDirectory() as tmp:
        path = f"{tmp}/m.gguf"
        write(path, shape)
        for kind in ("Q4_K_M", "Q6_K"):
            out = subprocess.run([os.environ["LLAMA_QUANTIZE"], "--dry-run", path, kind],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
            n = 0
            for line in out.splitlines():
                m = LINE.search(line)
                if not m:
                    continue
                new = re.search(r"-> .*?\((\w+)\)", m[5]) or re.search(r"(?:to|->)\s+(\w+)", m[5])
                kept = m[4] if not new else new[1]
                n += 1
                if int(m[3]) > 1:  # vectors stay as they are
                    print(shape_name, shape[0], kind.lower(), m[1], m[2], m[3], kept.lower(),
                          sep="\t")
            if n != sum(1 for _ in tensors(*shape)):
                sys.exit(f"{shape_name} {kind}: {n} tensors read\n{out[-2000:]}")
