/*
 * Normalization before tokenizing: the steps the vocabulary names, in order,
 * then SentencePiece's space before the text and U+2581 for spaces.
 */

#include <string.h>

#include "common/utf8.h"
#include "engine/tokenizer/bert_tables.h"
#include "engine/tokenizer/charsmap.h"
#include "engine/tokenizer/tokenizer_impl.h"
#include "text/uclass.h"
#include "text/unorm.h"

/*
 * The tables are Unicode 16's, as the pre-splits of the libraries are. Their lower case (Rust's) is
 * Unicode 17's: three Latin letters more, and Beria Erfe.
 */
static uint32_t lower(uint32_t cp)
{
    enum { BERIA_FIRST = 0x16ea0, BERIA_LAST = 0x16eb8, BERIA_SMALL = 0x16ebb };
    if (cp == 0xa7ce || cp == 0xa7d2 || cp == 0xa7d4)
        return cp + 1;
    if (cp >= BERIA_FIRST && cp <= BERIA_LAST)
        return cp - BERIA_FIRST + BERIA_SMALL;
    return da_uclass_lower(cp);
}

static void lowercase(struct da_span text, struct da_buf *out)
{
    const char *end = text.p + text.len;
    for (const char *p = text.p; p < end;) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        if (cp == 0x130) /* the only simple mapping that loses something: i, combining dot above */
            da_buf_add(out, "i\xcc\x87", 3);
        else if (len == 1 && cp == DA_UTF8_REPLACEMENT)
            da_buf_add_char(out, *p);
        else
            da_buf_add_utf8(out, lower(cp));
        p += len;
    }
}

static void strip_in(const uint32_t (*ranges)[2], unsigned n, struct da_span text,
                     struct da_buf *out)
{
    const char *end = text.p + text.len;
    for (const char *p = text.p; p < end;) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        if (cp < 0x300 || !da_bert_in(ranges, n, cp))
            da_buf_add(out, p, len);
        p += len;
    }
}

/* BERT: NUL, U+FFFD and controls go, white space becomes a space. */
static void bert_clean(struct da_span text, struct da_buf *out)
{
    const char *end = text.p + text.len;
    for (const char *p = text.p; p < end;) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        bool plain = cp >= 0x20 && cp < 0x7f;
        if (plain || (cp != 0 && cp != DA_UTF8_REPLACEMENT &&
                      !da_bert_in(da_bert_controls, da_bert_n_controls, cp))) {
            if (da_uclass_is_space(cp))
                da_buf_add_char(out, ' ');
            else
                da_buf_add(out, p, len);
        }
        p += len;
    }
}

static bool is_ideograph(uint32_t cp)
{
    return (cp >= 0x4e00 && cp <= 0x9fff) || (cp >= 0x3400 && cp <= 0x4dbf) ||
           (cp >= 0x20000 && cp <= 0x2a6df) || (cp >= 0x2a700 && cp <= 0x2b73f) ||
           (cp >= 0x2b740 && cp <= 0x2b81f) || (cp >= 0x2b920 && cp <= 0x2ceaf) ||
           (cp >= 0xf900 && cp <= 0xfaff) || (cp >= 0x2f800 && cp <= 0x2fa1f);
}

static void space_ideographs(struct da_span text, struct da_buf *out)
{
    const char *end = text.p + text.len;
    for (const char *p = text.p; p < end;) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        bool wide = is_ideograph(cp);
        if (wide)
            da_buf_add_char(out, ' ');
        da_buf_add(out, p, len);
        if (wide)
            da_buf_add_char(out, ' ');
        p += len;
    }
}

/* sentencepiece, normalizer.cc: at the end U+2581 counts as a space, too. */
static void collapse_spaces(struct da_span text, struct da_buf *out)
{
    bool pending = false, any = false;
    for (;;) {
        if (text.len > 0 && text.p[text.len - 1] == ' ')
            text.len--;
        else if (text.len >= 3 && memcmp(text.p + text.len - 3, "\xe2\x96\x81", 3) == 0)
            text.len -= 3;
        else
            break;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == ' ') {
            pending = any;
            continue;
        }
        if (pending)
            da_buf_add_char(out, ' ');
        da_buf_add_char(out, text.p[i]);
        pending = false;
        any = true;
    }
}

/* Runs of white space become one space; at the ends they go. */
static void collapse_white(struct da_span text, struct da_buf *out)
{
    const char *end = text.p + text.len;
    bool pending = false, any = false;
    for (const char *p = text.p; p < end;) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        bool space = da_uclass_is_space(cp);
        if (!space && pending && cp != 0x2581) /* which is a space already to what comes next */
            da_buf_add_char(out, ' ');
        if (!space)
            da_buf_add(out, p, len);
        pending = space && any;
        any = any || !space;
        p += len;
    }
}

static void squeeze_spaces(struct da_span text, struct da_buf *out)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] != ' ' || i == 0 || text.p[i - 1] != ' ')
            da_buf_add_char(out, text.p[i]);
}

