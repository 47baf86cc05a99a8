/* The parsers that are ours: separated values, RTF, mail, and the writer of Markdown-like text. */

#include <stdio.h>
#include <string.h>

#include "common/utf8.h"
#include "ingest/sepvals.h"
#include "ingest/eml.h"
#include "ingest/mdtext.h"
#include "ingest/rtf.h"
#include "tests/tap.h"

/* Stands for iconv: Latin-1 to UTF-8, and the name of the set in front of others. */
static void decode(void *ctx, const char *charset, const char *p, size_t len, struct da_buf *out)
{
    (void)ctx;
    if (strcmp(charset, "utf-8") == 0 || charset[0] == 0) {
        da_buf_add(out, p, len);
        return;
    }
    if (strcmp(charset, "cp1252") != 0 && strcmp(charset, "iso-8859-1") != 0)
        da_buf_addf(out, "<%s>", charset);
    for (size_t i = 0; i < len; i++)
        da_buf_add_utf8(out, (unsigned char)p[i]);
}

static void html(void *ctx, const char *p, size_t len, struct da_buf *out)
{
    (void)ctx;
    da_buf_add_str(out, "HTML:");
    da_buf_add(out, p, len);
}

static void csv_is(const char *in, const char *want, const char *name)
{
    struct da_buf b;
    size_t used;
    da_buf_init(&b, 0);
    (void)da_sepvals_write(in, strlen(in), da_sepvals_separator(in, strlen(in)), 0, &b, &used);
    tap_is_str(b.p, want, "%s", name);
    da_buf_release(&b);
}

static void test_csv(void)
{
    csv_is("a,b\n1,2\n", "a | b\n1 | 2\n", "commas");
    csv_is("a;b\n1,5;2\n", "a | b\n1,5 | 2\n", "semicolons, with decimal commas");
    csv_is("a\tb\r\n1\t2\r\n", "a | b\n1 | 2\n", "tabs, CR LF");
    csv_is("a,\"x, \"\"y\"\"\nz\"\n1,2\n", "a | x, \"y\" z\n1 | 2\n", "quotes, a line in a cell");
    csv_is("a,,b\n,,\n1,,\n", "a | | b\n1\n", "empty cells and rows");
    csv_is("", "", "nothing");
    csv_is("a,\"never closed\n1,2\n", "a | \"never closed\n1 | 2\n", "an open quote");
}

static void rtf_is(const char *in, const char *want, const char *name)
{
    const struct da_rtf_hooks hooks = {NULL, decode};
    struct da_rtf_facts facts;
    struct da_buf b;
    da_buf_init(&b, 0);
    da_rtf_write(in, strlen(in), 0, &hooks, &b, &facts);
    tap_is_str(b.p, want, "%s", name);
    da_buf_release(&b);
}

static void test_rtf(void)
{
    rtf_is("{\\rtf1\\ansi One.\\par Two\\line three\\par}", "One.\n\nTwo\nthree\n", "paragraphs");
    rtf_is("{\\rtf1{\\fonttbl{\\f0 Times;}}{\\stylesheet{\\s1 heading;}}{\\*\\gen x;}Text}",
           "Text\n", "tables and unknown destinations are left out");
    rtf_is("{\\rtf1\\ansicpg1252 caf\\'e9 \\u233?x \\u-10179?\\u-8704? \\emdash\\~y}",
           "caf\xc3\xa9 \xc3\xa9x \xf0\x9f\x98\x80 \xe2\x80\x94 y\n", "characters");
    rtf_is("{\\rtf1{\\fonttbl{\\f1\\fcharset204 A;}}\\f1\\'cf\\'f0}", "<cp1251>\xc3\x8f\xc3\xb0\n",
           "a font's code page, bytes together");
    rtf_is("{\\rtf1\\uc2\\u8364ab{\\uc0\\u8364}c}", "\xe2\x82\xac\xe2\x82\xac" "c\n",
           "characters passed over");
    rtf_is("{\\rtf1\\pard\\outlinelevel1 H\\par\\pard Text\\par}", "## H\n\nText\n", "a heading");
    rtf_is("{\\rtf1\\trowd\\intbl a\\cell b\\cell\\row\\intbl c\\cell\\cell\\row\\pard x\\par}",
           "a | b\nc\n\nx\n", "a table");
    rtf_is("{\\rtf1{\\listtext\\bullet\\tab}\\ls1 one\\par{\\listtext\\tab}\\ls1 two\\par}",
           "- one\n- two\n", "a list");
    rtf_is("{\\rtf1 a{\\pict 0102}{\\header h}{\\*\\annotation c}b\\bin3 }}{c}", "abc\n",
           "pictures, margins, raw bytes");
    rtf_is("{\\rtf1 \\", "", "cut in a control");
    rtf_is("}}}{{{\\rtf1 x", "x\n", "braces that do not match");
}

