/*
 * TER; see the header.
 *
 * Rows of the edit matrix belong to words of the hypothesis and hold only the
 * cells within the beam. All shifted hypotheses have the same length, so row i
 * has the same cells in each of them, and a shift that leaves the first k words
 * alone shares the first k rows: only the rest is computed anew, and only until
 * it runs parallel to the unshifted matrix again.
 * Of shifts with equal gain the longest wins, then the one that starts first,
 * then the one that goes to the lowest place; two that agree in all of this are
 * the same shift, so the original's last criterion (the words) never decides.
 */
#include "eval/ter.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum {
    MAX_SHIFT_SIZE = 10,
    MAX_SHIFT_DIST = 50,
    BEAM_WIDTH = 25,
    MAX_SHIFT_CANDIDATES = 1000,
    INFINITE = 1 << 28 /* plus one a few million times still fits */
};

enum op { OP_UNDEFINED, OP_MATCH, OP_SUB, OP_HYP, OP_REF }; /* OP_HYP: a word of hyp alone */

struct row {
    size_t from, to; /* cells [from, to) */
    size_t at;       /* of the first one in dist and ops */
};

struct da_ter_scratch {
    struct row *rows; /* [n_hyp + 1] */
    size_t rows_cap;
    int32_t *dist, *fresh; /* [n_cells] of the present hypothesis; of a candidate */
    unsigned char *ops;    /* [n_cells] */
    size_t cells_cap;
    uint32_t *cur, *cand;       /* [n_hyp] words */
    unsigned char *hyp_err;     /* [n_hyp] */
    size_t hyp_cap;
    unsigned char *ref_err; /* [n_ref] */
    ptrdiff_t *align;       /* [n_ref] */
    size_t ref_cap;
    const uint32_t *ref;
    size_t n_hyp, n_ref;
};

struct shift {
    int32_t gain;
    size_t length, start, target;
};

void da_ter_scratch_free(struct da_ter_scratch *s)
{
    if (!s)
        return;
    free(s->rows);
    free(s->dist);
    free(s->fresh);
    free(s->ops);
    free(s->cur);
    free(s->cand);
    free(s->hyp_err);
    free(s->ref_err);
    free(s->align);
    free(s);
}

/* The beam: which cells each row has. */
static size_t lay_out_rows(struct da_ter_scratch *s)
{
    double ratio = s->n_hyp ? (double)s->n_ref / (double)s->n_hyp : 1;
    size_t width = BEAM_WIDTH, at = s->n_ref + 1;

    if (BEAM_WIDTH < ratio / 2)
        width = (size_t)ceil(ratio / 2 + BEAM_WIDTH);
    s->rows[0] = (struct row){.from = 0, .to = s->n_ref + 1, .at = 0};
    for (size_t i = 1; i <= s->n_hyp; i++) {
        size_t diag = (size_t)floor((double)i * ratio);
        struct row *r = &s->rows[i];
        r->from = diag > width ? diag - width : 0;
        r->to = diag + width < s->n_ref + 1 ? diag + width : s->n_ref + 1;
        if (i == s->n_hyp)
            r->to = s->n_ref + 1;
        r->at = at;
        at += r->to - r->from;
    }
    return at;
}

