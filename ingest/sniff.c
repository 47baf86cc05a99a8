/*
 * See sniff.h. Signatures from the formats' specifications; for zip containers the names in the
 * central directory (APPNOTE 4.3.12) tell, for compound files (MS-CFB) the stream names.
 */

#include "ingest/sniff.h"

#include <stdint.h>
#include <string.h>

#include "common/attr.h"
#include "common/span.h"
#include "common/utf8.h"
#include "text/uclass.h"

enum { WIDE_WINDOW = 65536 };

static const struct da_format_info infos[DA_FMT_COUNT] = {
    [DA_FMT_EMPTY] = {"empty file", "application/x-empty", false},
    [DA_FMT_PDF] = {"PDF", "application/pdf", false},
    [DA_FMT_HTML] = {"HTML", "text/html", false},
    [DA_FMT_XHTML] = {"XHTML", "application/xhtml+xml", false},
    [DA_FMT_TEXT] = {"plain text", "text/plain", false},
    [DA_FMT_MARKDOWN] = {"Markdown", "text/markdown", false},
    [DA_FMT_CSV] = {"comma-separated values", "text/csv", false},
    [DA_FMT_TSV] = {"tab-separated values", "text/tab-separated-values", false},
    [DA_FMT_EML] = {"e-mail message", "message/rfc822", false},
    [DA_FMT_RTF] = {"Rich Text Format", "application/rtf", false},
    [DA_FMT_DOCX] = {"Word document (docx)",
                     "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                     false},
    [DA_FMT_PPTX] = {"PowerPoint presentation (pptx)",
                     "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                     false},
    [DA_FMT_XLSX] = {"Excel workbook (xlsx)",
                     "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false},
    [DA_FMT_ODT] = {"OpenDocument text (odt)", "application/vnd.oasis.opendocument.text", false},
    [DA_FMT_ODP] = {"OpenDocument presentation (odp)",
                    "application/vnd.oasis.opendocument.presentation", false},
    [DA_FMT_ODS] = {"OpenDocument spreadsheet (ods)",
                    "application/vnd.oasis.opendocument.spreadsheet", false},
    [DA_FMT_EPUB] = {"EPUB", "application/epub+zip", false},
    [DA_FMT_ZIP] = {"zip archive", "application/zip", false},
    [DA_FMT_OLE_DOC] = {"Word 97-2003 document (doc)", "application/msword", false},
    [DA_FMT_OLE_XLS] = {"Excel 97-2003 workbook (xls)", "application/vnd.ms-excel", false},
    [DA_FMT_OLE_PPT] = {"PowerPoint 97-2003 presentation (ppt)", "application/vnd.ms-powerpoint",
                        false},
    [DA_FMT_OLE_ENCRYPTED] = {"encrypted Office document", "application/encrypted", false},
    [DA_FMT_OLE] = {"compound file", "application/x-ole-storage", false},
    [DA_FMT_PNG] = {"PNG image", "image/png", true},
    [DA_FMT_JPEG] = {"JPEG image", "image/jpeg", true},
    [DA_FMT_TIFF] = {"TIFF image", "image/tiff", true},
    [DA_FMT_GIF] = {"GIF image", "image/gif", true},
    [DA_FMT_BMP] = {"BMP image", "image/bmp", true},
    [DA_FMT_WEBP] = {"WebP image", "image/webp", true},
    [DA_FMT_XML] = {"XML", "application/xml", false},
    [DA_FMT_BINARY] = {"binary data of an unknown format", "application/octet-stream", false},
};

const struct da_format_info *da_format_info(enum da_format f)
{
    return &infos[f < DA_FMT_COUNT ? f : DA_FMT_BINARY];
}

/* Offset of needle in p[0..len), or len. */
static size_t find(const unsigned char *p, size_t len, const void *needle, size_t n)
{
    const unsigned char *at = p, *end = p + len, *nd = needle;
    while ((size_t)(end - at) >= n && (at = memchr(at, nd[0], (size_t)(end - at) - n + 1))) {
        if (memcmp(at, needle, n) == 0)
            return (size_t)(at - p);
        at++;
    }
    return len;
}

static bool has(const unsigned char *p, size_t len, const char *needle)
{
    return find(p, len, needle, strlen(needle)) < len;
}

/* A compound file's stream names are UTF-16LE. */
static bool has_utf16(const unsigned char *p, size_t len, const char *name)
{
    char wide[64];
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++) {
        wide[2 * i] = name[i];
        wide[2 * i + 1] = 0;
    }
    return find(p, len, wide, 2 * n) < len;
}

enum { ZIP_DIR_WINDOW = 4 << 20 }; /* central directories of real documents are far smaller */

static enum da_format sniff_zip(const unsigned char *p, size_t len)
{
    static const struct {
        const char *text;
        enum da_format f;
    } mimes[] = {
        {"application/vnd.oasis.opendocument.text", DA_FMT_ODT},
        {"application/vnd.oasis.opendocument.presentation", DA_FMT_ODP},
        {"application/vnd.oasis.opendocument.spreadsheet", DA_FMT_ODS},
        {"application/epub+zip", DA_FMT_EPUB},
    };
    static const struct {
        const char *text;
        enum da_format f;
    } names[] = {
        {"word/document", DA_FMT_DOCX},     {"ppt/presentation", DA_FMT_PPTX},
        {"xl/workbook", DA_FMT_XLSX},       {"META-INF/container.xml", DA_FMT_EPUB},
        /* of a file that was cut before its main part */
        {"word/_rels/", DA_FMT_DOCX},       {"ppt/_rels/", DA_FMT_PPTX},
        {"xl/_rels/", DA_FMT_XLSX},
    };
    size_t head = len < 256 ? len : 256;
    for (size_t i = 0; i < DA_ARRAY_LEN(mimes); i++)
        if (has(p, head, mimes[i].text))
            return mimes[i].f;
    size_t window = len < ZIP_DIR_WINDOW ? len : ZIP_DIR_WINDOW;
    const unsigned char *tail = p + (len - window);
    for (size_t i = 0; i < DA_ARRAY_LEN(names); i++)
        if (has(tail, window, names[i].text))
            return names[i].f;
    return DA_FMT_ZIP;
}

static enum da_format sniff_ole(const unsigned char *p, size_t len)
{
    if (has_utf16(p, len, "EncryptedPackage"))
        return DA_FMT_OLE_ENCRYPTED;
    if (has_utf16(p, len, "WordDocument"))
        return DA_FMT_OLE_DOC;
    if (has_utf16(p, len, "PowerPoint Document"))
        return DA_FMT_OLE_PPT;
    if (has_utf16(p, len, "Workbook") || has_utf16(p, len, "Book"))
        return DA_FMT_OLE_XLS;
    return DA_FMT_OLE;
}

struct magic {
    const char *bytes;
    size_t len;
    enum da_format f;
};

#define MAGIC(s, f) {s, sizeof(s) - 1, f}
static const struct magic magics[] = {
    MAGIC("%PDF-", DA_FMT_PDF),
    MAGIC("{\\rtf", DA_FMT_RTF),
    MAGIC("\x89PNG\r\n\x1a\n", DA_FMT_PNG),
    MAGIC("\xff\xd8\xff", DA_FMT_JPEG),
    MAGIC("II*\0", DA_FMT_TIFF),
    MAGIC("MM\0*", DA_FMT_TIFF),
    MAGIC("GIF87a", DA_FMT_GIF),
    MAGIC("GIF89a", DA_FMT_GIF),
};

/* A PDF whose header is damaged or stands behind other bytes: readers accept it within the
 * first 1024 bytes (ISO 32000-1 annex H.3), or find the objects from the end. */
static bool is_late_pdf(const unsigned char *p, size_t len)
{
    size_t head = len < 1024 ? len : 1024;
    if (has(p, head, "%PDF-"))
        return true;
    size_t tail = len < 2048 ? len : 2048;
    return has(p, head, " obj") && has(p + len - tail, tail, "startxref");
}

/* A character of UTF-16 or UTF-32 at p; returns its bytes. Unpaired surrogates give U+FFFD. */
static size_t wide_char(const unsigned char *p, size_t len, enum da_wide w, uint32_t *cp)
{
    if (w == DA_WIDE_32LE || w == DA_WIDE_32BE) {
        *cp = w == DA_WIDE_32LE ? (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | p[1] << 8 | p[0]
                                : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | p[2] << 8 | p[3];
        return 4;
    }
    int hi = w == DA_WIDE_16LE;
    uint32_t u = (uint32_t)(p[hi] << 8 | p[1 - hi]);
    *cp = u >= 0xd800 && u < 0xe000 ? DA_UTF8_REPLACEMENT : u;
    if (u < 0xd800 || u >= 0xdc00 || len < 4)
        return 2;
    uint32_t v = (uint32_t)(p[2 + hi] << 8 | p[3 - hi]);
    if (v < 0xdc00 || v >= 0xe000)
        return 2;
    *cp = 0x10000 + ((u - 0xd800) << 10) + (v - 0xdc00);
    return 4;
}

/* Space and line end are what text in any script has, and what the other byte order has not. */
struct wide_counts {
    size_t n, n_bad, n_letter, n_space, n_ascii;
};

static struct wide_counts count_wide(const unsigned char *p, size_t len, enum da_wide w)
{
    struct wide_counts c = {0, 0, 0, 0, 0};
    size_t unit = w == DA_WIDE_32LE || w == DA_WIDE_32BE ? 4 : 2;
    for (size_t i = 0; i + unit <= len; c.n++) {
        uint32_t cp;
        i += wide_char(p + i, len - i, w, &cp);
        bool space = cp == ' ' || cp == '\n' || cp == '\r' || cp == '\t' || cp == 0x3000;
        c.n_space += space;
        c.n_ascii += cp > ' ' && cp < 0x7f;
        c.n_letter += cp < 0x110000 && (da_uclass_is_letter(cp) || da_uclass_is_mark(cp));
        c.n_bad += !space && (cp < 32 || cp >= 0x110000 || cp == DA_UTF8_REPLACEMENT ||
                              (cp >= 0x7f && cp < 0xa0) || (cp >= 0xd800 && cp < 0xf900) ||
                              (cp & 0xfffe) == 0xfffe);
    }
    return c;
}

enum da_wide da_sniff_wide(const unsigned char *p, size_t len)
{
    struct wide_counts best = {0, 0, 0, 0, 0};
    enum da_wide found = DA_WIDE_NO;
    size_t n = len < WIDE_WINDOW ? len & ~(size_t)3 : WIDE_WINDOW;
    if (len >= 4 && memcmp(p, "\xff\xfe\0\0", 4) == 0)
        return DA_WIDE_32LE;
    if (len >= 4 && memcmp(p, "\0\0\xfe\xff", 4) == 0)
        return DA_WIDE_32BE;
    if (len >= 2 && (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0))
        return p[0] == 0xff ? DA_WIDE_16LE : DA_WIDE_16BE;
    if (memchr(p, 0, n) == NULL)
        return DA_WIDE_NO;
    if (len < 4)
        n = len;
    for (int w = DA_WIDE_32LE; w <= DA_WIDE_16BE; w++) {
        struct wide_counts c = count_wide(p, n, (enum da_wide)w);
        bool text = c.n_letter > 0 && c.n_bad * 200 <= c.n &&
                    (c.n_letter + c.n_space) * 2 > c.n && (c.n_space > 0 || c.n_ascii * 2 > c.n);
        if (text && (c.n_space + c.n_letter > best.n_space + best.n_letter ||
                     (c.n_space > 2 * best.n_space && c.n >= best.n))) {
            best = c;
            found = (enum da_wide)w;
        }
    }
    return found;
}

static bool is_binary(const unsigned char *p, size_t len)
{
    size_t n = len < 65536 ? len : 65536, n_ctrl = 0, n_nul = 0;
    enum da_wide w = da_sniff_wide(p, len);
    if (w != DA_WIDE_NO) {
        struct wide_counts c = count_wide(p, n & ~(size_t)3, w);
        return c.n_bad * 20 > c.n;
    }
    for (size_t i = 0; i < n; i++) {
        n_nul += p[i] == 0;
        n_ctrl += p[i] < 32 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r' && p[i] != '\f' &&
                  p[i] != 27 && p[i] != 0;
    }
    return n_nul > 0 || n_ctrl * 20 > n;
}

enum da_format da_sniff(const unsigned char *p, size_t len)
{
    if (len == 0)
        return DA_FMT_EMPTY;
    for (size_t i = 0; i < DA_ARRAY_LEN(magics); i++)
        if (len >= magics[i].len && memcmp(p, magics[i].bytes, magics[i].len) == 0)
            return magics[i].f;
    if (len >= 4 && memcmp(p, "PK\x03\x04", 4) == 0)
        return sniff_zip(p, len);
    if (len >= 8 && memcmp(p, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) == 0)
        return sniff_ole(p, len);
    if (len >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0)
        return DA_FMT_WEBP;
    if (len >= 26 && memcmp(p, "BM", 2) == 0 && p[6] == 0 && p[7] == 0 && p[8] == 0 && p[9] == 0)
        return DA_FMT_BMP;
    if (is_late_pdf(p, len))
        return DA_FMT_PDF;
    return is_binary(p, len) ? DA_FMT_BINARY : DA_FMT_TEXT;
}

/* --- decoded text --- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool starts_nocase(struct da_span s, const char *word)
{
    size_t n = strlen(word);
    if (s.len < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower(s.p[i]) != word[i])
            return false;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct da_span skip(struct da_span s, size_t n)
{
    return da_span(s.p + n, s.len - n);
}

/* Past white space, comments, processing instructions. *xml: an XML declaration was there. */
static struct da_span skip_prolog(struct da_span s, bool *xml)
{
    for (;;) {
        while (s.len > 0 && is_space(s.p[0]))
            s = skip(s, 1);
        const char *end = NULL;
        if (da_span_starts(s, "<?xml"))
            *xml = true;
        if (da_span_starts(s, "<!--"))
            end = "-->";
        else if (da_span_starts(s, "<?"))
            end = "?>";
        size_t at = end != NULL ? da_span_find(s, da_span_str(end)) : s.len;
        if (at == s.len)
            return s;
        s = skip(s, at + strlen(end));
    }
}

static enum da_format sniff_markup(struct da_span s)
{
    static const char *const tags[] = {
        "<!doctype html", "<html",  "<head", "<body", "<title", "<meta", "<script", "<style",
        "<div",           "<p>",    "<p ",   "<h1",   "<h2",    "<table", "<ul",    "<ol",
        "<article",       "<center", "<font", "<br",  "<a ",    "<iframe",
    };
    bool xml = false;
    s = skip_prolog(s, &xml);
    bool html = false;
    for (size_t i = 0; i < DA_ARRAY_LEN(tags); i++)
        html = html || starts_nocase(s, tags[i]);
    if (html)
        return xml ? DA_FMT_XHTML : DA_FMT_HTML;
    if (xml || starts_nocase(s, "<!doctype"))
        return DA_FMT_XML;
    return DA_FMT_TEXT;
}

/* "Name: value" lines of RFC 5322 at the start, two of them well known. */
static bool is_mail(struct da_span s)
{
    static const char *const known[] = {"from:", "to:", "subject:", "date:", "received:",
                                        "message-id:", "mime-version:", "return-path:",
                                        "delivered-to:", "content-type:", "reply-to:", "cc:"};
    size_t n_known = 0, n_lines = 0;
    bool strong = false;
    struct da_span line;
    while (n_lines < 64 && da_span_split(&s, '\n', &line)) {
        if (line.len > 0 && line.p[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0)
            break;
        if (n_lines++ == 0 && da_span_starts(line, "From "))
            continue;
        if (is_space(line.p[0]) && n_lines > 1)
            continue;
        size_t i = 0;
        while (i < line.len && line.p[i] > 32 && line.p[i] < 127 && line.p[i] != ':')
            i++;
        if (i == 0 || i == line.len || line.p[i] != ':')
            return false;
        for (size_t k = 0; k < DA_ARRAY_LEN(known); k++)
            n_known += starts_nocase(line, known[k]);
        strong = strong || starts_nocase(line, "from:") || starts_nocase(line, "received:") ||
                 starts_nocase(line, "mime-version:") || starts_nocase(line, "message-id:");
    }
    return strong && n_known >= 2 && n_known * 4 >= n_lines;
}

/* Signs of Markdown: needs two kinds, or one kind often. */
static bool is_markdown(struct da_span s)
{
    size_t heads = 0, fences = 0, links = 0, lists = 0, tables = 0, bold = 0, rules = 0, n = 0;
    struct da_span line, prev = {NULL, 0};
    while (n < 400 && da_span_split(&s, '\n', &line)) {
        n++;
        struct da_span t = da_span_trim(line);
        size_t h = 0;
        while (h < t.len && t.p[h] == '#')
            h++;
        heads += h >= 1 && h <= 6 && h < t.len && t.p[h] == ' ';
        rules += prev.len > 0 && t.len >= 3 && (t.p[0] == '=' || t.p[0] == '-') &&
                 t.p[t.len - 1] == t.p[0] && t.p[t.len / 2] == t.p[0];
        fences += da_span_starts(t, "```") || da_span_starts(t, "~~~");
        lists += t.len > 2 && (t.p[0] == '-' || t.p[0] == '*' || t.p[0] == '+') && t.p[1] == ' ';
        links += da_span_find(t, da_span_str("](")) < t.len;
        bold += da_span_find(t, da_span_str("**")) < t.len;
        tables += t.len > 4 && t.p[0] == '|' && t.p[t.len - 1] == '|';
        prev = t;
    }
    unsigned kinds = (heads >= 1) + (fences >= 2) + (links >= 1) + (lists >= 2) + (tables >= 2) +
                     (bold >= 1) + (rules >= 1);
    return (heads >= 1 || links >= 1 || fences >= 2 || tables >= 2 || rules >= 2) && kinds >= 2;
}

/* Fields in a line outside quotes, or 0 when a quote stays open. */
static size_t count_fields(struct da_span line, char sep)
{
    size_t n = 1;
    bool quoted = false;
    for (size_t i = 0; i < line.len; i++) {
        if (line.p[i] == '"')
            quoted = !quoted;
        n += line.p[i] == sep && !quoted;
    }
    return quoted ? 0 : n;
}

/* Every line has the same number of fields, at least two, in at least two lines. */
static bool is_separated(struct da_span s, char sep)
{
    size_t n_lines = 0, fields = 0, n_long = 0;
    struct da_span line;
    while (n_lines < 200 && da_span_split(&s, '\n', &line)) {
        line = da_span_trim(line);
        if (line.len == 0)
            continue;
        size_t n = count_fields(line, sep);
        if (n < 2 || (fields != 0 && n != fields))
            return false;
        fields = n;
        n_lines++;
        /* running text that happens to have one comma a line is no table */
        n_long += line.len > 40 * n && da_span_find(line, da_span_str(", ")) < line.len;
    }
    return n_lines >= 2 && n_long * 2 < n_lines && !(fields == 2 && sep == ',' && n_lines < 3);
}

enum da_format da_sniff_text(const char *p, size_t len)
{
    struct da_span s = da_span(p, len < 262144 ? len : 262144);
    enum da_format f = sniff_markup(s);
    if (f != DA_FMT_TEXT)
        return f;
    if (is_mail(s))
        return DA_FMT_EML;
    if (is_separated(s, '\t'))
        return DA_FMT_TSV;
    if (is_separated(s, ',') || is_separated(s, ';'))
        return DA_FMT_CSV;
    return is_markdown(s) ? DA_FMT_MARKDOWN : DA_FMT_TEXT;
}
