/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Excel workbooks (ECMA-376 part 1, SpreadsheetML): sheets in order with their names as
 * headings, rows as cells separated by " | ". Numbers as a reader of the sheet sees their kind:
 * dates and percentages by their format, others by value. Hidden sheets are left out.
 */

#include "ingest/extract/office.h"

#if DA_WITH_ZIP

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"

enum { MAX_SHEETS = 10000, MAX_STRINGS = 4 << 20, MAX_GAP = 32, MAX_FORMATS = 65536 };

enum kind { KIND_GENERAL, KIND_DATE, KIND_TIME, KIND_DATE_TIME, KIND_PERCENT };

struct xlsx {
    struct da_office o;
    struct da_rels rels;
    struct da_buf strings;  /* shared strings, one after the other */
    size_t *string_at;      /* [n_strings + 1] offsets into strings */
    size_t n_strings, strings_cap;
    unsigned char *formats; /* [n_formats] enum kind by style index */
    size_t n_formats, formats_cap;
    struct da_map custom;   /* numFmtId -> kind */
    bool date1904;
};

/* Shared strings: text of <t>, without phonetic guides. */
static void read_strings(struct xlsx *w)
{
    struct da_xml *x = da_office_part(&w->o, "xl/sharedStrings.xml")
                           ? da_xml_open(w->o.part.p, w->o.part.len) : NULL;
    enum da_xml_event e;
    bool in_text = false;
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END && w->n_strings < MAX_STRINGS) {
        if (e == DA_XML_OPEN && da_xml_is(x, "rPh"))
            da_xml_skip(x);
        else if (e == DA_XML_OPEN && da_xml_is(x, "si")) {
            DA_GROW_BY(w->string_at, w->n_strings, 2, w->strings_cap);
            w->string_at[w->n_strings++] = w->strings.len;
        } else if (e == DA_XML_TEXT && in_text) {
            da_buf_add_str(&w->strings, da_xml_text(x));
        }
        in_text = e == DA_XML_OPEN && da_xml_is(x, "t");
        if (e == DA_XML_TEXT)
            in_text = true;
    }
    da_xml_close(x);
    DA_GROW_BY(w->string_at, w->n_strings, 2, w->strings_cap);
    w->string_at[w->n_strings] = w->strings.len;
}

/* The kind of a number format's code; text in quotes and brackets does not count. */
static enum kind kind_of_code(const char *s)
{
    bool date = false, time = false;
    for (; *s != 0 && *s != ';'; s++) {
        if (*s == '"' || *s == '[') {
            char end = *s == '"' ? '"' : ']';
            if (*s == '[' && (s[1] == 'h' || s[1] == 'm' || s[1] == 's'))
                time = true;
            while (s[1] != 0 && s[1] != end)
                s++;
            if (s[1] != 0)
                s++;
        } else if (*s == '\\' && s[1] != 0) {
            s++;
        } else if (*s == '%') {
            return KIND_PERCENT;
        } else if ((*s | 32) == 'y' || (*s | 32) == 'd') {
            date = true;
        } else if ((*s | 32) == 'h' || (*s | 32) == 's') {
            time = time || (*s | 32) == 'h' || s[1] == 's';
        } else if (*s == 'G' || *s == 'E') {
            if (strncmp(s, "General", 7) == 0)
                return KIND_GENERAL;
        }
    }
    return date && time ? KIND_DATE_TIME : date ? KIND_DATE : time ? KIND_TIME : KIND_GENERAL;
}

/* Built-in formats: ECMA-376 part 1, 18.8.30. */
static enum kind kind_of_id(const struct xlsx *w, long id)
{
    if (id == 9 || id == 10)
        return KIND_PERCENT;
    if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 58))
        return KIND_DATE;
    if ((id >= 18 && id <= 21) || (id >= 45 && id <= 47) || (id >= 32 && id <= 35))
        return KIND_TIME;
    if (id == 22)
        return KIND_DATE_TIME;
    char key[24];
    int n = snprintf(key, sizeof key, "%ld", id);
    const uint64_t *k = da_map_get(&w->custom, key, (size_t)n);
    return k != NULL ? (enum kind)*k : KIND_GENERAL;
}

