/* Letters decide where a script says enough, common words among the languages in Latin letters. */

#include "text/wordlang.h"

#include <stdint.h>
#include <string.h>

#include "common/attr.h"
#include "common/hash.h"
#include "common/utf8.h"

enum {
    SURE_PERCENT = 8,
    MIN_DISTINCT = 3, /* one or two words prove nothing */
    MAX_WORDS = 500,  /* enough to tell */
    N_SCRIPTS = 7
};

static const char *const latin[] = {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr"};

enum {
    EN = 1 << 0,
    DE = 1 << 1,
    FR = 1 << 2,
    ES = 1 << 3,
    IT = 1 << 4,
    PT = 1 << 5,
    NL = 1 << 6,
    PL = 1 << 7,
    TR = 1 << 8
};

/* Common words and the languages they are common in. */
static const struct {
    const char *word;
    unsigned languages;
} hints[] = {
    {"aan", NL},
    {"al", ES},
    {"alla", IT},
    {"and", EN},
    {"ao", PT},
    {"are", EN},
    {"as", EN},
    {"at", EN},
    {"au", FR},
    {"auf", DE},
    {"be", EN},
    {"bir", TR},
    {"bu", TR},
    {"by", EN},
    {"che", IT},
    {"com", PT},
    {"con", ES | IT},
    {"da", PT | TR},
    {"daha", TR},
    {"dans", FR},
    {"das", DE | PT},
    {"dat", NL},
    {"de", NL | TR},
    {"dei", IT},
    {"del", ES | IT},
    {"della", IT},
    {"dem", DE},
    {"den", DE},
    {"der", DE},
    {"des", DE | FR},
    {"di", IT},
    {"die", DE | NL},
    {"dla", PL},
    {"do", PT | PL},
    {"dos", PT},
    {"du", FR},
    {"een", NL},
    {"ein", DE},
    {"eine", DE},
    {"el", ES},
    {"em", PT},
    {"en", FR | ES | NL | TR},
    {"es", ES},
    {"est", FR},
    {"et", FR},
    {"for", EN},
    {"from", EN},
    {"für", DE},
    {"gibi", TR},
    {"gli", IT},
    {"her", TR},
    {"het", NL},
    {"i", PL},
    {"il", FR | IT},
    {"ile", TR},
    {"im", DE},
    {"in", EN | IT | NL},
    {"is", EN | NL},
    {"ist", DE},
    {"it", EN},
    {"için", TR},
    {"jak", PL},
    {"jest", PL},
    {"la", FR | ES | IT},
    {"las", ES},
    {"le", FR},
    {"les", FR},
    {"lo", ES},
    {"los", ES},
    {"met", NL},
    {"mit", DE},
    {"na", PT | PL},
    {"ne", FR | TR},
    {"nicht", DE},
    {"nie", PL},
    {"niet", NL},
    {"no", ES | PT},
    {"non", IT},
    {"não", PT},
    {"o", PT},
    {"od", PL},
    {"of", EN},
    {"olan", TR},
    {"olarak", TR},
    {"on", EN},
    {"op", NL},
    {"oraz", PL},
    {"os", PT},
    {"par", FR},
    {"para", ES | PT},
    {"pas", FR},
    {"per", IT},
    {"plus", FR},
    {"po", PL},
    {"por", ES | PT},
    {"pour", FR},
    {"przez", PL},
    {"que", FR | ES | PT},
    {"qui", FR},
    {"se", ES | PT},
    {"si", IT},
    {"sich", DE},
    {"się", PL},
    {"sono", IT},
    {"su", ES},
    {"sur", FR},
    {"te", NL},
    {"that", EN},
    {"the", EN},
    {"this", EN},
    {"to", EN | PL},
    {"um", PT},
    {"uma", PT},
    {"un", ES | IT},
    {"una", ES | IT},
    {"und", DE},
    {"une", FR},
    {"van", NL},
    {"ve", TR},
    {"von", DE},
    {"voor", NL},
    {"w", PL},
    {"was", EN},
    {"wird", DE},
    {"with", EN},
    {"wordt", NL},
    {"y", ES},
    {"z", PL},
    {"zijn", NL},
    {"zu", DE},
    {"çok", TR},
    {"è", IT},
    {"é", PT},
    {"że", PL},
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
    size_t hits[DA_ARRAY_LEN(latin)];
    size_t distinct[DA_ARRAY_LEN(latin)]; /* different words among the hits */
    size_t script[N_SCRIPTS];
    bool seen[DA_ARRAY_LEN(hints)];
};

static size_t slot_of(const struct da_wordlang *t, uint64_t hash)
{
    size_t i = (size_t)hash % DA_WORDLANG_SLOTS;
    while (t->hint[i] != 0 && t->keys[i] != hash)
        i = (i + 1) % DA_WORDLANG_SLOTS;
    return i;
}

void da_wordlang_init(struct da_wordlang *t)
{
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < DA_ARRAY_LEN(hints); i++) {
        uint64_t hash = da_hash64(hints[i].word, strlen(hints[i].word), 0);
        size_t at = slot_of(t, hash);
        t->keys[at] = hash;
        t->hint[at] = (uint16_t)(i + 1);
    }
}

