#!/usr/bin/env python3
"""Makes tests/golden/embed: tiny random encoders and the embeddings of some texts.

Each folder is what sentence-transformers would publish (modules.json, 1_Pooling/config.json,
sentence_bert_config.json, config.json, model.safetensors with float16 weights, a tokenizer), and
golden.jsonl: a row for each text with its token ids (as the model sees them, cut), its embedding and
its util.cos_sim with the next one (the last: with the first),
computed by sentence-transformers in float32 from the same rounded weights.

  bert     WordPiece from vocab.txt, mean, normalized; 4 heads of 8
  cls      the same model, first token, not normalized, no tokenizer.json; texts cut at 24 tokens
  mpnet    relative positions, 4 heads of 12 (no multiple of 16), texts beyond 128 tokens
  roberta  byte-level BPE, positions behind the padding token
  distil   DistilBERT: no token types

Made with torch 2.15.0, transformers 5.24.0, sentence-transformers 6.2.0, tokenizers; nothing else.
Usage: make_embed_goldens.py OUTDIR
"""
import json
import os
import shutil
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import tokenizers as tk
import torch
import transformers as tf
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer, util

WORDS = """the a of to and in is it that for on with as was at by an be this from or are not have
model text word cat sat mat dog ran house river water report notice kettle handle loose summary
question answer document page table value number small large fast slow red green blue""".split()
PIECES = ["##s", "##ed", "##ing", "##er", "##ly", "##ness", "##un", "##t", "##a", "##e", "##o"]
CHARS = list("abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"()-") + ["é", "ü", "日", "本"]
TEXTS = [
    "The cat sat on the mat.",
    "A dog ran to the river, and the water was fast!",
    "",
    "kettles",
    "unknownness \u00dcber caf\u00e9 \u65e5\u672c \u20ac",
    "   spaces \t and\nlines  ",
    "[CLS] report [SEP] (loose handles) - 17 reports; 3.5 of 10?",
    " ".join(WORDS),
    " ".join(WORDS[i * 7 % len(WORDS)] for i in range(180)),
    "the " * 400,
]


def randomize(model, seed):
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            r = torch.randn(p.shape, generator=g)
            if "norm" in name.lower():
                v = (0.0 if name.endswith("bias") else 1.0) + 0.1 * r
            elif "relative_attention_bias" in name:
                v = r
            elif p.dim() == 1:
                v = 0.1 * r
            elif "embeddings" in name:
                v = 0.5 * r
            else:
                v = r * (1.2 / p.shape[-1] ** 0.5)
            p.copy_(v.half().float())


def wordpiece(folder, specials, lower=True):
    vocab = specials + CHARS + ["##" + c for c in CHARS[:36]] + PIECES + WORDS
    vocab = list(dict.fromkeys(vocab))
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as f:
        f.write("\n".join(vocab) + "\n")
    return {w: i for i, w in enumerate(vocab)}


def bert_tokenizer(folder):
    vocab = wordpiece(folder, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    t = tk.Tokenizer(tk.models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = tk.normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = tk.pre_tokenizers.BertPreTokenizer()
    t.post_processor = tk.processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)])
    t.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    t.save(os.path.join(folder, "tokenizer.json"))
    names = dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
                 mask_token="[MASK]")
    return len(vocab), names, "BertTokenizer"


def mpnet_tokenizer(folder):
    specials = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    vocab = wordpiece(folder, specials)
    t = tk.Tokenizer(tk.models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = tk.normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = tk.pre_tokenizers.BertPreTokenizer()
    t.post_processor = tk.processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True,
                                                       add_prefix_space=False)
    t.add_special_tokens(specials)
    t.save(os.path.join(folder, "tokenizer.json"))
    names = dict(bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
                 pad_token="<pad>", unk_token="[UNK]", mask_token="<mask>")
    return len(vocab), names, "MPNetTokenizer"


def roberta_tokenizer(folder):
    t = tk.Tokenizer(tk.models.BPE())
    t.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = tk.decoders.ByteLevel()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = tk.trainers.BpeTrainer(vocab_size=320, special_tokens=specials, show_progress=False,
                                     initial_alphabet=tk.pre_tokenizers.ByteLevel.alphabet())
    t.train_from_iterator(TEXTS, trainer)
    t.post_processor = tk.processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True,
                                                       add_prefix_space=False)
    t.save(os.path.join(folder, "tokenizer.json"))
    names = dict(bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
                 pad_token="<pad>", unk_token="<unk>", mask_token="<mask>")
    return t.get_vocab_size(), names, "PreTrainedTokenizerFast"


