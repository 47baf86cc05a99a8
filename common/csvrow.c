/* CSV: see the header. */

#include "common/csvrow.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

void da_csvrow_add(struct da_buf *out, struct da_span field, int first)
{
    bool quote = false;
    for (size_t i = 0; i < field.len && !quote; i++)
        quote = strchr("\",;\t\r\n", field.p[i]) != NULL;
    if (!first)
        da_buf_add_char(out, ',');
    if (!quote) {
        da_buf_add(out, field.p, field.len);
        return;
    }
    da_buf_add_char(out, '"');
    for (size_t i = 0; i < field.len; i++) {
        if (field.p[i] == '"')
            da_buf_add_char(out, '"');
        da_buf_add_char(out, field.p[i]);
    }
    da_buf_add_char(out, '"');
}

void da_csvrow_end_row(struct da_buf *out)
{
    da_buf_add_str(out, "\r\n");
}

static char find_separator(const char *p, const char *end)
{
    static const char candidates[] = ",;\t";
    size_t counts[sizeof candidates - 1] = {0}, best = 0;
    bool quoted = false;
    for (; p < end && (quoted || *p != '\n'); p++) {
        if (*p == '"')
            quoted = !quoted;
        for (size_t k = 0; !quoted && k < sizeof candidates - 1; k++)
            counts[k] += *p == candidates[k];
    }
    for (size_t k = 1; k < sizeof candidates - 1; k++) {
        if (counts[k] > counts[best])
            best = k;
    }
    return candidates[best];
}

void da_csvrow_init(struct da_csvrow *c, const char *text, size_t len)
{
    memset(c, 0, sizeof *c);
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        len -= 3;
    }
    c->p = text;
    c->end = text + len;
    c->separator = find_separator(c->p, c->end);
    da_buf_init(&c->fields, 0);
}

void da_csvrow_release(struct da_csvrow *c)
{
    if (!c)
        return;
    free(c->items);
    da_buf_release(&c->fields);
    memset(c, 0, sizeof *c);
}

/* NUL separates fields in the buffer, and means nothing in text. */
static void add(struct da_csvrow *c, char ch)
{
    if (ch != '\0')
        da_buf_add_char(&c->fields, ch);
}

/* Reads one field from c->p to its separator or line end; its text goes to c->fields. */
static enum da_rc read_field(struct da_csvrow *c, struct da_err *err)
{
    bool quoted = c->p < c->end && *c->p == '"';
    if (!quoted) {
        while (c->p < c->end && *c->p != c->separator && *c->p != '\n' && *c->p != '\r')
            add(c, *c->p++);
        return DA_OK;
    }
    for (c->p++;; c->p++) {
        if (c->p >= c->end)
            return da_fail(err, DA_EFORMAT, "row %lu: a quote is not closed", c->row);
        if (*c->p == '"' && !(c->p + 1 < c->end && c->p[1] == '"'))
            break;
        c->p += *c->p == '"';
        add(c, *c->p);
    }
    c->p++;
    if (c->p < c->end && *c->p != c->separator && *c->p != '\n' && *c->p != '\r')
        return da_fail(err, DA_EFORMAT, "row %lu: text follows a closing quote", c->row);
    return DA_OK;
}

enum da_rc da_csvrow_next(struct da_csvrow *c, struct da_err *err)
{
    while (c->p < c->end && (*c->p == '\n' || *c->p == '\r'))
        c->p++;
    c->n = 0;
    da_buf_reset(&c->fields);
    if (c->p >= c->end)
        return DA_OK;
    c->row++;
    for (bool more = true; more;) {
        enum da_rc rc = read_field(c, err);
        if (rc) {
            c->n = 0;
            return rc;
        }
        DA_GROW(c->items, c->n, c->cap);
        c->n++;
        da_buf_add_char(&c->fields, '\0');
        more = c->p < c->end && *c->p == c->separator;
        c->p += more;
    }
    /* The buffer may have moved while it grew: point into it only now. */
    const char *at = c->fields.p;
    for (size_t i = 0; i < c->n; i++) {
        c->items[i] = da_span_str(at);
        at += c->items[i].len + 1;
    }
    return DA_OK;
}
