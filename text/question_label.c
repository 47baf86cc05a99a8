/*
 * Questions from labels and their values ("Invoice date: 3 May") and from the
 * rows of tables.
 */

#include <string.h>

#include "common/attr.h"
#include "common/mem.h"
#include "text/chars.h"
#include "text/question_rules.h"

enum { LABEL_MAX_WORDS = 4, TOPIC_MAX_BYTES = 90 };

bool da_question_has_letters(struct da_span s, size_t least)
{
    size_t n = 0;
    for (const char *p = s.p, *end = s.p + s.len; p < end;) {
        uint32_t cp;
        p += da_char_next(p, end, &cp);
        n += (da_char_flags(cp) & DA_CH_LETTER) != 0;
    }
    return n >= least;
}

bool da_question_starts_with_word(struct da_span s)
{
    uint32_t cp = 0;
    if (s.len > 0)
        da_char_next(s.p, s.p + s.len, &cp);
    return (da_char_flags(cp) & (DA_CH_LETTER | DA_CH_DIGIT)) != 0;
}

/* Appends a label as it stands inside a sentence: "Claim #" is the claim number, "Total" the
 * total; abbreviations keep their capitals. */
static void add_label(struct da_buf *b, struct da_span label)
{
    struct da_words w;
    da_words_init(&w);
    da_words_split(&w, label.p, label.len);
    size_t at = 0;
    bool loud = true; /* all in capitals: GRAND TOTAL is no abbreviation */
    for (size_t i = 0; i < w.n; i++)
        loud &=
            (w.items[i].flags & DA_WORD_CAPS) && (w.n > 1 || w.items[i].end - w.items[i].start > 4);
    for (size_t i = 0; i < w.n; i++) {
        const struct da_word *x = &w.items[i];
        struct da_span k = da_words_key(&w, i);
        bool keep = !loud && ((x->flags & DA_WORD_CAPS) || !(x->flags & DA_WORD_CAPITAL) ||
                              (i > 0 && (x->flags & DA_WORD_DIGITS)));
        da_buf_add(b, label.p + at, x->start - at);
        if (keep)
            da_buf_add(b, label.p + x->start, x->end - x->start);
        else
            da_buf_add(b, k.p, k.len);
        at = x->end;
    }
    struct da_span rest = da_span_trim(da_span(label.p + at, label.len - at));
    struct da_span last = w.n > 0 ? da_words_key(&w, w.n - 1) : da_span("", 0);
    if (da_span_is(rest, "#") || da_span_is(last, "phone") || da_span_is(last, "telephone") ||
        da_span_is(last, "fax") || da_span_is(last, "mobile"))
        da_buf_add_str(b, " number");
    else if (da_span_is(last, "email") || (da_span_is(last, "mail") && w.n == 2))
        da_buf_add_str(b, " address");
    da_words_release(&w);
}

static bool is_plural(struct da_span k)
{
    return k.len > 3 && k.p[k.len - 1] == 's' && k.p[k.len - 2] != 's' && k.p[k.len - 2] != 'u' &&
           k.p[k.len - 2] != 'i' && !da_span_is(k, "sales") && !da_span_is(k, "savings") &&
           !da_span_is(k, "news");
}

/* "Invoice date", "Phone": a few words, none of them plural. */
static bool is_label(struct da_span label)
{
    struct da_words w;
    bool ok =
        da_question_has_letters(label, 2) && label.len <= 60 && da_question_starts_with_word(label);
    da_words_init(&w);
    da_words_split(&w, label.p, label.len);
    ok = ok && w.n >= 1 && w.n <= LABEL_MAX_WORDS && (w.items[0].flags & DA_WORD_CAPITAL);
    for (size_t i = 0; ok && i < w.n; i++)
        ok = !(w.items[i].flags & DA_WORD_DIGITS) &&
             (!(w.items[i].flags & DA_WORD_STOP) || da_span_is(da_words_key(&w, i), "of"));
    for (size_t i = 0; ok && i < label.len; i++) {
        unsigned f = label.p[i] & 0x80 ? DA_CH_LETTER : da_char_flags((unsigned char)label.p[i]);
        ok = (f & (DA_CH_LETTER | DA_CH_DIGIT)) || strchr(" -/#.'&", label.p[i]);
    }
    if (ok) {
        static const char *const no[] = {
            "note",     "notes",    "warning", "example", "tip",     "caution",  "important",
            "e.g",      "figure",   "table",   "see",     "http",    "https",    "question",
            "answer",   "step",     "re",      "fig",     "remark",  "author's", "abstract",
            "keywords", "document", "file",    "text",    "item",    "row",      "column",
            "true",     "false",    "yes",     "part",    "chapter", "section",  "appendix"};
        struct da_span last = da_words_key(&w, w.n - 1), first = da_words_key(&w, 0);
        for (size_t i = 0; i < DA_ARRAY_LEN(no); i++)
            ok &= !da_span_is(first, no[i]);
        for (size_t i = 0; i < w.n; i++)
            ok &= !is_plural(da_words_key(&w, i));
        ok = ok && !(last.len > 4 && memcmp(last.p + last.len - 3, "ing", 3) == 0);
    }
    da_words_release(&w);
    return ok;
}

