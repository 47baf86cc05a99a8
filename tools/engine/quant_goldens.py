"""Prints what llama.cpp's encoders leave as error on the tensor of tests/unit/test_quant.c.

    LLAMA_LIB=DIR python tools/engine/quant_goldens.py

LLAMA_LIB: folder of llama.cpp's libggml-base.so (v0.5.0 for the values in the test). Needs numpy and
gguf 0.19.0 (PyPI).
"""
import ctypes
import os

import gguf
import numpy as np

N = 256 * 256
u = np.random.default_rng(5).random(4 * N).reshape(N, 4)
x = (u[:, 0] + u[:, 1] + u[:, 2] + u[:, 3] - 2.0).astype(np.float32)
x[::97] *= np.float32(6)
lib = ctypes.CDLL(os.path.join(os.environ["LLAMA_LIB"], "libggml-base.so"))
lib.ggml_quantize_chunk.restype = ctypes.c_size_t
for name in ["Q4_0", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]:
    qtype = gguf.GGMLQuantizationType[name]
    block, size = gguf.GGML_QUANT_SIZES[qtype]
    raw = np.zeros((N // 256, 256 // block * size), dtype=np.uint8)
    lib.ggml_quantize_chunk(ctypes.c_int(qtype.value), x.ctypes.data_as(ctypes.c_void_p),
                            raw.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(0),
                            ctypes.c_int64(N // 256), ctypes.c_int64(256), None)
    y = gguf.quants.dequantize(raw, qtype).reshape(-1)
    e = np.sqrt(np.mean((x.astype(np.float64) - y.astype(np.float64)) ** 2))
    print(f"        {{DA_Q_{name}, {e:.9g}}},")