static void prepare(struct da_ter_scratch *s, const uint32_t *hyp, size_t n_hyp,
                    const uint32_t *ref, size_t n_ref)
{
    s->ref = ref;
    s->n_hyp = n_hyp;
    s->n_ref = n_ref;
    DA_GROW_BY(s->rows, 0, n_hyp + 1, s->rows_cap);
    if (n_hyp > s->hyp_cap || !s->cur) {
        s->hyp_cap = da_grow_cap(s->hyp_cap, n_hyp + 1);
        s->cur = da_realloc_array(s->cur, s->hyp_cap, sizeof *s->cur);
        s->cand = da_realloc_array(s->cand, s->hyp_cap, sizeof *s->cand);
        s->hyp_err = da_realloc_array(s->hyp_err, s->hyp_cap, sizeof *s->hyp_err);
    }
    if (n_ref > s->ref_cap) {
        s->ref_cap = da_grow_cap(s->ref_cap, n_ref);
        s->ref_err = da_realloc_array(s->ref_err, s->ref_cap, sizeof *s->ref_err);
        s->align = da_realloc_array(s->align, s->ref_cap, sizeof *s->align);
    }
    size_t n_cells = lay_out_rows(s);
    if (n_cells > s->cells_cap) {
        s->cells_cap = da_grow_cap(s->cells_cap, n_cells);
        s->dist = da_realloc_array(s->dist, s->cells_cap, sizeof *s->dist);
        s->fresh = da_realloc_array(s->fresh, s->cells_cap, sizeof *s->fresh);
        s->ops = da_realloc_array(s->ops, s->cells_cap, sizeof *s->ops);
    }
    if (n_hyp)
        memcpy(s->cur, hyp, n_hyp * sizeof *hyp);
    for (size_t j = 0; j <= n_ref; j++) {
        s->dist[j] = (int32_t)j;
        s->ops[j] = OP_REF;
    }
}

static inline int32_t cell(const struct row *r, const int32_t *cells, size_t j)
{
    return j >= r->from && j < r->to ? cells[j - r->from] : INFINITE;
}

/* Row i of the words: match or substitute is preferred to a word of hyp alone, that to a word of
 * ref alone. above, out: cells of rows i - 1 and i; ops may be NULL. */
static void compute_row(const struct da_ter_scratch *s, size_t i, uint32_t word,
                        const int32_t *above, int32_t *out, unsigned char *ops)
{
    const struct row *r = &s->rows[i], *up = &s->rows[i - 1];
    int32_t left = INFINITE;

    for (size_t j = r->from; j < r->to; j++) {
        int32_t best = INFINITE;
        enum op op = OP_UNDEFINED;
        if (j == 0) {
            best = cell(up, above, 0) + 1;
            op = OP_HYP;
        } else {
            bool same = word == s->ref[j - 1];
            int32_t c = cell(up, above, j - 1) + !same;
            if (c < best) {
                best = c;
                op = same ? OP_MATCH : OP_SUB;
            }
            c = cell(up, above, j) + 1;
            if (c < best) {
                best = c;
                op = OP_HYP;
            }
            if (left + 1 < best) {
                best = left + 1;
                op = OP_REF;
            }
        }
        out[j - r->from] = left = best;
        if (ops)
            ops[j - r->from] = (unsigned char)op;
    }
}

static int32_t last_cell(const struct da_ter_scratch *s, const int32_t *cells)
{
    const struct row *r = &s->rows[s->n_hyp];
    return cells[r->at + (s->n_ref - r->from)];
}

/* The matrix of s->cur from row `from` on; returns the distance. */
static int32_t distance(struct da_ter_scratch *s, size_t from)
{
    for (size_t i = from; i <= s->n_hyp; i++)
        compute_row(s, i, s->cur[i - 1], s->dist + s->rows[i - 1].at, s->dist + s->rows[i].at,
                    s->ops + s->rows[i].at);
    return last_cell(s, s->dist);
}

/* True when row i of the candidate is row i of the present matrix plus *by everywhere. */
static bool parallel(const struct da_ter_scratch *s, size_t i, int32_t *by)
{
    const struct row *r = &s->rows[i];
    const int32_t *a = s->fresh + r->at, *b = s->dist + r->at;

    *by = a[0] - b[0];
    for (size_t k = 1; k < r->to - r->from; k++)
        if (a[k] - b[k] != *by)
            return false;
    return true;
}

/* Distance of s->cand, whose words differ from s->cur only in [from, to). */
static int32_t shifted_distance(struct da_ter_scratch *s, size_t from, size_t to)
{
    for (size_t i = from + 1; i <= s->n_hyp; i++) {
        const int32_t *above = i == from + 1 ? s->dist : s->fresh;
        int32_t by;
        compute_row(s, i, s->cand[i - 1], above + s->rows[i - 1].at, s->fresh + s->rows[i].at,
                    NULL);
        if (i >= to && parallel(s, i, &by))
            return last_cell(s, s->dist) + by;
    }
    return last_cell(s, from == s->n_hyp ? s->dist : s->fresh);
}

