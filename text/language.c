/* Letters decide where a script says enough, common words among the languages in Latin letters. */

#include "text/language.h"

#include <stdint.h>
#include <string.h>

#include "common/attr.h"
#include "common/utf8.h"

enum { SURE_PERCENT = 8, N_SCRIPTS = 7 };

/* Common words; shared ones are fine as long as the lists differ in most. */
static const struct {
    const char *code, *words;
} hints[] = {
    {"en", " the of and to is that for with this are was in by it on from be as at "},
    {"de", " der die und das ist nicht mit ein zu den von im auf für eine dem des wird sich "},
    {"fr", " le les des est et une dans pour que qui la du en sur par il au ne pas plus "},
    {"es", " el los las y que una del para por con la en se es un no su al lo "},
    {"it", " il di che della per non sono gli un è la in del una con dei si alla "},
    {"pt", " o os uma do da não em para com que é dos das na no um se por ao "},
    {"nl", " het een van de en dat niet zijn op voor is met in te die aan wordt "},
    {"pl", " i w na z jest nie się do że dla oraz jak po od to przez "},
    {"tr", " ve bir bu için ile olarak olan de da en çok daha gibi her ne "},
};

static const char *const scripts[N_SCRIPTS] = {"he", "ar", "hi", "ja", "zh", "ko", "ru"};

/* Index into scripts, or -1. */
static int script_of(uint32_t cp)
{
    static const struct {
        uint32_t first, last;
        int script;
    } blocks[] = {
        {0x0400, 0x04FF, 6}, {0x0590, 0x05FF, 0}, {0x0600, 0x06FF, 1}, {0x0900, 0x097F, 2},
        {0x3040, 0x30FF, 3}, {0x4E00, 0x9FFF, 4}, {0xAC00, 0xD7A3, 5},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(blocks); i++) {
        if (cp >= blocks[i].first && cp <= blocks[i].last)
            return blocks[i].script;
    }
    return -1;
}

struct tally {
    size_t hits[DA_ARRAY_LEN(hints)];
    uint64_t seen[DA_ARRAY_LEN(hints)]; /* which words of a list occurred, by position */
    size_t script[N_SCRIPTS];
};

static void count_hints(struct tally *t, struct da_span k)
{
    for (size_t h = 0; h < DA_ARRAY_LEN(hints) && k.len < 8; h++) {
        const char *q = hints[h].words;
        while ((q = strchr(q, k.p[0])) != NULL) {
            if (q[-1] == ' ' && strncmp(q, k.p, k.len) == 0 && q[k.len] == ' ')
                break;
            q++;
        }
        if (q) {
            t->hits[h]++;
            t->seen[h] |= 1ull << ((size_t)(q - hints[h].words) % 64);
        }
    }
}

/* One or two words prove nothing. */
static bool several(uint64_t seen)
{
    seen &= seen - 1;
    seen &= seen - 1;
    return seen != 0;
}

static const char *by_words(const struct tally *t, size_t n_words, bool *sure)
{
    size_t best = 0, second = 0;
    for (size_t h = 1; h < DA_ARRAY_LEN(hints); h++) {
        if (several(t->seen[h]) && t->hits[h] > t->hits[best])
            best = h;
    }
    for (size_t h = 0; h < DA_ARRAY_LEN(hints); h++) {
        if (h != best && t->hits[h] > second)
            second = t->hits[h];
    }
    *sure = several(t->seen[best]) && t->hits[best] * 100 >= SURE_PERCENT * n_words &&
            2 * t->hits[best] >= 3 * second;
    return hints[best].code;
}

const char *da_language_guess(const struct da_words *w, bool *sure)
{
    struct tally t = {{0}, {0}, {0}};
    bool scratch;
    sure = sure ? sure : &scratch;
    *sure = true;
    for (size_t i = 0; i < w->n; i++) {
        struct da_span k = da_words_key(w, i);
        uint32_t cp;
        da_utf8_decode(k.p, k.p + k.len, &cp);
        int script = script_of(cp);
        if (script >= 0)
            t.script[script]++;
        else
            count_hints(&t, k);
    }
    size_t n_kana = t.script[3], n_han = t.script[4];
    if (n_kana * 10 > w->n && (n_kana + n_han) * 2 > w->n)
        return "ja";
    for (int s = 0; s < N_SCRIPTS; s++) {
        if (t.script[s] * 2 > w->n)
            return scripts[s];
    }
    return by_words(&t, w->n, sure);
}
