"""Trains a small tokenizer of every kind and pre-split with the real libraries, for comparing.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3
    python tools/vocab/train_small.py OUT --vocab 600 TEXT...

Writes OUT/NAME.json (Hugging Face) and OUT/NAME.model (SentencePiece).
"""
import argparse
import io
import json
import os
import random
import string

import sentencepiece as spm
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers, processors, trainers)

CONTR = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
WHITE = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
PREFIX = r"[^\r\n\p{L}\p{N}]?"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
REGEX = {
    "llama3": CONTR + "|" + PREFIX + r"\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + WHITE,
    "qwen2": CONTR + "|" + PREFIX + r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + WHITE,
    "qwen35": CONTR + "|" + PREFIX + r"[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + WHITE,
    "o200k": PREFIX + UPPER + "*" + LOWER + "+" + CONTR + "?|" + PREFIX + UPPER + "+" + LOWER + "*"
    + CONTR + r"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + WHITE,
    "tekken": PREFIX + UPPER + "*" + LOWER + "+|" + PREFIX + UPPER + "+" + LOWER
    + r"*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + WHITE,
    "gpt2split": GPT2,
    "bloom": " ?[^(\\s|[.,!?…。，、।۔،])]+",
}
DEEPSEEK3 = ["\\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
             "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?"
             "[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"]
CODER = ["[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-퟿]+", "\\p{N}"]
ADDED = [AddedToken("<|im_end|>", special=True),
         AddedToken("<sep>", special=True, lstrip=True, rstrip=True),
         AddedToken("wörd", single_word=True, normalized=False), AddedToken("    ", normalized=True)]


def isolated(patterns):
    return [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]


def byte_level(splits, use_regex=False, **kw):
    pre = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)
    return dict(model="bpe", pre=pre_tokenizers.Sequence([*splits, pre]) if splits else pre,
                alphabet=pre_tokenizers.ByteLevel.alphabet(), **kw)


KINDS = {name: byte_level(isolated([r])) for name, r in REGEX.items()}
KINDS |= {
    "gpt2": byte_level([], True),
    "gpt2-prefix": dict(model="bpe", pre=pre_tokenizers.ByteLevel(add_prefix_space=True),
                        alphabet=pre_tokenizers.ByteLevel.alphabet()),
    "gpt2-nfc": byte_level([], True, norm=normalizers.NFC()),
    "gpt2-nfkc-lower": byte_level([], True, norm=normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase()])),
    "gpt2-no-alphabet": dict(model="bpe", pre=pre_tokenizers.ByteLevel(add_prefix_space=False),
                             alphabet=[]),
    "starcoder": byte_level([pre_tokenizers.Digits(individual_digits=True)], True),
    "falcon": dict(model="bpe", alphabet=pre_tokenizers.ByteLevel.alphabet(),
                   pre=pre_tokenizers.Sequence([
                       pre_tokenizers.Punctuation("contiguous"),
                       pre_tokenizers.ByteLevel(add_prefix_space=False),
                       pre_tokenizers.Digits(individual_digits=False),
                       pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])),
    "deepseek3": byte_level(isolated(DEEPSEEK3)),
    "coder": byte_level(isolated(CODER)),
    "llama": dict(model="llama", pre=None, norm=normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])),
    "metaspace-first": dict(model="llama", pre=pre_tokenizers.Metaspace(
        prepend_scheme="first", split=False)),
    "metaspace-split": dict(model="llama", pre=pre_tokenizers.Metaspace(prepend_scheme="always")),
    "bpe-unk": dict(model="unk", pre=pre_tokenizers.Metaspace()),
    "wordpiece": dict(model="wordpiece", norm=normalizers.BertNormalizer(),
                      pre=pre_tokenizers.BertPreTokenizer()),
    "wordpiece-cased": dict(model="wordpiece", norm=normalizers.BertNormalizer(lowercase=False),
                            pre=pre_tokenizers.BertPreTokenizer()),
    "unigram": dict(model="unigram", pre=pre_tokenizers.Metaspace()),
    "unigram-t5": dict(model="unigram", pre=pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])),
}


def ties():
    """Words with two ways of one score but for the last bits: a + aa and aa + a."""
    r = random.Random(1)
    score = lambda: -r.uniform(1, 12)  # noqa: E731
    vocab = [("<unk>", 0.0), ("▁", score())]
    vocab += [(c * n, score()) for c in string.ascii_lowercase for n in (1, 2)]
    tok = Tokenizer(models.Unigram(vocab, unk_id=0))
    tok.pre_tokenizer = pre_tokenizers.Metaspace()
    return tok


def build(kind, files, size):
    special = ["<unk>", "<s>", "</s>"]
    model = kind["model"]
    if model == "wordpiece":
        tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        trainer = trainers.WordPieceTrainer(vocab_size=size, show_progress=False, special_tokens=[
            "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    elif model == "unigram":
        tok = Tokenizer(models.Unigram())
        trainer = trainers.UnigramTrainer(vocab_size=size, show_progress=False, unk_token="<unk>",
                                          special_tokens=special)
    elif model == "bpe":
        tok = Tokenizer(models.BPE())
        trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False,
                                      initial_alphabet=kind["alphabet"],
                                      special_tokens=["<|endoftext|>"])
    else:
        fallback = model == "llama"
        tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=fallback))
        trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, special_tokens=special
                                      + ([f"<0x{i:02X}>" for i in range(256)] if fallback else []),
                                      max_token_length=12)
    if kind.get("norm"):
        tok.normalizer = kind["norm"]
    if kind["pre"]:
        tok.pre_tokenizer = kind["pre"]
    tok.train(files, trainer)
    tok.add_tokens([t for t in ADDED if not t.special])
    tok.add_special_tokens([t for t in ADDED if t.special])
    return tok


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--vocab", type=int, default=600)
    p.add_argument("--only")
    p.add_argument("files", nargs="+")
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    if not a.only or a.only in "unigram-ties":
        ties().save(f"{a.out}/unigram-ties.json", pretty=False)
    for name, kind in KINDS.items():
        if a.only and a.only not in name:
            continue
        size = a.vocab + (300 if kind["model"] == "llama" else 0)
        tok = build(kind, a.files, size)
        if name == "wordpiece":
            tok.post_processor = processors.TemplateProcessing(
                single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
        j = json.loads(tok.to_str())
        j["added_tokens"] = [t for t in j["added_tokens"] if not t["content"].startswith("<0x")]
        json.dump(j, open(f"{a.out}/{name}.json", "w"))
    lines = [line for f in a.files for line in open(f, encoding="utf-8", errors="ignore")]
    for model in ("bpe", "unigram"):
        for name, options in {
            "": dict(byte_fallback=True),
            "-identity": dict(normalization_rule_name="identity", remove_extra_whitespaces=False,
                              byte_fallback=True, user_defined_symbols=["<x>", "wörd"]),
            "-unk": dict(normalization_rule_name="nfkc_cf", add_dummy_prefix=False),
        }.items():
            if a.only and a.only not in "sp":
                continue
            buffer = io.BytesIO()
            spm.SentencePieceTrainer.train(
                sentence_iterator=iter(x.strip("\n") for x in lines), model_writer=buffer,
                vocab_size=a.vocab + 300, model_type=model, minloglevel=2, hard_vocab_limit=False,
                character_coverage=0.99, **options)
            open(f"{a.out}/sp-{model}{name}.model", "wb").write(buffer.getvalue())


main()
