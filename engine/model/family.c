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
     .post_norms = true,
     .embd_scale = true},
};

const struct da_family *da_family_named(const char *name)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(FAMILIES); i++)
        if (strcmp(FAMILIES[i].name, name) == 0)
            return &FAMILIES[i];
    return NULL;
}

enum da_rc da_family_find(const struct da_family **ret, const struct da_gguf *g, struct da_err *err)
{
    struct da_span arch;
    bool learned = da_gguf_tensor(g, "position_embd.weight") != NULL;
    enum da_rc rc = da_gguf_get_str(g, "general.architecture", &arch, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < DA_ARRAY_LEN(FAMILIES); i++) {
        const struct da_family *f = &FAMILIES[i];
        if (!da_span_is(arch, f->arch))
            continue;
        /* mpt is two rows: the tensor tells which */
        if (strcmp(f->arch, "mpt") == 0 && learned != (f->positions == DA_POS_LEARNED))
            continue;
        *ret = f;
        return DA_OK;
    }
    char known[256];
    size_t n = 0;
    for (size_t i = 0; i < DA_ARRAY_LEN(FAMILIES); i++) {
        size_t len = strlen(FAMILIES[i].name);
        if (n + len + 3 > sizeof known)
            break;
        memcpy(known + n, i ? ", " : "", i ? 2 : 0);
        n += i ? 2 : 0;
        memcpy(known + n, FAMILIES[i].name, len);
        n += len;
    }
    known[n] = 0;
    return da_fail(err, DA_EUNSUPPORTED, "%s: architecture '%.*s' is not one of %s",
                   da_gguf_name(g), (int)(arch.len < 64 ? arch.len : 64), arch.p, known);
}
