#!/usr/bin/env python3
"""Makes tests/golden/engine: tiny random models of every family and their logits.

Each folder holds what Hugging Face would (config.json, model.safetensors with float16 weights) and
golden.bin: int32 n_tokens, int32 n_vocab, int32 ids[n_tokens], float32 logits[n_tokens][n_vocab],
computed by `transformers` in float32 from the same rounded weights.

Made with torch 2.15.0, transformers 5.23.0 (the families of more_families: 5.24.0), safetensors 0.8;
needs nothing else. Families without a class in transformers: own_models.py beside this file.
Usage: make_goldens.py OUTDIR [NAME...]
"""
import json
import os
import struct
import sys

import torch
import transformers as tf
from safetensors.torch import save_file

N_TOKENS, VOCAB = 64, 48


def randomize(model, seed):
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            r = torch.randn(p.shape, generator=g)
            if "norm" in name or "ln_" in name:
                one = 0.0 if "Gemma" in type(model).__name__ or name.endswith("bias") else 1.0
                v = one + 0.1 * r
            elif p.dim() == 1:
                v = 0.1 * r
            elif "emb" in name or "wte" in name or "wpe" in name or "embed" in name:
                v = 0.5 * r
            else:
                v = r * (1.2 / p.shape[-1] ** 0.5)
            p.copy_(v.half().float())


def logits_of(model, ids):
    model.eval()
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0].float()


WANTED = set(sys.argv[2:])


def write(out, name, config, tensors, ids, logits):
    if WANTED and name not in WANTED:
        return
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f, indent=1, sort_keys=True)
        f.write("\n")
    save_file({k: v.detach().half().contiguous().clone() for k, v in tensors.items()},
              os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "golden.bin"), "wb") as f:
        f.write(struct.pack("<ii", len(ids), logits.shape[1]))
        f.write(struct.pack(f"<{len(ids)}i", *ids))
        f.write(logits.numpy().astype("<f4").tobytes())


KEEP = """model_type hidden_size num_hidden_layers num_attention_heads num_key_value_heads head_dim
intermediate_size max_position_embeddings rms_norm_eps rope_theta rope_parameters rope_scaling
tie_word_embeddings hidden_act vocab_size n_layer n_embd n_head n_inner n_positions
layer_norm_epsilon activation_function layer_norm_eps rotary_pct rotary_emb_base
use_parallel_residual seq_length n_layers d_model n_heads expansion_ratio max_seq_len attn_config
learned_pos_emb attn_logit_softcapping final_logit_softcapping sliding_window
apply_residual_connection_post_layernorm norm_eps no_bias multi_query
use_sliding_window partial_rotary_factor layer_norm_eps layer_types sliding_window_pattern
query_pre_attn_scalar rope_local_base_freq attention_multiplier embedding_multiplier
residual_multiplier logits_scaling clip_qkv use_qkv_bias use_parallel_residual qk_layernorm
norm_epsilon num_kv_heads multi_query new_decoder_architecture parallel_attn bias alibi
ffn_hidden_size num_ln_in_parallel_attn activation num_layers num_heads attention_types
window_size ffn_dim do_layer_norm_before word_embed_proj_dim original_max_position_embeddings
state_size conv_kernel time_step_rank use_conv_bias use_bias d_kv d_ff num_decoder_layers
relative_attention_num_buckets relative_attention_max_distance feed_forward_proj
decoder_start_token_id is_gated_act scale_decoder_outputs expand tie_decoder
n_positions""".split()


def trimmed(config):
    d = config.to_dict()
    return {k: d[k] for k in KEEP if k in d and d[k] is not None}


def plain(out, name, model, seed, drop=(), rename={}):
    if WANTED and name not in WANTED:
        return
    randomize(model, seed)
    g = torch.Generator().manual_seed(seed + 1000)
    ids = torch.randint(0, VOCAB, (N_TOKENS,), generator=g).tolist()
    logits = logits_of(model, ids)
    tied = model.config.tie_word_embeddings
    tensors = {k: v for k, v in model.state_dict().items()
               if not (tied and k in ("lm_head.weight", "embed_out.weight"))
               and not k.endswith(tuple(drop) or ("\0",))}
    config = {rename.get(k, k): v for k, v in trimmed(model.config).items()}
    write(out, name, config, tensors, ids, logits)


