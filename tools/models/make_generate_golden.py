#!/usr/bin/env python3
"""Greedy answers of the tiny Flan-T5 and Mamba goldens: tests/golden/engine/generate.tsv.

A row: model, prompt, its ids (with the end token), ids of the answer, both by the real `tokenizers`
and `transformers` from a Unigram tokenizer of 48 pieces that is written beside as tokenizer.json.
Answers are as long as the best and the second token differ by more than 0.01.

Made with tokenizers 0.23, transformers 5.24.0, torch 2.15.0.  Usage: make_generate_golden.py GOLDENS
"""
import json
import os
import sys

import torch
import transformers as tf
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

PIECES = (["<pad>", "</s>", "<unk>", "\u2581"] + [chr(c) for c in range(97, 123)] +
          ["\u2581the", "\u2581a", "\u2581of", "in", "er", "on", "an", "th", "ing", "ed", "es", "at",
           "or", "ar", "st", "\u2581to", ".", ","])
PROMPTS = ["summarize the history of a town on the river.",
           "who are the people in the story, and what is at stake", "a"]
MAX_NEW = 16


def tokenizer(path):
    vocab = [(p, -1.0 - 0.05 * i - (3.0 if len(p) == 1 else 0.0)) for i, p in enumerate(PIECES)]
    t = Tokenizer(models.Unigram(vocab, unk_id=2, byte_fallback=False))
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    t.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    t.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    t.add_special_tokens(["<pad>", "</s>", "<unk>"])
    t.save(path)
    return t


def load(folder, name):
    with open(os.path.join(folder, "config.json")) as f:
        config = json.load(f)
    tensors = {k: v.float() for k, v in load_file(os.path.join(folder, "model.safetensors")).items()}
    if name == "flan-t5":
        m = tf.T5ForConditionalGeneration(tf.T5Config(**config))
        m.lm_head.weight = torch.nn.Parameter(torch.empty_like(m.lm_head.weight)) # not tied
    else:
        m = tf.MambaForCausalLM(tf.MambaConfig(**config))
    missing, _ = m.load_state_dict(tensors, strict=False)
    assert all("embed_tokens" in k or "lm_head" in k for k in missing), missing
    if name == "mamba":
        m.tie_weights()
    return m.eval()


def greedy(m, name, ids):
    out = []
    with torch.no_grad():
        while len(out) < MAX_NEW:
            if name == "flan-t5":
                logits = m(input_ids=torch.tensor([ids]),
                           decoder_input_ids=torch.tensor([[0] + out])).logits[0, -1]
            else:
                logits = m(input_ids=torch.tensor([ids + out])).logits[0, -1]
            best = logits.topk(2)
            if best.values[0] - best.values[1] < 1e-2 or best.indices[0] == 1:
                break
            out.append(int(best.indices[0]))
    return out


def main(goldens):
    assert len(PIECES) == 48
    with open(os.path.join(goldens, "generate.tsv"), "w") as f:
        for name in ("flan-t5", "mamba"):
            folder = os.path.join(goldens, name)
            tok, m = tokenizer(os.path.join(folder, "tokenizer.json")), load(folder, name)
            for prompt in PROMPTS:
                ids = tok.encode(prompt).ids
                row = [name, prompt, ids, greedy(m, name, ids)]
                f.write("\t".join(r if isinstance(r, str) else ",".join(map(str, r))
                                  for r in row) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
