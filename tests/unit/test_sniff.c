/* Types by content: the smallest bytes of each format, and texts that look like others. */

#include <string.h>

#include "ingest/sniff.h"
#include "tests/tap.h"

static void file_is(const char *bytes, size_t len, enum da_format want, const char *name)
{
    enum da_format f = da_sniff((const unsigned char *)bytes, len);
    tap_is_str(da_format_info(f)->name, da_format_info(want)->name, "%s", name);
}
#define FILE_IS(bytes, want, name) file_is(bytes, sizeof(bytes) - 1, want, name)

static void text_is(const char *text, enum da_format want, const char *name)
{
    enum da_format f = da_sniff_text(text, strlen(text));
    tap_is_str(da_format_info(f)->name, da_format_info(want)->name, "%s", name);
}

static void test_files(void)
{
    FILE_IS("", DA_FMT_EMPTY, "nothing");
    FILE_IS("%PDF-1.7\n", DA_FMT_PDF, "PDF");
    FILE_IS("junk before\n%PDF-1.4\n", DA_FMT_PDF, "PDF behind other bytes");
    FILE_IS("1 0 obj <<>> endobj startxref 0", DA_FMT_PDF, "PDF without its header");
    FILE_IS("{\\rtf1 x}", DA_FMT_RTF, "RTF");
    FILE_IS("\x89PNG\r\n\x1a\n....", DA_FMT_PNG, "PNG");
    FILE_IS("\xff\xd8\xff\xe0", DA_FMT_JPEG, "JPEG");
    FILE_IS("II*\0", DA_FMT_TIFF, "TIFF");
    FILE_IS("PK\3\4....................mimetypeapplication/vnd.oasis.opendocument.text",
            DA_FMT_ODT, "ODT");
    FILE_IS("PK\3\4....................mimetypeapplication/epub+zip", DA_FMT_EPUB, "EPUB");
    FILE_IS("PK\3\4..........[Content_Types].xml....word/document.xml", DA_FMT_DOCX, "DOCX");
    FILE_IS("PK\3\4..........ppt/presentation.xml", DA_FMT_PPTX, "PPTX");
    FILE_IS("PK\3\4..........xl/workbook.xml", DA_FMT_XLSX, "XLSX");
    FILE_IS("PK\3\4..........holiday.jpg", DA_FMT_ZIP, "some zip");
    FILE_IS("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1..W\0o\0r\0d\0D\0o\0c\0u\0m\0e\0n\0t\0",
            DA_FMT_OLE_DOC, "DOC");
    FILE_IS("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
            "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", DA_FMT_OLE_ENCRYPTED,
            "an encrypted office document");
    FILE_IS("\0\1\2\3\4\5\6\7\x08\x0e", DA_FMT_BINARY, "binary");
    FILE_IS("\x7f" "ELF\2\1\1\0\0\0\0\0\0\0\0\0", DA_FMT_BINARY, "a program");
    FILE_IS("plain words", DA_FMT_TEXT, "text");
    FILE_IS("\xff\xfeh\0i\0", DA_FMT_TEXT, "UTF-16 with a mark");
    FILE_IS("\x1f\x04@\x04" "8\x04" "2\x04" "5\x04" "B\x04 \0<\x04" "8\x04@\x04", DA_FMT_TEXT,
            "UTF-16 without a mark, in Russian");
    FILE_IS("\0\0\x04\x1f\0\0\x04@\0\0\0 \0\0\x04<", DA_FMT_TEXT, "UTF-32 without a mark");
    FILE_IS("\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\x08", DA_FMT_BINARY, "numbers of two bytes");
    FILE_IS("h\0e\0l\0l\0o\0 \0w\0o\0r\0l\0d\0.\0", DA_FMT_TEXT, "UTF-16 without a mark");
    FILE_IS("\0\0\xfe\xff\0\0\0h", DA_FMT_TEXT, "UTF-32 with a mark");
    FILE_IS("caf\xe9", DA_FMT_TEXT, "Latin-1");
}

static void test_texts(void)
{
    text_is("<!DOCTYPE html><p>x", DA_FMT_HTML, "HTML");
    text_is("  <!-- c -->\n<html>", DA_FMT_HTML, "HTML behind a comment");
    text_is("<?xml version=\"1.0\"?>\n<html xmlns=\"x\">", DA_FMT_XHTML, "XHTML");
    text_is("<?xml version=\"1.0\"?><feed/>", DA_FMT_XML, "XML");
    text_is("<h1>x</h1>", DA_FMT_HTML, "a fragment");
    text_is("a < b and c > d", DA_FMT_TEXT, "angle brackets");
    text_is("From: a@b.c\nTo: d@e.f\nSubject: x\n\nHello", DA_FMT_EML, "mail");
    text_is("Note: this\nis not mail: it has\ncolons", DA_FMT_TEXT, "not mail");
    text_is("a,b,c\n1,2,3\n4,5,6\n", DA_FMT_CSV, "CSV");
    text_is("a;b;c\n1;2;3\n", DA_FMT_CSV, "CSV with semicolons");
    text_is("a\tb\n1\t2\n", DA_FMT_TSV, "TSV");
    text_is("name,\"x, y\"\nz,\"1, 2\"\nu,v\n", DA_FMT_CSV, "quoted commas");
    text_is("Dear Sir, I write to you.\nIt rained, and it was cold.\n", DA_FMT_TEXT,
            "prose with commas");
    text_is("# T\n\n- a\n- b\n\n[x](y)\n", DA_FMT_MARKDOWN, "Markdown");
    text_is("Title\n=====\n\nSome **bold** words.\n\nSub\n---\n", DA_FMT_MARKDOWN,
            "Markdown with underlines");
    text_is("Just a line.\nAnother line.\n", DA_FMT_TEXT, "plain");
    text_is("# a shell comment\necho hi\n", DA_FMT_TEXT, "one sign is not enough");
}

int main(void)
{
    test_files();
    test_texts();
    return tap_done();
}
