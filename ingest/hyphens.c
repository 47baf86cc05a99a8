/*
 * See hyphens.h. "exam-" + "ple" is joined when the document has "example" inside a line, or when
 * both sides are lower case and neither "exam-ple" nor the two parts as words of their own are
 * seen.
 */

#include "ingest/hyphens.h"

#include <string.h>

#include "common/utf8.h"
#include "ingest/layout.h"

enum { STEM = 6, ENDING = 2 }; /* bytes by which words are taken for kin; of endings at least */

void da_hyphens_init(struct da_hyphens *h)
{
    da_map_init(&h->words);
    da_map_init(&h->stems);
}

void da_hyphens_release(struct da_hyphens *h)
{
    da_map_release(&h->words);
    da_map_release(&h->stems);
}

bool da_is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 128;
}

static size_t lower_copy(struct da_span s, char *out, size_t max)
{
    size_t n = s.len < max ? s.len : max;
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
    return n;
}

static void note_word(struct da_hyphens *h, struct da_span w)
{
    char low[64];
    if (w.len == 0 || w.len > sizeof low)
        return;
    size_t n = lower_copy(w, low, sizeof low);
    bool is_new;
    *da_map_add(&h->words, low, n, &is_new) += 1;
    if (is_new && n >= STEM)
        *da_map_add(&h->stems, low, STEM, NULL) += 1;
}

static bool is_inner_hyphen(struct da_span s, size_t at)
{
    return s.p[at] == '-' && at + 1 < s.len && da_is_word_byte(s.p[at + 1]);
}

bool da_hyphens_note(struct da_hyphens *h, struct da_span s, bool after_hyphen)
{
    bool hyphen = s.len > 1 && s.p[s.len - 1] == '-';
    for (size_t at = 0; at < s.len;) {
        while (at < s.len && !da_is_word_byte(s.p[at]))
            at++;
        size_t end = at, dash = 0;
        while (end < s.len && (da_is_word_byte(s.p[end]) || is_inner_hyphen(s, end))) {
            if (s.p[end] == '-' && dash == 0)
                dash = end;
            end++;
        }
        bool cut = (hyphen && end + 1 >= s.len) || (after_hyphen && at == 0);
        if (!cut) {
            note_word(h, da_span(s.p + at, end - at));
            if (dash != 0)
                note_word(h, da_span(s.p + at, dash - at));
        }
        at = end;
    }
    return hyphen;
}

static bool seen(const struct da_hyphens *h, struct da_span a, const char *mid, struct da_span b)
{
    char low[160];
    if (a.len > 64 || b.len > 64)
        return false;
    size_t n = lower_copy(a, low, 64);
    memcpy(low + n, mid, strlen(mid));
    n += strlen(mid);
    n += lower_copy(b, low + n, 64);
    return da_map_get(&h->words, low, n) != NULL;
}

/* The document has the word alone, or others that differ in their ending ("optimized" where it has
 * "optimization"). */
static bool is_word_of_its_own(const struct da_hyphens *h, struct da_span w)
{
    char low[64];
    if (seen(h, w, "", da_span("", 0)))
        return true;
    if (w.len > sizeof low || w.len < STEM + ENDING)
        return false;
    (void)lower_copy(w, low, sizeof low);
    return da_map_get(&h->stems, low, STEM) != NULL;
}

enum da_join da_hyphens_join(const struct da_hyphens *h, struct da_span a, struct da_span next)
{
    static const char soft[] = "\xc2\xad";
    if (a.len >= 2 && memcmp(a.p + a.len - 2, soft, 2) == 0)
        return DA_JOIN_NOTHING; /* clean.c takes the soft hyphen out */
    size_t i = a.len;
    while (i > 0 && ((unsigned char)a.p[i - 1] & 0xc0) == 0x80)
        i--;
    uint32_t last = 0, first = 0;
    if (i > 0)
        (void)da_utf8_decode(a.p + i - 1, a.p + a.len, &last);
    if (next.len > 0)
        (void)da_utf8_decode(next.p, next.p + next.len, &first);
    if (da_cp_is_solid(last) && da_cp_is_solid(first))
        return DA_JOIN_NOTHING;
    if (last != '-' && last != 0x2010)
        return DA_JOIN_SPACE;
    size_t dash = last == '-' ? 1 : 3, w0 = a.len - dash, w1 = 0;
    while (w0 > 0 && da_is_word_byte(a.p[w0 - 1]))
        w0--;
    while (w1 < next.len && da_is_word_byte(next.p[w1]))
        w1++;
    struct da_span left = da_span(a.p + w0, a.len - dash - w0), right = da_span(next.p, w1);
    if (left.len == 0 || right.len == 0)
        return a.len > dash + 1 && a.p[a.len - dash - 1] == ' ' ? DA_JOIN_SPACE : DA_JOIN_NOTHING;
    if (seen(h, left, "", right))
        return DA_JOIN_DROP_HYPHEN;
    if (seen(h, left, "-", right))
        return DA_JOIN_NOTHING;
    if (left.len > 2 && seen(h, left, "", da_span("", 0)) && is_word_of_its_own(h, right))
        return DA_JOIN_NOTHING;
    bool lower = right.p[0] >= 'a' || (unsigned char)right.p[0] >= 128;
    bool compound = w0 > 0 && a.p[w0 - 1] == '-';
    return !lower || compound ? DA_JOIN_NOTHING : DA_JOIN_DROP_HYPHEN;
}
