/* The table of decoder families. */
#include "engine/model/family.h"

#include <string.h>

#include "common/buf.h"
#include "engine/gguf.h"

static const struct da_family FAMILIES[] = {
    {.name = "llama",
     .arch = "llama",
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_PAIR,
     .mlp = DA_MLP_SWIGLU,
     .biases = true},
    {.name = "slimlm",
     .arch = "mpt",
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_LEARNED,
     .mlp = DA_MLP_GELU_ERF,
     .fused_qkv = true,
     .biases = true},
    {.name = "mpt",
     .arch = "mpt",
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_ALIBI,
     .mlp = DA_MLP_GELU_ERF,
     .fused_qkv = true,
     .biases = true},
    {.name = "qwen2",
     .arch = "qwen2",
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_SWIGLU,
     .qkv_biases = true},
    {.name = "qwen3",
     .arch = "qwen3",
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_SWIGLU,
     .qk_norm = true},
    {.name = "gpt2",
     .arch = "gpt2",
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_LEARNED,
     .mlp = DA_MLP_GELU_TANH,
     .fused_qkv = true,
     .biases = true,
     .biases_needed = true},
    {.name = "gptneox",
     .arch = "gptneox",
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_GELU_ERF,
     .fused_qkv = true,
     .biases = true,
     .biases_needed = true,
     .parallel = true},
    {.name = "bloom",
     .arch = "bloom",
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_ALIBI,
     .mlp = DA_MLP_GELU_TANH,
     .fused_qkv = true,
     .biases = true,
     .biases_needed = true,
     .embd_norm = true},
    {.name = "starcoder",
     .arch = "starcoder",
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_LEARNED,
     .mlp = DA_MLP_GELU_TANH,
     .fused_qkv = true,
     .biases = true,
     .biases_needed = true},
    {.name = "phi3",
     .arch = "phi3",
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_SWIGLU,
     .fused_qkv = true,
     .fused_gate = true},
    {.name = "gemma",
     .arch = "gemma",
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_GEGLU,
     .embd_scale = true},
    {.name = "gemma2",
     .arch = "gemma2",
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_GEGLU,
     .norms = DA_NORMS_SANDWICH,
     .window_every = 2,
     .embd_scale = true},
    {.name = "gemma3",
     .arch = "gemma3",
     .norm = DA_NORM_RMS,
     .norms = DA_NORMS_SANDWICH,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_GEGLU,
     .window_every = 6,
     .window_rope = true,
     .qk_norm = true,
     .embd_scale = true},
    {.name = "granite",
     .arch = "granite",
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_PAIR,
     .mlp = DA_MLP_SWIGLU,
     .biases = true},
    {.name = "olmo",
     .arch = "olmo",
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_ROPE_PAIR,
     .mlp = DA_MLP_SWIGLU,
     .norm_unit = true},
    {.name = "olmo2",
     .arch = "olmo2",
     .norm = DA_NORM_RMS,
     .norms = DA_NORMS_AFTER,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_SWIGLU,
     .qk_norm_row = true},
    {.name = "openelm",
     .arch = "openelm",
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_SWIGLU,
     .fused_qkv = true,
     .qk_norm = true},
    {.name = "stablelm",
     .arch = "stablelm",
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_SWIGLU,
     .qkv_biases = true},
    {.name = "phi2",
     .arch = "phi2",
     .norm = DA_NORM_LAYER,
     .norms = DA_NORMS_ONE,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_GELU_TANH,
     .biases = true,
     .biases_needed = true,
     .parallel = true},
    {.name = "falcon",
     .arch = "falcon",
     .norm = DA_NORM_LAYER,
     .norms = DA_NORMS_ONE,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_GELU_ERF,
     .fused_qkv = true,
     .biases = true,
     .parallel = true},
    {.name = "starcoder2",
     .arch = "starcoder2",
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_GELU_TANH,
     .biases = true},
    {.name = "gptneo",
     .arch = DA_ARCH_OWN,
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_LEARNED,
     .mlp = DA_MLP_GELU_TANH,
     .window_every = 2,
     .window_second = true,
     .biases = true,
     .scores_plain = true},
    {.name = "opt",
     .arch = DA_ARCH_OWN,
     .norm = DA_NORM_LAYER,
     .positions = DA_POS_LEARNED,
     .mlp = DA_MLP_RELU,
     .biases = true},
    {.name = "opt-post",
     .arch = DA_ARCH_OWN,
     .norm = DA_NORM_LAYER,
     .norms = DA_NORMS_ON_RESIDUAL,
     .positions = DA_POS_LEARNED,
     .mlp = DA_MLP_RELU,
     .biases = true},
    {.name = "mobillama",
     .arch = DA_ARCH_OWN,
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_PAIR,
     .mlp = DA_MLP_SWIGLU},
    {.name = "mobilellm",
     .arch = DA_ARCH_OWN,
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_PAIR,
     .mlp = DA_MLP_SWIGLU},
    {.name = "phonelm",
     .arch = DA_ARCH_OWN,
     .norm = DA_NORM_RMS,
     .positions = DA_POS_ROPE_HALF,
     .mlp = DA_MLP_REGLU,
     .qkv_biases = true},
    {.name = "mamba", .arch = "mamba", .pass = DA_PASS_MAMBA, .norm = DA_NORM_RMS},
    {.name = "t5", .arch = "t5", .pass = DA_PASS_T5, .norm = DA_NORM_RMS, .scores_plain = true},
};

const struct da_family *da_family_named(const char *name)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(FAMILIES); i++)
        if (strcmp(FAMILIES[i].name, name) == 0)
            return &FAMILIES[i];
    return NULL;
}

/* More than one row has this architecture: mpt's tensors tell which, our own files say it. */
static bool is_row(const struct da_family *f, const struct da_gguf *g, struct da_span own)
{
    if (strcmp(f->arch, DA_ARCH_OWN) == 0)
        return da_span_is(own, f->name);
    if (strcmp(f->arch, "mpt") != 0)
        return true;
    return (da_gguf_tensor(g, "position_embd.weight") != NULL) == (f->positions == DA_POS_LEARNED);
}

enum da_rc da_family_find(const struct da_family **ret, const struct da_gguf *g, struct da_err *err)
{
    struct da_span arch, own;
    struct da_buf known;
    enum da_rc rc = da_gguf_get_str(g, "general.architecture", &arch, err);
    if (rc || (rc = da_gguf_opt_str(g, DA_ARCH_OWN ".family", da_span_str(""), &own, err)))
        return rc;
    for (size_t i = 0; i < DA_ARRAY_LEN(FAMILIES); i++) {
        if (da_span_is(arch, FAMILIES[i].arch) && is_row(&FAMILIES[i], g, own)) {
            *ret = &FAMILIES[i];
            return DA_OK;
        }
    }
    da_buf_init(&known, 0);
    for (size_t i = 0; i < DA_ARRAY_LEN(FAMILIES); i++)
        da_buf_addf(&known, "%s%s", i ? ", " : "", FAMILIES[i].name);
    arch = da_span_is(arch, DA_ARCH_OWN) ? own : arch;
    rc = da_fail(err, DA_EUNSUPPORTED, "%s: architecture '%.*s' is not one of %s", da_gguf_name(g),
                 (int)(arch.len < 64 ? arch.len : 64), arch.p, known.p);
    da_buf_release(&known);
    return rc;
}
