/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PDF by poppler-glib: passwords and permissions, the characters of each page with their boxes
 * and fonts (ingest/layout.h makes lines of them), pages of pictures, forms.
 * The only file that names poppler or GLib.
 */

#include "ingest/extract/job.h"

bool da_job_reads_pdf(void)
{
    return true;
}

#if DA_WITH_POPPLER

#include <math.h>
#include <poppler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/span.h"
#include "common/utf8.h"
#include "ingest/extract/ocr.h"
#include "ingest/flow.h"
#include "ingest/layout.h"
#include "ingest/rtl.h"

enum {
    MAX_PAGES = 200000,
    LOOK_AHEAD_PAGES = 2,    /* beyond what is needed: running heads show by repeating */
    MIN_PAGES = 4,
    OCR_DPI = 200,
    OCR_MAX_SIDE = 6000, /* pixels: A2 at 200 dpi */
    OCR_MAX_CHARS = 16,      /* a page of pictures may still carry a stamp or a page number */
    FIGURE_MAX_CHARS = 100,  /* a picture with labels */
    BOOK_PAGES = 60,
    SLIDE_MAX_CHARS = 1400,  /* a page, on average, of a landscape document */
    MAX_FONTS = 32,          /* of a page */
    FONT_NAME_MAX = 96,
    LAST_IN_ORDER = 97       /* '~' in the order of TrueType glyphs */
};

static const float SPACE_MAX_EM = 0.36f;

static const double PICTURE_SHARE = 0.3;

static void no_log(const gchar *domain, GLogLevelFlags level, const gchar *msg, gpointer data)
{
    (void)domain;
    (void)level;
    (void)msg;
    (void)data;
}

/* A page of nothing: opening it loads what poppler keeps for the process. */
static const char tiny[] =
    "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F "
    "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>> >> >> >>endobj\n"
    "4 0 obj<</Length 28>>stream\nBT /F 1 Tf (warm up now) Tj ET\nendstream endobj\n"
    "trailer<</Root 1 0 R>>\n";

void da_extract_pdf_warm(void)
{
    (void)g_log_set_default_handler(no_log, NULL);
    GBytes *b = g_bytes_new_static(tiny, sizeof tiny - 1);
    PopplerDocument *d = poppler_document_new_from_bytes(b, NULL, NULL);
    if (d != NULL && poppler_document_get_n_pages(d) == 1) {
        PopplerPage *page = poppler_document_get_page(d, 0);
        if (page != NULL) {
            g_free(poppler_page_get_text(page));
            g_object_unref(page);
        }
    }
    g_bytes_unref(b);
    /* d stays open on purpose: poppler drops its tables with the last document */
}

/* The glyphs of one page in poppler's order, with boxes and fonts. */
struct page_glyphs {
    struct da_glyph *g;
    size_t n, cap;
    bool *word; /* [n] a direction mark stood before it */
    size_t word_cap;
};

static bool is_bidi_mark(uint32_t cp)
{
    return cp == 0x200e || cp == 0x200f || (cp >= 0x202a && cp <= 0x202e);
}

static void set_fonts(struct page_glyphs *pg, GList *attrs)
{
    for (GList *a = attrs; a != NULL; a = a->next) {
        const PopplerTextAttributes *t = a->data;
        unsigned flags = 0;
        const char *name = t->font_name != NULL ? t->font_name : "";
        if (strstr(name, "Bold") != NULL || strstr(name, "bold") != NULL ||
            strstr(name, "Black") != NULL || strstr(name, "CMBX") != NULL ||
            strstr(name, "SFBX") != NULL || strstr(name, "Heavy") != NULL ||
            strstr(name, "-Demi") != NULL)
            flags |= DA_GLYPH_BOLD;
        if (strstr(name, "Courier") != NULL || strstr(name, "Mono") != NULL)
            flags |= DA_GLYPH_MONO;
        if (strstr(name, "ingbat") != NULL || strstr(name, "ingding") != NULL ||
            strstr(name, "ebding") != NULL)
            flags |= DA_GLYPH_PICTURE;
        for (int i = t->start_index; i <= t->end_index && i >= 0 && (size_t)i < pg->n; i++) {
            pg->g[i].size = (float)t->font_size;
            pg->g[i].flags = flags;
        }
    }
}