static void read_styles(struct xlsx *w)
{
    struct da_xml *x = da_office_part(&w->o, "xl/styles.xml")
                           ? da_xml_open(w->o.part.p, w->o.part.len) : NULL;
    enum da_xml_event e;
    bool in_cells = false;
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END) {
        if (e == DA_XML_CLOSE && da_xml_is(x, "cellXfs"))
            in_cells = false;
        if (e != DA_XML_OPEN)
            continue;
        if (da_xml_is(x, "numFmt") && w->custom.n < MAX_FORMATS) {
            char key[24];
            int n = snprintf(key, sizeof key, "%ld", da_xml_attr_int(x, "numFmtId", -1));
            const char *code = da_xml_attr(x, "formatCode");
            *da_map_add(&w->custom, key, (size_t)n, NULL) =
                (uint64_t)kind_of_code(code != NULL ? code : "");
        } else if (da_xml_is(x, "cellXfs")) {
            in_cells = true;
        } else if (in_cells && da_xml_is(x, "xf") && w->n_formats < MAX_FORMATS) {
            DA_GROW(w->formats, w->n_formats, w->formats_cap);
            w->formats[w->n_formats++] =
                (unsigned char)kind_of_id(w, da_xml_attr_int(x, "numFmtId", 0));
        }
    }
    da_xml_close(x);
}

/* Days since 1970-01-01 as a date: Howard Hinnant's civil_from_days. */
static void civil(int64_t z, int64_t *y, unsigned *m, unsigned *d)
{
    z += 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    *d = doy - (153 * mp + 2) / 5 + 1;
    *m = mp < 10 ? mp + 3 : mp - 9;
    *y = (int64_t)yoe + era * 400 + (*m <= 2);
}

static void add_date(const struct xlsx *w, double v, enum kind kind, struct da_buf *out)
{
    /* day 1 is 1900-01-01, and 1900 had a 29 February that never was (day 60) */
    int64_t days = (int64_t)floor(v), y;
    int64_t epoch = w->date1904 ? -24107 : days < 60 ? -25568 : -25569;
    int64_t seconds = llround((v - floor(v)) * 86400);
    if (seconds == 86400) {
        seconds = 0;
        days++;
    }
    unsigned m, d;
    civil(days + epoch, &y, &m, &d);
    if (kind != KIND_TIME)
        da_buf_addf(out, "%04lld-%02u-%02u", (long long)y, m, d);
    if (kind == KIND_DATE_TIME && seconds > 0)
        da_buf_add_char(out, ' ');
    if (kind == KIND_TIME || (kind == KIND_DATE_TIME && seconds > 0)) {
        long long hours = seconds / 3600 + (kind == KIND_TIME ? 24 * (long long)days : 0);
        da_buf_addf(out, "%02lld:%02lld", hours, (long long)(seconds / 60 % 60));
        if (seconds % 60 != 0)
            da_buf_addf(out, ":%02lld", (long long)(seconds % 60));
    }
}

/* A number with at most 12 significant digits: 0.1 + 0.2 is shown as 0.3. */
static void add_number(double v, struct da_buf *out)
{
    if (fabs(v) < 1e15 && v == floor(v)) {
        da_buf_addf(out, "%.0f", v);
        return;
    }
    double scale = pow(10, 11 - floor(log10(fabs(v))));
    double rounded = isfinite(scale) && scale > 0 ? round(v * scale) / scale : v;
    da_buf_add_double(out, isfinite(rounded) ? rounded : v);
}

