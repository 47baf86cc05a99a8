/* Word splitting, in the spirit of UAX 29 without its tailorings. */

#include "text/words.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "text/chars.h"

enum { STOP_MAX_BYTES = 12 };

/* English, German, French, Spanish, Italian, Portuguese, Dutch; in order of bytes. */
static const char *const stop_words[] = {
    "a",         "aan",     "aber",     "about",      "above",   "after",  "again",
    "against",   "al",      "all",      "alla",       "almost",  "als",    "also",
    "although",  "always",  "am",       "among",      "an",      "anche",  "and",
    "any",       "ao",      "are",      "aren't",     "as",      "at",     "au",
    "auch",      "auf",     "aus",      "aux",        "avec",    "be",     "became",
    "because",   "been",    "before",   "bei",        "being",   "below",  "between",
    "bij",       "both",    "but",      "by",         "can",     "can't",  "cannot",
    "ce",        "ces",     "cette",    "che",        "como",    "con",    "could",
    "couldn't",  "da",      "dal",      "dans",       "das",     "dass",   "dat",
    "de",        "dei",     "del",      "della",      "delle",   "dem",    "den",
    "der",       "des",     "di",       "did",        "didn't",  "die",    "diese",
    "dieser",    "dieses",  "do",       "does",       "doesn't", "doing",  "don't",
    "dos",       "down",    "du",       "durch",      "during",  "e",      "each",
    "een",       "ein",     "eine",     "einem",      "einen",   "einer",  "eines",
    "either",    "el",      "elle",     "else",       "em",      "en",     "es",
    "est",       "et",      "etc",      "even",       "ever",    "every",  "few",
    "foi",       "for",     "from",     "fue",        "further", "für",    "get",
    "gets",      "gli",     "had",      "has",        "have",    "having", "he",
    "her",       "here",    "hers",     "herself",    "het",     "him",    "himself",
    "his",       "how",     "however",  "i",          "i'm",     "if",     "ihr",
    "ihre",      "il",      "im",       "in",         "into",    "is",     "isn't",
    "ist",       "it",      "it's",     "its",        "itself",  "just",   "la",
    "las",       "le",      "least",    "les",        "less",    "let",    "leur",
    "leurs",     "like",    "lo",       "los",        "mais",    "many",   "may",
    "me",        "met",     "might",    "mit",        "more",    "most",   "much",
    "must",      "my",      "myself",   "más",        "na",      "naar",   "nach",
    "nas",       "ne",      "neither",  "nel",        "nella",   "nicht",  "niet",
    "no",        "noch",    "non",      "nor",        "nos",     "not",    "nous",
    "now",       "nur",     "não",      "o",          "oder",    "of",     "off",
    "often",     "on",      "once",     "one",        "only",    "onto",   "ook",
    "or",        "os",      "other",    "others",     "ou",      "our",    "ours",
    "ourselves", "out",     "over",     "own",        "par",     "para",   "pas",
    "per",       "perhaps", "pero",     "plus",       "por",     "pour",   "que",
    "qui",       "quite",   "rather",   "sa",         "same",    "se",     "sein",
    "seine",     "ses",     "shall",    "she",        "should",  "sich",   "sie",
    "since",     "sind",    "so",       "some",       "son",     "sono",   "sont",
    "sowie",     "su",      "such",     "sur",        "sus",     "te",     "than",
    "that",      "that's",  "the",      "their",      "theirs",  "them",   "themselves",
    "then",      "there",   "there's",  "therefore",  "these",   "they",   "they're",
    "this",      "those",   "though",   "through",    "thus",    "to",     "too",
    "toward",    "towards", "uit",      "um",         "uma",     "un",     "una",
    "unas",      "und",     "under",    "une",        "unos",    "until",  "up",
    "upon",      "us",      "van",      "very",       "via",     "von",    "voor",
    "vor",       "vous",    "was",      "wasn't",     "we",      "we're",  "well",
    "werden",    "were",    "weren't",  "what",       "when",    "where",  "whether",
    "which",     "while",   "who",      "whom",       "whose",   "why",    "wie",
    "will",      "wird",    "with",     "within",     "without", "won't",  "wordt",
    "would",     "wurde",   "wurden",   "y",          "yet",     "you",    "you're",
    "your",      "yours",   "yourself", "yourselves", "zijn",    "zu",     "zum",
    "zur",       "è",       "é",        "über",
};