/*
 * Fonts without maps to characters, whose codes are the numbers of their glyphs in the order that
 * TrueType fonts have: "The" comes out as "7KH", the space as U+0003. A font of which a page shows
 * such spaces, and nothing that the order does not hold, is one.
 */
struct ordered_font {
    char name[FONT_NAME_MAX];
    double size; /* bullets of another font may come under the same name */
    size_t n_three, n_other;
};

static struct ordered_font *find_font(struct ordered_font *fonts, size_t *n,
                                      const PopplerTextAttributes *t)
{
    const char *name = t->font_name != NULL ? t->font_name : "";
    for (size_t i = 0; i < *n; i++)
        if (fabs(fonts[i].size - t->font_size) < 0.01 && strcmp(fonts[i].name, name) == 0)
            return &fonts[i];
    if (*n == MAX_FONTS || strlen(name) >= FONT_NAME_MAX)
        return NULL;
    memset(&fonts[*n], 0, sizeof fonts[*n]);
    (void)snprintf(fonts[*n].name, FONT_NAME_MAX, "%s", name);
    fonts[*n].size = t->font_size;
    return &fonts[(*n)++];
}

static void count_ordered(const struct page_glyphs *pg, const PopplerTextAttributes *t,
                          struct ordered_font *f)
{
    for (int i = t->start_index; i <= t->end_index && i >= 0 && (size_t)i < pg->n; i++) {
        uint32_t cp = pg->g[i].cp;
        f->n_three += cp == 3;
        f->n_other += cp != ' ' && cp != '\n' && (cp < 3 || cp > LAST_IN_ORDER);
    }
}

static void shift_ordered(struct page_glyphs *pg, const PopplerTextAttributes *t)
{
    for (int i = t->start_index; i <= t->end_index && i >= 0 && (size_t)i < pg->n; i++) {
        uint32_t *cp = &pg->g[i].cp;
        if (*cp >= 3 && *cp <= LAST_IN_ORDER && *cp != ' ' && *cp != '\n')
            *cp += ' ' - 3;
    }
}

static void fix_ordered_fonts(struct page_glyphs *pg, GList *attrs)
{
    struct ordered_font fonts[MAX_FONTS];
    size_t n = 0, n_three = 0;
    for (size_t i = 0; i < pg->n; i++)
        n_three += pg->g[i].cp == 3;
    if (n_three < 2)
        return;
    for (GList *a = attrs; a != NULL; a = a->next) {
        const PopplerTextAttributes *t = a->data;
        struct ordered_font *f = find_font(fonts, &n, t);
        if (f != NULL)
            count_ordered(pg, t, f);
    }
    for (GList *a = attrs; a != NULL; a = a->next) {
        const PopplerTextAttributes *t = a->data;
        const struct ordered_font *f = find_font(fonts, &n, t);
        if (f != NULL && f->n_three >= 2 && f->n_other == 0)
            shift_ordered(pg, t);
    }
}

/* A code without a meaning that is as wide as a space stands for one in fonts with poor maps. */
static void fix_spaces(struct page_glyphs *pg)
{
    for (size_t i = 0; i < pg->n; i++) {
        struct da_glyph *g = &pg->g[i];
        if (g->cp < ' ' && g->cp != '\n' && g->x1 - g->x0 < SPACE_MAX_EM * g->size)
            g->cp = ' ';
    }
}

/* What poppler gives for one reading direction of a page. */
struct page_text {
    char *text;
    PopplerRectangle *boxes;
    guint n_boxes;
    GList *attrs;
};

/* Poppler reads a page by a selection from one corner to another. On pages written from right to
 * left it must begin at the right, or lines are lost. */
