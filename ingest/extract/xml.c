/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See xml.h. Over libxml2's push parser and its SAX interface; the only file that names libxml2.
 * (Its xmlTextReader, made for just this, builds a tree of nodes to hand out and takes twice as
 * long.)
 *
 * A piece of the input is parsed at a time; what it gives waits in a queue. A queue whose last
 * event is text may have more of that text in the next piece, so the last one is held back until
 * another follows.
 */

#include "ingest/extract/xml.h"

#if DA_WITH_ZIP

#include <libxml/parser.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"

enum { PIECE = 2048, ENCODING_BYTES = 4 };

struct event {
    enum da_xml_event kind;
    const char *name; /* OPEN, CLOSE: the parser's, for its life */
    size_t at;        /* TEXT: offset in bytes; OPEN: number of its first attribute */
    size_t n_attrs;
};

struct attr {
    const char *name, *prefix; /* the parser's; prefix may be NULL */
    size_t value;              /* offset in bytes, NUL-terminated */
};

struct da_xml {
    xmlParserCtxtPtr parser;
    const char *p;
    size_t len, fed, fed_before;
    bool damaged, ended;
    struct event *events;
    struct attr *attrs;
    size_t n_events, events_cap, n_attrs, attrs_cap;
    size_t next; /* the event after the current one */
    struct da_buf bytes;
};

static struct event *push(struct da_xml *x, enum da_xml_event kind, const xmlChar *name)
{
    if (x->n_events == x->events_cap) {
        x->events_cap = x->events_cap > 0 ? 2 * x->events_cap : 256;
        x->events = da_realloc_array(x->events, x->events_cap, sizeof *x->events);
    }
    struct event *e = &x->events[x->n_events++];
    *e = (struct event){.kind = kind, .name = (const char *)name};
    return e;
}

/* An attribute's value as the parser tells it: an ampersand is still a reference. */
static void add_value(struct da_buf *to, const xmlChar *from, const xmlChar *end)
{
    static const char amp[] = "&#38;";
    while (from < end) {
        const xmlChar *c = memchr(from, '&', (size_t)(end - from));
        da_buf_add(to, from, (size_t)((c != NULL ? c : end) - from));
        if (c == NULL)
            break;
        bool is_amp = (size_t)(end - c) >= strlen(amp) && memcmp(c, amp, strlen(amp)) == 0;
        da_buf_add_char(to, '&');
        from = c + (is_amp ? strlen(amp) : 1);
    }
    da_buf_add(to, "", 1);
}

static void on_open(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                    int n_spaces, const xmlChar **spaces, int n_attrs, int n_default,
                    const xmlChar **a)
{
    struct da_xml *x = ctx;
    (void)prefix, (void)uri, (void)n_spaces, (void)spaces, (void)n_default;
    struct event *e = push(x, DA_XML_OPEN, name);
    e->at = x->n_attrs;
    e->n_attrs = (size_t)n_attrs;
    for (int i = 0; i < n_attrs; i++, a += 5) { /* name, prefix, URI, value, its end */
        if (x->n_attrs == x->attrs_cap) {
            x->attrs_cap = x->attrs_cap > 0 ? 2 * x->attrs_cap : 256;
            x->attrs = da_realloc_array(x->attrs, x->attrs_cap, sizeof *x->attrs);
        }
        x->attrs[x->n_attrs++] = (struct attr){.name = (const char *)a[0],
                                               .prefix = (const char *)a[1],
                                               .value = x->bytes.len};
        add_value(&x->bytes, a[3], a[4]);
    }
}

static void on_close(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)prefix, (void)uri;
    (void)push(ctx, DA_XML_CLOSE, name);
}

static void on_text(void *ctx, const xmlChar *p, int n)
{
    struct da_xml *x = ctx;
    if (x->n_events > 0 && x->events[x->n_events - 1].kind == DA_XML_TEXT)
        da_buf_truncate(&x->bytes, x->bytes.len - 1); /* its NUL: the text goes on */
    else
        push(x, DA_XML_TEXT, NULL)->at = x->bytes.len;
    da_buf_add(&x->bytes, p, (size_t)n);
    da_buf_add(&x->bytes, "", 1);
}

static void no_message(void *ctx, const char *fmt, ...)
{
    (void)ctx;
    (void)fmt;
}

/* An entity of the document's own is left out, as one that cannot be read is; that is no damage. */
static void on_error(void *ctx, xmlErrorPtr e)
{
    struct da_xml *x = ctx;
    if (e->level == XML_ERR_FATAL && e->code != XML_ERR_UNDECLARED_ENTITY)
        x->damaged = true;
}