static void eml_is(const char *in, const char *want, const char *name)
{
    const struct da_eml_hooks hooks = {NULL, decode, html};
    struct da_eml_facts facts;
    struct da_buf b;
    da_buf_init(&b, 0);
    da_eml_write(in, strlen(in), &hooks, &b, &facts);
    tap_is_str(b.p, want, "%s", name);
    da_buf_release(&b);
}

static void test_eml(void)
{
    eml_is("From: a@b\nX-Y: z\nSubject: Hi\n there\nTo: c@d\n\nBody\n",
           "From: a@b\nTo: c@d\nSubject: Hi there\n\nBody\n\n", "headers people read, folded");
    eml_is("Subject: =?iso-8859-1?Q?caf=E9_x?= =?utf-8?B?w6k=?= y\n\n.",
           "Subject: caf\xc3\xa9 x\xc3\xa9 y\n\n.\n", "encoded words");
    eml_is("Content-Transfer-Encoding: base64\n\nSGVsbG8sIHdv\ncmxkIQ==\n", "\nHello, world!\n",
           "base64");
    eml_is("Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; "
           "charset=\"iso-8859-1\"\n\na=E9=\nb=3D\n",
           "\na\xc3\xa9" "b=\n\n", "quoted-printable in Latin-1");
    eml_is("Content-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/html\n\n"
           "<p>\n--x\n\nplain\n--x--\n",
           "\nplain\n\n", "of alternatives the plain one");
    eml_is("Content-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/html\n\n"
           "<p>\n--x--\n",
           "\nHTML:<p>\n\n", "else HTML");
    eml_is("Content-Type: multipart/mixed; boundary=\"a b\"\n\npreamble\n--a b\n\nText\n--a b\n"
           "Content-Type: image/png; name=\"p.png\"\n\nxx\n--a b\nContent-Disposition: attachment;"
           " filename*=utf-8''n%20%C3%A9.pdf\n\nyy\n--a b--\n",
           "\nText\n\n\nAttachments: p.png, n \xc3\xa9.pdf\n", "attachments are named");
    eml_is("Content-Type: message/rfc822\n\nSubject: inner\n\nx\n",
           "\n---\n\nSubject: inner\n\nx\n\n", "a message in a message");
    eml_is("", "\n\n", "nothing");
}

static void test_md(void)
{
    struct da_md md;
    struct da_buf b;
    da_buf_init(&b, 0);
    da_md_init(&md, &b);
    da_md_block(&md, DA_MD_HEADING, 2, 0);
    da_md_str(&md, " A\n heading ");
    da_md_para(&md);
    da_md_para(&md);
    da_md_str(&md, "Text");
    da_md_br(&md);
    da_md_str(&md, "more");
    da_md_block(&md, DA_MD_ITEM, 0, 0);
    da_md_str(&md, "one");
    da_md_block(&md, DA_MD_ITEM, 1, 3);
    da_md_str(&md, "two");
    da_md_row_begin(&md);
    da_md_cell(&md);
    da_md_row_end(&md);
    da_md_row_begin(&md);
    da_md_cell(&md);
    da_md_str(&md, "a");
    da_md_cell(&md);
    da_md_para(&md);
    da_md_str(&md, "b");
    da_md_row_end(&md);
    da_md_block(&md, DA_MD_PRE, 0, 0);
    da_md_str(&md, "x  y\n  z\n");
    da_md_end(&md);
    tap_is_str(b.p, "## A heading\n\nText\nmore\n\n- one\n  3. two\n\na | b\n\nx  y\n  z\n",
               "blocks, lists, rows, kept lines");
    tap_is_int((long long)md.n_rows, 1, "rows with text");
    da_buf_release(&b);
}

int main(void)
{
    test_csv();
    test_rtf();
    test_eml();
    test_md();
    return tap_done();
}
