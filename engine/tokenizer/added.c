/* A sorted array narrowed byte by byte: the tokens that share the bytes read so far are always
 * neighbours, the one that ends there first among them. */

#include "engine/tokenizer/added.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/utf8.h"
#include "engine/tokenizer/vocab.h"
#include "text/uclass.h"

static bool is_control(const struct da_vocab *v, int32_t id)
{
    return v->tokens[id].type != DA_TOKEN_USER;
}

static bool is_added(const struct da_vocab *v, size_t id, bool normalized)
{
    const struct da_vocab_token *t = &v->tokens[id];
    bool type =
        t->type == DA_TOKEN_USER || t->type == DA_TOKEN_CONTROL || t->type == DA_TOKEN_UNKNOWN;
    return type && t->len > 0 && ((t->flags & DA_TOKEN_NORMALIZED) != 0) == normalized;
}

static int compare(struct da_span a, struct da_span b)
{
    int c = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* Heap sort: the order needs the vocabulary, which qsort cannot pass on. */
static void sift(const struct da_vocab *v, int32_t *ids, size_t i, size_t n)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n &&
            compare(da_vocab_text(v, ids[child]), da_vocab_text(v, ids[child + 1])) < 0)
            child++;
        if (compare(da_vocab_text(v, ids[i]), da_vocab_text(v, ids[child])) >= 0)
            return;
        int32_t t = ids[i];
        ids[i] = ids[child];
        ids[child] = t;
    }
}

static void sort(const struct da_vocab *v, int32_t *ids, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift(v, ids, i, n);
    for (size_t i = n; i-- > 1;) {
        int32_t t = ids[0];
        ids[0] = ids[i];
        ids[i] = t;
        sift(v, ids, 0, i);
    }
}

enum da_rc da_added_build(struct da_added *a, const struct da_vocab *v, bool normalized,
                          struct da_err *err)
{
    memset(a, 0, sizeof *a);
    for (size_t i = v->n_normal; i < v->n; i++)
        a->n += is_added(v, i, normalized);
    a->ids = da_malloc((a->n + 1) * sizeof *a->ids);
    size_t n = 0;
    for (size_t i = v->n_normal; i < v->n; i++) {
        if (!is_added(v, i, normalized))
            continue;
        if (v->tokens[i].len > DA_VOCAB_MAX_ADDED_LEN)
            return da_fail(err, DA_ELIMIT, "added token %zu is longer than %d bytes", i,
                           DA_VOCAB_MAX_ADDED_LEN);
        a->ids[n++] = (int32_t)i;
    }
    sort(v, a->ids, n);
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)da_vocab_text(v, a->ids[i]).p[0];
        a->first[b + 1]++;
        a->any_starts[b] = true;
        if (!is_control(v, a->ids[i]))
            a->has_user = a->user_starts[b] = true;
    }
    for (int b = 0; b < 256; b++)
        a->first[b + 1] += a->first[b];
    return DA_OK;
}

void da_added_release(struct da_added *a)
{
    free(a->ids);
    a->ids = NULL;
}

/* Narrows [*lo, *hi) to the tokens whose byte number depth is c; all are longer than depth. */
static void narrow(const struct da_added *a, const struct da_vocab *v, size_t depth,
                   unsigned char c, size_t *lo, size_t *hi)
{
    size_t l = *lo, h = *hi;
    while (l < h) {
        size_t mid = l + (h - l) / 2;
        if ((unsigned char)da_vocab_text(v, a->ids[mid]).p[depth] < c)
            l = mid + 1;
        else
            h = mid;
    }
    *lo = l;
    h = *hi;
    while (l < h) {
        size_t mid = l + (h - l) / 2;
        if ((unsigned char)da_vocab_text(v, a->ids[mid]).p[depth] <= c)
            l = mid + 1;
        else
            h = mid;
    }
    *hi = l;
}

/* Whether the character before or at an offset belongs to a word (\w). */
static bool is_word(uint32_t cp)
{
    return cp == '_' || da_uclass_in(cp, DA_UMASK_L | DA_UMASK_N | DA_UMASK_M);
}