/* Which words are in error, and the last word of hyp at each word of ref. */
static void trace(struct da_ter_scratch *s)
{
    size_t i = s->n_hyp, j = s->n_ref;

    while (i > 0 || j > 0) {
        const struct row *r = &s->rows[i];
        enum op op = (enum op)s->ops[r->at + (j - r->from)];
        assert(op != OP_UNDEFINED);
        if (op != OP_HYP) {
            s->ref_err[j - 1] = op != OP_MATCH;
            s->align[j - 1] = (ptrdiff_t)i - 1;
        }
        if (op != OP_REF) {
            s->hyp_err[i - 1] = op != OP_MATCH;
            i--;
        }
        if (op != OP_HYP)
            j--;
    }
}

/* Writes s->cand and tells which words changed. */
static void perform(struct da_ter_scratch *s, size_t start, size_t length, size_t target,
                    size_t *from, size_t *to)
{
    size_t w = sizeof *s->cur;

    memcpy(s->cand, s->cur, s->n_hyp * w);
    if (target < start) {
        memcpy(s->cand + target, s->cur + start, length * w);
        memcpy(s->cand + target + length, s->cur + target, (start - target) * w);
        *from = target;
        *to = start + length;
        return;
    }
    /* beyond the words: behind target; within them: as many places on as target is */
    size_t end = target > start + length ? target : length + target;
    end = end < s->n_hyp ? end : s->n_hyp;
    size_t passed = end - (start + length);
    memcpy(s->cand + start, s->cur + start + length, passed * w);
    memcpy(s->cand + start + passed, s->cur + start, length * w);
    *from = start;
    *to = end;
}

static bool better(const struct shift *a, const struct shift *b)
{
    if (a->gain != b->gain)
        return a->gain > b->gain;
    if (a->length != b->length)
        return a->length > b->length;
    if (a->start != b->start)
        return a->start < b->start;
    return a->target < b->target;
}

static bool any_error(const unsigned char *err, size_t n)
{
    return memchr(err, 1, n) != NULL;
}

/* Tries every place for the words [start, start + length) that match ref at `at`. */
static void try_targets(struct da_ter_scratch *s, int32_t before, size_t start, size_t at,
                        size_t length, struct shift *best, bool *found, unsigned *n_checked)
{
    ptrdiff_t previous = -1;

    for (ptrdiff_t offset = -1; offset < (ptrdiff_t)length; offset++) {
        ptrdiff_t place = (ptrdiff_t)at + offset;
        ptrdiff_t idx = place == -1 ? 0 : s->align[place] + 1;
        if (idx == previous)
            continue;
        previous = idx;
        size_t from, to;
        perform(s, start, length, (size_t)idx, &from, &to);
        struct shift c = {.length = length, .start = start, .target = (size_t)idx};
        c.gain = before - shifted_distance(s, from, to);
        (*n_checked)++;
        if (!*found || better(&c, best)) {
            *best = c;
            *found = true;
        }
    }
}

/* The shift with the greatest gain; false when there is none to try. */
static bool best_shift(struct da_ter_scratch *s, int32_t before, struct shift *best,
                       unsigned *n_checked)
{
    bool found = false;

    trace(s);
    for (size_t h = 0; h < s->n_hyp; h++) {
        size_t first = h > MAX_SHIFT_DIST ? h - MAX_SHIFT_DIST : 0;
        for (size_t r = first; r < s->n_ref && r <= h + MAX_SHIFT_DIST; r++) {
            for (size_t k = 0; k < MAX_SHIFT_SIZE && h + k < s->n_hyp && r + k < s->n_ref; k++) {
                if (s->cur[h + k] != s->ref[r + k])
                    break;
                size_t length = k + 1;
                if (!any_error(s->hyp_err + h, length) || !any_error(s->ref_err + r, length))
                    continue;
                if (s->align[r] >= (ptrdiff_t)h && s->align[r] < (ptrdiff_t)(h + length))
                    continue;
                try_targets(s, before, h, r, length, best, &found, n_checked);
                if (*n_checked >= MAX_SHIFT_CANDIDATES)
                    return found;
            }
        }
    }
    return found;
}

