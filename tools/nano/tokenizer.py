#!/usr/bin/env python3
"""Trains the byte-level BPE of SlimLM-nano.

    tokenizer.py DOCUMENTS.jsonl REQUESTS.txt... -o FOLDER [--size 6144]

DOCUMENTS are records of `docassist ingest`, REQUESTS the texts of prompts/. The marks of the SlimLM
prompt are tokens of their own; digits stand alone. Requests name a document's words in quotes, where
no space stands before them, so that BPE would cut them otherwise than in the document; the words are
therefore read both ways. FOLDER/tokenizer.json is what `docassist ingest --tokenizer` and
`docassist model import` read.
"""
import argparse
import json
import os
import re

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|endoftext|>"
MARKS = ["<document>", "</document>", "<request>", "</request>", "<intent>:", "<response>",
         "</response>"]
WORD = re.compile(r"[A-Za-z][A-Za-z'-]+[A-Za-z]")
REPEAT = 200  # the prompts are a small part of the text and a large part of what is read


def texts(path, prompts):
    with open(path, encoding="utf-8") as f:
        for line in f:
            d = json.loads(line)
            if (d.get("language") or {}).get("code") == "en":
                yield d["text"]
                yield " ".join(f'"{w}"' for w in WORD.findall(d["text"]))
    for p in prompts:
        for _ in range(REPEAT):
            yield open(p, encoding="utf-8").read()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("documents")
    ap.add_argument("prompts", nargs="*")
    ap.add_argument("-o", "--output", required=True)
    ap.add_argument("--size", type=int, default=6144)
    a = ap.parse_args()
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True),
         pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tok.decoder = decoders.ByteLevel()
    # Id 0 ends a text, as in SlimLM; the marks follow.
    trainer = trainers.BpeTrainer(vocab_size=a.size, special_tokens=[END] + MARKS,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
                                  min_frequency=2, show_progress=False)
    tok.train_from_iterator(texts(a.documents, a.prompts), trainer)
    os.makedirs(a.output, exist_ok=True)
    path = os.path.join(a.output, "tokenizer.json")
    tok.save(path)
    # The trainer makes the marks special; they are ordinary text that is found whole.
    j = json.load(open(path, encoding="utf-8"))
    for t in j["added_tokens"]:
        t["special"] = t["content"] == END
    with open(path, "w", encoding="utf-8") as f:
        json.dump(j, f, ensure_ascii=False, indent=0)
    with open(os.path.join(a.output, "tokenizer_config.json"), "w", encoding="utf-8") as f:
        json.dump({"tokenizer_class": "GPTNeoXTokenizer", "bos_token": END, "eos_token": END,
                   "add_bos_token": False}, f, indent=1)
    print(f"{tok.get_vocab_size()} tokens in {path}")


if __name__ == "__main__":
    main()
