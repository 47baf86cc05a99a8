/*
 * See bytemerge.h. First the merges of two bytes that nothing can prevent, about half of all: a
 * merge of lowest rank comes first, so that of a[i] and a[i + 1] happens for certain when all
 * merges that would take one of the two away have higher ranks, whatever grows beside them. Later
 * merges do not mind that it is done early where each comes after those that make its parts
 * (is_monotone).
 *
 * Then the rest, in the usual order, of up to TOGETHER pieces in step: a round finds the next merge
 * of each and asks for the ranks of its two new neighbourhoods; the questions of all are answered
 * together, each line of the tables fetched well before it is read.
 */

#include "engine/tokenizer/bytemerge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "common/mem.h"
#include "engine/tokenizer/tokenizer_impl.h"

enum { INDEX_BITS = 7, NO_KEY = INT32_MAX, TOGETHER = 32, MAX_QUESTIONS = 256 };
static_assert(DA_JOB_MAX_LEN <= 1 << INDEX_BITS && DA_JOB_MAX_LEN % 16 == 0,
              "a place has INDEX_BITS, keys are looked through in blocks");

static bool is_monotone(const struct da_vocab *v)
{
    uint32_t *made = da_try_alloc(v->n, sizeof *made); /* by which merge, the last one, plus 1 */
    bool monotone = made != NULL;
    for (size_t i = 0; i < v->n_merges && monotone; i++)
        made[v->merges[i].result] = (uint32_t)i + 1;
    for (size_t i = 0; i < v->n_merges && monotone; i++)
        monotone = made[v->merges[i].left] <= i && made[v->merges[i].right] <= i;
    free(made);
    return monotone;
}

static bool is_lone_byte(const struct da_tokenizer *t, int32_t id)
{
    struct da_span text = da_vocab_text(t->v, id);
    return text.len == 1 && t->byte_id[(unsigned char)text.p[0]] == id;
}

enum da_rc da_byte_pairs_build(struct da_tokenizer *t, struct da_err *err)
{
    const struct da_vocab *v = t->v;
    t->byte_pairs = da_try_alloc(65536, sizeof *t->byte_pairs);
    if (!t->byte_pairs)
        return da_fail(err, DA_ENOMEM, "no memory for the pairs of bytes");
    const uint16_t none = is_monotone(v) ? DA_BYTE_PAIR_MAX : 0;
    for (size_t i = 0; i < 65536; i++)
        t->byte_pairs[i] = (struct da_byte_pair){DA_PAIR_NONE, none, none};
    for (size_t i = v->n_merges; i-- > 0;) { /* of equal pairs the first counts */
        const struct da_vocab_merge *m = &v->merges[i];
        struct da_span l = da_vocab_text(v, m->left), r = da_vocab_text(v, m->right);
        if (l.len == 0 || r.len == 0)
            continue;
        unsigned char p = (unsigned char)l.p[l.len - 1], q = (unsigned char)r.p[0];
        struct da_byte_pair *e = &t->byte_pairs[p << 8 | q];
        bool lone_l = is_lone_byte(t, m->left), lone_r = is_lone_byte(t, m->right);
        uint16_t rank = (uint16_t)(i < none ? i : none);
        if (lone_r)
            e->left = rank;
        if (lone_l)
            e->right = rank;
        if (lone_l && lone_r)
            e->rank = (uint32_t)i;
    }
    return DA_OK;
}

bool da_byte_pairs_cover(const struct da_tokenizer *t)
{
    bool all = t->byte_pairs != NULL;
    for (int b = 0; b < 256 && all; b++)
        all = t->byte_id[b] >= 0;
    return all;
}

/* The rank of a pair with its position below, so that one minimum finds the lowest rank and the
 * leftmost of equals. */
static inline int32_t key_of(uint32_t rank, size_t at)
{
    return rank == DA_PAIR_NONE ? NO_KEY : (int32_t)(rank << INDEX_BITS | (uint32_t)at);
}

/* A key below 0 stands for a pair that a new symbol is part of: still to be asked for. */
enum { TO_ASK = -1 };

