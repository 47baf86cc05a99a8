"""Error of docassist's encoders beside llama.cpp's on the same tensors.

    LLAMA_LIB=DIR python bench/engine/quant_error.py DOCASSIST [MODEL.safetensors...]

LLAMA_LIB: folder of llama.cpp's libggml-base.so. Python needs numpy and gguf (PyPI), and safetensors
where models are given. Random tensors of several shapes of distribution come first, then every
matrix of the models. Each row: type, tensor, root mean square error here and there, their ratio.
Exit 1 when one is worse than llama.cpp's.
"""
import ctypes
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np

TYPES = {"q4_0": 2, "q8_0": 8, "q5_0": 6, "q5_1": 7, "q4_k": 12, "q5_k": 13, "q6_k": 14}


def tensors(paths):
    rng = np.random.default_rng(7)
    shape = (512, 1024)
    yield "normal", rng.standard_normal(shape)
    yield "normal-0.02", rng.standard_normal(shape) * 0.02
    yield "laplace", rng.laplace(size=shape) * 0.03
    yield "student-t4", rng.standard_t(4, size=shape) * 0.02
    yield "uniform", rng.uniform(-1, 1, shape)
    yield "positive", np.abs(rng.standard_normal(shape)) + 0.5
    outliers = rng.standard_normal(shape) * 0.02
    outliers[rng.random(shape) < 0.001] *= 40
    yield "outliers", outliers
    yield "row-scales", rng.standard_normal(shape) * np.exp(rng.standard_normal((shape[0], 1)) * 2)
    for path in paths:
        from safetensors.numpy import load_file
        for name, t in sorted(load_file(path).items()):
            if t.ndim == 2 and t.size % 256 == 0 and t.size >= 1 << 16:
                yield name, t.reshape(-1, 256)[: 1 << 15]


def write(path, arch, items):
    w = gguf.GGUFWriter(path, arch)
    for name, t in items:
        w.add_tensor(name, t)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def read(path):
    return {t.name: (t.tensor_type.name.lower(), gguf.quants.dequantize(t.data, t.tensor_type))
            for t in gguf.GGUFReader(path).tensors}


def ours(docassist, folder, x):
    """All types this program writes, through model import; names and shapes choose the type."""
    out = {}
    plain = f"{folder}/x.gguf"
    half = x.reshape(-1, 32 * (8 if x.size % 256 == 0 else 1))
    small = x.reshape(-1, 128)
    # a layer in the middle of 32 gets more bits in falcon's ffn_down, none in attn_q
    items = {
        "q4_0": ("q4_0", "llama", "blk.0.attn_q.weight", half),
        "q8_0": ("q8_0", "llama", "blk.0.attn_q.weight", half),
        "q5_0": ("q4_k_m", "llama", "blk.0.attn_q.weight", small),
        "q5_1": ("q4_k_m", "falcon", "blk.31.ffn_down.weight", small),
        "q4_k": ("q4_k_m", "llama", "blk.0.attn_q.weight", half),
        "q5_k": ("q4_k_m", "falcon", "blk.31.ffn_down.weight", half),
        "q6_k": ("q6_k", "llama", "blk.0.attn_q.weight", half),
    }
    for want, (option, arch, name, t) in items.items():
        write(plain, arch, [(name, t)])
        subprocess.run([docassist, "model", "import", plain, "--type", option, "-o",
                        f"{folder}/y.gguf"], check=True, capture_output=True)
        got, y = read(f"{folder}/y.gguf")[name]
        assert got == want, (got, want)
        out[want] = y.reshape(x.shape)
    return out


def theirs(lib, want, x):
    qtype = gguf.GGMLQuantizationType(TYPES[want])
    block, size = gguf.GGML_QUANT_SIZES[qtype]
    flat = np.ascontiguousarray(x, dtype=np.float32).reshape(-1, 256)
    raw = np.zeros((flat.shape[0], 256 // block * size), dtype=np.uint8)
    lib.ggml_quantize_chunk(ctypes.c_int(TYPES[want]), flat.ctypes.data_as(ctypes.c_void_p),
                            raw.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(0),
                            ctypes.c_int64(flat.shape[0]), ctypes.c_int64(256), None)
    return gguf.quants.dequantize(raw, qtype).reshape(x.shape)


def rms(x, y):
    return float(np.sqrt(np.mean((x.astype(np.float64) - y.astype(np.float64)) ** 2)))


def main():
    docassist, *models = sys.argv[1:]
    lib = ctypes.CDLL(os.path.join(os.environ["LLAMA_LIB"], "libggml-base.so"))
    lib.ggml_quantize_chunk.restype = ctypes.c_size_t
    ratios = {t: [] for t in TYPES}
    worse = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, t in tensors(models):
            x = np.ascontiguousarray(t, dtype=np.float32)
            mine = ours(docassist, folder, x)
            for want in TYPES:
                a, b = rms(x, mine[want]), rms(x, theirs(lib, want, x))
                ratios[want].append(a / b)
                worse += a > b
                print(f"{want} {name}: {a:.7g} {b:.7g} {a / b:.4f}{' WORSE' if a > b else ''}")
    for want, r in ratios.items():
        print(f"# {want}: {len(r)} tensors, error as a share of llama.cpp's: "
              f"median {np.median(r):.4f}, largest {max(r):.4f}")
    sys.exit(1 if worse else 0)


main()
