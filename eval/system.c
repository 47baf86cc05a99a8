#include "eval/system.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/threads.h"
#include "eval/exact_sum.h"
#include "text/ulower.h"

struct block_job {
    const struct da_suite *suite;
    const struct da_block *block;
    struct da_work *work; /* [workers] */
    double *rows;         /* [DA_SEGMENTS_BLOCK][n_stats] */
    unsigned char *lost;  /* [DA_SEGMENTS_BLOCK] */
};

static void measure(void *ctx, size_t item, unsigned worker)
{
    struct block_job *j = ctx;
    unsigned n = da_suite_segment(j->suite, &j->work[worker], &j->block->segs[item],
                                  j->rows + item * j->suite->n_stats);
    j->lost[item] = n > 0;
}

static void keep_text(struct da_system *s, struct da_span hyp)
{
    DA_GROW(s->texts, s->n, s->texts_cap);
    s->texts[s->n] = da_span(NULL, hyp.len);
    da_buf_add(&s->text, hyp.p, hyp.len);
}

static void take_block(struct da_system *s, const struct block_job *j,
                       const struct da_system_opts *o, struct da_exact *sums)
{
    size_t k = j->suite->n_stats;

    for (size_t i = 0; i < j->block->n; i++) {
        const double *row = j->rows + i * k;
        struct da_span hyp = j->block->segs[i].hyp;
        for (size_t c = 0; c < k; c++)
            da_exact_add(&sums[c], row[c]);
        if (o->keep_rows && k) {
            DA_GROW_BY(s->rows, s->n * k, k, s->rows_cap);
            memcpy(s->rows + s->n * k, row, k * sizeof *row);
        }
        if (o->keep_texts)
            keep_text(s, hyp);
        if (o->on_row)
            o->on_row(o->ctx, &j->block->segs[i], row);
        s->n_lost += j->lost[i];
        s->n_empty += da_upy_strip(hyp).len == 0;
        s->n++;
    }
}

static void finish(struct da_system *s, const struct da_suite *suite, const struct da_exact *sums,
                   const struct da_system_opts *o)
{
    size_t at = 0;

    s->sum = da_calloc(suite->n_stats + 1, sizeof *s->sum);
    for (size_t c = 0; c < suite->n_stats; c++)
        s->sum[c] = da_exact_round(&sums[c]);
    for (size_t i = 0; i < s->n && o->keep_texts; i++) {
        s->texts[i].p = s->text.p + at;
        at += s->texts[i].len;
    }
}

enum da_rc da_system_read(struct da_system *s, const struct da_suite *suite,
                          const struct da_segment_files *files,
                          const struct da_system_opts *opts, struct da_err *err)
{
    unsigned n_threads = opts->n_threads ? opts->n_threads : da_threads_available();
    struct da_segments *in = NULL;
    struct da_block *block = da_calloc(1, sizeof *block);
    struct da_exact *sums = da_calloc(suite->n_stats + 1, sizeof *sums);
    struct block_job j = {suite, block, da_calloc(n_threads, sizeof *j.work),
                          da_calloc(DA_SEGMENTS_BLOCK * (suite->n_stats + 1), sizeof *j.rows),
                          da_calloc(DA_SEGMENTS_BLOCK, 1)};

    memset(s, 0, sizeof *s);
    da_buf_init(&s->text, 0);
    da_block_init(block);
    for (unsigned i = 0; i < n_threads; i++)
        da_work_init(&j.work[i]);
    enum da_rc rc = da_segments_open(&in, files, err);
    while (rc == DA_OK && (rc = da_segments_next(in, block, err)) == DA_OK && block->n) {
        da_parallel_for(n_threads, block->n, measure, &j);
        take_block(s, &j, opts, sums);
    }
    if (rc == DA_OK && s->n == 0)
        rc = da_fail(err, DA_EFORMAT, "%s: no segments in it", da_segments_name(in));
    if (rc == DA_OK)
        rc = da_buf_check(&s->text, "the text of all hypotheses", err);
    if (rc == DA_OK) {
        finish(s, suite, sums, opts);
        s->n_refs = da_segments_n_refs(in);
    }
    da_segments_close(in);
    for (unsigned i = 0; i < n_threads; i++)
        da_work_release(&j.work[i]);
    da_block_release(block);
    free(block);
    free(sums);
    free(j.work);
    free(j.rows);
    free(j.lost);
    if (rc != DA_OK)
        da_system_release(s);
    return rc;
}

void da_system_release(struct da_system *s)
{
    free(s->sum);
    free(s->rows);
    free(s->texts);
    da_buf_release(&s->text);
    memset(s, 0, sizeof *s);
    da_buf_init(&s->text, 0);
}

struct da_rows da_system_rows(const struct da_system *s, const struct da_suite *suite, size_t i)
{
    return (struct da_rows){s->rows + suite->from[i], s->n, suite->len[i], suite->n_stats};
}