static PopplerRectangle selection(PopplerPage *page, bool from_right)
{
    double w, h;
    poppler_page_get_size(page, &w, &h);
    PopplerRectangle r = {.x1 = from_right ? w : 0, .y1 = 0, .x2 = from_right ? 0 : w, .y2 = h};
    return r;
}

/* Characters with ink, and how many of them are written from right to left. */
static size_t count_ink(const char *text, size_t *n_rtl)
{
    size_t n = 0;
    *n_rtl = 0;
    for (const char *p = text, *end = text + strlen(text); p < end;) {
        uint32_t cp;
        p += da_utf8_decode(p, end, &cp);
        n += cp > ' ' && !is_bidi_mark(cp);
        *n_rtl += da_cp_is_rtl(cp);
    }
    return n;
}

static bool get_text(PopplerPage *page, struct page_text *t)
{
    memset(t, 0, sizeof *t);
    t->text = poppler_page_get_text(page);
    if (t->text == NULL)
        return false;
    size_t n_rtl, n_rtl_right, n = count_ink(t->text, &n_rtl);
    if (n == 0 || n_rtl > 0) {
        PopplerRectangle r = selection(page, true);
        char *right = poppler_page_get_text_for_area(page, &r);
        size_t n_right = right != NULL ? count_ink(right, &n_rtl_right) : 0;
        if (n_right > n || (n_right == n && n_rtl * 2 > n)) {
            g_free(t->text);
            t->text = right;
            (void)poppler_page_get_text_layout_for_area(page, &r, &t->boxes, &t->n_boxes);
            t->attrs = poppler_page_get_text_attributes_for_area(page, &r);
            return true;
        }
        g_free(right);
    }
    (void)poppler_page_get_text_layout(page, &t->boxes, &t->n_boxes);
    t->attrs = poppler_page_get_text_attributes(page);
    return true;
}

static void set_box(struct da_glyph *g, const PopplerRectangle *r)
{
    g->x0 = (float)fmin(r->x1, r->x2);
    g->x1 = (float)fmax(r->x1, r->x2);
    g->y0 = (float)fmin(r->y1, r->y2);
    g->y1 = (float)fmax(r->y1, r->y2);
    if (!isfinite(g->x0 + g->x1 + g->y0 + g->y1))
        g->x0 = g->x1 = g->y0 = g->y1 = 0;
}

/* False when the page cannot be read at all. */
static bool read_page(PopplerPage *page, struct page_glyphs *pg)
{
    struct page_text t;
    pg->n = 0;
    if (!get_text(page, &t))
        return false;
    bool rtl = false, marks = false;
    for (const char *p = t.text, *end = t.text + strlen(t.text);
         p < end && pg->n < DA_LAYOUT_MAX_GLYPHS;) {
        struct da_glyph g = {.cp = 0};
        p += da_utf8_decode(p, end, &g.cp);
        if (is_bidi_mark(g.cp)) {
            marks = true; /* poppler puts these around the words of turned runs; no box is theirs */
            continue;
        }
        if (pg->n < t.n_boxes)
            set_box(&g, &t.boxes[pg->n]);
        DA_GROW_BY(pg->g, pg->n, pg->n + 2, pg->cap); /* twice what is there: da_rtl_fix */
        pg->g[pg->n] = g;
        DA_GROW_BY(pg->word, pg->n, 1, pg->word_cap);
        pg->word[pg->n++] = marks;
        rtl = rtl || da_cp_is_rtl(g.cp);
        marks = false;
    }
    set_fonts(pg, t.attrs);
    fix_ordered_fonts(pg, t.attrs);
    fix_spaces(pg);
    for (size_t i = 0; i < pg->n; i++)
        if (pg->word[i])
            pg->g[i].flags |= DA_GLYPH_WORD;
    if (rtl)
        pg->n = da_rtl_fix(pg->g, pg->n);
    poppler_page_free_text_attributes(t.attrs);
    g_free(t.boxes);
    g_free(t.text);
    return true;
}

