/* See quality.h. */

#include "ingest/quality.h"

#include <stdio.h>
#include <string.h>

#include "common/map.h"
#include "common/span.h"
#include "common/utf8.h"
#include "ingest/layout.h"
#include "text/uclass.h"

static const char *const stop_words[] = {"the", "be", "to", "of", "and", "that", "have", "with"};

struct counts {
    size_t n_words, n_chars, n_alpha, n_symbols, n_lines, n_bullets, n_ellipsis;
    size_t dup_bytes, all_bytes, n_solid;
    bool stops[DA_ARRAY_LEN(stop_words)];
};

static bool is_stop(struct da_span w, const char *stop)
{
    size_t n = strlen(stop);
    if (w.len != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((w.p[i] | 32) != stop[i])
            return false;
    return true;
}

static bool ends_with_ellipsis(struct da_span s)
{
    return s.len >= 3 && (memcmp(s.p + s.len - 3, "...", 3) == 0 ||
                          memcmp(s.p + s.len - 3, "\xe2\x80\xa6", 3) == 0);
}

static void count_word(struct da_span w, struct counts *c)
{
    size_t n_solid = 0, n = 0;
    bool alpha = false;
    for (const char *p = w.p, *end = w.p + w.len; p < end; n++) {
        uint32_t cp;
        p += da_utf8_decode(p, end, &cp);
        alpha = alpha || da_uclass_is_letter(cp);
        n_solid += da_cp_is_solid(cp);
        c->n_symbols += cp == '#' || cp == 0x2026;
    }
    c->n_symbols += w.len > 3 && memcmp(w.p + w.len - 3, "...", 3) == 0;
    size_t words = n_solid > 1 ? n_solid : 1;
    c->n_words += words;
    c->n_solid += n_solid;
    c->n_chars += n;
    c->n_alpha += alpha ? words : 0;
    for (size_t i = 0; i < DA_ARRAY_LEN(stop_words); i++)
        c->stops[i] = c->stops[i] || is_stop(w, stop_words[i]);
}

static void count_line(struct da_span line, struct da_map *seen, struct counts *c)
{
    bool is_new;
    struct da_span t = da_span_trim(line);
    if (t.len == 0)
        return;
    c->n_lines++;
    c->n_bullets += t.len > 1 && (((t.p[0] == '-' || t.p[0] == '*') && t.p[1] == ' ') ||
                                  da_span_starts(t, "\xe2\x80\xa2"));
    c->n_ellipsis += ends_with_ellipsis(t);
    c->all_bytes += t.len;
    (void)da_map_add(seen, t.p, t.len, &is_new);
    c->dup_bytes += is_new ? 0 : t.len;
    for (size_t i = 0; i < t.len;) {
        size_t k = i;
        while (k < t.len && t.p[k] != ' ' && t.p[k] != '\t')
            k++;
        if (k > i && !(k == i + 1 && t.p[i] == '|'))
            count_word(da_span(t.p + i, k - i), c);
        i = k + 1;
    }
}

static double share(size_t a, size_t b)
{
    return b > 0 ? (double)a / (double)b : 0;
}

void da_quality_measure(const char *p, size_t len, struct da_quality *q)
{
    struct counts c;
    memset(&c, 0, sizeof c);
    struct da_map seen;
    da_map_init(&seen);
    struct da_span rest = da_span(p, len), line;
    while (da_span_split(&rest, '\n', &line))
        count_line(line, &seen, &c);
    da_map_release(&seen);
    q->n_words = c.n_words;
    q->mean_word = share(c.n_chars, c.n_words);
    q->solid = share(c.n_solid, c.n_chars);
    q->alpha_words = share(c.n_alpha, c.n_words);
    q->symbol_words = share(c.n_symbols, c.n_words);
    q->bullet_lines = share(c.n_bullets, c.n_lines);
    q->ellipsis_lines = share(c.n_ellipsis, c.n_lines);
    q->dup_lines = share(c.dup_bytes, c.all_bytes);
    q->stop_words = 0;
    for (size_t i = 0; i < DA_ARRAY_LEN(stop_words); i++)
        q->stop_words += c.stops[i];
}

const char *da_quality_filter(const struct da_quality *q, bool english, char *out, size_t size)
{
    const struct {
        const char *name;
        double value, min, max;
    } rules[] = {
        {"words", (double)q->n_words, 50, 100000},
        {"mean_word_length", q->solid > 0.3 ? 5 : q->mean_word, 3, 10},
        {"symbol_ratio", q->symbol_words, 0, 0.1},
        {"bullet_lines", q->bullet_lines, 0, 0.9},
        {"ellipsis_lines", q->ellipsis_lines, 0, 0.3},
        {"alpha_words", q->alpha_words, 0.8, 1},
        {"duplicate_lines", q->dup_lines, 0, 0.3},
        {"stop_words", english ? (double)q->stop_words : 2, 2, 8},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(rules); i++)
        if (rules[i].value < rules[i].min || rules[i].value > rules[i].max) {
            (void)snprintf(out, size, "%s %.3g is not within %g and %g", rules[i].name,
                           rules[i].value, rules[i].min, rules[i].max);
            return out;
        }
    return NULL;
}
