"""Every family's files in docassist and in llama.cpp: each program opens the other's.

    LLAMA_PEER=PROGRAM LOGITS=PROGRAM LLAMA_QUANTIZE=PROGRAM \\
        python bench/engine/open_llama.py build/docassist tests/golden

LLAMA_PEER: bench/engine/llama_peer.c compiled against llama.cpp; LOGITS: tests/tools/token_logits of
the build. Each tiny model of tests/golden/engine (with a tokenizer of 48 pieces, because llama.cpp
wants one) and tests/golden/embed is imported to F32. llama.cpp opens that file, and its logits (or
embeddings) are compared with ours; then llama.cpp writes the file anew, and ours must open that and
give the same numbers as before. Needs numpy.

Families whose architecture llama.cpp lacks have names of their own (docs/models.md): it must say
that it does not know them. llama.cpp takes GELU from a table of half-precision numbers, and its tanh
form where the model has the exact one: families with it differ by more and are marked.
"""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy as np

GELU = {"cerebras", "slimlm", "mpt", "gptneox", "gptneox-serial", "falcon", "falcon-new", "bloom",
        "gemma", "gemma2", "gemma3", "gpt2", "phi2", "starcoder", "starcoder2", "flan-t5", "mt0",
        "bert", "roberta", "cls", "distil", "xlm"}
# Where a tiny model has what no published one of its kind has and llama.cpp takes for granted (or
# leaves out: windows of Mistral and StarCoder 2), it is changed: members of config.json, tensors
# that go.
# llama.cpp's contexts are multiples of 256, from which its Phi-3.5 goes to the long divisors: the
# old context is made longer than that. It leaves out how T5 1.0 scales its logits.
PHI35 = {"original_max_position_embeddings": 512, "max_position_embeddings": 1024,
         "rope_parameters": {"original_max_position_embeddings": 512}}
T5 = {"relative_attention_max_distance": 128}
VARIANTS = {
    "falcon-new": ({"bias": False}, r"(query_key_value|dense|dense_h_to_4h|dense_4h_to_h)\.bias$"),
    "gemma3": ({"query_pre_attn_scalar": 16}, None),
    "mistral": ({"sliding_window": None}, None),
    "starcoder2": ({"sliding_window": None}, None),
    "phi35-short": (PHI35, None),
    "phi35-long": (PHI35, None),
    "t5": (T5, None),
    "mt0": (T5, None),
    "flan-t5": (T5 | {"num_decoder_layers": 2}, r"^decoder\.block\.2\."),
}
UNSCALED = {"t5": 32 ** -0.5}
LIMIT, GELU_LIMIT = 1e-3, 1e-2
docassist, golden = sys.argv[1:3]
peer, ours_program = os.environ["LLAMA_PEER"], os.environ["LOGITS"]


def run(command, data=b""):
    r = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return r.stdout if r.returncode == 0 else None, r.stderr.decode(errors="replace").strip()


def numbers(out):
    (n,) = struct.unpack_from("<I", out)
    return np.frombuffer(out, dtype=np.float32, offset=4).reshape(-1, n).astype(np.float64)


def log_softmax(x):
    x = x - x.max(1, keepdims=True)
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def ask(*command):
    out, err = run([docassist, *command])
    if out is None:
        raise SystemExit(f"docassist {' '.join(command)}: {err}")
    return out.decode()


def first_answer(path, ids):
    """All log-probabilities of the first token of an encoder-decoder's answer."""
    row = json.loads(ask("generate", "-m", path, "--ids", ",".join(map(str, ids)), "--kv", "f32",
                         "--max-new-tokens", "1", "--logprobs", "48"))
    out = np.empty(48)
    for i, p in row["logprobs"][0]["top"]:
        out[i] = p
    return out[None]


def decoder(path, ids, arch):
    if arch == "t5":
        return first_answer(path, ids)
    out, err = run([ours_program, path, "f32"], struct.pack(f"<{len(ids)}i", *ids))
    if out is None:
        raise SystemExit(f"{path}: {err}")
    return log_softmax(numbers(out))


def reason(err):
    """The line that says why, without llama.cpp's function names."""
    lines = [x for x in err.splitlines() if "error" in x] or err.splitlines() or ["no output"]
    return lines[0].split(": ", 1)[-1][:160]