def dump(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


def st_files(folder, dim, pooling, normalize, max_len):
    modules = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling")]
    if normalize:
        modules.append(("2", "2_Normalize", "Normalize"))
    dump(os.path.join(folder, "modules.json"),
         [{"idx": i, "name": n, "path": p, "type": "sentence_transformers.models." + t}
          for i, (n, p, t) in enumerate(modules)])
    dump(os.path.join(folder, "1_Pooling/config.json"),
         {"word_embedding_dimension": dim, "pooling_mode_cls_token": pooling == "cls",
          "pooling_mode_mean_tokens": pooling == "mean", "pooling_mode_max_tokens": False,
          "pooling_mode_mean_sqrt_len_tokens": False})
    dump(os.path.join(folder, "sentence_bert_config.json"),
         {"max_seq_length": max_len, "do_lower_case": False})
    if normalize:
        os.makedirs(os.path.join(folder, "2_Normalize"), exist_ok=True)


def make(out, name, tokenizer, model_of, seed, pooling, normalize, max_len, drop_json=False):
    final = os.path.join(out, name)
    shutil.rmtree(final, ignore_errors=True)
    folder = tempfile.mkdtemp()
    n_vocab, names, cls = tokenizer(folder)
    dump(os.path.join(folder, "tokenizer_config.json"),
         dict(names, tokenizer_class=cls, model_max_length=512, do_lower_case=True))
    model = model_of(n_vocab)
    randomize(model, seed)
    config = model.config.to_dict()
    config = {k: v for k, v in config.items() if v is not None and k in KEEP}
    dump(os.path.join(folder, "config.json"), config)
    tensors = {k: v.half().contiguous().clone() if v.is_floating_point() else v
               for k, v in model.state_dict().items()}
    if name == "bert":  # older checkpoints carry this buffer
        tensors["embeddings.position_ids"] = torch.arange(256)[None]
    save_file(tensors, os.path.join(folder, "model.safetensors"), {"format": "pt"})
    st_files(folder, model.config.hidden_size, pooling, normalize, max_len)
    st = SentenceTransformer(folder, device="cpu", model_kwargs={"torch_dtype": torch.float32})
    assert st[0].auto_model.dtype == torch.float32
    with open(os.path.join(folder, "golden.jsonl"), "w", encoding="utf-8") as f:
        vectors = [st.encode([text], convert_to_numpy=True, show_progress_bar=False)[0]
                   for text in TEXTS]
        for i, text in enumerate(TEXTS):
            ids = st.tokenizer(text, truncation=True, max_length=max_len)["input_ids"]
            cos = util.cos_sim(vectors[i], vectors[(i + 1) % len(TEXTS)]).item()
            f.write(json.dumps({"text": text, "ids": ids, "cos_next": cos,
                                "embedding": [float(x) for x in vectors[i]]},
                               ensure_ascii=False) + "\n")
    if drop_json:
        os.remove(os.path.join(folder, "tokenizer.json"))
    elif os.path.exists(os.path.join(folder, "vocab.txt")):
        os.remove(os.path.join(folder, "vocab.txt"))
    shutil.copytree(folder, final)
    shutil.rmtree(folder)


KEEP = """model_type hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act
max_position_embeddings layer_norm_eps type_vocab_size vocab_size pad_token_id
position_embedding_type relative_attention_num_buckets dim n_layers n_heads hidden_dim
activation""".split()


def main(out):
    torch.manual_seed(0)
    common = dict(num_hidden_layers=2, num_attention_heads=4)

    def bert(n):
        return tf.BertModel(tf.BertConfig(vocab_size=n, hidden_size=32, intermediate_size=64,
                                          max_position_embeddings=256, **common),
                            add_pooling_layer=True)

    def mpnet(n):
        return tf.MPNetModel(tf.MPNetConfig(vocab_size=n, hidden_size=48, intermediate_size=64,
                                            max_position_embeddings=258, pad_token_id=1,
                                            bos_token_id=0, eos_token_id=2, **common))

    def roberta(n):
        return tf.RobertaModel(tf.RobertaConfig(vocab_size=n, hidden_size=32, type_vocab_size=1,
                                                intermediate_size=64, max_position_embeddings=130,
                                                pad_token_id=1, bos_token_id=0, eos_token_id=2,
                                                **common), add_pooling_layer=False)

    def distil(n):
        return tf.DistilBertModel(tf.DistilBertConfig(vocab_size=n, dim=32, n_layers=2, n_heads=2,
                                                      hidden_dim=64, max_position_embeddings=128))

    make(out, "bert", bert_tokenizer, bert, 1, "mean", True, 200)
    make(out, "cls", bert_tokenizer, bert, 1, "cls", False, 24, drop_json=True)
    make(out, "mpnet", mpnet_tokenizer, mpnet, 2, "mean", True, 256)
    make(out, "roberta", roberta_tokenizer, roberta, 3, "cls", True, 64)
    make(out, "distil", bert_tokenizer, distil, 4, "mean", False, 128)


main(sys.argv[1])
