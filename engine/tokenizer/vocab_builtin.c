/*
 * The vocabularies built into the program: OpenAI's o200k_base and cl100k_base.
 * engine/data/NAME.bin is written, and its format described, by
 * tools/vocab/pack_ranks.py; the pair stored with each token is its merge.
 */

#include <stdio.h>
#include <string.h>

#include "common/attr.h"
#include "common/embed.h"
#include "engine/tokenizer/vocab.h"

enum { HEADER_LEN = 8 + 4, N_BYTES = 256 };

static const struct builtin {
    const char *name;
    enum da_split_step step;
    struct {
        const char *text;
        int32_t id;
    } control[5]; /* openai_public.py of tiktoken 0.14 */
} builtins[] = {
    {"o200k_base",
     DA_SPLIT_O200K,
     {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
    {"cl100k_base",
     DA_SPLIT_CL100K,
     {{"<|endoftext|>", 100257},
      {"<|fim_prefix|>", 100258},
      {"<|fim_middle|>", 100259},
      {"<|fim_suffix|>", 100260},
      {"<|endofprompt|>", 100276}}},
};

struct bits {
    const unsigned char *p, *end;
    uint64_t word;
    unsigned n;
};

static uint32_t take(struct bits *b, unsigned width)
{
    while (b->n < width) {
        b->word |= (uint64_t)(b->p < b->end ? *b->p++ : 0) << b->n;
        b->n += 8;
    }
    uint32_t v = (uint32_t)(b->word & ((1u << width) - 1));
    b->word >>= width;
    b->n -= width;
    return v;
}

static enum da_rc unpack(struct da_vocab *v, const struct da_embedded *e, struct da_err *err)
{
    if (e->len < HEADER_LEN + N_BYTES || memcmp(e->p, "DARANKS1", 8) != 0)
        return da_fail(err, DA_EFORMAT, "%s: not a packed vocabulary", e->name);
    uint32_t n = e->p[8] | (uint32_t)e->p[9] << 8 | (uint32_t)e->p[10] << 16 |
                 (uint32_t)e->p[11] << 24;
    enum da_rc rc = DA_OK;
    for (unsigned i = 0; i < N_BYTES && rc == DA_OK; i++)
        rc = da_vocab_add(v, da_span((const char *)e->p + HEADER_LEN + i, 1), 0,
                          DA_TOKEN_NORMAL, 0, err);
    struct bits b = {e->p + HEADER_LEN + N_BYTES, e->p + e->len, 0, 0};
    char text[256];
    unsigned width = 8;
    for (uint32_t i = N_BYTES; i < n && rc == DA_OK; i++) {
        if ((i - 1) >> width)
            width++;
        uint32_t left = take(&b, width), right = take(&b, width);
        struct da_span l = da_vocab_text(v, (int32_t)left), r = da_vocab_text(v, (int32_t)right);
        if (l.len == 0 || r.len == 0 || l.len + r.len > sizeof text)
            return da_fail(err, DA_EFORMAT, "%s: token %u is damaged", e->name, (unsigned)i);
        memcpy(text, l.p, l.len);
        memcpy(text + l.len, r.p, r.len);
        rc = da_vocab_add(v, da_span(text, l.len + r.len), 0, DA_TOKEN_NORMAL, 0, err);
        if (rc == DA_OK)
            rc = da_vocab_add_merge(v, (int32_t)left, (int32_t)right, (int32_t)i, err);
    }
    return rc;
}

static enum da_rc add_control(struct da_vocab *v, const struct builtin *b, struct da_err *err)
{
    enum da_rc rc = DA_OK;
    for (size_t i = 0; i < DA_ARRAY_LEN(b->control) && b->control[i].text && rc == DA_OK; i++) {
        while ((int32_t)v->n < b->control[i].id && rc == DA_OK) /* numbers never given out */
            rc = da_vocab_add(v, da_span("", 0), 0, DA_TOKEN_UNUSED, 0, err);
        if (rc == DA_OK)
            rc = da_vocab_add(v, da_span_str(b->control[i].text), 0, DA_TOKEN_CONTROL, 0, err);
    }
    return rc;
}

static const struct builtin *find(const char *name)
{
    for (size_t i = 0; i < DA_ARRAY_LEN(builtins); i++)
        if (strcmp(builtins[i].name, name) == 0)
            return &builtins[i];
    return NULL;
}

struct da_vocab *da_vocab_builtin_frame(const char *name)
{
    const struct builtin *b = find(name);
    if (!b)
        return NULL;
    struct da_vocab *v = da_vocab_new(DA_VOCAB_BPE);
    (void)snprintf(v->name, sizeof v->name, "%s", name);
    v->byte_level = v->all_reachable = true;
    v->split.steps[0] = (uint8_t)b->step;
    v->split.n = 1;
    v->special[DA_TOK_EOS] = b->control[0].id;
    return v;
}

enum da_rc da_vocab_builtin(struct da_vocab **ret, const char *name, struct da_err *err)
{
    char file[64];
    struct da_vocab *v = da_vocab_builtin_frame(name);
    if (!v)
        return da_fail(err, DA_ENOTFOUND, "no built-in vocabulary is called '%s'", name);
    (void)snprintf(file, sizeof file, "engine/data/%s.bin", name);
    const struct da_embedded *e = da_embed_find(file);
    enum da_rc rc = e ? unpack(v, e, err)
                      : da_fail(err, DA_ENOTFOUND, "%s is not built into this program", file);
    v->n_normal = v->n;
    if (rc == DA_OK)
        rc = add_control(v, find(name), err);
    if (rc != DA_OK)
        da_vocab_free(v);
    else
        *ret = v;
    return rc;
}
