/*
 * A table of the hashes of runs in validation and test, with one bit for each split a
 * run was seen in. Open addressing; a hash of 0 marks an empty slot.
 */

#include "annotate/contamination.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "text/ngram.h"
#include "text/words.h"

enum {
    FIRST_SLOTS = 1 << 16,
    MAX_ENTRIES = 1 << 24,
    RESPONSE = 1 << 7 /* kept whatever the thinning */
};

static const double contaminated_share = 0.1;

struct slot {
    uint64_t hash;
    unsigned char flags; /* 1 << split it was seen in, RESPONSE */
};

struct da_contamination {
    struct slot *slots; /* [n_slots], a power of two */
    size_t n_slots, n;
    uint64_t mask; /* runs of texts whose hash has one of these bits are not kept */
    struct da_words words;
    struct da_ngrams grams;
};

struct da_contamination *da_contamination_new(void)
{
    struct da_contamination *c = da_calloc(1, sizeof *c);
    c->n_slots = FIRST_SLOTS;
    c->slots = da_calloc(c->n_slots, sizeof *c->slots);
    da_words_init(&c->words);
    da_ngrams_init(&c->grams);
    return c;
}

void da_contamination_free(struct da_contamination *c)
{
    if (!c)
        return;
    da_ngrams_release(&c->grams);
    da_words_release(&c->words);
    free(c->slots);
    free(c);
}

static struct slot *find(const struct da_contamination *c, uint64_t hash)
{
    size_t i = (size_t)hash & (c->n_slots - 1);
    while (c->slots[i].hash != 0 && c->slots[i].hash != hash)
        i = (i + 1) & (c->n_slots - 1);
    return &c->slots[i];
}

static bool kept(const struct da_contamination *c, const struct slot *s)
{
    return (s->flags & RESPONSE) || (s->hash & c->mask) == 0;
}

/* Moves what is kept into a table of n_slots. */
static void rebuild(struct da_contamination *c, size_t n_slots)
{
    struct slot *old = c->slots;
    size_t n_old = c->n_slots;
    c->slots = da_calloc(n_slots, sizeof *c->slots);
    c->n_slots = n_slots;
    c->n = 0;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].hash == 0 || !kept(c, &old[i]))
            continue;
        *find(c, old[i].hash) = old[i];
        c->n++;
    }
    free(old);
}

static void insert(struct da_contamination *c, uint64_t hash, unsigned char flags)
{
    struct slot s = {hash, flags};
    if (!kept(c, &s))
        return;
    struct slot *at = find(c, hash);
    if (at->hash == 0) {
        if (c->n == MAX_ENTRIES) {
            /* The high bits: the low ones choose the slot. */
            c->mask = c->mask ? c->mask | c->mask >> 1 : (uint64_t)1 << 63;
            rebuild(c, c->n_slots);
            insert(c, hash, flags);
            return;
        }
        if (2 * (c->n + 1) > c->n_slots) {
            rebuild(c, 2 * c->n_slots);
            at = find(c, hash);
        }
        at->hash = hash;
        c->n++;
    }
    at->flags |= flags;
}

static void runs_of(struct da_contamination *c, struct da_span text)
{
    da_words_split(&c->words, text.p, text.len);
    da_ngrams_make(&c->grams, &c->words, DA_CONTAMINATION_ORDER, false);
    for (size_t i = 0; i < c->grams.n; i++)
        c->grams.items[i] += c->grams.items[i] == 0;
}

enum { MAX_RESPONSES = DA_MAX_SUGGESTIONS + 3 };

/* What the model is to write about the document, the question of the QA task included. */
static size_t responses_of(const struct da_annotation *a, struct da_span r[MAX_RESPONSES])
{
    size_t n = 0;
    r[n++] = a->summ_response;
    r[n++] = a->qa_request;
    r[n++] = a->qa_response;
    for (size_t i = 0; i < a->n_suggestions; i++)
        r[n++] = a->qs_response[i];
    return n;
}

void da_contamination_note(struct da_contamination *c, const struct da_annotation *a,
                           struct da_span text)
{
    struct da_span r[MAX_RESPONSES];
    size_t n = responses_of(a, r);
    runs_of(c, text);
    for (size_t i = 0; i < c->grams.n; i++)
        insert(c, c->grams.items[i], 0);
    for (size_t k = 0; k < n; k++) {
        runs_of(c, r[k]);
        for (size_t i = 0; i < c->grams.n; i++)
            insert(c, c->grams.items[i], RESPONSE);
    }
}

static void mark(struct da_contamination *c, struct da_span text, enum da_split s)
{
    runs_of(c, text);
    for (size_t i = 0; i < c->grams.n; i++) {
        struct slot *at = find(c, c->grams.items[i]);
        if (at->hash != 0)
            at->flags |= (unsigned char)(1u << s);
    }
}

void da_contamination_mark(struct da_contamination *c, const struct da_annotation *a,
                           struct da_span text, enum da_split s)
{
    struct da_span r[MAX_RESPONSES];
    size_t n = responses_of(a, r);
    mark(c, text, s);
    for (size_t k = 0; k < n; k++)
        mark(c, r[k], s);
}

/* How many of the kept runs of text were seen in a split before s. */
static size_t seen_before(struct da_contamination *c, struct da_span text, enum da_split s,
                          size_t *n_kept)
{
    unsigned before = (1u << s) - 1;
    size_t n = 0;
    runs_of(c, text);
    *n_kept = 0;
    for (size_t i = 0; i < c->grams.n; i++) {
        const struct slot *at = find(c, c->grams.items[i]);
        *n_kept += at->hash != 0;
        n += at->hash != 0 && (at->flags & before) != 0;
    }
    return n;
}

struct da_contamination_found da_contamination_of(struct da_contamination *c,
                                                  const struct da_annotation *a,
                                                  struct da_span text, enum da_split s)
{
    struct da_contamination_found f = {0, false, false};
    struct da_span r[MAX_RESPONSES];
    size_t n = responses_of(a, r), n_kept;
    size_t n_seen = seen_before(c, text, s, &n_kept);
    f.text_share = n_kept ? (double)n_seen / (double)n_kept : 0;
    for (size_t k = 0; k < n && !f.response; k++)
        f.response = seen_before(c, r[k], s, &n_kept) > 0;
    f.contaminated = f.response || f.text_share >= contaminated_share;
    return f;
}
