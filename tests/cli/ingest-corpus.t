#!/bin/sh
# docassist ingest over the shared documents: the status each must have, and why. Written from
# looking at the files; without OCR, so that the table does not depend on what is installed.
. "$(dirname "$0")/lib.sh"

docs=$(shared docs/files) || skip_all "shared material is not here"
case $(docassist-extract --version) in
*pdf*html*charset*office*seccomp*) ;;
*) skip_all "built without some of the libraries" ;;
esac

cat >table <<'END'
ok                 chard_EUC-JP_ude_1.txt  Japanese prose in EUC-JP: every byte pair maps to kana or kanji
ok                 chard_IBM866_ude_1.txt  Russian prose in code page 866, where KOI8-R or 1251 would give rare letters
ok                 chard_iso-8859-9-turkish_ude_2.txt  Turkish with dotless i in ISO-8859-9, which windows-1254 contains
ok                 chard_windows-1255-hebrew_ude_he2.txt  Hebrew letters without points in windows-1255
ok                 chno_CHANGELOG.md  Markdown of 18 kB; its links and headings are text
ok                 docl_2305.03393v1-pg9.pdf  one page of an article with a table; fonts without maps but with names of glyphs
ok                 docl_code_and_formula.pdf  two pages of prose, a program and a formula, all mapped
ok                 docl_eml_simple.eml  a mail of one text/plain part
ok                 docl_eml_with_attachment.eml  a multipart mail: its text is read, test.txt is only named
unsupported        docl_legacy_sample.xls  an OLE2 file with a Workbook stream: Excel 97 is not read
ok                 docl_lorem_ipsum.docx  nine paragraphs, nothing else
needs_ocr          docl_ocr_test.pdf  no font at all, one picture over the whole page
ok                 docl_odf_presentation_01.odp  three slides with a table, lists and notes
ok                 docl_powerpoint_bad_text.pptx  one slide whose title is broken into lines (a:br)
ok                 docl_powerpoint_comments.pptx  three slides; the comments beside them are not the text
ok                 docl_powerpoint_sample.pptx  three slides with a table of merged cells, lists and notes
ok                 docl_redp5110_sampled.pdf  18 of a book's pages with text; 18 screenshots among them do not matter
ok                 docl_right_to_left_01.pdf  a page of Arabic, mapped; lam-alef as one glyph of two letters
ok                 docl_table_mislabeled_as_picture.pdf  two facing pages on a sheet, drawn as text, not as a picture
ok                 grob_Wang-paperAVE2008.pdf  five pages in two columns; the three pictures are figures
ok                 mail_attachment_message_rfc822.eml  the mail inside message/rfc822 is text, its broken.pdf is named
ok                 mkit_RECEIPT-2024-TXN-98765_retail_purchase.pdf  a till receipt set as text; the one picture is its logo
ok                 mkit_REPAIR-2022-INV-001_multipage.pdf  an invoice printed from Excel: rows of short text, two logos
ok                 mkit_test.docx  a paper's first pages; its one picture is not needed
ok                 mkit_test.epub  two chapters in the order of the spine, and a nav.xhtml that is left out
ok                 mkit_test.pdf  a page of LaTeX with Type 1 fonts, all mapped
ok                 mkit_test_mskanji.csv  70 bytes of Shift-JIS; a character of NEC's rows makes it cp932
ok                 mkit_test_wikipedia.html  an article of 394 kB, of which navigation is more than half
ok                 mupdf_2201.00069.pdf  a page of a journal in two columns, all mapped
ok                 mupdf_text-find-ligatures.pdf  "flag" once with the glyph fl, once with f and l
ok                 ocrm_truetype_font_nomapping.pdf  draws "Phone" with codes that read "7+%-: as ASCII, nothing shows that they are wrong
ok                 opf_020806.pdf  six pages of a poster abstract, in standard fonts
ok                 opf_176446.pdf  18 pages of a speech; fonts without maps, but with standard encodings
ok                 opf_195981.pdf  101 pages of a guide; an outline and an empty form are all that is unusual
ok                 opf_225188.pdf  a one-page list of agents in two columns
ok                 opf_503492.pdf  a one-page abstract in standard fonts
ok                 opf_T01_006_header-invalid-syntax-no-pdf.pdf  begins with "%1.4" for "%PDF-1.4"; every object is whole
corrupt            opf_T02-01_001_document-catalog-No-document-catalog.pdf  /Root names an object that is not there; no pages without it
duplicate          opf_T02-05-01_014_endstream-keyword-missing.pdf  endstream is missing and repaired; says "Hello PDF-world!" as T01_006
ok                 opf_calistoMTNoFontsEmbedded.pdf  the font is not embedded, its encoding is WinAnsi: the text needs no outlines
ok                 opf_encryption_nocopy.pdf  AES with an owner's password: the empty user's password opens it
duplicate          opf_encryption_notextaccess.pdf  as encryption_nocopy with one permission less: the same text
unsupported        opf_lorem-ipsum.doc  an OLE2 file with a WordDocument stream: Word 97 is not read
ok                 opf_lorem-ipsum.docx  16 paragraphs of plain text; cut at 995 tokens
duplicate          opf_lorem-ipsum.htm  its first 995 tokens are those of lorem-ipsum.docx
needs_ocr          opf_lorem-ipsum.im.jpg  a picture of the same page, 600 by 855 pixels
ok                 opf_lorem-ipsum.oo3.2.export.pdf  the page with a heading where the docx has a paragraph: no copy
ok                 opf_lorem-ipsum.oo3.2.odt  the same text with a real heading: no copy of the docx or the PDF
duplicate          opf_lorem-ipsum.pdf  its first 995 tokens are those of lorem-ipsum.docx
duplicate          opf_lorem-ipsum.rtf  its first 995 tokens are those of lorem-ipsum.docx
ok                 pando_pandoc-testsuite.md  Markdown, with HTML in it that stays as it is
ok                 pando_tableWithCaption.odt  a table of two rows and its caption
ok                 pando_tables.docx  three small tables between headings
ok                 pando_unicode.docx  one line in three scripts, cut into several w:t
ok                 pando_wasteland.epub  a poem with Greek, and notes at its end
ok                 pbox_PDFBOX-3038-001033-p2.pdf  a page of a speech, double-spaced, with footnotes; loose kerning
ok                 pbox_PDFBOX-4531-bidi-ligature-1.pdf  Hebrew and Arabic, one presentation form each
duplicate          pbox_PDFBOX-4531-bidi-ligature-2.pdf  the same two words made by another program
ok                 pbox_openoffice-test-document.pdf  the word "Test"
ok                 pdfjs_160F-2019.pdf  a Luxembourg tax form: its labels are text, its fields are empty
ok                 pdfjs_S2.pdf  a figure of pictures, with 9 labels as text: little, but text
needs_ocr          pdfjs_TAMReview.pdf  a cover in Latin, then 22 pages whose subset fonts map to control characters
ok                 pdfjs_bomb_giant.pdf  two lines of text beside a JBIG2 picture of 1.16 GB, which nobody has to unpack
ok                 pdfjs_freeculture.pdf  a book of 352 pages
corrupt            pdfjs_poppler-395-0-fuzzed.pdf  /Pages is null after the reference table was rebuilt
corrupt            pdfjs_poppler-742-0-fuzzed.pdf  the one page's dictionary is broken, nothing of it can be read
password_required  pdfjs_print_protection.pdf  a user's password, "password" (PASSWORDS.tsv), which was not given
needs_ocr          pdfjs_scan-bad.pdf  a scan over the whole page, beside it only "pdf.js"
ok                 plumb_2023-06-20-PV.pdf  minutes of two pages in French; fonts without maps, but with standard encodings
ok                 plumb_issue-192-example.pdf  a form whose letters were changed to a and A: text all the same
ok                 plumb_la-precinct-bulletin-2014-p1.pdf  an election bulletin of figures in a fixed-width font
ok                 plumb_senate-expenditures.pdf  a table of a report, drawn as text
ok                 poi_DataTableCities.xlsx  three sheets of figures; formulas have their stored values
ok                 poi_HeaderFooterUnicode.docx  two pages with a head and a foot, which stand once
ok                 poi_bib-chernigovka.netdo.ru_download_docs_17459.docx  a calendar in Russian, mostly one table
ok                 poi_right-to-left.xlsx  two sheets in English and Arabic; the notes at cells are left out
ok                 pypdf_habibi-rotated.pdf  one word in Latin and Arabic on four pages, turned by 0 to 270 degrees
ok                 pypdf_habibi.pdf  one word in Latin and Arabic
ok                 read_google-sre-book-1.html  a book's chapter between navigation and footer
ok                 read_ietf-1.html  a draft in <pre>, 10,000 tokens
ok                 read_mozilla-1.html  a short article in a page of scripts and menus
ok                 read_wordpress.html  a blog entry; comments and side bars around it
ok                 tika_testJournalParser.pdf  ten pages of an IEEE paper in two columns
ok                 tika_testPDF_XFA_govdocs1_258578.pdf  an XFA form that has a page of real text, not only "please wait"
ok                 tika_testPDF_protected.pdf  an owner's password forbids copying: the empty user's password opens it
ok                 tika_testPPT_various.pptx  one slide with a table, lists and Japanese text
ok                 tika_testRTF.rtf  "Test d'indexation Word", with its quotation mark as \'92
ok                 unst_2023-half-year-analyses-by-segment.xlsx  five sheets, of which the first alone has 2,000 tokens
ok                 unst_book-war-and-peace-1225p.txt  3.2 MB of UTF-8; the beginning is enough
ok                 unst_docx-hdrftr.docx  heads and a foot with a table in a table; a cell covered by the one above does not count
ok                 unst_emoji.xlsx  two emoji in the one cell: symbols are text
needs_ocr          unst_english-and-korean.png  a screenshot
ok                 unst_example-steelJIS-datasheet-utf-16.html  HTML in UTF-16LE with its mark, tables of steel grades
ok                 unst_fake-bold-sample.pdf  two of six lines are drawn twice for boldness: the second drawing is dropped
ok                 unst_fake-doc.rtf  408 bytes: a heading, a paragraph, a table
ok                 unst_fake-text-utf-32.txt  UTF-32LE with its mark
ok                 unst_fake.odt  one sentence and a table
needs_ocr          unst_loremipsum-flat.pdf  no font at all, one picture over the whole page
ok                 unst_pdf-bad-color-space.pdf  a colour space cannot be read; text is drawn in other ones
ok                 unst_stanley-cups-utf-16.csv  UTF-16BE with its mark, three columns
ok                 unst_winter-sports.epub  a book of ten files in the order of its spine
END
# Unpacking the bomb takes minutes under a sanitizer: there it runs into its limit of CPU time.
case $build in
*san-*) sed 's/^[a-z_]* *\(pdfjs_bomb_giant.pdf\)/timeout \1/' table >t && mv t table ;;
esac
run docassist ingest "$docs" -o docs.jsonl --errors errors.jsonl --ocr off -q
is_exit 3 "the shared documents"
{
    json source.path docs.jsonl | sed 's/^/ok /'
    json path errors.jsonl >paths
    json status errors.jsonl | paste -d ' ' - paths
} | sort >got
while read -r want file why; do
    is "$(sed -n "s|^\\([a-z_]*\\) $file\$|\\1|p" got)" "$want" "$file: $why"
done <table
is "$(wc -l <got)" "$(wc -l <table)" "nothing else, nothing twice"
done_testing
