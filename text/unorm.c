/*
 * Normalization by segments. A segment runs from a starter that never joins what
 * stands before it up to the next such starter; it is decomposed, its marks are
 * put in canonical order, and for the C forms it is composed again. Most text
 * needs none of this and is copied.
 */

#include "text/unorm.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"

enum {
    HANGUL_S = 0xac00,
    HANGUL_L = 0x1100,
    HANGUL_V = 0x1161,
    HANGUL_T = 0x11a7,
    N_HANGUL_L = 19,
    N_HANGUL_V = 21,
    N_HANGUL_T = 28,
    N_HANGUL = N_HANGUL_L * N_HANGUL_V * N_HANGUL_T
};

struct segment {
    uint32_t *cp, *tmp;
    uint8_t *ccc;
    size_t n, cap;
    unsigned ignored; /* characters with one of these flags count as plain */
};

static struct da_unorm_record record(uint32_t cp, unsigned ignored)
{
    struct da_unorm_record r =
        da_unorm_records[da_unorm_block[da_unorm_index[cp >> 8]][cp & 255]];
    return r.flags & ignored ? (struct da_unorm_record){0, 0} : r;
}

static void add(struct segment *s, uint32_t cp)
{
    if (s->n == s->cap) {
        s->cap = da_grow_cap(s->cap, s->n + 1);
        s->cp = da_realloc_array(s->cp, s->cap, sizeof *s->cp);
        s->tmp = da_realloc_array(s->tmp, s->cap, sizeof *s->tmp);
        s->ccc = da_realloc_array(s->ccc, s->cap, sizeof *s->ccc);
    }
    s->cp[s->n] = cp;
    s->ccc[s->n++] = record(cp, s->ignored).ccc;
}

static void add_decomposed(struct segment *s, uint32_t cp, bool compat)
{
    unsigned flags = record(cp, s->ignored).flags;
    if (!(flags & (DA_UNORM_CANONICAL | (compat ? DA_UNORM_COMPAT : 0)))) {
        add(s, cp);
        return;
    }
    if (cp >= HANGUL_S && cp < HANGUL_S + N_HANGUL) {
        uint32_t i = cp - HANGUL_S;
        add(s, HANGUL_L + i / (N_HANGUL_V * N_HANGUL_T));
        add(s, HANGUL_V + i / N_HANGUL_T % N_HANGUL_V);
        if (i % N_HANGUL_T)
            add(s, HANGUL_T + i % N_HANGUL_T);
        return;
    }
    unsigned lo = 0, hi = da_unorm_n_full;
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (da_unorm_full[mid].cp < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    const struct da_unorm_full *f = &da_unorm_full[lo];
    bool use_compat = compat && f->n_compat > 0;
    const uint32_t *p = da_unorm_pool + (use_compat ? f->compat : f->canonical);
    for (unsigned n = use_compat ? f->n_compat : f->n_canonical; n > 0; n--)
        add(s, *p++);
}

/* Stable counting sort of cp[from, to) by combining class; all classes are above 0. */
static void sort_marks(struct segment *s, size_t from, size_t to)
{
    size_t at[257] = {0};
    for (size_t i = from; i < to; i++)
        at[s->ccc[i] + 1]++;
    for (int c = 0; c < 256; c++)
        at[c + 1] += at[c];
    for (size_t i = from; i < to; i++)
        s->tmp[from + at[s->ccc[i]]++] = s->cp[i];
    memcpy(s->cp + from, s->tmp + from, (to - from) * sizeof *s->cp);
    for (size_t i = from; i < to; i++)
        s->ccc[i] = record(s->cp[i], s->ignored).ccc;
}

static void put_in_order(struct segment *s)
{
    for (size_t i = 0; i < s->n;) {
        size_t from = i;
        bool sorted = true;
        for (; i < s->n && s->ccc[i] != 0; i++)
            sorted = sorted && (i == from || s->ccc[i - 1] <= s->ccc[i]);
        if (!sorted)
            sort_marks(s, from, i);
        if (i == from)
            i++;
    }
}

static uint32_t compose_pair(uint32_t a, uint32_t b)
{
    if (a >= HANGUL_L && a < HANGUL_L + N_HANGUL_L && b >= HANGUL_V && b < HANGUL_V + N_HANGUL_V)
        return HANGUL_S + ((a - HANGUL_L) * N_HANGUL_V + (b - HANGUL_V)) * N_HANGUL_T;
    if (a >= HANGUL_S && a < HANGUL_S + N_HANGUL && (a - HANGUL_S) % N_HANGUL_T == 0 &&
        b > HANGUL_T && b < HANGUL_T + N_HANGUL_T)
        return a + (b - HANGUL_T);
    unsigned lo = 0, hi = da_unorm_n_pairs;
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        const struct da_unorm_pair *p = &da_unorm_pairs[mid];
        if (p->first < a || (p->first == a && p->second < b))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < da_unorm_n_pairs && da_unorm_pairs[lo].first == a && da_unorm_pairs[lo].second == b)
        return da_unorm_pairs[lo].composed;
    return 0;
}