TEXT = "a river on the town"


def encoder(path):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.write(json.dumps({"text": TEXT}) + "\n")
        f.flush()
        x = np.array(json.loads(ask("embed", "-m", path, f.name))["embedding"])[None]
        return x / np.linalg.norm(x)


def theirs(path, name, encodes):
    if encodes:
        ids = json.loads(ask("tokenize", "--tokenizer", path, "--add-special", "--jsonl",
                             text_file.name))["ids"]
        out, err = run([peer, "embed", path], struct.pack(f"<{len(ids)}i", *ids))
        if out is None:
            return None, err
        x = numbers(out)
        return x / np.linalg.norm(x), ""
    out, err = run([peer, "logits", path, "-"], struct.pack(f"<{len(IDS)}i", *IDS))
    if out is None:
        return None, err
    return log_softmax(numbers(out) * UNSCALED.get(name, 1.0)), ""


IDS = np.random.default_rng(3).integers(3, 48, 30).tolist()
text_file = tempfile.NamedTemporaryFile("w", suffix=".jsonl")
text_file.write(json.dumps({"text": TEXT}) + "\n")
text_file.flush()


def change(folder, members, drop):
    with open(f"{folder}/config.json") as f:
        config = json.load(f)
    for k, v in members.items():
        config[k] = {**config[k], **v} if isinstance(v, dict) else v
    with open(f"{folder}/config.json", "w") as f:
        json.dump(config, f)
    with open(f"{folder}/model.safetensors", "rb") as f:
        whole = f.read()
    (n,) = struct.unpack_from("<Q", whole)
    head = json.loads(whole[8 : 8 + n])
    kept = {k: v for k, v in head.items() if not (drop and re.search(drop, k))}
    text = json.dumps(kept).encode()
    with open(f"{folder}/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + whole[8 + n :])


def check(name, folder, tmp, encodes):
    copy, path, again = f"{tmp}/{name}", f"{tmp}/{name}.gguf", f"{tmp}/{name}-again.gguf"
    shutil.copytree(folder, copy)
    if not encodes and not os.path.exists(f"{copy}/tokenizer.json"):
        shutil.copy(f"{golden}/engine/mamba/tokenizer.json", copy)
    if name in VARIANTS:
        change(copy, *VARIANTS[name])
    ask("model", "import", "-q", "--type", "f32", "--name", "tiny", copy, "-o", path)
    arch = json.loads(ask("model", "show", "--json", path))["architecture"]
    mine = encoder(path) if encodes else decoder(path, IDS, arch)
    got, err = theirs(path, name, encodes)
    if arch.startswith("docassist."):
        ok = got is None and "unknown model architecture" in err
        print(f"| {name} | `{arch}` | not its own: {'refused by name' if ok else err} | |")
        return ok
    if got is None:
        print(f"| {name} | `{arch}` | FAILED: {reason(err)} | |")
        return False
    far = float(np.abs(got - mine).max())
    limit = GELU_LIMIT if name in GELU else LIMIT
    out, err = run([os.environ["LLAMA_QUANTIZE"], path, again, "COPY"])
    if out is None:
        back = "FAILED: " + reason(err)
    else:
        same = encoder(again) if encodes else decoder(again, IDS, arch)
        back = "the same" if np.array_equal(same, mine) else "FAILED: other numbers"
    mark = " (GELU)" if name in GELU else ""
    ok = far <= limit and back == "the same"
    print(f"| {name} | `{arch}` | {far:.1e}{mark}{'' if far <= limit else ' FAILED'} | {back} |",
          flush=True)
    return ok


def main():
    bad = 0
    print("| family | architecture | log-probabilities (embeddings) of llama.cpp differ by "
          "| file written by llama.cpp gives |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as tmp:
        for part in ("engine", "embed"):
            for name in sorted(os.listdir(f"{golden}/{part}")):
                folder = f"{golden}/{part}/{name}"
                if os.path.exists(f"{folder}/config.json"):
                    bad += not check(name, folder, tmp, part == "embed")
    print(f"{bad} failed")
    sys.exit(1 if bad else 0)


main()