struct counts {
    size_t n_chars, n_unmapped, n_image_pages, n_figure_pages, n_ocr_pages, n_form_fields;
    size_t n_landscape, n_read;
};

static void count_glyphs(const struct page_glyphs *pg, size_t *n_page, size_t *n_unmapped)
{
    *n_page = *n_unmapped = 0;
    for (size_t i = 0; i < pg->n; i++) {
        uint32_t cp = pg->g[i].cp;
        if (cp == ' ' || cp == '\n')
            continue;
        (*n_page)++;
        *n_unmapped += cp == DA_UTF8_REPLACEMENT || (cp >= 0xe000 && cp < 0xf000) ||
                         (cp >= 0xf0000) || (cp < 32 && cp != '\t') || (cp >= 127 && cp < 160);
    }
}

/* Pictures cover a good part of the page, or are all there is. */
static bool is_picture(PopplerPage *page, bool any_text)
{
    double w, h, area = 0;
    poppler_page_get_size(page, &w, &h);
    GList *images = poppler_page_get_image_mapping(page);
    bool any = images != NULL;
    for (GList *i = images; i != NULL; i = i->next) {
        const PopplerRectangle *r = &((const PopplerImageMapping *)i->data)->area;
        area += fabs((r->x2 - r->x1) * (r->y2 - r->y1));
    }
    poppler_page_free_image_mapping(images);
    return any && (!any_text || area > PICTURE_SHARE * w * h);
}

static size_t count_fields(PopplerPage *page)
{
    GList *fields = poppler_page_get_form_field_mapping(page);
    size_t n = 0;
    for (GList *i = fields; i != NULL; i = i->next) {
        PopplerFormField *f = ((const PopplerFormFieldMapping *)i->data)->field;
        bool push = poppler_form_field_get_field_type(f) == POPPLER_FORM_FIELD_BUTTON &&
                    poppler_form_field_button_get_button_type(f) == POPPLER_FORM_BUTTON_PUSH;
        n += !push; /* buttons to push lead somewhere, they ask for nothing */
    }
    poppler_page_free_form_field_mapping(fields);
    return n;
}

/* By way of a stream: poppler_document_new_from_bytes of poppler 22.12 reads through a null
 * pointer when it is given a password that does not fit. */
static PopplerDocument *open_with_password(GBytes *bytes, const char *password, GError **e)
{
    GInputStream *in = g_memory_input_stream_new_from_bytes(bytes);
    PopplerDocument *d = poppler_document_new_from_stream(in, (goffset)g_bytes_get_size(bytes),
                                                          password, NULL, e);
    g_object_unref(in);
    return d;
}

/* The page as a picture, and the picture's text. */
static bool read_picture(PopplerPage *page, const struct da_request *req, struct da_buf *text)
{
    double w, h;
    poppler_page_get_size(page, &w, &h);
    double scale = OCR_DPI / 72.0, most = fmax(w, h) * scale;
    if (!(w > 1 && h > 1) || !isfinite(most))
        return false;
    if (most > OCR_MAX_SIDE)
        scale *= OCR_MAX_SIDE / most;
    int pw = (int)(w * scale), ph = (int)(h * scale);
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, pw, ph);
    cairo_t *cr = cairo_create(s);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_scale(cr, scale, scale);
    poppler_page_render(page, cr);
    cairo_surface_flush(s);
    bool ok = cairo_status(cr) == CAIRO_STATUS_SUCCESS && cairo_image_surface_get_data(s) != NULL &&
              da_ocr_pixels(cairo_image_surface_get_data(s), pw, ph,
                            cairo_image_surface_get_stride(s), (int)(scale * 72), req, text);
    cairo_destroy(cr);
    cairo_surface_destroy(s);
    return ok;
}

