/* See doc.h. */

#include "ingest/doc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/utf8.h"
#include "ingest/quality.h"
#include "schemas/document.h"

/* Text asked of the helper for each token wanted; four times more when that was not enough. */
enum { BYTES_A_TOKEN = 8, BYTES_MORE = 4096, GROW = 4, READ_BYTES = 65536, TITLE_LINES = 60 };

struct source {
    int fd;
    int64_t bytes;
    char sha256[DA_SHA256_HEX_LEN + 1];
    struct da_buf path; /* relative, valid UTF-8 */
};

void da_doc_worker_init(struct da_doc_worker *w, const struct da_ingest_opts *opts,
                        struct da_helper *helper)
{
    memset(w, 0, sizeof *w);
    w->opts = opts;
    w->helper = helper;
    da_cutter_init(&w->cutter, opts->tok);
    da_extracted_init(&w->x);
    da_buf_init(&w->clean, 2 * DA_EXTRACT_MAX_TEXT);
    da_buf_init(&w->scratch, 0);
}

void da_doc_worker_release(struct da_doc_worker *w)
{
    da_cutter_release(&w->cutter);
    da_cut_chunks_release(&w->chunks);
    da_extracted_release(&w->x);
    da_buf_release(&w->clean);
    da_buf_release(&w->scratch);
}

void da_doc_result_init(struct da_doc_result *r)
{
    memset(r, 0, sizeof *r);
    da_buf_init(&r->record, 0);
    da_buf_init(&r->drops, 0);
}

void da_doc_result_release(struct da_doc_result *r)
{
    free(r->tokens);
    da_buf_release(&r->record);
    da_buf_release(&r->drops);
}

static void fail(struct da_doc_result *out, enum da_status status, const char *detail)
{
    out->status = status;
    (void)snprintf(out->detail, sizeof out->detail, "%.*s", (int)sizeof out->detail - 1, detail);
}

