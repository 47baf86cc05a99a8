/* See the header. In every step the first suffix that matches decides, even when its condition
 * fails. */
#include "eval/porter.h"

#include <stdbool.h>
#include <string.h>

#include "common/attr.h"

struct word {
    char *p;
    size_t len;
};

static bool is_vowel_letter(char c)
{
    return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

/* y is a consonant at the start and after a vowel. */
static bool is_consonant(const char *p, size_t i)
{
    bool flip = false;

    for (;; i--, flip = !flip) {
        if (is_vowel_letter(p[i]))
            return flip;
        if (p[i] != 'y' || i == 0)
            return !flip;
    }
}

/* Number of vowel-consonant changes in the first len letters. */
static unsigned measure(const char *p, size_t len)
{
    unsigned m = 0;
    bool vowel_before = false;

    for (size_t i = 0; i < len; i++) {
        bool consonant = p[i] == 'y' ? i == 0 || vowel_before : !is_vowel_letter(p[i]);
        if (consonant && vowel_before)
            m++;
        vowel_before = !consonant;
    }
    return m;
}

static bool contains_vowel(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_consonant(p, i))
            return true;
    return false;
}

/* *d */
static bool ends_double_consonant(const struct word *w)
{
    return w->len >= 2 && w->p[w->len - 1] == w->p[w->len - 2] && is_consonant(w->p, w->len - 1);
}

/* *o, of the first len letters */
static bool ends_cvc(const char *p, size_t len)
{
    if (len == 2)
        return !is_consonant(p, 0) && is_consonant(p, 1);
    if (len < 3 || !is_consonant(p, len - 3) || is_consonant(p, len - 2) ||
        !is_consonant(p, len - 1))
        return false;
    char c = p[len - 1];
    return c != 'w' && c != 'x' && c != 'y';
}

static bool ends(const struct word *w, const char *suffix)
{
    size_t n = strlen(suffix);
    return w->len >= n && memcmp(w->p + w->len - n, suffix, n) == 0;
}

/* Puts `with` in place of the last `cut` letters. */
static void put(struct word *w, size_t cut, const char *with)
{
    size_t n = strlen(with);

    memcpy(w->p + w->len - cut, with, n);
    w->len = w->len - cut + n;
}

struct rule {
    const char *suffix, *with;
};

/* The first rule whose suffix matches applies when the measure of what is left exceeds m. */
static void apply(struct word *w, const struct rule *rules, size_t n, unsigned m)
{
    for (size_t i = 0; i < n; i++) {
        if (!ends(w, rules[i].suffix))
            continue;
        size_t cut = strlen(rules[i].suffix);
        if (measure(w->p, w->len - cut) > m)
            put(w, cut, rules[i].with);
        return;
    }
}

static void step1a(struct word *w)
{
    if (ends(w, "ies"))
        put(w, 3, w->len == 4 ? "ie" : "i");
    else if (ends(w, "sses"))
        put(w, 4, "ss");
    else if (ends(w, "s") && !ends(w, "ss"))
        put(w, 1, "");
}

static void step1b(struct word *w)
{
    size_t cut;

    if (ends(w, "ied")) {
        put(w, 3, w->len == 4 ? "ie" : "i");
        return;
    }
    if (ends(w, "eed")) {
        if (measure(w->p, w->len - 3) > 0)
            put(w, 3, "ee");
        return;
    }
    if (ends(w, "ed"))
        cut = 2;
    else if (ends(w, "ing"))
        cut = 3;
    else
        return;
    if (!contains_vowel(w->p, w->len - cut))
        return;
    w->len -= cut;
    if (ends(w, "at") || ends(w, "bl") || ends(w, "iz")) {
        put(w, 0, "e");
    } else if (ends_double_consonant(w)) {
        if (!ends(w, "l") && !ends(w, "s") && !ends(w, "z"))
            w->len--;
    } else if (measure(w->p, w->len) == 1 && ends_cvc(w->p, w->len)) {
        put(w, 0, "e");
    }
}

static void step1c(struct word *w)
{
    if (ends(w, "y") && w->len > 2 && is_consonant(w->p, w->len - 2))
        w->p[w->len - 1] = 'i';
}

static void step2(struct word *w)
{
    static const struct rule rules[] = {
        {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"},
        {"izer", "ize"}, {"bli", "ble"}, {"alli", "al"}, {"entli", "ent"}, {"eli", "e"},
        {"ousli", "ous"}, {"ization", "ize"}, {"ation", "ate"}, {"ator", "ate"},
        {"alism", "al"}, {"iveness", "ive"}, {"fulness", "ful"}, {"ousness", "ous"},
        {"aliti", "al"}, {"iviti", "ive"}, {"biliti", "ble"}, {"fulli", "ful"},
    };

    /* -alli comes first, and its result goes through the step again */
    while (ends(w, "alli") && measure(w->p, w->len - 4) > 0)
        put(w, 4, "al");
    if (ends(w, "logi")) { /* no rule of the table ends in -logi */
        if (measure(w->p, w->len - 3) > 0)
            put(w, 4, "log");
        return;
    }
    apply(w, rules, DA_ARRAY_LEN(rules), 0);
}

static void step3(struct word *w)
{
    static const struct rule rules[] = {
        {"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"},
        {"ical", "ic"}, {"ful", ""}, {"ness", ""},
    };

    apply(w, rules, DA_ARRAY_LEN(rules), 0);
}

static void step4(struct word *w)
{
    static const struct rule rules[] = {
        {"al", ""}, {"ance", ""}, {"ence", ""}, {"er", ""}, {"ic", ""}, {"able", ""},
        {"ible", ""}, {"ant", ""}, {"ement", ""}, {"ment", ""}, {"ent", ""}, {"ou", ""},
        {"ism", ""}, {"ate", ""}, {"iti", ""}, {"ous", ""}, {"ive", ""}, {"ize", ""},
    };

    if (!ends(w, "ion")) {
        apply(w, rules, DA_ARRAY_LEN(rules), 1);
        return;
    }
    char c = w->len > 3 ? w->p[w->len - 4] : 0;
    if (measure(w->p, w->len - 3) > 1 && (c == 's' || c == 't'))
        w->len -= 3;
}

static void step5(struct word *w)
{
    if (ends(w, "e")) {
        unsigned m = measure(w->p, w->len - 1);
        if (m > 1 || (m == 1 && !ends_cvc(w->p, w->len - 1)))
            w->len--;
    }
    if (ends(w, "ll") && measure(w->p, w->len - 1) > 1)
        w->len--;
}

static bool irregular(struct word *w)
{
    static const struct rule forms[] = {
        {"sky", "sky"}, {"skies", "sky"}, {"dying", "die"}, {"lying", "lie"}, {"tying", "tie"},
        {"news", "news"}, {"innings", "inning"}, {"inning", "inning"}, {"outings", "outing"},
        {"outing", "outing"}, {"cannings", "canning"}, {"canning", "canning"}, {"howe", "howe"},
        {"proceed", "proceed"}, {"exceed", "exceed"}, {"succeed", "succeed"},
    };

    for (size_t i = 0; i < DA_ARRAY_LEN(forms); i++)
        if (strlen(forms[i].suffix) == w->len && ends(w, forms[i].suffix)) {
            put(w, w->len, forms[i].with);
            return true;
        }
    return false;
}

size_t da_porter_stem(char *word, size_t len)
{
    struct word w = {word, len};

    if (len <= 2 || irregular(&w))
        return w.len;
    step1a(&w);
    step1b(&w);
    step1c(&w);
    step2(&w);
    step3(&w);
    step4(&w);
    step5(&w);
    return w.len;
}