/* UAX 15, D117: a character joins the last starter unless one of the same or a higher class, or
 * another starter, stands between them. */
static void compose(struct segment *s)
{
    size_t n = 0, starter = SIZE_MAX;
    unsigned last = 0;
    for (size_t i = 0; i < s->n; i++) {
        uint32_t cp = s->cp[i];
        unsigned ccc = s->ccc[i];
        bool blocked = starter == SIZE_MAX || (n > starter + 1 && (last == 0 || last >= ccc));
        if (!blocked && (record(cp, s->ignored).flags & DA_UNORM_SECOND)) {
            uint32_t joined = compose_pair(s->cp[starter], cp);
            if (joined && !(record(joined, 0).flags & s->ignored)) {
                s->cp[starter] = joined;
                continue;
            }
        }
        if (ccc == 0)
            starter = n;
        last = ccc;
        s->cp[n] = cp;
        s->ccc[n++] = (uint8_t)ccc;
    }
    s->n = n;
}

static void flush(struct segment *s, bool composed, struct da_buf *out)
{
    put_in_order(s);
    if (composed)
        compose(s);
    for (size_t i = 0; i < s->n; i++)
        da_buf_add_utf8(out, s->cp[i]);
    s->n = 0;
}

static bool is_plain(uint32_t cp, unsigned changes, unsigned ignored)
{
    struct da_unorm_record r = record(cp, ignored);
    return r.ccc == 0 && !(r.flags & changes);
}

void da_unorm(enum da_unorm_form form, enum da_unorm_version version, struct da_span text,
              struct da_buf *out)
{
    bool compat = form == DA_UNORM_NFKC || form == DA_UNORM_NFKD;
    bool composed = form == DA_UNORM_NFC || form == DA_UNORM_NFKC;
    static const uint8_t changing[] = {
        [DA_UNORM_NFC] = DA_UNORM_NOT_NFC | DA_UNORM_SECOND,
        [DA_UNORM_NFD] = DA_UNORM_CANONICAL,
        [DA_UNORM_NFKC] = DA_UNORM_NOT_NFKC | DA_UNORM_SECOND,
        [DA_UNORM_NFKD] = DA_UNORM_CANONICAL | DA_UNORM_COMPAT,
    };
    unsigned changes = changing[form];
    struct segment s = {.ignored = version == DA_UNORM_9 ? DA_UNORM_AFTER_9 : 0};
    const char *p = text.p, *end = text.p + text.len;
    while (p < end) {
        /* Copy as far as no character changes or joins; the last of them may still take marks. */
        const char *from = p, *last = p;
        uint32_t cp = 0;
        size_t len;
        for (bool plain = true; p < end; p += len) {
            len = da_utf8_decode(p, end, &cp);
            plain = cp < 0x80 || is_plain(cp, changes, s.ignored);
            if (!plain)
                break;
            last = p;
        }
        if (p == end)
            last = end;
        da_buf_add(out, from, (size_t)(last - from));
        for (p = last; p < end; p += len) {
            len = da_utf8_decode(p, end, &cp);
            bool plain = cp < 0x80 || is_plain(cp, changes, s.ignored);
            bool invalid = len == 1 && (unsigned char)*p >= 0x80;
            if (invalid || (plain && p > last))
                break;
            add_decomposed(&s, cp, compat);
        }
        flush(&s, composed, out);
        for (; p < end && (unsigned char)*p >= 0x80 && da_utf8_decode(p, end, &cp) == 1; p++)
            da_buf_add_char(out, *p);
    }
    free(s.cp);
    free(s.tmp);
    free(s.ccc);
}
