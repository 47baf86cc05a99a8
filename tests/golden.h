#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

/*
 * Rows of the golden files in tests/golden/ (run from the repository's root, as
 * `make check` does). A whole file is one test point per kind of figure; the first few
 * differences are shown.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/jsonl.h"
#include "common/mem.h"
#include "tests/tap.h"

struct golden {
    struct da_json **rows; /* [n] */
    size_t n, cap;
};

static inline bool golden_load(struct golden *g, const char *path)
{
    struct da_jsonl *in = NULL;
    struct da_err err = {DA_OK, ""};
    struct da_json *j = NULL;
    enum da_rc rc = da_jsonl_open(&in, path, &err);

    *g = (struct golden){0};
    while (rc == DA_OK && (rc = da_jsonl_next(in, &j, &err)) == DA_OK && j) {
        DA_GROW(g->rows, g->n, g->cap);
        g->rows[g->n++] = j;
    }
    da_jsonl_close(in);
    return tap_rc(rc, &err, "%s can be read", path);
}

static inline void golden_free(struct golden *g)
{
    for (size_t i = 0; i < g->n; i++)
        da_json_free(g->rows[i]);
    free(g->rows);
}

static inline struct da_span golden_str(const struct da_json *j, const char *key)
{
    struct da_span s = {"", 0};
    (void)da_json_str(key ? da_json_get(j, key) : j, &s);
    return s;
}

static inline double golden_num(const struct da_json *j, const char *key)
{
    double v = NAN;
    (void)da_json_double(key ? da_json_get(j, key) : j, &v);
    return v;
}

/* Counts agreement of many figures under one name. */
struct tally {
    const char *name;
    size_t n, n_bad, n_not_equal;
    double worst; /* relative difference */
};

enum { GOLDEN_SHOWN = 5 };

static inline void tally_num(struct tally *t, double got, double want, double rel,
                             const char *where)
{
    double d = fabs(got - want), scale = fmax(fabs(want), 1e-300);

    t->n++;
    t->n_not_equal += got != want;
    if (got != want && d / scale > t->worst)
        t->worst = d / scale;
    if (!(got == want || d <= rel * scale) && t->n_bad++ < GOLDEN_SHOWN)
        tap_diag("%s %s: got %.17g, want %.17g", t->name, where, got, want);
}

static inline void tally_text(struct tally *t, struct da_span got, struct da_span want,
                              const char *where)
{
    t->n++;
    if (da_span_eq(got, want))
        return;
    t->n_not_equal++;
    if (t->n_bad++ < GOLDEN_SHOWN)
        tap_diag("%s %s: got '%.*s', want '%.*s'", t->name, where, (int)got.len, got.p,
                 (int)want.len, want.p);
}

static inline void tally_done(const struct tally *t, size_t at_least)
{
    (void)tap_ok(t->n_bad == 0 && t->n >= at_least, "%s: %zu figures agree (%zu not bit for bit)",
                 t->name, t->n, t->n_not_equal);
    if (t->n_bad)
        tap_diag("%zu of %zu differ, worst relative difference %g", t->n_bad, t->n, t->worst);
}

#endif
