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
ok                 chard_EUC-JP_ude_1.txt  has text: txt-encoding
ok                 chard_IBM866_ude_1.txt  has text: txt-encoding
ok                 chard_iso-8859-9-turkish_ude_2.txt  has text: txt-encoding
ok                 chard_windows-1255-hebrew_ude_he2.txt  has text: txt-encoding
ok                 chno_CHANGELOG.md  has text: md
ok                 docl_2305.03393v1-pg9.pdf  has text: pdf-2col
ok                 docl_code_and_formula.pdf  has text: pdf-text
ok                 docl_eml_simple.eml  has text: eml
ok                 docl_eml_with_attachment.eml  has text: eml
unsupported        docl_legacy_sample.xls  Excel 97: not read
ok                 docl_lorem_ipsum.docx  has text: docx
needs_ocr          docl_ocr_test.pdf  one scanned page
ok                 docl_odf_presentation_01.odp  has text: odf
ok                 docl_powerpoint_bad_text.pptx  has text: pptx
ok                 docl_powerpoint_comments.pptx  has text: pptx
ok                 docl_powerpoint_sample.pptx  has text: pptx
ok                 docl_redp5110_sampled.pdf  has text: pdf-2col
ok                 docl_right_to_left_01.pdf  has text: pdf-cjk-rtl
ok                 docl_table_mislabeled_as_picture.pdf  has text: pdf-table
ok                 grob_Wang-paperAVE2008.pdf  has text: pdf-2col
ok                 mail_attachment_message_rfc822.eml  has text: eml
ok                 mkit_RECEIPT-2024-TXN-98765_retail_purchase.pdf  has text: pdf-table
ok                 mkit_REPAIR-2022-INV-001_multipage.pdf  has text: pdf-table
ok                 mkit_test.docx  has text: docx
ok                 mkit_test.epub  has text: epub
ok                 mkit_test.pdf  has text: pdf-2col
ok                 mkit_test_mskanji.csv  Shift-JIS
ok                 mkit_test_wikipedia.html  has text: html
ok                 mupdf_2201.00069.pdf  has text: pdf-2col
ok                 mupdf_text-find-ligatures.pdf  has text: pdf-encoding
ok                 ocrm_truetype_font_nomapping.pdf  wrong characters, which nothing shows
ok                 opf_020806.pdf  has text: pdf-govdocs
ok                 opf_176446.pdf  has text: pdf-govdocs
ok                 opf_195981.pdf  has text: pdf-govdocs
ok                 opf_225188.pdf  has text: pdf-govdocs
ok                 opf_503492.pdf  has text: pdf-govdocs
ok                 opf_T01_006_header-invalid-syntax-no-pdf.pdf  header damaged, the rest is whole
corrupt            opf_T02-01_001_document-catalog-No-document-catalog.pdf  the catalogue is missing
duplicate          opf_T02-05-01_014_endstream-keyword-missing.pdf  repaired; says what T01_006 says
ok                 opf_calistoMTNoFontsEmbedded.pdf  has text: pdf-encoding
ok                 opf_encryption_nocopy.pdf  owner lock, opens with the empty password
duplicate          opf_encryption_notextaccess.pdf  owner lock; the text of encryption_nocopy
unsupported        opf_lorem-ipsum.doc  Word 97: not read
ok                 opf_lorem-ipsum.docx  has text: docx
duplicate          opf_lorem-ipsum.htm  the first 1000 tokens of the docx
needs_ocr          opf_lorem-ipsum.im.jpg  a photograph of a page
ok                 opf_lorem-ipsum.oo3.2.export.pdf  has text: pdf-text
ok                 opf_lorem-ipsum.oo3.2.odt  has text: odf
duplicate          opf_lorem-ipsum.pdf  the first 1000 tokens of the docx
duplicate          opf_lorem-ipsum.rtf  the first 1000 tokens of the docx
ok                 pando_pandoc-testsuite.md  has text: md
ok                 pando_tableWithCaption.odt  has text: odf
ok                 pando_tables.docx  has text: docx
ok                 pando_unicode.docx  has text: docx
ok                 pando_wasteland.epub  has text: epub
ok                 pbox_PDFBOX-3038-001033-p2.pdf  has text: pdf-encoding
ok                 pbox_PDFBOX-4531-bidi-ligature-1.pdf  has text: pdf-cjk-rtl
duplicate          pbox_PDFBOX-4531-bidi-ligature-2.pdf  the text of bidi-ligature-1
ok                 pbox_openoffice-test-document.pdf  has text: pdf-text
ok                 pdfjs_160F-2019.pdf  has text: pdf-form
ok                 pdfjs_S2.pdf  a figure with labels
needs_ocr          pdfjs_TAMReview.pdf  after the first page fonts without maps to characters
ok                 pdfjs_bomb_giant.pdf  a giant picture that is not needed for the text
ok                 pdfjs_freeculture.pdf  has text: pdf-text
corrupt            pdfjs_poppler-395-0-fuzzed.pdf  no page survives
corrupt            pdfjs_poppler-742-0-fuzzed.pdf  no page survives
password_required  pdfjs_print_protection.pdf  user password (PASSWORDS.tsv)
needs_ocr          pdfjs_scan-bad.pdf  one scanned page
ok                 plumb_2023-06-20-PV.pdf  has text: pdf-text
ok                 plumb_issue-192-example.pdf  has text: pdf-encoding
ok                 plumb_la-precinct-bulletin-2014-p1.pdf  has text: pdf-text
ok                 plumb_senate-expenditures.pdf  has text: pdf-table
ok                 poi_DataTableCities.xlsx  has text: xlsx
ok                 poi_HeaderFooterUnicode.docx  has text: docx
ok                 poi_bib-chernigovka.netdo.ru_download_docs_17459.docx  has text: docx
ok                 poi_right-to-left.xlsx  has text: xlsx
ok                 pypdf_habibi-rotated.pdf  has text: pdf-cjk-rtl
ok                 pypdf_habibi.pdf  has text: pdf-cjk-rtl
ok                 read_google-sre-book-1.html  has text: html
ok                 read_ietf-1.html  has text: html
ok                 read_mozilla-1.html  has text: html
ok                 read_wordpress.html  has text: html
ok                 tika_testJournalParser.pdf  has text: pdf-2col
ok                 tika_testPDF_XFA_govdocs1_258578.pdf  has text: pdf-form
ok                 tika_testPDF_protected.pdf  owner lock, opens with the empty password
ok                 tika_testPPT_various.pptx  has text: pptx
ok                 tika_testRTF.rtf  has text: rtf
ok                 unst_2023-half-year-analyses-by-segment.xlsx  has text: xlsx
ok                 unst_book-war-and-peace-1225p.txt  has text: txt
ok                 unst_docx-hdrftr.docx  has text: docx
ok                 unst_emoji.xlsx  has text: xlsx
needs_ocr          unst_english-and-korean.png  a screenshot
ok                 unst_example-steelJIS-datasheet-utf-16.html  has text: html
ok                 unst_fake-bold-sample.pdf  has text: pdf-encoding
ok                 unst_fake-doc.rtf  has text: rtf
ok                 unst_fake-text-utf-32.txt  has text: txt
ok                 unst_fake.odt  has text: odf
needs_ocr          unst_loremipsum-flat.pdf  one scanned page
ok                 unst_pdf-bad-color-space.pdf  a damaged colour space does not touch the text
ok                 unst_stanley-cups-utf-16.csv  UTF-16
ok                 unst_winter-sports.epub  has text: epub
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