static PopplerDocument *open_document(GBytes *bytes, const struct da_request *req,
                                      struct da_extracted *x)
{
    GError *e = NULL;
    PopplerDocument *d = poppler_document_new_from_bytes(bytes, NULL, &e);
    for (size_t i = 0; d == NULL && i < req->n_passwords; i++) {
        if (!g_error_matches(e, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED))
            break;
        g_clear_error(&e);
        d = open_with_password(bytes, req->passwords[i], &e);
    }
    if (d == NULL && g_error_matches(e, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED))
        (void)da_extracted_end(x, DA_ST_PASSWORD_REQUIRED,
                               "PDF behind a password; --password-file names passwords to try");
    else if (d == NULL)
        (void)da_extracted_end(x, DA_ST_CORRUPT, "damaged PDF: %s",
                               e != NULL ? e->message : "no reason given");
    g_clear_error(&e);
    return d;
}

static void set_title(PopplerDocument *d, const struct da_flow_facts *facts,
                      struct da_extracted *x)
{
    char *title = poppler_document_get_title(d);
    if (title != NULL && g_utf8_validate(title, -1, NULL) && strlen(title) > 3 &&
        strstr(title, "Microsoft") == NULL && strstr(title, "ntitled") == NULL &&
        strcmp(title, "(anonymous)") != 0)
        da_extracted_set_str(x, DA_XS_TITLE, title, strlen(title));
    if (x->str[DA_XS_TITLE][0] == 0)
        da_extracted_set_str(x, DA_XS_TITLE, facts->title, strlen(facts->title));
    g_free(title);
}

static const char *guess_type(const struct counts *c, int n_pages)
{
    size_t per_page = c->n_read > 0 ? c->n_chars / c->n_read : 0;
    if (c->n_form_fields >= 3)
        return "form";
    if (c->n_landscape * 2 > c->n_read && n_pages > 1 && per_page < SLIDE_MAX_CHARS)
        return "presentation";
    if (per_page < FIGURE_MAX_CHARS && c->n_figure_pages * 2 > c->n_read)
        return "illustration";
    return n_pages >= BOOK_PAGES ? "book" : "article";
}

static void judge(const struct counts *c, int n_pages, struct da_extracted *x)
{
    if (n_pages == 0)
        (void)da_extracted_end(x, DA_ST_CORRUPT, "damaged PDF: it has no pages");
    else if (c->n_read == 0)
        (void)da_extracted_end(x, DA_ST_CORRUPT, "damaged PDF: none of its %d pages can be read",
                               n_pages);
    else if (c->n_ocr_pages > 0 && c->n_ocr_pages * 2 >= c->n_image_pages &&
             c->n_unmapped * 2 <= c->n_chars)
        da_extracted_ok(x);
    else if (c->n_image_pages > 0 && c->n_image_pages * 2 >= c->n_read &&
             c->n_chars < (size_t)OCR_MAX_CHARS * c->n_read)
        (void)da_extracted_end(x, DA_ST_NEEDS_OCR, "%zu of %zu pages are pictures without text",
                               c->n_image_pages, c->n_read);
    else if (c->n_chars == 0)
        (void)da_extracted_end(x, DA_ST_EMPTY, "PDF without text or pictures");
    else if (c->n_unmapped * 2 > c->n_chars)
        (void)da_extracted_end(x, DA_ST_NEEDS_OCR,
                               "%zu of %zu characters have no known meaning (fonts without maps)",
                               c->n_unmapped, c->n_chars);
    else
        da_extracted_ok(x);
}