static void add_value(const struct xlsx *w, struct da_span s, size_t style, struct da_buf *out)
{
    double v;
    enum kind kind = style < w->n_formats ? (enum kind)w->formats[style] : KIND_GENERAL;
    if (!da_parse_double(s.p, s.len, &v)) {
        da_buf_add(out, s.p, s.len);
        return;
    }
    if (kind == KIND_PERCENT) {
        add_number(v * 100, out);
        da_buf_add_char(out, '%');
    } else if (kind != KIND_GENERAL && v >= 0 && v < 2958466) {
        add_date(w, v, kind, out);
    } else {
        add_number(v, out);
    }
}

/* "AB12" -> 27. */
static long column_of(const char *ref, long otherwise)
{
    long col = 0;
    const char *p = ref != NULL ? ref : "";
    for (; *p >= 'A' && *p <= 'Z' && col < 100000; p++)
        col = col * 26 + (*p - 'A' + 1);
    return col > 0 ? col - 1 : otherwise;
}

struct cell {
    char type; /* of t=: s, n, b, e, str -> 'f', inlineStr -> 'i' */
    size_t style;
    long col;
    struct da_buf value;
};

static void begin_cell(struct da_xml *x, struct cell *c, long next)
{
    const char *t = da_xml_attr(x, "t");
    c->type = t == NULL ? 'n' : strcmp(t, "str") == 0 ? 'f' : t[0];
    long style = da_xml_attr_int(x, "s", 0);
    c->style = style >= 0 ? (size_t)style : 0;
    c->col = column_of(da_xml_attr(x, "r"), next);
    da_buf_reset(&c->value);
}

/* Writes the cell; col: the column that comes next in this row. */
static long end_cell(struct xlsx *w, const struct cell *c, long col)
{
    struct da_span v = da_span_trim(da_span(c->value.p, c->value.len));
    struct da_buf shown;
    if (v.len == 0)
        return col;
    da_buf_init(&shown, 0);
    int64_t i;
    if (c->type == 's') {
        if (da_parse_int(v.p, v.len, &i) && i >= 0 && (size_t)i < w->n_strings)
            da_buf_add(&shown, w->strings.p + w->string_at[i],
                       w->string_at[i + 1] - w->string_at[i]);
    } else if (c->type == 'b') {
        da_buf_add_str(&shown, da_span_is(v, "1") ? "TRUE" : "FALSE");
    } else if (c->type == 'n') {
        add_value(w, v, c->style, &shown);
    } else {
        da_buf_add(&shown, v.p, v.len);
    }
    long gap = c->col - col;
    for (long k = 0; k < gap && k < MAX_GAP; k++)
        da_md_cell(&w->o.md);
    da_md_cell(&w->o.md);
    da_md_text(&w->o.md, shown.p, shown.len);
    da_buf_release(&shown);
    return c->col + 1;
}

/* First column of the sheet's used range ("B2:F9"), so that an empty margin is none. */
static long first_column(struct da_xml *x)
{
    const char *ref = da_xml_attr(x, "ref");
    return ref != NULL && strchr(ref, ':') != NULL ? column_of(ref, 0) : 0;
}

static void read_sheet(struct xlsx *w)
{
    struct da_xml *x = da_xml_open(w->o.part.p, w->o.part.len);
    struct cell c;
    enum da_xml_event e;
    bool in_value = false, in_row = false;
    long col = 0, first = 0;
    memset(&c, 0, sizeof c);
    da_buf_init(&c.value, 0);
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END) {
        if (e == DA_XML_TEXT && in_value)
            da_buf_add_str(&c.value, da_xml_text(x));
        if (e == DA_XML_OPEN) {
            in_value = da_xml_is(x, "v") || da_xml_is(x, "t");
            if (da_xml_is(x, "dimension")) {
                first = first_column(x);
            } else if (da_xml_is(x, "row")) {
                da_md_row_begin(&w->o.md);
                in_row = true;
                col = first;
            } else if (da_xml_is(x, "c") && in_row) {
                begin_cell(x, &c, col);
            } else if (da_xml_is(x, "rPh") || da_xml_is(x, "headerFooter")) {
                da_xml_skip(x);
            }
        } else if (e == DA_XML_CLOSE) {
            in_value = false;
            if (da_xml_is(x, "c") && in_row) {
                col = end_cell(w, &c, col);
            } else if (da_xml_is(x, "row")) {
                da_md_row_end(&w->o.md);
                in_row = false;
                if (da_office_enough(&w->o))
                    break;
            }
        }
    }
    w->o.done += x == NULL || e == DA_XML_END ? w->o.part.len : da_xml_offset(x);
    da_xml_close(x);
    da_md_row_end(&w->o.md);
    da_buf_release(&c.value);
}

