/* See eml.h. */

#include "ingest/eml.h"

#include <stdio.h>
#include <string.h>

#include "common/attr.h"
#include "common/span.h"

enum { MAX_DEPTH = 8, MAX_PARTS = 1000, MAX_HEADER = 65536, VALUE_MAX = 256 };

struct mail {
    const struct da_eml_hooks *hooks;
    struct da_buf *out;
    struct da_buf attachments; /* names, ", " between */
    struct da_eml_facts *facts;
    unsigned n_parts;
};

struct part {
    char type[VALUE_MAX], charset[VALUE_MAX], boundary[VALUE_MAX], name[VALUE_MAX];
    char encoding[VALUE_MAX];
    bool attachment;
    struct da_span head, body;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same_word(struct da_span a, const char *b)
{
    size_t n = strlen(b);
    for (size_t i = 0; i < n; i++)
        if (i >= a.len || lower(a.p[i]) != b[i])
            return false;
    return a.len == n;
}

/* The next header field, folded lines included; false at the empty line or the end. */
static bool next_field(struct da_span *rest, struct da_span *name, struct da_span *value)
{
    while (rest->len > 0) {
        const char *p = rest->p;
        size_t end = 0;
        for (;;) {
            const char *nl = memchr(p + end, '\n', rest->len - end);
            end = nl != NULL ? (size_t)(nl - p) + 1 : rest->len;
            if (end >= rest->len || (p[end] != ' ' && p[end] != '\t'))
                break;
        }
        struct da_span field = da_span(p, end);
        rest->p += end;
        rest->len -= end;
        if (da_span_trim(field).len == 0)
            return false;
        const char *colon = memchr(field.p, ':', field.len);
        if (colon == NULL)
            continue; /* "From " of a mailbox, damage */
        *name = da_span_trim(da_span(field.p, (size_t)(colon - field.p)));
        *value = da_span_trim(da_span(colon + 1, (size_t)(field.p + field.len - colon - 1)));
        return true;
    }
    return false;
}

static int digit64(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void from_base64(struct da_span s, struct da_buf *out)
{
    unsigned bits = 0, n = 0;
    for (size_t i = 0; i < s.len && s.p[i] != '='; i++) {
        int d = digit64(s.p[i]);
        if (d < 0)
            continue;
        bits = (bits << 6 | (unsigned)d) & 0xffffff;
        n += 6;
        if (n >= 8) {
            n -= 8;
            da_buf_add_char(out, (char)(bits >> n & 255));
        }
    }
}

static int hex(char c)
{
    c = lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* word: of a header, where '_' is a space. */
static void from_quoted(struct da_span s, bool word, struct da_buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        int hi = i + 2 < s.len ? hex(s.p[i + 1]) : -1, lo = i + 2 < s.len ? hex(s.p[i + 2]) : -1;
        if (s.p[i] == '=' && hi >= 0 && lo >= 0) {
            da_buf_add_char(out, (char)(hi * 16 + lo));
            i += 2;
        } else if (s.p[i] == '=' && !word && i + 1 < s.len &&
                   (s.p[i + 1] == '\n' || s.p[i + 1] == '\r')) {
            i += s.p[i + 1] == '\r' && i + 2 < s.len && s.p[i + 2] == '\n' ? 2 : 1;
        } else {
            da_buf_add_char(out, word && s.p[i] == '_' ? ' ' : s.p[i]);
        }
    }
}

/* "=?charset?B|Q?text?=" at the start of s: its length, or 0. */
static size_t encoded_word(struct mail *m, struct da_span s, struct da_buf *out)
{
    if (!da_span_starts(s, "=?"))
        return 0;
    const char *end = s.p + s.len, *c = s.p + 2;
    const char *q1 = memchr(c, '?', (size_t)(end - c));
    if (q1 == NULL || end - q1 < 4 || q1[2] != '?' || (size_t)(q1 - c) >= VALUE_MAX)
        return 0;
    struct da_span text = da_span(q1 + 3, (size_t)(end - q1 - 3));
    size_t n = da_span_find(text, da_span_str("?="));
    if (n == text.len)
        return 0;
    text.len = n;
    char charset[VALUE_MAX];
    (void)snprintf(charset, sizeof charset, "%.*s", (int)(q1 - c), c);
    charset[strcspn(charset, "*")] = 0;
    struct da_buf raw;
    da_buf_init(&raw, 0);
    if (lower(q1[1]) == 'b')
        from_base64(text, &raw);
    else
        from_quoted(text, true, &raw);
    m->hooks->decode(m->hooks->ctx, charset, raw.p, raw.len, out);
    da_buf_release(&raw);
    return (size_t)(text.p - s.p) + n + 2;
}

/* A header's value as text on one line. */
static void add_header_text(struct mail *m, struct da_span v, struct da_buf *out)
{
    bool after_word = false;
    struct da_buf plain;
    da_buf_init(&plain, 0);
    for (size_t i = 0; i < v.len;) {
        size_t word = encoded_word(m, da_span(v.p + i, v.len - i), &plain);
        if (word > 0) {
            i += word;
            after_word = true;
            continue;
        }
        size_t k = i;
        while (k < v.len && (v.p[k] == ' ' || v.p[k] == '\t' || v.p[k] == '\r' || v.p[k] == '\n'))
            k++;
        /* white space between two encoded words is none */
        if (k > i && !(after_word && da_span_starts(da_span(v.p + k, v.len - k), "=?")))
            da_buf_add_char(&plain, ' ');
        if (k == i) {
            size_t e = i;
            while (e < v.len && v.p[e] != ' ' && v.p[e] != '\t' && v.p[e] != '\r' &&
                   v.p[e] != '\n' && (e == i || v.p[e] != '='))
                e++;
            m->hooks->decode(m->hooks->ctx, "", v.p + i, e - i, &plain);
            k = e;
            after_word = false;
        }
        i = k;
    }
    da_buf_add(out, plain.p, plain.len);
    da_buf_release(&plain);
}

/* The parameter of a structured value (type/sub; name="value"), "" when absent. */
static void parameter(struct da_span v, const char *key, char out[VALUE_MAX])
{
    out[0] = 0;
    size_t n = strlen(key);
    for (size_t i = 0; i + n < v.len; i++) {
        if (v.p[i] != ';')
            continue;
        size_t k = i + 1;
        while (k < v.len && (v.p[k] == ' ' || v.p[k] == '\t' || v.p[k] == '\r' || v.p[k] == '\n'))
            k++;
        if (v.len - k <= n || !same_word(da_span(v.p + k, n), key))
            continue;
        k += n;
        bool extended = k < v.len && v.p[k] == '*';
        while (k < v.len && (v.p[k] == '*' || (v.p[k] >= '0' && v.p[k] <= '9')))
            k++;
        if (k >= v.len || v.p[k] != '=')
            continue;
        k++;
        bool quoted = k < v.len && v.p[k] == '"';
        k += quoted;
        size_t o = 0;
        for (; k < v.len && o + 1 < VALUE_MAX; k++) {
            if (quoted ? v.p[k] == '"' : v.p[k] == ';' || (unsigned char)v.p[k] <= ' ')
                break;
            int hi = k + 2 < v.len ? hex(v.p[k + 1]) : -1;
            int lo = k + 2 < v.len ? hex(v.p[k + 2]) : -1;
            if (extended && v.p[k] == '%' && hi >= 0 && lo >= 0) {
                out[o++] = (char)(hi * 16 + lo);
                k += 2;
            } else if (v.p[k] != '\\' && (unsigned char)v.p[k] >= 32) {
                out[o++] = v.p[k];
            }
        }
        out[o] = 0;
        if (extended && strncmp(out, "utf-8''", 7) == 0)
            memmove(out, out + 7, o - 6);
        else if (extended && strncmp(out, "UTF-8''", 7) == 0)
            memmove(out, out + 7, o - 6);
        return;
    }
}

static void copy_lower(struct da_span v, char out[VALUE_MAX])
{
    size_t o = 0;
    for (size_t i = 0; i < v.len && o + 1 < VALUE_MAX && v.p[i] != ';' && v.p[i] != ' '; i++)
        out[o++] = lower(v.p[i]);
    out[o] = 0;
}

static void read_part_head(const char *p, size_t len, struct part *part)
{
    memset(part, 0, sizeof *part);
    (void)snprintf(part->type, sizeof part->type, "text/plain");
    struct da_span rest = da_span(p, len), name, value;
    while (next_field(&rest, &name, &value)) {
        if (same_word(name, "content-type")) {
            copy_lower(value, part->type);
            parameter(value, "charset", part->charset);
            parameter(value, "boundary", part->boundary);
            if (part->name[0] == 0)
                parameter(value, "name", part->name);
        } else if (same_word(name, "content-transfer-encoding")) {
            copy_lower(value, part->encoding);
        } else if (same_word(name, "content-disposition")) {
            char how[VALUE_MAX], file[VALUE_MAX];
            copy_lower(value, how);
            part->attachment = strcmp(how, "attachment") == 0;
            parameter(value, "filename", file);
            if (file[0] != 0)
                memcpy(part->name, file, sizeof file);
        }
    }
    part->head = da_span(p, len - rest.len);
    part->body = rest;
}

static void add_attachment(struct mail *m, const struct part *part)
{
    if (m->attachments.len > 0)
        da_buf_add_str(&m->attachments, ", ");
    const char *name = part->name[0] != 0 ? part->name : part->type;
    add_header_text(m, da_span_str(name), &m->attachments);
    m->facts->n_attachments++;
}

static void add_text_part(struct mail *m, const struct part *part)
{
    struct da_buf raw, text;
    da_buf_init(&raw, 0);
    da_buf_init(&text, 0);
    if (strcmp(part->encoding, "base64") == 0)
        from_base64(part->body, &raw);
    else if (strcmp(part->encoding, "quoted-printable") == 0)
        from_quoted(part->body, false, &raw);
    else
        da_buf_add(&raw, part->body.p, part->body.len);
    m->hooks->decode(m->hooks->ctx, part->charset, raw.p, raw.len, &text);
    da_buf_add_char(m->out, '\n');
    if (strcmp(part->type, "text/html") == 0)
        m->hooks->html(m->hooks->ctx, text.p, text.len, m->out);
    else
        da_buf_add(m->out, text.p, text.len);
    da_buf_add_char(m->out, '\n');
    da_buf_release(&raw);
    da_buf_release(&text);
}

static void write_message(struct mail *m, const char *p, size_t len, unsigned depth, bool first);
static void write_part(struct mail *m, const struct part *part, unsigned depth);

/* The next body part of a multipart; false at the end. */
static bool next_part(struct da_span *rest, const char *boundary, struct da_span *part)
{
    size_t n = strlen(boundary);
    bool in = false;
    const char *start = NULL;
    while (rest->len > 0) {
        const char *line = rest->p;
        const char *nl = memchr(line, '\n', rest->len);
        size_t len = nl != NULL ? (size_t)(nl - line) + 1 : rest->len;
        bool hit = len >= n + 2 && line[0] == '-' && line[1] == '-' &&
                   memcmp(line + 2, boundary, n) == 0;
        if (hit && in) {
            *part = da_span(start, (size_t)(line - start));
            return true; /* the boundary stays: it begins the next part */
        }
        rest->p += len;
        rest->len -= len;
        if (hit) {
            if (len >= n + 4 && line[n + 2] == '-' && line[n + 3] == '-')
                return false;
            in = true;
            start = rest->p;
        }
    }
    if (in)
        *part = da_span(start, (size_t)(rest->p - start));
    return in;
}

/* Of alternatives: plain text if it says anything, else the last that can be read. */
static void write_alternatives(struct mail *m, const struct part *part, unsigned depth)
{
    struct da_span rest = part->body, s;
    struct part p, best;
    bool any = false;
    while (m->n_parts++ < MAX_PARTS && next_part(&rest, part->boundary, &s)) {
        read_part_head(s.p, s.len, &p);
        bool plain = strcmp(p.type, "text/plain") == 0 && da_span_trim(p.body).len > 0;
        if (plain || strcmp(p.type, "text/html") == 0 || strncmp(p.type, "multipart/", 10) == 0) {
            best = p;
            any = true;
        }
        if (plain)
            break;
    }
    if (any)
        write_part(m, &best, depth + 1);
}

static void write_part(struct mail *m, const struct part *part, unsigned depth)
{
    if (depth > MAX_DEPTH || m->n_parts >= MAX_PARTS) {
        add_attachment(m, part);
    } else if (strcmp(part->type, "multipart/alternative") == 0 && part->boundary[0] != 0) {
        write_alternatives(m, part, depth);
    } else if (strncmp(part->type, "multipart/", 10) == 0 && part->boundary[0] != 0) {
        struct da_span rest = part->body, s;
        while (m->n_parts++ < MAX_PARTS && next_part(&rest, part->boundary, &s)) {
            struct part p;
            read_part_head(s.p, s.len, &p);
            write_part(m, &p, depth + 1);
        }
    } else if (strcmp(part->type, "message/rfc822") == 0) {
        write_message(m, part->body.p, part->body.len, depth + 1, false);
    } else if (!part->attachment && (strcmp(part->type, "text/plain") == 0 ||
                                     strcmp(part->type, "text/html") == 0)) {
        add_text_part(m, part);
    } else {
        add_attachment(m, part);
    }
}

static void write_message(struct mail *m, const char *p, size_t len, unsigned depth, bool first)
{
    static const char *const shown[] = {"from", "to", "cc", "date", "subject"};
    static const char *const titles[] = {"From: ", "To: ", "Cc: ", "Date: ", "Subject: "};
    struct part part;
    read_part_head(p, len, &part);
    if (!first)
        da_buf_add_str(m->out, "\n---\n\n");
    for (size_t i = 0; i < DA_ARRAY_LEN(shown); i++) {
        struct da_span rest = part.head, name, value;
        while (next_field(&rest, &name, &value)) {
            if (!same_word(name, shown[i]) || value.len == 0 || value.len > MAX_HEADER)
                continue;
            da_buf_add_str(m->out, titles[i]);
            size_t at = m->out->len;
            add_header_text(m, value, m->out);
            if (first && i == DA_ARRAY_LEN(shown) - 1)
                (void)snprintf(m->facts->subject, sizeof m->facts->subject, "%s",
                               m->out->p + at);
            da_buf_add_char(m->out, '\n');
            break;
        }
    }
    write_part(m, &part, depth);
}

void da_eml_write(const char *p, size_t len, const struct da_eml_hooks *hooks,
                  struct da_buf *out, struct da_eml_facts *facts)
{
    struct mail m = {.hooks = hooks, .out = out, .facts = facts};
    memset(facts, 0, sizeof *facts);
    da_buf_init(&m.attachments, 0);
    write_message(&m, p, len, 0, true);
    if (m.attachments.len > 0) {
        da_buf_add_str(out, "\nAttachments: ");
        da_buf_add(out, m.attachments.p, m.attachments.len);
        da_buf_add_char(out, '\n');
    }
    da_buf_release(&m.attachments);
}
