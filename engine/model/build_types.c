/*
 * Which type each tensor of a file gets. The k-quant mixtures and the fallbacks of
 * rows that are not whole blocks are those of llama.cpp's llama-quantize, so that a
 * file made here is what users expect under the name of its type.
 */
#include <stdio.h>
#include <string.h>

#include "engine/model/build.h"

static bool ends(const char *name, const char *end)
{
    size_t n = strlen(name), k = strlen(end);
    return n >= k && strcmp(name + n - k, end) == 0;
}

/* Small, or their precision matters, or no matrix is multiplied with them. */
bool da_build_stays_f32(const struct da_build_tensor *t)
{
    static const char *const NAMES[] = {"position_embd.weight", "token_types.weight"};
    static const char *const ENDS[] = {"_norm.weight", "ffn_gate_inp.weight", "attn_rel_b.weight",
                                       "ssm_conv1d.weight"};
    if (t->vector || !ends(t->name, ".weight"))
        return true;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(t->name, NAMES[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++)
        if (ends(t->name, ENDS[i]))
            return true;
    return false;
}

/* What decides about a mixture beside a tensor's name. */
struct mixture {
    enum da_qtype want;
    uint32_t n_layers;
    bool tied, falcon;
};

/* The first and last eighth of the layers and every third between get more bits. */
static bool more_bits(uint32_t layer, uint32_t n)
{
    return layer < n / 8 || layer >= 7 * n / 8 || (layer - n / 8) % 3 == 2;
}

static bool layer_of(const char *name, uint32_t *layer)
{
    unsigned n = 0, at = 4;
    if (strncmp(name, "blk.", 4) != 0)
        return false;
    for (; name[at] >= '0' && name[at] <= '9' && at < 10; at++)
        n = n * 10 + (unsigned)(name[at] - '0');
    *layer = n;
    return at > 4 && name[at] == '.';
}

static enum da_qtype mixed(const struct mixture *m, const struct da_build_tensor *t)
{
    uint32_t layer = 0;
    bool super = t->n_cols % DA_QSUPER == 0;
    if (strcmp(t->name, "output.weight") == 0 ||
        (m->tied && strcmp(t->name, "token_embd.weight") == 0))
        return m->falcon || !super ? DA_Q_Q8_0 : DA_Q_Q6_K;
    if (m->want != DA_Q_Q4_K || !layer_of(t->name, &layer))
        return m->want;
    bool more = more_bits(layer, m->n_layers);
    if (ends(t->name, ".attn_v.weight") || ends(t->name, ".attn_qkv.weight"))
        return more ? DA_Q_Q6_K : DA_Q_Q4_K;
    if (ends(t->name, ".ffn_down.weight")) {
        if (!m->falcon)
            return more ? DA_Q_Q6_K : DA_Q_Q4_K;
        return layer < m->n_layers / 16 ? DA_Q_Q6_K : more ? DA_Q_Q5_K : DA_Q_Q4_K;
    }
    return DA_Q_Q4_K;
}

/* The type of about the same size whose blocks the rows fill. */
static enum da_qtype fallback(enum da_qtype want, uint32_t n_cols)
{
    enum da_qtype got = want;
    if (n_cols % da_qtype_info(want)->block_len == 0)
        return want;
    switch (want) {
    case DA_Q_Q4_K: got = DA_Q_Q5_0; break;
    case DA_Q_Q5_K: got = DA_Q_Q5_1; break;
    case DA_Q_Q6_K: got = DA_Q_Q8_0; break;
    default: break;
    }
    return n_cols % da_qtype_info(got)->block_len ? DA_Q_F16 : got;
}

static void note(struct da_build_fallbacks *f, enum da_qtype want, enum da_qtype got)
{
    unsigned i = 0;
    while (i < f->n && (f->p[i].want != want || f->p[i].got != got))
        i++;
    if (i == DA_BUILD_MAX_FALLBACKS)
        return;
    if (i == f->n)
        f->p[f->n++] = (struct da_build_fallback){want, got, 0};
    f->p[i].n++;
}

void da_build_types(struct da_build_tensor *tensors, size_t n, enum da_qtype want, const char *arch,
                    struct da_build_fallbacks *fallbacks)
{
    struct mixture m = {.want = want, .tied = true, .falcon = strcmp(arch, "falcon") == 0};
    struct da_build_fallbacks none;
    fallbacks = fallbacks ? fallbacks : &none;
    fallbacks->n = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t layer;
        if (layer_of(tensors[i].name, &layer) && layer >= m.n_layers)
            m.n_layers = layer + 1;
        if (strcmp(tensors[i].name, "output.weight") == 0)
            m.tied = false;
    }
    for (size_t i = 0; i < n; i++) {
        struct da_build_tensor *t = &tensors[i];
        bool k = want == DA_Q_Q4_K || want == DA_Q_Q6_K;
        enum da_qtype type = da_build_stays_f32(t) || want == DA_Q_F32 ? DA_Q_F32
                             : k                                       ? mixed(&m, t)
                                                                       : want;
        t->type = fallback(type, t->n_cols);
        if (k && type == DA_Q_Q8_0 && !m.falcon) /* the output's own way of falling back */
            type = DA_Q_Q6_K;
        if (t->type != type)
            note(fallbacks, type, t->type);
    }
}