static void strip(struct da_span text, bool left, struct da_buf *out)
{
    const char *p = text.p, *end = text.p + text.len, *first = NULL, *last = text.p;
    while (p < end) {
        uint32_t cp;
        size_t len = da_utf8_decode(p, end, &cp);
        if (!da_uclass_is_space(cp)) {
            first = first ? first : p;
            last = p + len;
        }
        p += len;
    }
    if (left)
        da_buf_add(out, first ? first : end, (size_t)(end - (first ? first : end)));
    else
        da_buf_add(out, text.p, (size_t)(last - text.p));
}

static void run_step(const struct da_vocab *v, enum da_norm_step step, struct da_span text,
                     struct da_buf *out)
{
    switch (step) {
    case DA_NORM_NFC:
        da_unorm(DA_UNORM_NFC, DA_UNORM_9, text, out);
        break;
    case DA_NORM_NFD:
        da_unorm(DA_UNORM_NFD, DA_UNORM_9, text, out);
        break;
    case DA_NORM_NFKC:
        da_unorm(DA_UNORM_NFKC, DA_UNORM_9, text, out);
        break;
    case DA_NORM_NFKD:
        da_unorm(DA_UNORM_NFKD, DA_UNORM_9, text, out);
        break;
    case DA_NORM_LOWERCASE:
        lowercase(text, out);
        break;
    case DA_NORM_STRIP_ACCENTS:
        strip_in(da_bert_marks, da_bert_n_marks, text, out);
        break;
    case DA_NORM_STRIP_MARKS:
        strip_in(da_bert_combinings, da_bert_n_combinings, text, out);
        break;
    case DA_NORM_BERT_CLEAN:
        bert_clean(text, out);
        break;
    case DA_NORM_BERT_CJK:
        space_ideographs(text, out);
        break;
    case DA_NORM_CHARSMAP:
        da_charsmap_apply(da_span(v->charsmap.p, v->charsmap.len), text, out);
        break;
    case DA_NORM_COLLAPSE_SPACES:
        collapse_spaces(text, out);
        break;
    case DA_NORM_COLLAPSE_WHITE:
        collapse_white(text, out);
        break;
    case DA_NORM_SQUEEZE_SPACES:
        squeeze_spaces(text, out);
        break;
    case DA_NORM_STRIP_LEFT:
    case DA_NORM_STRIP_RIGHT:
        strip(text, step == DA_NORM_STRIP_LEFT, out);
        break;
    }
}

static void escape_spaces(struct da_span text, struct da_buf *out)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != ' ')
            continue;
        da_buf_add(out, text.p + from, i - from);
        da_buf_add(out, "\xe2\x96\x81", 3);
        from = i + 1;
    }
    da_buf_add(out, text.p + from, text.len - from);
}

static void swap(struct da_buf *a, struct da_buf *b)
{
    struct da_buf t = *a;
    *a = *b;
    *b = t;
}

static void add_prefix(const struct da_vocab *v, struct da_span text, bool at_start,
                       struct da_buf *out)
{
    if (!v->add_space_prefix || text.len == 0 || (!at_start && v->prefix_first))
        return;
    bool has_space =
        text.p[0] == ' ' || (v->escape_spaces && da_span_starts(text, "\xe2\x96\x81"));
    if (has_space && v->prefix_unless_space)
        return;
    da_buf_add_str(out, v->escape_spaces ? "\xe2\x96\x81" : " ");
}

bool da_norm_needed(const struct da_vocab *v, bool in_late)
{
    unsigned n = in_late ? v->n_norm_late : v->n_norm - v->n_norm_late;
    return n > 0 || (v->late_spaces == in_late && (v->escape_spaces || v->add_space_prefix));
}

enum da_rc da_norm_apply(const struct da_tokenizer *t, struct da_tok_scratch *s, bool in_late,
                         struct da_span text, bool at_start, struct da_span *out,
                         struct da_err *err)
{
    const struct da_vocab *v = t->v;
    struct da_buf *b = in_late ? s->late : s->norm;
    unsigned first_late = v->n_norm - v->n_norm_late;
    for (unsigned i = in_late ? first_late : 0; i < (in_late ? v->n_norm : first_late); i++) {
        da_buf_reset(&b[1]);
        run_step(v, (enum da_norm_step)v->norm[i], text, &b[1]);
        swap(&b[0], &b[1]);
        text = da_span(b[0].p, b[0].len);
    }
    if (v->late_spaces == in_late && (v->escape_spaces || v->add_space_prefix)) {
        da_buf_reset(&b[1]);
        add_prefix(v, text, at_start, &b[1]);
        if (v->escape_spaces)
            escape_spaces(text, &b[1]);
        else
            da_buf_add(&b[1], text.p, text.len);
        swap(&b[0], &b[1]);
        text = da_span(b[0].p, b[0].len);
    }
    *out = text;
    return da_buf_check(&b[0], "the normalized text", err);
}