static void read_pages(PopplerDocument *d, int n_pages, const struct da_request *req,
                       struct da_flow *flow, struct counts *c, struct da_extracted *x)
{
    struct page_glyphs pg = {.g = NULL};
    struct da_layout layout;
    da_layout_init(&layout);
    struct da_buf seen; /* by OCR */
    da_buf_init(&seen, 0);
    int i = 0, beyond = 0;
    for (; i < n_pages && i < MAX_PAGES; i++) {
        bool enough = req->want_bytes > 0 && da_flow_len(flow) >= (size_t)req->want_bytes;
        if (enough && i >= MIN_PAGES && beyond++ >= LOOK_AHEAD_PAGES)
            break;
        if (da_flow_len(flow) >= DA_EXTRACT_MAX_TEXT)
            break;
        PopplerPage *page = poppler_document_get_page(d, i);
        if (page == NULL)
            continue;
        if (read_page(page, &pg)) {
            size_t n_page, n_unmapped;
            double w, h;
            count_glyphs(&pg, &n_page, &n_unmapped);
            poppler_page_get_size(page, &w, &h);
            c->n_read++;
            c->n_landscape += w > h;
            bool picture = n_page < OCR_MAX_CHARS && is_picture(page, n_page > 0);
            c->n_image_pages += picture;
            c->n_figure_pages +=
                n_page < FIGURE_MAX_CHARS && (picture || is_picture(page, n_page > 0));
            if (c->n_form_fields < 3)
                c->n_form_fields += count_fields(page);
            da_buf_reset(&seen);
            /* glyphs without a meaning are pictures of letters */
            bool garbage = n_unmapped * 2 > n_page;
            if ((picture || garbage || req->ocr == DA_OCR_FORCE) && da_ocr_wanted(req) &&
                read_picture(page, req, &seen)) {
                c->n_ocr_pages++;
                da_flow_add_text(flow, seen.p, seen.len);
            } else {
                c->n_chars += n_page;
                c->n_unmapped += n_unmapped;
                da_layout_page(&layout, pg.g, pg.n);
                da_flow_add_page(flow, &layout, (float)h);
            }
        }
        g_object_unref(page);
    }
    x->num[DA_XN_UNITS_DONE] = i;
    x->num[DA_XN_UNITS_TOTAL] = n_pages;
    da_layout_release(&layout);
    da_buf_release(&seen);
    free(pg.g);
    free(pg.word);
}

void da_extract_pdf(const unsigned char *p, size_t len, const struct da_request *req,
                    struct da_extracted *x)
{
    GBytes *bytes = g_bytes_new_static(p, len);
    PopplerDocument *d = open_document(bytes, req, x);
    if (d == NULL) {
        g_bytes_unref(bytes);
        return;
    }
    int n_pages = poppler_document_get_n_pages(d);
    struct counts c = {0};
    struct da_flow_facts facts = {0};
    struct da_flow *flow = da_flow_new(req->keep_headers);
    read_pages(d, n_pages, req, flow, &c, x);
    da_flow_write(flow, &x->text, &facts);
    da_flow_free(flow);
    x->num[DA_XN_PAGES] = n_pages;
    x->num[DA_XN_HEADERS_REMOVED] = (int64_t)facts.headers_removed;
    x->num[DA_XN_HYPHENS_JOINED] = (int64_t)facts.hyphens_joined;
    x->num[DA_XN_TABLES] = (int64_t)facts.table_rows;
    x->num[DA_XN_GLYPHS] = (int64_t)c.n_chars;
    x->num[DA_XN_UNMAPPED] = (int64_t)c.n_unmapped;
    x->num[DA_XN_IMAGE_PAGES] = (int64_t)c.n_image_pages;
    x->num[DA_XN_OCR_PAGES] = (int64_t)c.n_ocr_pages;
    if ((poppler_document_get_permissions(d) & POPPLER_PERMISSIONS_OK_TO_COPY) == 0)
        x->num[DA_XN_COPY_FORBIDDEN] = 1;
    const char *type = guess_type(&c, n_pages);
    da_extracted_set_str(x, DA_XS_TYPE, type, strlen(type));
    set_title(d, &facts, x);
    judge(&c, n_pages, x);
    /* The process ends now: taking the document apart would only cost time. */
}

#else

void da_extract_pdf_warm(void)
{
}

void da_extract_pdf(const unsigned char *p, size_t len, const struct da_request *req,
                    struct da_extracted *x)
{
    (void)p;
    (void)len;
    (void)req;
    (void)da_extracted_end(x, DA_ST_UNSUPPORTED, "PDF: built without poppler-glib");
}

#endif