unsigned da_ter_edits(struct da_work *w, const uint32_t *hyp, size_t n_hyp, const uint32_t *ref,
                      size_t n_ref)
{
    unsigned n_shifts = 0, n_checked = 0;

    if (n_ref == 0)
        return (unsigned)n_hyp;
    if (!w->ter)
        w->ter = da_calloc(1, sizeof *w->ter);
    struct da_ter_scratch *s = w->ter;
    prepare(s, hyp, n_hyp, ref, n_ref);
    int32_t dist = distance(s, 1);
    for (;;) {
        struct shift best = {0};
        size_t from, to;
        if (!best_shift(s, dist, &best, &n_checked) || n_checked >= MAX_SHIFT_CANDIDATES ||
            best.gain <= 0)
            break;
        n_shifts++;
        perform(s, best.start, best.length, best.target, &from, &to);
        memcpy(s->cur, s->cand, n_hyp * sizeof *s->cur);
        dist = distance(s, from + 1);
    }
    return n_shifts + (unsigned)dist;
}

/* The tool tokenizes a reference twice, the second time with single spaces between the tokens of
 * the first. It shows in "'s" before white space other than a space. */
static void tokenize_ref(const struct da_tercom_opts *o, struct da_work *w, struct da_span ref)
{
    da_tercom_tokenize(o, ref, &w->tokens);
    if (!o->normalized)
        return; /* lower-casing and removing a second time changes nothing */
    da_buf_reset(&w->text);
    for (size_t i = 0; i < w->tokens.n; i++) {
        if (i)
            da_buf_add_char(&w->text, ' ');
        da_buf_add(&w->text, w->tokens.t[i].p, w->tokens.t[i].len);
    }
    da_tercom_tokenize(o, da_span(w->text.p, w->text.len), &w->tokens);
}

void da_ter_segment(const struct da_tercom_opts *o, struct da_work *w, const struct da_segment *s,
                    double *stats)
{
    unsigned fewest = 0;
    size_t ref_words = 0;

    da_tercom_tokenize(o, s->hyp, &w->tokens);
    da_work_number(w, &w->hyp);
    for (size_t r = 0; r < s->n_refs; r++) {
        tokenize_ref(o, w, s->refs[r]);
        da_work_number(w, &w->ref);
        unsigned edits = da_ter_edits(w, w->hyp.id, w->hyp.n, w->ref.id, w->ref.n);
        if (r == 0 || edits < fewest)
            fewest = edits;
        ref_words += w->ref.n;
    }
    stats[0] = fewest;
    stats[1] = (double)ref_words / (double)s->n_refs;
}

double da_ter_score(const double *sum, bool single)
{
    if (sum[1] > 0)
        return 100 * (single ? (double)((float)sum[0] / (float)sum[1]) : sum[0] / sum[1]);
    return sum[0] > 0 ? 100 : 0;
}

void da_ter_signature(const struct da_tercom_opts *o, const struct da_sign *s, bool short_form,
                      struct da_buf *out)
{
    da_sign_head(out, s, short_form);
    da_sign_add(out, short_form, "case", "c", o->case_sensitive ? "mixed" : "lc");
    da_sign_add(out, short_form, "tok", "t", "tercom");
    da_sign_add(out, short_form, "norm", "nr", o->normalized ? "yes" : "no");
    da_sign_add(out, short_form, "punct", "pn", o->no_punct ? "no" : "yes");
    da_sign_add(out, short_form, "asian", "as", o->asian_support ? "yes" : "no");
    da_sign_version(out, short_form);
}