/* Where hash h is among the stops, or would be. */
static size_t stop_slot(const struct da_words *w, uint64_t h)
{
    size_t i = (size_t)h % DA_ARRAY_LEN(w->stops);
    while (w->stops[i] != 0 && w->stops[i] != h)
        i = (i + 1) % DA_ARRAY_LEN(w->stops);
    return i;
}

void da_words_init(struct da_words *w)
{
    w->items = NULL;
    w->n = w->cap = 0;
    da_buf_init(&w->keys, 0);
    memset(w->stops, 0, sizeof w->stops);
    for (size_t i = 0; i < DA_ARRAY_LEN(stop_words); i++) {
        uint64_t h = da_hash64(stop_words[i], strlen(stop_words[i]), 0);
        w->stops[stop_slot(w, h)] = h;
    }
}

void da_words_release(struct da_words *w)
{
    if (!w)
        return;
    free(w->items);
    da_buf_release(&w->keys);
    da_words_init(w);
}

struct da_span da_words_key(const struct da_words *w, size_t i)
{
    return da_span(w->keys.p + w->items[i].key, w->items[i].key_len);
}

static int compare_key(const void *key, const void *entry)
{
    const struct da_span *k = key;
    const char *e = *(const char *const *)entry;
    int c = strncmp(k->p, e, k->len);
    return c ? c : -(e[k->len] != 0);
}

bool da_word_is_stop(struct da_span key)
{
    if (key.len == 0 || key.len > STOP_MAX_BYTES)
        return false;
    return bsearch(&key, stop_words, DA_ARRAY_LEN(stop_words), sizeof *stop_words, compare_key);
}

/* What is known of a word while it grows. */
struct scan {
    unsigned n_letters, n_upper, n_digits;
    bool capital, solid;
};

static size_t scan_char(const char *p, const char *end, uint32_t *cp, unsigned *f)
{
    size_t n = da_char_next(p, end, cp);
    *f = da_char_flags(*cp);
    return n;
}

static bool is_apostrophe(uint32_t cp)
{
    return cp == '\'' || cp == 0x2019 || cp == 0x02BC;
}

/* Bytes of the joint at p that holds a word together ("n't", "1.5"), or 0. */
static size_t joint(const char *p, const char *end, unsigned before, uint32_t *cp)
{
    unsigned f;
    if (p >= end)
        return 0;
    size_t n = scan_char(p, end, cp, &f);
    bool number = (before & DA_CH_DIGIT) && (*cp == '.' || *cp == ',');
    bool letters = (before & (DA_CH_LETTER | DA_CH_MARK)) && is_apostrophe(*cp);
    if ((!number && !letters) || p + n >= end)
        return 0;
    uint32_t next;
    scan_char(p + n, end, &next, &f);
    if (number)
        return f & DA_CH_DIGIT ? n : 0;
    return (f & DA_CH_LETTER) && !(f & DA_CH_SOLID) ? n : 0;
}

static void note_char(struct scan *s, uint32_t cp, unsigned f, struct da_buf *keys)
{
    if (f & DA_CH_LETTER) {
        if (s->n_letters + s->n_digits == 0)
            s->capital = (f & DA_CH_UPPER) != 0;
        s->n_letters++;
        s->n_upper += (f & DA_CH_UPPER) != 0;
    } else if (f & DA_CH_DIGIT) {
        s->n_digits++;
    }
    da_buf_add_utf8(keys, da_utf8_tolower(cp));
}