static bool names_role(struct da_span label)
{
    static const char *const roles[] = {
        "author",   "estimator", "manager",   "director",   "contact",  "contact person",
        "sender",   "recipient", "customer",  "client",     "seller",   "buyer",
        "owner",    "editor",    "organizer", "presenter",  "speaker",  "technician",
        "cashier",  "tenant",    "landlord",  "employee",   "employer", "patient",
        "supplier", "vendor",    "chair",     "instructor", "teacher",  "publisher"};
    for (size_t i = 0; i < DA_ARRAY_LEN(roles); i++) {
        size_t n = strlen(roles[i]);
        if (label.len == n) {
            size_t k = 0;
            while (k < n && ((label.p[k] | 0x20) == roles[i][k] || label.p[k] == roles[i][k]))
                k++;
            if (k == n)
                return true;
        }
    }
    return false;
}

/* "Label: value" as a unit of its own, or a row of two cells. */
static bool split_label(const char *p, size_t len, struct da_span *label, struct da_span *value)
{
    const char *colon = memchr(p, ':', len);
    if (!colon || colon == p || colon + 1 >= p + len || colon[1] != ' ')
        return false;
    *label = da_span_trim(da_span(p, (size_t)(colon - p)));
    *value = da_span_trim(da_span(colon + 1, len - (size_t)(colon + 1 - p)));
    return value->len > 0 && value->len <= 120;
}

void da_question_label(struct da_question_maker *m, size_t unit)
{
    struct da_buf line;
    struct da_span label, value;
    enum da_unit_kind kind = m->o->units.items[unit].kind;
    da_buf_init(&line, 0);
    da_outline_add_text(m->o, unit, &line);
    bool row = kind == DA_UNIT_TABLE;
    bool header = row && unit + 1 < m->o->units.n &&
                  m->o->units.items[unit + 1].kind == DA_UNIT_OTHER; /* the rule under it */
    if (header)
        goto out;
    if (split_label(line.p, line.len, &label, &value) && is_label(label) &&
        (!row || !memchr(value.p, ',', value.len) || !memchr(value.p, ' ', value.len))) {
        bool role = names_role(label) && da_question_has_letters(value, 3);
        bool terse = label.len <= 4 && !role && !memchr(label.p, ' ', label.len); /* "Ref", "ID" */
        da_buf_reset(&m->text);
        if (terse) {
            da_buf_addf(&m->text, "What value is given for \"%.*s\"?", (int)label.len, label.p);
        } else {
            da_buf_add_str(&m->text, role ? "Who is the " : "What is the ");
            add_label(&m->text, label);
            da_buf_add_char(&m->text, '?');
        }
        da_question_add(m, role ? DA_Q_WHO : DA_Q_VALUE, unit, 0.85);
    } else if (row && split_label(line.p, line.len, &label, &value) &&
               da_question_has_letters(label, 2) && da_question_starts_with_word(label) &&
               label.len <= TOPIC_MAX_BYTES && unit > 0 &&
               m->o->units.items[unit - 1].kind != DA_UNIT_SENTENCE) {
        da_buf_reset(&m->text);
        da_buf_addf(&m->text, "What does the table show for \"%.*s\"?", (int)label.len, label.p);
        da_question_add(m, DA_Q_ROW, unit, 0.5);
    }
out:
    da_buf_release(&line);
}