struct da_xml *da_xml_open(const char *p, size_t len)
{
    if (len == 0 || len > INT_MAX)
        return NULL;
    xmlSAXHandler sax = {
        .initialized = XML_SAX2_MAGIC, .startElementNs = on_open, .endElementNs = on_close,
        .characters = on_text, .ignorableWhitespace = on_text, .serror = on_error,
    };
    xmlSetGenericErrorFunc(NULL, no_message); /* what has no parser to be told to */
    struct da_xml *x = da_calloc(1, sizeof *x);
    x->p = p;
    x->len = len;
    x->fed = len < ENCODING_BYTES ? len : ENCODING_BYTES; /* the encoding is told by them */
    da_buf_init(&x->bytes, 0);
    x->parser = xmlCreatePushParserCtxt(&sax, x, p, (int)x->fed, NULL);
    if (x->parser == NULL) {
        da_xml_close(x);
        return NULL;
    }
    (void)xmlCtxtUseOptions(x->parser, XML_PARSE_NONET | XML_PARSE_NOERROR |
                                           XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
                                           XML_PARSE_RECOVER);
    return x;
}

void da_xml_close(struct da_xml *x)
{
    if (x == NULL)
        return;
    xmlFreeParserCtxt(x->parser);
    free(x->events);
    free(x->attrs);
    da_buf_release(&x->bytes);
    free(x);
}

/* Parses the next piece, the queue being read but for a text that may go on. */
static void feed(struct da_xml *x)
{
    struct event held = {.kind = DA_XML_END};
    if (x->next < x->n_events) {
        held = x->events[x->next];
        if (held.at > 0) {
            size_t n = x->bytes.len - held.at;
            memmove(x->bytes.p, x->bytes.p + held.at, n);
            da_buf_truncate(&x->bytes, n);
            held.at = 0;
        }
    } else {
        da_buf_reset(&x->bytes);
    }
    x->n_events = x->n_attrs = x->next = 0;
    if (held.kind == DA_XML_TEXT)
        *push(x, DA_XML_TEXT, NULL) = held;
    size_t n = x->len - x->fed < PIECE ? x->len - x->fed : PIECE;
    x->fed_before = x->fed;
    (void)xmlParseChunk(x->parser, x->p + x->fed, (int)n, n == 0);
    x->fed += n;
    x->ended = n == 0;
}

enum da_xml_event da_xml_next(struct da_xml *x)
{
    for (;;) {
        bool held = x->next + 1 == x->n_events && x->events[x->next].kind == DA_XML_TEXT;
        if (x->next < x->n_events && (!held || x->ended))
            return x->events[x->next++].kind;
        if (x->ended)
            return DA_XML_END;
        feed(x);
    }
}

void da_xml_skip(struct da_xml *x)
{
    unsigned depth = 1;
    while (depth > 0) {
        enum da_xml_event e = da_xml_next(x);
        if (e == DA_XML_END)
            return;
        depth += e == DA_XML_OPEN;
        depth -= e == DA_XML_CLOSE;
    }
}

/* What da_xml_next gave; NULL before the first and after the last. */
static const struct event *current(const struct da_xml *x)
{
    return x->next > 0 ? &x->events[x->next - 1] : NULL;
}

const char *da_xml_name(const struct da_xml *x)
{
    const struct event *e = current(x);
    return e != NULL && e->name != NULL ? e->name : "";
}

bool da_xml_is(const struct da_xml *x, const char *name)
{
    return strcmp(da_xml_name(x), name) == 0;
}

const char *da_xml_text(const struct da_xml *x)
{
    const struct event *e = current(x);
    return e != NULL && e->kind == DA_XML_TEXT ? x->bytes.p + e->at : "";
}

const char *da_xml_attr(struct da_xml *x, const char *name)
{
    const struct event *e = current(x);
    const char *colon = strchr(name, ':'), *local = colon != NULL ? colon + 1 : name;
    size_t n = colon != NULL ? (size_t)(colon - name) : 0;
    for (size_t i = 0; e != NULL && e->kind == DA_XML_OPEN && i < e->n_attrs; i++) {
        const struct attr *a = &x->attrs[e->at + i];
        if (strcmp(a->name, local) != 0)
            continue;
        if (colon == NULL || (a->prefix != NULL && strlen(a->prefix) == n &&
                              memcmp(a->prefix, name, n) == 0))
            return x->bytes.p + a->value;
    }
    return NULL;
}

long da_xml_attr_int(struct da_xml *x, const char *name, long otherwise)
{
    const char *v = da_xml_attr(x, name);
    char *end;
    long n = v != NULL ? strtol(v, &end, 10) : 0;
    return v != NULL && end != v ? n : otherwise;
}

bool da_xml_damaged(const struct da_xml *x)
{
    return x->damaged;
}

size_t da_xml_offset(const struct da_xml *x)
{
    if (x->n_events == 0)
        return x->fed;
    return x->fed_before + (x->fed - x->fed_before) * x->next / x->n_events;
}

#endif