/* The ASCII letters and digits that a word starts with: most words are nothing else. */
static const char *scan_ascii(const char *p, const char *end, struct scan *s, struct da_buf *keys,
                              unsigned *before)
{
    const char *q = p;
    while (q < end && (unsigned char)*q < 0x80 &&
           (da_char_ascii[(unsigned char)*q] & (DA_CH_LETTER | DA_CH_DIGIT)))
        q++;
    size_t len = (size_t)(q - p);
    char *out = len ? da_buf_reserve(keys, len) : NULL;
    if (!out)
        return p;
    for (size_t i = 0; i < len; i++) {
        unsigned f = da_char_ascii[(unsigned char)p[i]];
        s->n_letters += (f & DA_CH_LETTER) != 0;
        s->n_upper += (f & DA_CH_UPPER) != 0;
        s->n_digits += (f & DA_CH_DIGIT) != 0;
        out[i] = f & DA_CH_UPPER ? (char)(p[i] | 0x20) : p[i];
        *before = f;
    }
    s->capital = (da_char_ascii[(unsigned char)p[0]] & DA_CH_UPPER) != 0;
    keys->len += len;
    keys->p[keys->len] = '\0';
    return q;
}

/* Reads the word at p (its first character is known to belong to one); returns its end. */
static const char *scan_word(const char *p, const char *end, struct scan *s, struct da_buf *keys)
{
    uint32_t cp;
    unsigned f, before = 0;
    memset(s, 0, sizeof *s);
    p = scan_ascii(p, end, s, keys, &before);
    while (p < end) {
        size_t n = scan_char(p, end, &cp, &f);
        bool solid = (f & DA_CH_SOLID) != 0;
        if (solid && s->n_letters + s->n_digits > 0)
            break;
        if (f & (DA_CH_LETTER | DA_CH_DIGIT | DA_CH_MARK)) {
            note_char(s, cp, f, keys);
            before = f;
            p += n;
            if (solid) {
                s->solid = true;
                while (p < end && (n = scan_char(p, end, &cp, &f), f & DA_CH_MARK)) {
                    da_buf_add_utf8(keys, cp);
                    p += n;
                }
                break;
            }
            continue;
        }
        n = joint(p, end, before, &cp);
        if (n == 0)
            break;
        da_buf_add_utf8(keys, is_apostrophe(cp) ? '\'' : cp);
        p += n;
    }
    return p;
}

static unsigned word_flags(const struct da_words *w, const struct scan *s, uint64_t hash)
{
    unsigned f = 0;
    if (s->n_digits > 0)
        f |= DA_WORD_DIGITS | (s->n_letters == 0 ? DA_WORD_NUMBER : 0);
    if (s->capital)
        f |= DA_WORD_CAPITAL;
    if (s->n_letters >= 2 && s->n_upper == s->n_letters)
        f |= DA_WORD_CAPS;
    if (s->solid)
        f |= DA_WORD_SOLID;
    if (w->stops[stop_slot(w, hash)] == hash)
        f |= DA_WORD_STOP;
    return f;
}

void da_words_split(struct da_words *w, const char *p, size_t len)
{
    const char *end = p + len;
    w->n = 0;
    da_buf_reset(&w->keys);
    for (const char *q = p; q < end;) {
        uint32_t cp;
        unsigned f;
        size_t n = scan_char(q, end, &cp, &f);
        if (!(f & (DA_CH_LETTER | DA_CH_DIGIT))) {
            q += n;
            continue;
        }
        struct scan s;
        DA_GROW(w->items, w->n, w->cap);
        struct da_word *x = &w->items[w->n++];
        x->start = (size_t)(q - p);
        x->key = w->keys.len;
        q = scan_word(q, end, &s, &w->keys);
        x->end = (size_t)(q - p);
        x->key_len = (uint32_t)(w->keys.len - x->key);
        struct da_span key = da_words_key(w, w->n - 1);
        x->hash = da_hash64(key.p, key.len, 0);
        x->flags = word_flags(w, &s, x->hash);
    }
}

size_t da_words_at(const struct da_words *w, size_t at)
{
    size_t lo = 0, hi = w->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (w->items[mid].start < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}