def more_families(out, common):
    """Every row of the table beyond the first twelve, and variants of those."""
    long = dict(rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=32,
                short_factor=[1.0 + 0.05 * i for i in range(4)],
                long_factor=[1.5 + 0.5 * i for i in range(4)])
    for name, old, seed in (("phi35-short", 128, 20), ("phi35-long", 32, 21)):
        long["original_max_position_embeddings"] = old
        c = tf.Phi3Config(**{**common, "max_position_embeddings": 256}, sliding_window=None,
                          rope_parameters=dict(long), original_max_position_embeddings=old)
        plain(out, name, tf.Phi3ForCausalLM(c), seed)
    plain(out, "qwen2-yarn", tf.Qwen2ForCausalLM(tf.Qwen2Config(
        **common, use_sliding_window=False, rope_parameters={
            "rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0,
            "original_max_position_embeddings": 32})), 22)
    plain(out, "qwen2-mscale", tf.Qwen2ForCausalLM(tf.Qwen2Config(
        **common, use_sliding_window=False, rope_parameters={
            "rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "mscale": 0.8,
            "mscale_all_dim": 2.5, "original_max_position_embeddings": 32})), 50)
    # BLOOMZ: the members of config.json as bigscience/bloomz-7b1 calls them
    plain(out, "bloomz", tf.BloomForCausalLM(tf.BloomConfig(
        vocab_size=VOCAB, hidden_size=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2,
        attention_softmax_in_fp32=True, masked_softmax_fusion=True, seq_length=2048)), 51,
        rename={"hidden_size": "n_embed", "n_head": "num_attention_heads"})
    plain(out, "llama-linear", tf.LlamaForCausalLM(tf.LlamaConfig(
        **common, rope_parameters={"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0})), 23)
    plain(out, "gemma3", tf.Gemma3ForCausalLM(tf.Gemma3TextConfig(
        **{**common, "num_hidden_layers": 4, "hidden_size": 24, "intermediate_size": 32},
        head_dim=16, query_pre_attn_scalar=24,
        sliding_window=20, layer_types=["sliding_attention", "full_attention"] * 2,
        rope_parameters={
            "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}},
        attn_implementation="eager")), 24)
    plain(out, "granite", tf.GraniteForCausalLM(tf.GraniteConfig(
        **common, attention_multiplier=0.25, embedding_multiplier=3.0, residual_multiplier=0.4,
        logits_scaling=2.0)), 25)
    plain(out, "olmo", tf.OlmoForCausalLM(tf.OlmoConfig(**common, clip_qkv=1.5)), 26)
    plain(out, "olmo2", tf.Olmo2ForCausalLM(tf.Olmo2Config(**common)), 27)
    plain(out, "stablelm", tf.StableLmForCausalLM(tf.StableLmConfig(
        **common, use_qkv_bias=True, partial_rotary_factor=0.25)), 28)
    plain(out, "phi2", tf.PhiForCausalLM(tf.PhiConfig(
        **common, partial_rotary_factor=0.5)), 29)
    plain(out, "starcoder2", tf.Starcoder2ForCausalLM(tf.Starcoder2Config(
        **common, sliding_window=24, attn_implementation="eager")), 30)
    ids = dict(bos_token_id=0, eos_token_id=0, pad_token_id=0)
    falcon = dict(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, **ids)
    plain(out, "falcon", tf.FalconForCausalLM(tf.FalconConfig(**falcon)), 31)
    # Falcon-RW. Its biases of positions are bfloat16: exact with four heads and 64 positions. The
    # eager attention of transformers 5.24 adds them twice, the usual one (sdpa) once.
    plain(out, "falcon-rw", tf.FalconForCausalLM(tf.FalconConfig(
        **falcon, alibi=True, multi_query=False, parallel_attn=False, bias=True)), 52)
    plain(out, "falcon-new", tf.FalconForCausalLM(tf.FalconConfig(
        **falcon, new_decoder_architecture=True, num_kv_heads=2, tie_word_embeddings=False,
        bias=True)), 32)
    plain(out, "gptneo", tf.GPTNeoForCausalLM(tf.GPTNeoConfig(
        vocab_size=VOCAB, max_position_embeddings=128, hidden_size=32, num_layers=2, num_heads=4,
        attention_types=[[["global", "local"], 1]], window_size=16, **ids)), 33,
          (".attention.bias", "masked_bias"))
    opt = dict(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, ffn_dim=64,
               num_attention_heads=4, max_position_embeddings=128, **ids)
    plain(out, "opt", tf.OPTForCausalLM(tf.OPTConfig(**opt)), 34)
    plain(out, "opt-post", tf.OPTForCausalLM(tf.OPTConfig(
        **opt, do_layer_norm_before=False, word_embed_proj_dim=16)), 35)
    plain(out, "cerebras", tf.GPT2LMHeadModel(tf.GPT2Config(
        vocab_size=VOCAB, n_positions=128, n_embd=32, n_layer=2, n_head=4, n_inner=64,
        activation_function="gelu", bos_token_id=0, eos_token_id=0)), 36,
          (".attn.bias", "masked_bias"))
    plain(out, "gptneox-serial", tf.GPTNeoXForCausalLM(tf.GPTNeoXConfig(
        vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, rotary_pct=0.25, use_parallel_residual=False,
        max_position_embeddings=128, bos_token_id=0, eos_token_id=0)), 37,
          (".attention.bias", "masked_bias", "inv_freq"))
    plain(out, "mamba", tf.MambaForCausalLM(tf.MambaConfig(
        vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, state_size=16, expand=2,
        time_step_rank=4, bos_token_id=0, eos_token_id=0, pad_token_id=0)), 38)


def t5(out, name, model, seed, tied_scale):
    """40 tokens for the encoder, then 24 that the decoder is forced to; logits of the start token
    and of those. Published models of the later kind have a head of their own and say so as
    transformers 4 did."""
    if not tied_scale:
        model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.lm_head.weight))
    randomize(model, seed)
    g = torch.Generator().manual_seed(seed + 1000)
    ids = torch.randint(1, VOCAB, (N_TOKENS,), generator=g).tolist()
    enc, dec = ids[:40], [0] + ids[40:]
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([enc]),
                       decoder_input_ids=torch.tensor([dec])).logits[0].float()
    tensors = {k: v for k, v in model.state_dict().items()
               if k not in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
               and not (tied_scale and k == "lm_head.weight")}
    config = trimmed(model.config)
    if not tied_scale:
        config["tie_word_embeddings"] = False
        config.pop("scale_decoder_outputs", None)
    write(out, name, config, tensors, ids, logits)


def slimlm(out, seed):
    """SlimLM is GPT-2 with exact GELU under llm-foundry's names; Conv1D becomes Linear."""
    c = tf.GPT2Config(vocab_size=VOCAB, n_positions=128, n_embd=32, n_layer=2, n_head=4,
                      activation_function="gelu", bos_token_id=0, eos_token_id=0)
    m = tf.GPT2LMHeadModel(c)
    randomize(m, seed)
    g = torch.Generator().manual_seed(seed + 1000)
    ids = torch.randint(0, VOCAB, (N_TOKENS,), generator=g).tolist()
    logits = logits_of(m, ids)
    names = {"ln_1": "norm_1", "ln_2": "norm_2", "attn.c_attn": "attn.Wqkv",
             "attn.c_proj": "attn.out_proj", "mlp.c_fc": "ffn.up_proj",
             "mlp.c_proj": "ffn.down_proj", "ln_f": "norm_f"}
    tensors = {}
    for k, v in m.state_dict().items():
        if k == "lm_head.weight" or k.endswith((".attn.bias", "masked_bias")):
            continue
        if v.dim() == 2 and ".c_" in k:
            v = v.t()
        k = k.replace("transformer.h.", "transformer.blocks.")
        for a, b in names.items():
            k = k.replace("." + a + ".", "." + b + ".")
        tensors[k] = v
    config = {"model_type": "mpt", "n_layers": 2, "d_model": 32, "n_heads": 4,
              "expansion_ratio": 4, "max_seq_len": 128, "vocab_size": VOCAB,
              "learned_pos_emb": True, "no_bias": False,
              "attn_config": {"alibi": False, "attn_type": "multihead_attention", "rope": False,
                              "clip_qkv": None}}
    write(out, "slimlm", config, tensors, ids, logits)


def main(out):
    torch.manual_seed(0)
    common = dict(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, intermediate_size=48,
                  num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
                  pad_token_id=0, bos_token_id=0, eos_token_id=0)
    plain(out, "llama", tf.LlamaForCausalLM(tf.LlamaConfig(**common)), 1)
    plain(out, "llama-tied", tf.LlamaForCausalLM(
        tf.LlamaConfig(**common, tie_word_embeddings=True, rope_theta=5e5, head_dim=16)), 2)
    plain(out, "llama3", tf.LlamaForCausalLM(
        tf.LlamaConfig(**common, head_dim=32, tie_word_embeddings=True, rope_parameters={
            "rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64})), 13)
    plain(out, "mistral", tf.MistralForCausalLM(
        tf.MistralConfig(**common, head_dim=8, sliding_window=24,
                         attn_implementation="eager")), 14)
    plain(out, "starcoder", tf.GPTBigCodeForCausalLM(
        tf.GPTBigCodeConfig(vocab_size=VOCAB, n_positions=128, n_embd=32, n_layer=2, n_head=4,
                            bos_token_id=0, eos_token_id=0)), 15, (".attn.bias", "masked_bias"))
    plain(out, "qwen2", tf.Qwen2ForCausalLM(
        tf.Qwen2Config(**common, tie_word_embeddings=True, use_sliding_window=False)), 3)
    plain(out, "qwen3", tf.Qwen3ForCausalLM(
        tf.Qwen3Config(**common, head_dim=16, tie_word_embeddings=True)), 4)
    plain(out, "gemma", tf.GemmaForCausalLM(
        tf.GemmaConfig(**common, head_dim=16, hidden_activation="gelu_pytorch_tanh")), 5)
    plain(out, "gemma2", tf.Gemma2ForCausalLM(
        tf.Gemma2Config(**common, head_dim=16, query_pre_attn_scalar=16, sliding_window=16,
                        attn_implementation="eager")), 6)
    plain(out, "phi3", tf.Phi3ForCausalLM(tf.Phi3Config(**common, sliding_window=None)), 7)
    plain(out, "gpt2", tf.GPT2LMHeadModel(
        tf.GPT2Config(vocab_size=VOCAB, n_positions=128, n_embd=32, n_layer=2, n_head=4,
                      bos_token_id=0, eos_token_id=0)), 8, (".attn.bias", "masked_bias"))
    plain(out, "gptneox", tf.GPTNeoXForCausalLM(
        tf.GPTNeoXConfig(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2,
                         num_attention_heads=4, intermediate_size=64, rotary_pct=0.5,
                         max_position_embeddings=128, bos_token_id=0, eos_token_id=0)), 9,
          (".attention.bias", "masked_bias", "inv_freq"))
    plain(out, "bloom", tf.BloomForCausalLM(
        tf.BloomConfig(vocab_size=VOCAB, hidden_size=24, n_layer=2, n_head=3, bos_token_id=0,
                       eos_token_id=0)), 10)
    plain(out, "mpt", tf.MptForCausalLM(
        tf.MptConfig(vocab_size=VOCAB, d_model=32, n_layers=2, n_heads=4, expansion_ratio=4,
                     max_seq_len=128, learned_pos_emb=False)), 11)
    slimlm(out, 12)
    more_families(out, common)
    sizes = dict(vocab_size=VOCAB, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4,
                 decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
                 relative_attention_num_buckets=8, relative_attention_max_distance=20)
    t5(out, "t5", tf.T5ForConditionalGeneration(tf.T5Config(**sizes)), 40, True)
    t5(out, "flan-t5", tf.T5ForConditionalGeneration(tf.T5Config(
        **sizes, num_decoder_layers=3, feed_forward_proj="gated-gelu",
        tie_word_embeddings=False)), 41, False)
    t5(out, "mt0", tf.MT5ForConditionalGeneration(tf.MT5Config(
        **sizes, feed_forward_proj="gated-gelu", tie_word_embeddings=False)), 42, False)


if __name__ == "__main__":
    main(sys.argv[1])