static uint32_t char_before(struct da_span text, size_t at, size_t *start)
{
    size_t s = at - 1;
    while (s > 0 && at - s < 4 && ((unsigned char)text.p[s] & 0xc0) == 0x80)
        s--;
    uint32_t cp;
    if (s + da_utf8_decode(text.p + s, text.p + at, &cp) != at) {
        s = at - 1;
        cp = DA_UTF8_REPLACEMENT;
    }
    *start = s;
    return cp;
}

static bool stands_alone(struct da_span text, size_t start, size_t end)
{
    uint32_t cp;
    size_t s;
    if (start > 0 && is_word(char_before(text, start, &s)))
        return false;
    if (end < text.len) {
        (void)da_utf8_decode(text.p + end, text.p + text.len, &cp);
        return !is_word(cp);
    }
    return true;
}

/* Longest token at at, or -1. */
static int32_t longest(const struct da_added *a, const struct da_vocab *v, struct da_span text,
                       size_t at, bool control, size_t *end)
{
    unsigned char c = (unsigned char)text.p[at];
    size_t lo = a->first[c], hi = a->first[c + 1];
    int32_t best = -1;
    for (size_t depth = 1; lo < hi; depth++) {
        if (v->tokens[a->ids[lo]].len == depth) {
            for (; lo < hi && v->tokens[a->ids[lo]].len == depth; lo++) {
                int32_t id = a->ids[lo];
                if ((is_control(v, id) && !control) || *end == at + depth)
                    continue;
                if ((v->tokens[id].flags & DA_TOKEN_SINGLE_WORD) &&
                    !stands_alone(text, at, at + depth))
                    continue;
                best = id;
                *end = at + depth;
            }
        }
        if (at + depth >= text.len)
            break;
        narrow(a, v, depth, (unsigned char)text.p[at + depth], &lo, &hi);
    }
    return best;
}

bool da_added_next(const struct da_added *a, const struct da_vocab *v, struct da_span text,
                   size_t at, bool control, struct da_added_match *m)
{
    if (a->n == 0 || (!control && !a->has_user))
        return false;
    const bool *starts = control ? a->any_starts : a->user_starts;
    for (size_t i = at; i < text.len; i++) {
        if (!starts[(unsigned char)text.p[i]])
            continue;
        size_t end = 0;
        int32_t id = longest(a, v, text, i, control, &end);
        if (id < 0)
            continue;
        m->id = id;
        m->start = i;
        m->end = end;
        unsigned flags = v->tokens[id].flags;
        uint32_t cp;
        for (size_t s; (flags & DA_TOKEN_LSTRIP) && m->start > at; m->start = s)
            if (!da_uclass_is_space(char_before(text, m->start, &s)))
                break;
        while ((flags & DA_TOKEN_RSTRIP) && m->end < text.len) {
            size_t len = da_utf8_decode(text.p + m->end, text.p + text.len, &cp);
            if (!da_uclass_is_space(cp))
                break;
            m->end += len;
        }
        return true;
    }
    return false;
}

size_t da_added_control(const struct da_added *a, const struct da_vocab *v, struct da_span text,
                        size_t at)
{
    for (size_t i = at; i < text.len && a->n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        size_t lo = a->first[c], hi = a->first[c + 1];
        for (size_t depth = 1; lo < hi; depth++) {
            for (; lo < hi && v->tokens[a->ids[lo]].len == depth; lo++)
                if (is_control(v, a->ids[lo]))
                    return i;
            if (i + depth >= text.len)
                break;
            if (lo < hi)
                narrow(a, v, depth, (unsigned char)text.p[i + depth], &lo, &hi);
        }
    }
    return text.len;
}

int32_t da_added_find(const struct da_added *a, const struct da_vocab *v, struct da_span text)
{
    if (text.len == 0)
        return -1;
    size_t lo = a->first[(unsigned char)text.p[0]], hi = a->first[(unsigned char)text.p[0] + 1];
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = compare(da_vocab_text(v, a->ids[mid]), text);
        if (c == 0)
            return a->ids[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}
