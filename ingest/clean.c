/* See clean.h. One pass over the characters, then NFC over the whole. */

#include "ingest/clean.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/utf8.h"

enum { MAX_INDENT = 16, TAB_WIDTH = 4, MAX_DOTS = 3 };

enum action { KEEP, DROP, SPACE, TAB, NEWLINE, FOLD, JOINER };

static enum action action_of(uint32_t cp)
{
    if (cp < 0x80) {
        if (cp == '\n' || cp == '\r' || cp == '\v' || cp == '\f')
            return NEWLINE;
        if (cp == '\t' || cp == ' ')
            return cp == ' ' ? SPACE : TAB;
        return cp < 32 || cp == 127 ? DROP : KEEP;
    }
    if (cp < 0x300)
        return cp == 0x85 ? NEWLINE : cp == 0xa0 ? SPACE : cp < 0xa0 || cp == 0xad ? DROP : KEEP;
    if (cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x202f || cp == 0x205f ||
        cp == 0x3000)
        return SPACE;
    if (cp == 0x2028 || cp == 0x2029)
        return NEWLINE;
    if (cp == 0x200c || cp == 0x200d)
        return JOINER;
    if (cp == 0x200b || cp == 0x200e || cp == 0x200f || (cp >= 0x202a && cp <= 0x202e) ||
        (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0x180e || cp == 0x61c ||
        (cp >= 0xfff9 && cp <= 0xfffb))
        return DROP;
    if ((cp >= 0xfb00 && cp <= 0xfdcf) || (cp >= 0xfdf0 && cp <= 0xfdff) ||
        (cp >= 0xfe70 && cp <= 0xfefc))
        return FOLD;
    if ((cp >= 0xe000 && cp <= 0xf8ff) || (cp >= 0xfdd0 && cp <= 0xfdef) ||
        (cp & 0xfffe) == 0xfffe || cp >= 0xe0000)
        return DROP;
    return KEEP;
}

struct cleaner {
    struct da_buf *out;
    unsigned newlines;  /* pending */
    unsigned spaces;    /* pending */
    bool at_start;      /* nothing written on this line yet */
    unsigned dots;      /* in a row */
    uint32_t last;      /* last character written */
    uint32_t joiner;    /* pending U+200C or U+200D */
};

/* Writes the white space that stands before a character. */
static void flush_space(struct cleaner *c)
{
    if (c->newlines > 0 && c->out->len > 0)
        da_buf_add(c->out, "\n\n", c->newlines > 1 ? 2 : 1);
    unsigned n = c->at_start ? (c->spaces < MAX_INDENT ? c->spaces : MAX_INDENT) : c->spaces > 0;
    if (c->out->len > 0 || !c->at_start)
        da_buf_add(c->out, "                ", n);
    c->newlines = 0;
    c->spaces = 0;
    c->at_start = false;
}

static void put(struct cleaner *c, uint32_t cp)
{
    if (c->newlines > 0)
        c->dots = 0;
    if (cp == '.' && c->spaces == 0 && c->newlines == 0 && c->dots >= MAX_DOTS)
        return;
    /* ". . . ." is a leader too */
    if (cp == '.' && c->spaces > 0 && c->newlines == 0 && c->last == '.' && !c->at_start) {
        if (c->dots >= 1)
            c->spaces = 0;
        if (c->dots >= MAX_DOTS)
            return;
    }
    c->dots = cp == '.' ? c->dots + 1 : 0;
    flush_space(c);
    if (c->joiner != 0 && cp >= 0x590)
        da_buf_add_utf8(c->out, c->joiner);
    c->joiner = 0;
    da_buf_add_utf8(c->out, cp);
    c->last = cp;
}

static void take(struct cleaner *c, uint32_t cp, struct da_clean_facts *facts)
{
    uint32_t parts[DA_UTF8_COMPAT_MAX];
    size_t n;
    switch (action_of(cp)) {
    case KEEP:
        put(c, cp);
        break;
    case DROP:
        facts->n_dropped += cp != 0xad && cp != 0xfeff && cp != 0x200b;
        break;
    case TAB:
        c->spaces += c->at_start ? TAB_WIDTH : 1;
        break;
    case SPACE:
        c->spaces++;
        break;
    case NEWLINE:
        c->newlines++;
        c->spaces = 0;
        c->at_start = true;
        break;
    case JOINER:
        c->joiner = c->last >= 0x590 && c->spaces == 0 && c->newlines == 0 ? cp : 0;
        break;
    case FOLD:
        facts->n_folded++;
        n = da_utf8_compat(cp, parts);
        for (size_t i = 0; i < n; i++)
            if (parts[i] == ' ') /* before a mark that stood alone, or between words */
                c->spaces++;
            else
                put(c, parts[i]);
        if (n == 0)
            put(c, cp);
        break;
    }
}

void da_clean(const char *p, size_t len, struct da_buf *out, struct da_clean_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    struct da_buf b;
    da_buf_init(&b, out->max);
    struct cleaner c = {.out = &b, .at_start = true};
    for (const char *at = p, *end = p + len; at < end;) {
        uint32_t cp;
        at += da_utf8_decode(at, end, &cp);
        if (cp == '\r' && at < end && *at == '\n')
            continue;
        facts->n_replaced += cp == DA_UTF8_REPLACEMENT;
        take(&c, cp, facts);
    }
    if (b.len > 0)
        da_buf_add_char(&b, '\n');
    size_t start = out->len;
    if (da_utf8_nfc(b.p, b.len, out, NULL) != DA_OK) {
        da_buf_truncate(out, start);
        da_buf_add(out, b.p, b.len);
    }
    facts->n_chars = da_utf8_count(out->p + start, out->len - start);
    da_buf_release(&b);
}
