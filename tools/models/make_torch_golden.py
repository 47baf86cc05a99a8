#!/usr/bin/env python3
"""tests/golden/torch/pytorch_model.bin: the weights of tests/golden/engine/gpt2 as torch.save writes them.

Written with torch 2.15.0. Usage: make_torch_golden.py [REPOSITORY]
"""
import collections
import json
import struct
import sys

import torch

repo = sys.argv[1] if len(sys.argv) > 1 else "."
raw = open(f"{repo}/tests/golden/engine/gpt2/model.safetensors", "rb").read()
n = struct.unpack("<Q", raw[:8])[0]
head = json.loads(raw[8 : 8 + n])
types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
state = collections.OrderedDict()
for name, t in head.items():
    if name == "__metadata__":
        continue
    a, b = t["data_offsets"]
    data = bytearray(raw[8 + n + a : 8 + n + b])
    state[name] = torch.frombuffer(data, dtype=types[t["dtype"]]).reshape(t["shape"]).clone()
state["transformer.h.0.attn.bias"] = torch.ones(1, 1, 8, 8, dtype=torch.uint8)
torch.save(state, f"{repo}/tests/golden/torch/pytorch_model.bin")
