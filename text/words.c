/* Word splitting, in the spirit of UAX 29 without its tailorings. */

#include "text/words.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "text/chars.h"

static const char stop_words[] =
    " a about above after again against all almost also although always am among an and any are"
    " as at"
    " be became because been before being below between both but by can cannot could did do"
    " does doing"
    " down during each either else etc even ever every few for from further get gets had has"
    " have having"
    " he her here hers herself him himself his how however i if in into is it its itself just"
    " least less let like many may me might more most much must my myself neither no nor not"
    " now of off"
    " often on once one only onto or other others our ours ourselves out over own per perhaps"
    " quite rather"
    " same shall she should since so some such than that the their theirs them themselves then"
    " there"
    " therefore these they this those though through thus to too toward towards under until up"
    " upon us"
    " very via was we well were what when where whether which while who whom whose why will"
    " with within"
    " without would yet you your yours yourself yourselves don't doesn't didn't isn't aren't"
    " wasn't"
    " weren't won't can't couldn't it's i'm we're they're you're that's there's"
    /* German, French, Spanish, Italian, Portuguese, Dutch */
    " der das und oder aber nicht ein eine einer eines einem einen ist sind wird werden wurde"
    " wurden"
    " auf aus bei mit nach von vor zu zum zur im als auch dem den des dass durch für"
    " über um"
    " sich sie ihr ihre sein seine wie noch nur sowie diese dieser dieses"
    " le la les un une du de et ou est sont dans pour par sur au aux avec ce cette ces il elle"
    " qui que"
    " ne pas plus se sa ses son leur leurs nous vous"
    " el los las una unos unas y del al en por para con su sus es fue como más pero lo"
    " il gli i dei delle della di che per con non sono è nel nella dal alla anche"
    " o os um uma e do da dos das em no na nos nas é não mais foi ao"
    " het een van dat die te aan voor met niet zijn ook wordt naar uit bij ";

void da_words_init(struct da_words *w)
{
    w->items = NULL;
    w->n = w->cap = 0;
    da_buf_init(&w->keys, 0);
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

bool da_word_is_stop(struct da_span key)
{
    if (key.len == 0 || key.len > 12)
        return false;
    for (const char *p = stop_words; (p = strchr(p, key.p[0])) != NULL; p++) {
        if (p > stop_words && p[-1] == ' ' && strncmp(p, key.p, key.len) == 0 && p[key.len] == ' ')
            return true;
    }
    return false;
}

/* What is known of a word while it grows. */
struct scan {
    unsigned n_letters, n_upper, n_digits;
    bool capital, solid;
};

static size_t scan_char(const char *p, const char *end, uint32_t *cp, unsigned *f)
{
    size_t n = da_utf8_decode(p, end, cp);
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

/* Reads the word at p (its first character is known to belong to one); returns its end. */
static const char *scan_word(const char *p, const char *end, struct scan *s, struct da_buf *keys)
{
    uint32_t cp;
    unsigned f, before = 0;
    memset(s, 0, sizeof *s);
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

static unsigned word_flags(const struct scan *s, struct da_span key)
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
    if (da_word_is_stop(key))
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
        x->flags = word_flags(&s, key);
        x->hash = da_hash64(key.p, key.len, 0);
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