void da_merge_job_set(const struct da_tokenizer *t, struct da_merge_job *job, const char *p,
                      size_t len)
{
    static const struct da_byte_pair end = {DA_PAIR_NONE, DA_BYTE_PAIR_MAX, DA_BYTE_PAIR_MAX};
    const unsigned char *a = (const unsigned char *)p;
    const struct da_byte_pair *pair = len > 1 ? &t->byte_pairs[a[0] << 8 | a[1]] : &end;
    uint32_t left = DA_BYTE_PAIR_MAX;
    size_t n = 0, was_sure = 0;
    for (size_t i = 0; i < len; i++) { /* without branches; two sure pairs never overlap */
        const struct da_byte_pair *next =
            i + 2 < len ? &t->byte_pairs[a[i + 1] << 8 | a[i + 2]] : &end;
        size_t sure = (pair->rank < left) & (pair->rank < next->right);
        int32_t both = t->merge_base >= 0 ? (int32_t)((uint32_t)t->merge_base + pair->rank)
                       : sure             ? t->v->merges[pair->rank].result
                                          : 0;
        n -= was_sure; /* the second byte of a sure pair: its symbol is there already */
        int32_t old = was_sure ? job->id[n] : t->byte_id[a[i]];
        job->id[n] = sure ? both : old;
        job->key[n] = sure | was_sure ? TO_ASK : key_of(pair->rank, n);
        job->key[n - (n > 0)] = sure && n > 0 ? TO_ASK : job->key[n - (n > 0)];
        n++;
        left = pair->left;
        pair = next;
        was_sure = sure;
    }
    for (size_t i = 0; i < n; i++) {
        job->next[i] = (uint8_t)(i + 1);
        job->prev[i] = (uint8_t)(i - 1);
    }
    for (size_t i = n - 1; i < ((n + 15) & ~(size_t)15); i++)
        job->key[i] = NO_KEY;
    job->n = (uint32_t)n;
}

struct question {
    uint64_t hash;
    int32_t *key; /* where the answer belongs */
    uint32_t at;
};

struct questions {
    size_t n;
    struct question q[MAX_QUESTIONS];
};

static inline void ask(const struct da_tokenizer *t, struct questions *qs,
                       struct da_merge_job *job, size_t at, size_t next)
{
    uint64_t h = da_pair_mix(job->id[at], job->id[next]);
    DA_PREFETCH(&t->pairs.filter[h >> t->pairs.filter_shift >> 6]);
    job->key[at] = NO_KEY;
    qs->q[qs->n++] = (struct question){h, &job->key[at], (uint32_t)at};
}

static void answer(const struct da_tokenizer *t, struct questions *qs)
{
    size_t n = 0;
    for (size_t i = 0; i < qs->n; i++) { /* without a branch, which nobody could foresee */
        uint64_t h = qs->q[i].hash;
        bool maybe = da_pairs_maybe(&t->pairs, h);
        qs->q[n] = qs->q[i];
        DA_PREFETCH(&t->pairs.slots[maybe ? h >> t->pairs.shift : 0]);
        n += maybe;
    }
    for (size_t i = 0; i < n; i++)
        *qs->q[i].key = key_of(da_pairs_look(&t->pairs, qs->q[i].hash), qs->q[i].at);
    qs->n = 0;
}

/* The next merge of a job; false when there is none. */
static bool step(const struct da_tokenizer *t, struct da_merge_job *job, struct questions *qs)
{
    const size_t n = job->n;
    int32_t best = NO_KEY;
    for (size_t i = 0; i < n; i += 16) /* beyond n there is no key */
        for (size_t k = 0; k < 16; k++)
            best = job->key[i + k] < best ? job->key[i + k] : best;
    if (best == NO_KEY)
        return false;
    size_t i = (size_t)best & ((1 << INDEX_BITS) - 1), gone = job->next[i], after = job->next[gone];
    job->id[i] = da_bpe_result(t, (uint32_t)best >> INDEX_BITS);
    job->next[i] = (uint8_t)after;
    job->prev[after] = (uint8_t)i;
    job->key[gone] = job->key[i] = NO_KEY;
    if (after < n)
        ask(t, qs, job, i, after);
    if (i > 0)
        ask(t, qs, job, job->prev[i], i);
    return true;
}

static void collect(struct da_merge_job *job)
{
    uint32_t n = 0;
    for (size_t i = 0; i < job->n; i = job->next[i])
        job->id[n++] = job->id[i];
    job->n = n;
}

void da_merge_jobs_run(const struct da_tokenizer *t, struct da_merge_job *jobs, size_t n)
{
    struct questions qs;
    struct da_merge_job *active[TOGETHER];
    size_t n_active = 0;
    qs.n = 0;
    for (size_t next = 0; next < n || n_active > 0;) {
        for (; next < n && n_active < TOGETHER; next++) {
            struct da_merge_job *job = active[n_active++] = &jobs[next];
            for (size_t i = 0; i + 1 < job->n; i++) {
                if (qs.n == MAX_QUESTIONS)
                    answer(t, &qs);
                if (job->key[i] == TO_ASK)
                    ask(t, &qs, job, i, i + 1);
            }
        }
        answer(t, &qs);
        for (size_t i = 0; i < n_active;) {
            if (step(t, active[i], &qs)) {
                i++;
                continue;
            }
            collect(active[i]);
            active[i] = active[--n_active];
        }
    }
}
