#!/bin/sh
# docassist ingest: office documents, books, mail, RTF; long documents, personal data, filters.
. "$(dirname "$0")/lib.sh"

run docassist ingest "$repo/tests/cli/lib.sh"
is_exit 0 "the helper runs"

# container FILE [PART CONTENT]   A zip archive of the files below office/FILE-with-a-dash, a part
# named mimetype first and stored; or of one part.
container()
{
    perl -MIO::Compress::Zip=:all -MFile::Find -e '
        my ($file, $dir, %part) = @ARGV;
        find({no_chdir => 1, wanted => sub {
            return unless -f;
            open my $in, "<", $_ or die "$_: $!";
            (my $name = $_) =~ s{^\Q$dir\E/}{};
            local $/;
            ($part{$name} = <$in>) =~ s/\n\z//;
        }}, $dir) unless %part;
        my $z;
        for my $name (sort { ($b eq "mimetype") - ($a eq "mimetype") || $a cmp $b } keys %part) {
            my $method = $name eq "mimetype" ? ZIP_CM_STORE : ZIP_CM_DEFLATE;
            my @how = (Name => $name, Method => $method);
            $z ? $z->newStream(@how) : ($z = IO::Compress::Zip->new($file, @how));
            $z->print($part{$name});
        }
        $z->close;' "$1" "$repo/tests/cli/office/$(echo "$1" | tr . -)" ${2:+"$2" "$3"}
}

# text_is WANT NAME   The text of the last run's record.
text_is() { is "$(json text)" "$1" "$2"; }

# --- Word --------------------------------------------------------------------
container a.docx
run docassist ingest a.docx
text_is 'The header

## A & heading

Kept added[2]

1. first
2. second

a | b
c | d

[2] The note.' "Word: header once, heading, changes, numbers, table, note"
is "$(json type) $(json title)" 'article A & heading' "... type and title"

# --- PowerPoint --------------------------------------------------------------
container b.pptx
run docassist ingest b.pptx
text_is '# The title

- one
- two

Notes: Say hello.

---

Second slide' "PowerPoint: order of slides, title first, bullets, notes, no numbers"
is "$(json type) $(json source.pages)" 'presentation 2' "... type and slides"
is "$(json quality.headers_removed)" 1 "... the number is counted"
run docassist ingest b.pptx --keep-headers
is "$(json text | head -5) $(json quality.headers_removed)" '# The title

7

- one 0' "... and kept by --keep-headers"

# --- Excel -------------------------------------------------------------------
container c.xlsx
run docassist ingest c.xlsx
text_is '## Sales

Item | | Two runs
2023-01-01 | 12.5% | 0.3 | TRUE' "Excel: names, strings, dates, percentages, no hidden sheets"
is "$(json type) $(json source.pages)" 'spreadsheet 1' "... type and sheets"

# --- OpenDocument ------------------------------------------------------------
container d.odt
run docassist ingest d.odt
text_is '# Head

A b[1].

- one

a | | | d

[1] The note.' "OpenDocument: heading, note, list, table, no deletions"
container e.odt
run docassist ingest e.odt -o x --errors errors.jsonl -q
is "$(json status errors.jsonl)" password_required "... an encrypted one"

# --- EPUB --------------------------------------------------------------------
container f.epub
run docassist ingest f.epub
text_is '# One

Chapter one.

Chapter two.' "EPUB: chapters in the order of the spine"
is "$(json type) $(json title)" 'book The book' "... type and title"

# --- broken and hostile containers -------------------------------------------
head -c 900 a.docx >cut.docx
perl -e 'print "<w:document><w:body>", "<w:p><w:r><w:t>", "a" x 400_000_000, "</w:t></w:r></w:p>"' |
    perl -MIO::Compress::Zip=:all -e '
        my $z = IO::Compress::Zip->new("bomb.docx", Name => "word/document.xml");
        local $/ = \65536;
        $z->print($_) while <STDIN>;
        $z->close'
container deep.docx word/document.xml "<w:document><w:body>$(perl -e 'print "<w:p>" x 3000')"
for f in cut.docx bomb.docx deep.docx; do
    run docassist ingest "$f" -o x --errors errors.jsonl -q --restart
    is_exit 3 "$f gives no record"
    is "$(json status errors.jsonl)" "$([ $f = bomb.docx ] && echo too_large || echo corrupt)" \
        "... its status"
done

# --- mail and RTF ------------------------------------------------------------
printf 'From: A <a@example.org>\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n\nHello.\n' >g.eml
run docassist ingest g.eml
text_is 'From: A <a@example.org>
Subject: Grüße

Hello.' "mail"
is "$(json type) $(json title)" 'mail Grüße' "... type and title"
cat >h.rtf <<'END'
{\rtf1\ansicpg1252{\fonttbl{\f0\fcharset204 T;}}\f0\'cf\'f0\'e8\'e2\'e5\'f2\par}
END
run docassist ingest h.rtf
text_is 'Привет' "RTF in a Cyrillic code page"
printf 'a,b\n1,"x, y"\n2,z\n' >i.csv
run docassist ingest i.csv
text_is 'a | b
1 | x, y
2 | z' "comma-separated values"

# --- long documents, personal data, filters ----------------------------------
perl -e 'print "The quick brown fox jumps over the lazy dog. " x 50' >long.txt
run docassist ingest --long segments --max-tokens 200 long.txt -o seg.jsonl --stats
is "$(json id seg.jsonl | sed 's/.*#/#/' | tr '\n' ' ')" '#1 #2 #3 ' "--long segments"
is "$(json text seg.jsonl | tr -d '\n ')" "$(tr -d '\n ' <long.txt)" "... nothing is lost"
is "$(json n_tokens_source seg.jsonl | sort -u) $(json truncated seg.jsonl | sort -u)" '500 false' \
    "... the source is counted"
like_stdout '^3 records$' "... and so are records"
run docassist validate document seg.jsonl
is_exit 0 "... they are valid"
printf 'Mail a@example.org, call +49 30 1234567.\n' >pii.txt
run docassist ingest --pii mask pii.txt
text_is 'Mail [EMAIL], call [PHONE].' "--pii mask"
is "$(json pii)" '{"card":0,"email":1,"ip":0,"key":0,"phone":1}' "... counted"
run docassist ingest --filter pii.txt -o x --errors errors.jsonl --restart
is_exit 0 "--filter: what it leaves out is no failure"
is "$(json status errors.jsonl) $(json detail errors.jsonl)" \
    'filtered words 6 is not within 50 and 100000' "... and named"
if docassist ingest long.txt | grep -q '"language":{"code":"en"'; then
    echo 'Das ist ein deutscher Text, lang genug, damit man die Sprache erkennen kann.' >de.txt
    run docassist ingest de.txt
    is "$(json language.code)" de "language"
else
    skip "built without CLD2" "language"
fi
done_testing