struct sheet {
    char name[256], id[64];
};

static size_t list_sheets(struct xlsx *w, struct sheet **ret)
{
    struct sheet *list = NULL;
    size_t n = 0, cap = 0;
    struct da_xml *x = da_office_part(&w->o, "xl/workbook.xml")
                           ? da_xml_open(w->o.part.p, w->o.part.len) : NULL;
    enum da_xml_event e;
    while (x != NULL && (e = da_xml_next(x)) != DA_XML_END && n < MAX_SHEETS) {
        if (e != DA_XML_OPEN)
            continue;
        if (da_xml_is(x, "workbookPr")) {
            const char *v = da_xml_attr(x, "date1904");
            w->date1904 = v != NULL && (v[0] == '1' || v[0] == 't');
        }
        if (!da_xml_is(x, "sheet"))
            continue;
        const char *state = da_xml_attr(x, "state");
        if (state != NULL && strcmp(state, "visible") != 0)
            continue;
        DA_GROW(list, n, cap);
        const char *v = da_xml_attr(x, "name");
        (void)snprintf(list[n].name, sizeof list[n].name, "%s", v != NULL ? v : "");
        v = da_xml_attr(x, "r:id");
        (void)snprintf(list[n].id, sizeof list[n].id, "%s", v != NULL ? v : "");
        n++;
    }
    da_xml_close(x);
    *ret = list;
    return n;
}

static void read_sheets(struct xlsx *w, const struct sheet *sheets, size_t n)
{
    size_t i = 0, per_sheet = 0;
    for (; i < n && !da_office_enough(&w->o); i++) {
        const char *part = da_rels_target(&w->rels, sheets[i].id);
        if (part == NULL || !da_office_part(&w->o, part))
            continue;
        size_t heading = w->o.x->text.len;
        da_md_block(&w->o.md, DA_MD_HEADING, 2, 0);
        da_md_str(&w->o.md, sheets[i].name);
        size_t before = w->o.md.n_rows;
        w->o.total += w->o.part.len;
        read_sheet(w);
        per_sheet = w->o.total / (i + 1);
        if (w->o.md.n_rows == before) {
            da_buf_truncate(w->o.md.out, heading); /* charts and empty sheets have no rows */
            w->o.md.open = false;
        }
    }
    w->o.total += per_sheet * (n - i);
}

void da_extract_xlsx(const unsigned char *p, size_t len, const struct da_request *req,
                     struct da_extracted *x)
{
    struct xlsx w;
    struct sheet *sheets = NULL;
    memset(&w, 0, sizeof w);
    da_buf_init(&w.strings, 0);
    da_map_init(&w.custom);
    da_rels_init(&w.rels);
    if (da_office_open(&w.o, p, len, req, x)) {
        size_t n = list_sheets(&w, &sheets);
        da_rels_read(&w.o, "xl/workbook.xml", &w.rels);
        read_strings(&w);
        read_styles(&w);
        read_sheets(&w, sheets, n);
        da_office_title(&w.o, "docProps/core.xml");
        da_office_finish(&w.o, "spreadsheet", (int64_t)n);
    }
    da_office_release(&w.o);
    da_rels_release(&w.rels);
    da_map_release(&w.custom);
    da_buf_release(&w.strings);
    free(w.string_at);
    free(w.formats);
    free(sheets);
}

#endif
