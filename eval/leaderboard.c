/* The board's life: options in, sources added, finished once, rendered often (leaderboard.h). */

#include "eval/leaderboard.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "eval/board.h"

static const char default_title[] = "DocAssist leaderboard";

char *da_board_str(struct da_board *b, struct da_span s)
{
    return da_arena_strndup(&b->arena, s.p, s.len);
}

char *da_board_strf(struct da_board *b, const char *fmt, ...)
{
    struct da_buf buf;
    da_buf_init(&buf, 0);
    va_list ap;
    va_start(ap, fmt);
    char small[512];
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    if ((size_t)n < sizeof small) {
        return da_board_str(b, da_span(small, (size_t)n));
    }
    char *p = da_malloc((size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    char *kept = da_board_str(b, da_span(p, (size_t)n));
    free(p);
    return kept;
}

void da_board_add_number(struct da_buf *out, double v, int decimals)
{
    if (!isfinite(v)) {
        return;
    }
    struct da_buf digits;
    struct da_jw w;
    da_buf_init(&digits, 0);
    da_jw_init(&w, &digits);
    da_jw_fixed(&w, v, decimals);
    /* A rounded zero has no sign. */
    bool zero = digits.p[0] == '-' && strspn(digits.p + 1, "0.") == digits.len - 1;
    da_buf_add(out, digits.p + (zero ? 1 : 0), digits.len - (zero ? 1 : 0));
    da_buf_release(&digits);
}

struct da_board_system *da_board_new_system(struct da_board *b)
{
    struct da_board_system *s = da_arena_alloc(&b->arena, 1, sizeof *s);
    s->data_n = s->n_scored = s->n_total = -1;
    return s;
}

void da_board_new(struct da_board **ret, const struct da_board_opts *opts)
{
    struct da_board *b = da_calloc(1, sizeof *b);
    da_arena_init(&b->arena);
    b->opts = *opts;
    b->opts.title = da_board_str(b, da_span_str(opts->title ? opts->title : default_title));
    if (opts->n_models > 0) {
        const char **models = da_arena_alloc(&b->arena, opts->n_models, sizeof *models);
        for (size_t i = 0; i < opts->n_models; i++) {
            models[i] = da_board_str(b, da_span_str(opts->models[i]));
        }
        b->opts.models = models;
    }
    if (b->opts.tasks == 0) {
        b->opts.tasks = (1u << DA_BOARD_N_TASKS) - 1;
    }
    b->systems = da_arena_alloc(&b->arena, DA_BOARD_MAX_SYSTEMS, sizeof(struct da_board_system *));
    da_board_metrics_init(b);
    *ret = b;
}

void da_board_free(struct da_board *b)
{
    if (b) {
        for (size_t i = 0; i < b->n_systems; i++) {
            da_samples_release(b->systems[i]->samples);
        }
        free(b->bench);
        da_arena_release(&b->arena);
        free(b);
    }
}

static bool is_wanted(const struct da_board *b, const char *label)
{
    for (size_t i = 0; i < b->opts.n_models; i++) {
        if (strcmp(b->opts.models[i], label) == 0) {
            return true;
        }
    }
    return b->opts.n_models == 0;
}

/* Applies --models; a name that matches nothing is an error, because a typing slip would
 * otherwise look like a system that was never scored. */
static enum da_rc keep_models(struct da_board *b, struct da_err *err)
{
    for (size_t i = 0; i < b->opts.n_models; i++) {
        bool found = false;
        for (size_t j = 0; j < b->n_systems && !found; j++) {
            found = strcmp(b->systems[j]->label, b->opts.models[i]) == 0;
        }
        if (!found) {
            return da_fail(err, DA_ENOTFOUND, "no score record of model '%s'", b->opts.models[i]);
        }
    }
    /* Filtered before their samples are read. */
    size_t n = 0;
    for (size_t j = 0; j < b->n_systems; j++) {
        if (is_wanted(b, b->systems[j]->label)) {
            b->systems[n++] = b->systems[j];
        }
    }
    b->n_systems = n;
    n = 0;
    for (size_t j = 0; j < b->n_bench; j++) {
        if (is_wanted(b, b->bench[j].label)) {
            b->bench[n++] = b->bench[j];
        }
    }
    b->n_bench = n;
    return DA_OK;
}

enum da_rc da_board_finish(struct da_board *b, struct da_err *err)
{
    assert(!b->finished);
    enum da_rc rc = keep_models(b, err);
    if (rc != DA_OK) {
        return rc;
    }
    for (size_t i = 0; i < b->n_systems && rc == DA_OK; i++) {
        rc = da_board_load_samples(b, b->systems[i], err);
    }
    if (rc != DA_OK) {
        return rc;
    }
    da_board_make_pools(b);
    for (size_t i = 0; i < b->n_pools; i++) {
        da_board_run_tests(b, &b->pools[i]);
        da_board_rank(&b->pools[i]);
    }
    da_board_make_sections(b);
    b->finished = true;
    return DA_OK;
}

enum da_rc da_board_render(const struct da_board *b, enum da_board_format format,
                           struct da_buf *out, struct da_err *err)
{
    assert(b->finished);
    enum da_rc rc = DA_OK;
    switch (format) {
    case DA_BOARD_HTML: rc = da_board_html(b, out, err); break;
    case DA_BOARD_MD: rc = da_board_md(b, out, err); break;
    case DA_BOARD_CSV: rc = da_board_csv(b, out, err); break;
    case DA_BOARD_JSON: rc = da_board_json(b, out, err); break;
    case DA_BOARD_LATEX: rc = da_board_latex(b, out, err); break;
    }
    return rc == DA_OK ? da_buf_check(out, "the leaderboard", err) : rc;
}