/* Opens and hashes. False with a status in out when the file cannot be read. */
static bool open_source(const char *path, const struct da_request *req, struct source *s,
                        struct da_doc_result *out)
{
    struct stat st;
    char msg[DA_EXTRACT_DETAIL_MAX];
    /* O_NONBLOCK: opening a pipe without a writer must not wait */
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (s->fd < 0 || fstat(s->fd, &st) != 0) {
        fail(out, DA_ST_UNREADABLE, strerror(errno));
        return false;
    }
    s->bytes = (int64_t)st.st_size;
    if (!S_ISREG(st.st_mode)) {
        fail(out, DA_ST_UNREADABLE, "not a regular file");
        return false;
    }
    if (s->bytes > req->max_file_bytes) {
        (void)snprintf(msg, sizeof msg, "%" PRId64 " bytes, more than %" PRId64 " MiB", s->bytes,
                       req->max_file_bytes >> 20);
        fail(out, DA_ST_TOO_LARGE, msg);
        return false;
    }
    struct da_sha256 h;
    da_sha256_init(&h);
    static const size_t step = READ_BYTES;
    char *buf = da_malloc(step);
    ssize_t n;
    while ((n = read(s->fd, buf, step)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            da_sha256_add(&h, buf, (size_t)n);
    int e = errno;
    free(buf);
    if (n < 0) {
        fail(out, DA_ST_UNREADABLE, strerror(e));
        return false;
    }
    unsigned char sum[DA_SHA256_LEN];
    da_sha256_end(&h, sum);
    da_hex(sum, sizeof sum, s->sha256);
    memcpy(&out->doc_hash, sum, sizeof out->doc_hash);
    return true;
}

/* Extracts and cleans until there is text enough, or all of it. *complete: all of it. */
static enum da_rc read_text(struct da_doc_worker *w, const struct source *s, bool *complete,
                            struct da_clean_facts *facts, struct da_err *err)
{
    const struct da_ingest_opts *o = w->opts;
    struct da_request req = o->req;
    req.want_bytes = (int64_t)o->max_tokens * BYTES_A_TOKEN + BYTES_MORE;
    if (o->count_source || o->segments)
        req.want_bytes = 0;
    for (;;) {
        enum da_rc rc = da_helper_extract(w->helper, s->fd, &req, &w->x, err);
        if (rc != DA_OK || w->x.status != DA_ST_OK)
            return rc;
        da_buf_reset(&w->clean);
        da_clean(w->x.text.p, w->x.text.len, &w->clean, facts);
        *complete = w->x.num[DA_XN_UNITS_DONE] >= w->x.num[DA_XN_UNITS_TOTAL];
        if (*complete)
            return DA_OK;
        size_t n;
        rc = da_cutter_count(&w->cutter, w->clean.p, w->clean.len, &n, err);
        if (rc != DA_OK || n > o->max_tokens)
            return rc;
        req.want_bytes *= GROW;
    }
}

/* Tokens of the whole source: counted, or estimated from the part that was read. */
static enum da_rc count_source(struct da_doc_worker *w, bool complete, struct da_doc_result *out,
                               struct da_err *err)
{
    size_t n;
    enum da_rc rc = da_cutter_count(&w->cutter, w->clean.p, w->clean.len, &n, err);
    if (rc != DA_OK)
        return rc;
    out->n_tokens_source = n;
    out->source_exact = complete;
    int64_t done = w->x.num[DA_XN_UNITS_DONE], total = w->x.num[DA_XN_UNITS_TOTAL];
    if (!complete && done > 0)
        out->n_tokens_source = (uint64_t)llround((double)n * (double)total / (double)done);
    return DA_OK;
}

static void add_number(struct da_jw *w, const char *key, int64_t v)
{
    if (v >= 0)
        da_jw_kint(w, key, v);
}

/* quality: {...} as text. Shares are rounded to four digits, so that they read well. */
static void write_quality(const struct da_extracted *x, const struct da_clean_facts *c,
                          const struct da_quality *q, struct da_buf *out)
{
    struct da_jw w;
    da_jw_init(&w, out);
    da_jw_object(&w);
    da_jw_kint(&w, "words", (int64_t)q->n_words);
    const struct {
        const char *key;
        double v;
    } shares[] = {
        {"mean_word_length", q->mean_word}, {"alpha_words", q->alpha_words},
        {"symbol_ratio", q->symbol_words},  {"bullet_lines", q->bullet_lines},
        {"ellipsis_lines", q->ellipsis_lines}, {"duplicate_lines", q->dup_lines},
    };
    for (size_t i = 0; i < DA_ARRAY_LEN(shares); i++)
        da_jw_kdouble(&w, shares[i].key, round(shares[i].v * 10000) / 10000);
    double glyphs = x->num[DA_XN_GLYPHS] > 0 ? (double)x->num[DA_XN_GLYPHS]
                                             : (double)(c->n_chars + c->n_dropped + 1);
    double bad = x->num[DA_XN_GLYPHS] > 0 ? (double)x->num[DA_XN_UNMAPPED]
                                          : (double)(c->n_replaced + c->n_dropped);
    da_jw_kdouble(&w, "garbage", round(bad / glyphs * 10000) / 10000);
    add_number(&w, "headers_removed", x->num[DA_XN_HEADERS_REMOVED]);
    add_number(&w, "hyphens_joined", x->num[DA_XN_HYPHENS_JOINED]);
    add_number(&w, "table_rows", x->num[DA_XN_TABLES]);
    add_number(&w, "image_pages", x->num[DA_XN_IMAGE_PAGES]);
    da_jw_end(&w);
}

/* meta: {...}: what the file says about itself, then the row of --meta without its path. */
static void write_meta(const struct da_doc_worker *wk, const struct source *s,
                       struct da_buf *out)
{
    struct da_jw w;
    da_jw_init(&w, out);
    da_jw_object(&w);
    if (wk->x.num[DA_XN_COPY_FORBIDDEN] > 0)
        da_jw_kbool(&w, "copy_forbidden", true);
    struct da_json *row = da_meta_find(wk->opts->meta, da_span(s->path.p, s->path.len));
    for (const struct da_json *m = da_json_first(row); m != NULL; m = da_json_next(m)) {
        const char *key = da_json_key(m);
        if (strcmp(key, "path") != 0 && strcmp(key, "copy_forbidden") != 0)
            da_jw_kvalue(&w, key, m);
    }
    da_json_free(row);
    da_jw_end(&w);
}

static struct da_json *parse_own(const struct da_buf *b)
{
    struct da_json *j = NULL;
    (void)da_json_parse(b->p, b->len, &j, NULL);
    return j;
}

static const char *type_of(const struct da_extracted *x)
{
    if (x->str[DA_XS_TYPE][0] != 0)
        return x->str[DA_XS_TYPE];
    return "text";
}

/* pii: {...}: how many of each kind were replaced in the record's text. */
static void write_pii(const struct da_doc_worker *w, struct da_span text, struct da_buf *out)
{
    struct da_jw jw;
    da_jw_init(&jw, out);
    da_jw_object(&jw);
    for (size_t i = 0; w->opts->mask_pii && i < DA_PII_COUNT; i++)
        da_jw_kint(&jw, da_pii_name((enum da_pii_kind)i),
                   (int64_t)da_pii_count(text.p, text.len, (enum da_pii_kind)i));
    da_jw_end(&jw);
}

/* One record's part of the cleaned text. */
struct piece {
    size_t start, end, n_tokens;
    size_t number; /* from 1; 0: the document has one record */
};

static void fill_source(const struct da_doc_worker *w, const struct source *s,
                        struct da_document *d)
{
    const struct da_extracted *x = &w->x;
    d->source.path = da_span(s->path.p, s->path.len);
    d->source.sha256 = da_span_str(s->sha256);
    d->source.media_type = da_span_str(x->str[DA_XS_MEDIA_TYPE]);
    if (x->str[DA_XS_CHARSET][0] != 0)
        d->source.charset = da_span_str(x->str[DA_XS_CHARSET]);
    d->source.bytes = s->bytes;
    d->source.pages = x->num[DA_XN_PAGES];
    d->type = da_span_str(type_of(x));
    d->title = da_span_str(x->str[DA_XS_TITLE]);
    d->language_code = da_span_str(x->str[DA_XS_LANGUAGE]);
    if (x->num[DA_XN_LANG_PERMILLE] > 0)
        d->language_confidence = (double)x->num[DA_XN_LANG_PERMILLE] / 1000;
    d->ocr = x->num[DA_XN_OCR_PAGES] > 0;
}

static void fill_chunks(const struct da_doc_worker *w, struct da_document *d)
{
    d->n_chunks = w->chunks.n;
    d->chunks = da_calloc(w->chunks.n + 1, sizeof *d->chunks);
    for (size_t i = 0; i < w->chunks.n; i++) {
        d->chunks[i].start = (int64_t)w->chunks.items[i].start;
        d->chunks[i].end = (int64_t)w->chunks.items[i].end;
        d->chunks[i].n_tokens = (int64_t)w->chunks.items[i].n_tokens;
    }
}

static void write_record(struct da_doc_worker *w, const struct source *s,
                         const struct piece *piece, const struct da_clean_facts *facts,
                         const struct da_quality *q, struct da_doc_result *out)
{
    struct da_document d;
    char id[48];
    memset(&d, 0, sizeof d);
    (void)snprintf(id, sizeof id, "%.16s", s->sha256);
    if (piece->number > 0)
        (void)snprintf(id, sizeof id, "%.16s#%zu", s->sha256, piece->number);
    d.id = da_span_str(id);
    fill_source(w, s, &d);
    fill_chunks(w, &d);
    d.text = da_span(w->clean.p + piece->start, piece->end - piece->start);
    d.n_tokens = (int64_t)piece->n_tokens;
    d.n_tokens_source = (int64_t)out->n_tokens_source;
    d.n_tokens_source_exact = out->source_exact;
    d.tokenizer = da_span_str(w->opts->tok_name);
    d.truncated = out->truncated;
    struct da_json *part[3];
    for (int i = 0; i < 3; i++) {
        da_buf_reset(&w->scratch);
        if (i == 0)
            write_quality(&w->x, facts, q, &w->scratch);
        else if (i == 1)
            write_meta(w, s, &w->scratch);
        else
            write_pii(w, d.text, &w->scratch);
        part[i] = parse_own(&w->scratch);
    }
    d.quality = part[0];
    d.meta = part[1];
    d.pii = part[2];
    struct da_jw jw;
    da_jw_init(&jw, &out->record);
    da_document_write(&d, &jw);
    da_buf_add_char(&out->record, '\n');
    for (int i = 0; i < 3; i++)
        da_json_free(part[i]);
    da_document_release(&d);
    DA_GROW(out->tokens, out->n_records, out->records_cap);
    out->tokens[out->n_records++] = piece->n_tokens;
}

/* Chunks, measures and record of one piece. */
static enum da_rc make_piece(struct da_doc_worker *w, const struct source *s,
                             const struct piece *piece, const struct da_clean_facts *facts,
                             struct da_doc_result *out, struct da_err *err)
{
    const char *p = w->clean.p + piece->start;
    size_t len = piece->end - piece->start;
    enum da_rc rc =
        da_cutter_chunks(&w->cutter, p, len, w->opts->chunk_tokens, &w->chunks, err);
    if (rc != DA_OK)
        return rc;
    struct da_quality q;
    char why[DA_EXTRACT_DETAIL_MAX];
    da_quality_measure(p, len, &q);
    bool english = strcmp(w->x.str[DA_XS_LANGUAGE], "en") == 0;
    if (w->opts->filter && da_quality_filter(&q, english, why, sizeof why) != NULL) {
        if (out->n_records == 0)
            fail(out, DA_ST_FILTERED, why);
        if (piece->number > 0) {
            da_buf_addf(&out->drops, "segment %.16s#%zu: %s", s->sha256, piece->number, why);
            da_buf_add_char(&out->drops, 0);
        }
        return DA_OK;
    }
    write_record(w, s, piece, facts, &q, out);
    return DA_OK;
}

/* The pieces of the cleaned text: the first that fits the budget, or all of them. */
static enum da_rc make_pieces(struct da_doc_worker *w, const struct source *s, bool complete,
                              const struct da_clean_facts *facts, struct da_doc_result *out,
                              struct da_err *err)
{
    const struct da_ingest_opts *o = w->opts;
    struct piece piece = {0, 0, 0, 0};
    size_t len = w->clean.len, cut;
    out->status = DA_ST_OK;
    out->truncated = false;
    for (size_t at = 0; at < len;) {
        enum da_rc rc = da_cutter_cut(&w->cutter, w->clean.p + at, len - at, o->max_tokens,
                                      o->hard_cut, &cut, &piece.n_tokens, err);
        if (rc == DA_OK && cut == 0)
            rc = da_fail(err, DA_ELIMIT, "a single character has more than %zu tokens",
                         o->max_tokens);
        if (rc != DA_OK)
            return rc;
        piece.start = at;
        piece.end = at + cut;
        if (o->segments && (at > 0 || piece.end < len))
            piece.number++;
        out->truncated = !o->segments && (piece.end < len || !complete);
        rc = make_piece(w, s, &piece, facts, out, err);
        if (rc != DA_OK)
            return rc;
        at = piece.end;
        while (at < len && (w->clean.p[at] == ' ' || w->clean.p[at] == '\n'))
            at++;
        if (!o->segments)
            break;
    }
    if (out->n_records > 0)
        out->status = DA_ST_OK;
    char hex[DA_SHA256_HEX_LEN + 1];
    da_sha256_hex(w->clean.p, o->segments ? len : piece.end, hex);
    hex[16] = 0;
    out->text_hash = strtoull(hex, NULL, 16);
    return da_buf_check(&out->record, "the record", err);
}

/* Replaces personal data in text and title. */
static void mask(struct da_doc_worker *w)
{
    char *title = w->x.str[DA_XS_TITLE];
    if (!w->opts->mask_pii)
        return;
    da_buf_reset(&w->scratch);
    da_pii_mask(title, strlen(title), &w->scratch);
    da_extracted_set_str(&w->x, DA_XS_TITLE, w->scratch.p, w->scratch.len);
    struct da_buf masked;
    da_buf_init(&masked, w->clean.max);
    da_pii_mask(w->clean.p, w->clean.len, &masked);
    da_buf_release(&w->clean);
    w->clean = masked;
}

/* A document without a title of its own has that of its first heading. */
static void find_title(struct da_doc_worker *w)
{
    struct da_span rest = da_span(w->clean.p, w->clean.len), line;
    if (w->x.str[DA_XS_TITLE][0] != 0)
        return;
    for (int i = 0; i < TITLE_LINES && da_span_split(&rest, '\n', &line); i++) {
        size_t n = 0;
        while (n < line.len && line.p[n] == '#')
            n++;
        if (n > 0 && n <= 3 && n < line.len && line.p[n] == ' ') {
            da_extracted_set_str(&w->x, DA_XS_TITLE, line.p + n, line.len - n);
            return;
        }
    }
}

/* Everything after cleaning. */
static enum da_rc finish(struct da_doc_worker *w, const struct source *s, bool complete,
                         const struct da_clean_facts *facts, struct da_doc_result *out,
                         struct da_err *err)
{
    while (w->clean.len > 0 && w->clean.p[w->clean.len - 1] == '\n')
        da_buf_truncate(&w->clean, w->clean.len - 1);
    if (w->clean.len == 0) {
        fail(out, DA_ST_EMPTY, "no text in it");
        return DA_OK;
    }
    find_title(w);
    mask(w);
    (void)snprintf(out->type, sizeof out->type, "%.*s", DA_TALLY_TYPE_LEN - 1, type_of(&w->x));
    enum da_rc rc = count_source(w, complete, out, err);
    return rc == DA_OK ? make_pieces(w, s, complete, facts, out, err) : rc;
}

enum da_rc da_doc_make(struct da_doc_worker *w, const char *path, const char *rel,
                       struct da_doc_result *out, struct da_err *err)
{
    struct source s = {.fd = -1};
    struct da_clean_facts facts;
    bool complete = true;
    enum da_rc rc = DA_OK;
    da_buf_init(&s.path, 0);
    (void)da_utf8_sanitize(rel, strlen(rel), &s.path);
    da_buf_reset(&out->record);
    da_buf_reset(&out->drops);
    out->detail[0] = 0;
    out->n_records = 0;
    if (!open_source(path, &w->opts->req, &s, out))
        goto out;
    rc = read_text(w, &s, &complete, &facts, err);
    if (rc != DA_OK)
        goto out;
    if (w->x.status != DA_ST_OK)
        fail(out, w->x.status, w->x.detail);
    else
        rc = finish(w, &s, complete, &facts, out, err);
    if (rc == DA_ELIMIT) { /* a character of more tokens than there may be costs its document */
        fail(out, DA_ST_TOO_LARGE, err->msg);
        da_buf_reset(&out->record);
        da_buf_reset(&out->drops);
        out->n_records = 0;
        rc = DA_OK;
    }
out:
    if (s.fd >= 0)
        (void)close(s.fd);
    da_buf_release(&s.path);
    return rc;
}