static void count_hints(const struct da_wordlang *table, struct tally *t, uint64_t hash)
{
    size_t at = slot_of(table, hash);
    if (table->hint[at] == 0)
        return;
    size_t h = table->hint[at] - 1u;
    for (size_t l = 0; l < DA_ARRAY_LEN(latin); l++) {
        if (!(hints[h].languages >> l & 1))
            continue;
        t->hits[l]++;
        t->distinct[l] += !t->seen[h];
    }
    t->seen[h] = true;
}

_Static_assert(2 * DA_ARRAY_LEN(hints) < DA_WORDLANG_SLOTS, "the table is too small");

static const char *by_words(const struct tally *t, size_t n_words, bool *sure)
{
    size_t best = 0, second = 0;
    for (size_t l = 1; l < DA_ARRAY_LEN(latin); l++) {
        if (t->distinct[l] >= MIN_DISTINCT && t->hits[l] > t->hits[best])
            best = l;
    }
    for (size_t l = 0; l < DA_ARRAY_LEN(latin); l++) {
        if (l != best && t->hits[l] > second)
            second = t->hits[l];
    }
    *sure = t->distinct[best] >= MIN_DISTINCT && t->hits[best] * 100 >= SURE_PERCENT * n_words &&
            2 * t->hits[best] >= 3 * second;
    return latin[best];
}

const char *da_wordlang_guess(const struct da_words *w, bool *sure)
{
    struct da_wordlang table;
    da_wordlang_init(&table);
    return da_wordlang_guess_with(&table, w, sure);
}

const char *da_wordlang_guess_with(const struct da_wordlang *table, const struct da_words *w,
                                   bool *sure)
{
    struct tally t;
    memset(&t, 0, sizeof t);
    bool scratch;
    size_t n = w->n < MAX_WORDS ? w->n : MAX_WORDS;
    sure = sure ? sure : &scratch;
    *sure = true;
    for (size_t i = 0; i < n; i++) {
        struct da_span k = da_words_key(w, i);
        uint32_t cp;
        da_utf8_decode(k.p, k.p + k.len, &cp);
        int script = script_of(cp);
        if (script >= 0)
            t.script[script]++;
        else
            count_hints(table, &t, w->items[i].hash);
    }
    size_t n_kana = t.script[3], n_han = t.script[4];
    if (n_kana * 10 > n && (n_kana + n_han) * 2 > n)
        return "ja";
    for (int s = 0; s < N_SCRIPTS; s++) {
        if (t.script[s] * 2 > n)
            return scripts[s];
    }
    return by_words(&t, n, sure);
}
