#!/bin/sh
# Makes the PDF documents of examples/docs (and the manual page, a plain text) from the sources
# in src/. Their results are committed, so nobody needs this to build or to test. It wants
# chromium, groff (with gropdf), qpdf and mandoc; the dates inside the PDFs are fixed, so that
# only a new version of a tool changes them.
set -eu

cd "$(dirname "$0")/src"
out=../../../examples/docs
export SOURCE_DATE_EPOCH=1735689600 TZ=UTC

# The clock of the tool (same length, so that the table of offsets stays right), then packed.
finish() # FILE
{
    LC_ALL=C sed -i "s/(D:20[0-9]\{12\}+00'00')/(D:20250101000000+00'00')/g" "$1"
    qpdf --object-streams=generate --recompress-flate --compression-level=9 --deterministic-id \
        --replace-input "$1"
}

for name in ferry-annual-report weir-inspection cold-chain-slides greenhouse-budget \
    invoice-2041 equipment-loan-form; do
    chromium --headless --no-sandbox --disable-gpu --no-pdf-header-footer \
        --disable-pdf-tagging \
        --print-to-pdf="$out/$name.pdf" "$name.html" 2>/dev/null
    finish "$out/$name.pdf"
done
groff -Kutf8 -ms -Tpdf roof-letter.ms >"$out/roof-letter.pdf"
groff -Kutf8 -t -ms -Tpdf moss-wall-paper.ms >"$out/moss-wall-paper.pdf"
finish "$out/roof-letter.pdf"
finish "$out/moss-wall-paper.pdf"
mandoc -T utf8 -O width=78 tidelog.mdoc | sed 's/.\x08//g' >"$out/tidelog-manual.txt"
ls -l "$out"
