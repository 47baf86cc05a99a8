#!/bin/sh
# docassist ingest: every status, formats, order, resuming, bad input.
. "$(dirname "$0")/lib.sh"

# pdf FILE OBJECT...   A PDF of the given objects (1 is the catalogue); offsets are left to the
# reader's repair, which every reader has.
pdf()
{
    pdf_file=$1
    shift
    {
        printf '%%PDF-1.4\n'
        pdf_i=1
        for pdf_o in "$@"; do
            printf '%d 0 obj\n%s\nendobj\n' "$pdf_i" "$pdf_o"
            pdf_i=$((pdf_i + 1))
        done
        printf 'trailer<</Root 1 0 R>>\n%%%%EOF\n'
    } >"$pdf_file"
}

# stream TEXT   A content stream.
stream() { printf '<</Length %d>>stream\n%s\nendstream' "$((${#1} + 1))" "$1"; }

page='<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R'

# text_pdf FILE CONTENT   One page with Helvetica as /F.
text_pdf()
{
    pdf "$1" '<</Type/Catalog/Pages 2 0 R>>' '<</Type/Pages/Kids[3 0 R]/Count 1>>' \
        "$page/Resources<</Font<</F 5 0 R>>>>>>" \
        "$(stream "$2")" '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'
}

# --- formats -----------------------------------------------------------------
mkdir in
printf 'Plain text, first line.\nSecond line.\n' >in/a.txt
printf '# Title\n\nSome *words* here.\n\n- one\n- two\n' >in/b.md
cat >in/c.html <<'END'
<!DOCTYPE html><html><head><title>The page</title><script>var x = "no";</script></head><body>
<nav><a href="/">Home</a> <a href="/x">Elsewhere</a></nav>
<main><h1>Heading</h1><p>First &amp; second.</p><ul><li>one</li><li>two</li></ul>
<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table></main>
<footer>Imprint</footer></body></html>
END
text_pdf in/d.pdf 'BT /F 24 Tf 50 700 Td (A heading) Tj
/F 11 Tf 0 -40 Td (The first line of a para-) Tj 0 -13 Td (graph in a document.) Tj ET'
printf '\377\376h\0i\0 \0t\0h\0e\0r\0e\0.\0\n\0' >in/e.txt
printf 'Der K\344fer f\344hrt \374ber die Stra\337e, und V\366gel h\366ren ihn nicht.\n' >in/f.txt

run docassist ingest in -o docs.jsonl --errors errors.jsonl
is_exit 0 "a folder of readable files"
is_stdout '' "... says nothing on stdout"
is_stderr '' "... nor on stderr"
is "$(cat errors.jsonl)" '' "... no errors"
is "$(json source.path docs.jsonl | tr '\n' ' ')" 'a.txt b.md c.html d.pdf e.txt f.txt ' \
    "in order of names"
is "$(json text docs.jsonl | head -2)" 'Plain text, first line.
Second line.' "plain text as it is"
is "$(sed -n 3p docs.jsonl >l; json text l)" '# Heading

First & second.

- one
- two

A | B
1 | 2' "HTML: the main content with heading, list, table"
is "$(json title l)" 'The page' "... its title"
is "$(sed -n 4p docs.jsonl >l; json text l)" '# A heading

The first line of a paragraph in a document.' "PDF: heading, joined hyphen"
is "$(json source.pages l) $(json type l)" '1 article' "... pages, type"
is "$(sed -n 5p docs.jsonl >l; json text l; json source.charset l)" 'hi there.
utf-16le' "UTF-16"
is "$(sed -n 6p docs.jsonl >l; json text l)" \
    'Der Käfer fährt über die Straße, und Vögel hören ihn nicht.' \
    "a Western code page"
is "$(json source.media_type docs.jsonl | tr '\n' ' ')" \
    'text/plain text/markdown text/html application/pdf text/plain text/plain ' "media types"
run docassist validate document docs.jsonl
is_exit 0 "the records are valid"
run docassist ingest --html full in/c.html
is "$(json text | head -1)" 'Home Elsewhere' "--html full keeps all"

cat >nav.html <<'END'
<html><body><div class="header"><p>Next: <a href="b" rel="next">Arrays</a>, Previous:
<a href="a" rel="prev">Types</a> [<a href="i">Index</a>]</p></div>
<h2>Paths<a class="mark" href="#paths">#</a></h2><p>Where things are.</p></body></html>
END
run docassist ingest nav.html
is "$(json text)" '## Paths

Where things are.' "HTML: no links to other pages, no marks beside headings"

# --- statuses ----------------------------------------------------------------
mkdir bad
: >bad/a-empty.txt
printf ' \n\t\n' >bad/b-blank.txt
printf '%%PDF-1.4\nthis is no PDF\n' >bad/c-corrupt.pdf
pdf bad/d-scan.pdf '<</Type/Catalog/Pages 2 0 R>>' '<</Type/Pages/Kids[3 0 R]/Count 1>>' \
    "$page/Resources<</XObject<</I 5 0 R>>>>>>" \
    "$(stream 'q 600 0 0 800 0 0 cm /I Do Q')" \
    '<</Type/XObject/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray
/Length 4>>stream
abcd
endstream'
base64 -d >bad/e-image.png <<'END'
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==
END
ole='\320\317\021\340\241\261\032\341'
printf "${ole}E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0" >bad/f-locked.docx
printf "${ole}W\0o\0r\0d\0D\0o\0c\0u\0m\0e\0n\0t\0" >bad/g-old.doc
printf '\177ELF\001\002\003\000\000\000\000\000\000' >bad/h-program
ln -s nowhere bad/i-dangling.txt
mkfifo bad/j-pipe
cp in/a.txt bad/k-first.txt
cp in/a.txt bad/l-again.txt
head -c 1100000 /dev/zero | tr '\0' 'x' >bad/m-large.txt
run docassist ingest bad -o docs.jsonl --errors errors.jsonl --max-file 1 --jobs 3 --ocr off
is_exit 3 "some files gave no record"
like_stderr '12 of 13 files gave no document .*see errors.jsonl' "... which is said"
is "$(json path errors.jsonl | sed 's/-.*//' | tr '\n' ' ')" 'a b c d e f g h i j l m ' "in order"
is "$(json status errors.jsonl | tr '\n' ' ')" \
    "$(printf '%s ' empty empty corrupt needs_ocr needs_ocr password_required unsupported \
        unsupported unreadable unreadable duplicate too_large)" \
    "each with its status"
is "$(json source.path docs.jsonl)" 'k-first.txt' "the first copy stays"
ok "what converts an old Word file is said" grep -q 'soffice --headless' errors.jsonl
ok "of what a file is a copy is said" \
    grep -q "the same text as document $(json id docs.jsonl)" errors.jsonl

# A page that takes poppler long, and one that wants much memory, cost only themselves.
perl -e 'my $s = "BT /F 1 Tf\n";
    $s .= sprintf "1 0 0 1 %.2f %.2f Tm (ab) Tj\n", rand 600, rand 800 for 1 .. 150000;
    $s .= "ET"; print $s' >big.txt
text_pdf slow.pdf "$(cat big.txt)"
mkdir walls
mv slow.pdf walls/a-slow.pdf
cp in/a.txt walls/b.txt
run docassist ingest walls -o docs.jsonl --errors errors.jsonl --timeout 1 -q
is_exit 3 "a page that takes too long"
is "$(json status errors.jsonl) $(json source.path docs.jsonl)" 'timeout b.txt' \
    "... costs one record"

if f=$(shared docs/files); then
    mkdir locked
    cp "$f/pdfjs_print_protection.pdf" locked/a.pdf
    cp "$f/opf_encryption_nocopy.pdf" locked/b.pdf
    run docassist ingest locked -o docs.jsonl --errors errors.jsonl -q
    is "$(json status errors.jsonl)" password_required "a password is needed"
    is "$(json meta.copy_forbidden docs.jsonl)" true "a permission lock is read and recorded"
    printf 'wrong\npassword\n' >words
    run docassist ingest locked -o docs.jsonl --errors errors.jsonl --password-file words -q
    is_exit 0 "--password-file opens it"
    run docassist ingest "$f" -o all.jsonl --errors all-errors.jsonl -q
    is_exit 3 "the 101 files"
    is "$( (json source.path all.jsonl; json path all-errors.jsonl) | LC_ALL=C sort)" \
        "$(LC_ALL=C ls "$f" | LC_ALL=C sort)" "... each in exactly one of the two outputs"
else
    skip "shared material is not here" "passwords, permissions, the 101 files"
fi

# --- cutting -----------------------------------------------------------------
perl -e 'print "The quick brown fox jumps over the lazy dog. " x 500' >long.txt
run docassist ingest long.txt
is "$(json n_tokens) $(json truncated) $(json n_tokens_source) $(json n_tokens_source_exact)" \
    '1000 true 5000 true' "a thousand tokens by default"
is "$(json chunks | tr -d ' ' | head -c 30)" '[[0,899,200],[899,1799,200],[1' "chunks of 200"
run docassist ingest --max-tokens 105 --chunk-tokens 50 long.txt
is "$(json n_tokens) $(json text | tail -c 5)" '100 dog.' "cut at a sentence end"
run docassist ingest --max-tokens 105 --cut hard long.txt
is "$(json n_tokens)" 105 "--cut hard"
printf 'one two\n\nthree four\n\nfive six seven\n' >paras.txt
for n in 1 2 3 4 5 6; do
    docassist ingest --max-tokens "$n" --cut hard paras.txt
done >hard.jsonl
is "$(json n_tokens hard.jsonl | tr '\n' ' ')" '1 2 3 4 5 6 ' "... also where the last token is a gap"
run docassist ingest --tokenizer cl100k_base --max-tokens 100 long.txt
is "$(json tokenizer)" cl100k_base "another tokenizer"

# --- segments and the filter ---------------------------------------------------
perl -e 'my $prose = "The quick brown fox jumps over the lazy dog and is tired of it. " x 12;
    my $signs = "= % & / ( ) # + * | " x 20;
    for my $k (1 .. 6) { print $k == 2 || $k == 5 ? $signs : $prose, "\n\n" }' >mixed.txt
run docassist ingest mixed.txt --long segments --max-tokens 200 -o docs.jsonl
n=$(grep -c . docs.jsonl)
run docassist ingest mixed.txt --long segments --max-tokens 200 --filter -o docs.jsonl \
    --errors errors.jsonl --json
is_exit 0 "--filter with segments"
is "$(json status errors.jsonl | sort -u) $(json path errors.jsonl | sort -u)" \
    'filtered mixed.txt' "... each drop is named"
is "$( (json id docs.jsonl; json detail errors.jsonl | sed 's/segment \(.*\): [a-z_]* .*/\1/') |
    sort)" "$(i=1; while [ $i -le "$n" ]; do
        echo "$(json id docs.jsonl | sed 's/#.*//;q')#$i"; i=$((i + 1)); done | sort)" \
    "... every segment stands in one of the two outputs"
ok "... some in each" test -s errors.jsonl -a -s docs.jsonl
is "$(json status.ok) $(json status.filtered)" '1 0' "... the document counts as one"
perl -e 'print "= % & / ( ) # + * | " x 100' >signs.txt
run docassist ingest signs.txt --long segments --max-tokens 200 --filter -o docs.jsonl \
    --errors errors.jsonl --json -q
is "$(json status.filtered) $(grep -c . docs.jsonl)" '1 0' "a document without a segment left"
ok "... names each" test "$(grep -c '#[0-9]*: ' errors.jsonl)" -gt 1

# --- metadata ----------------------------------------------------------------
printf '{"path":"a.txt","licence":"CC0","year":2021}\n{"path":"zz","licence":"x"}\n' >meta.jsonl
run docassist ingest in/a.txt in/b.md --meta meta.jsonl
is "$(json meta)" '{"licence":"CC0","year":2021}
{}' "--meta joins by path"
is_stderr "docassist: warning: 1 of 2 rows of metadata name no file, first 'zz'" \
    "... and says what joins nothing"
mkdir -p odd/sub
echo one >'odd/sub/a b.txt'
echo two >"odd/sub/$(printf '\303\274 "q" \134.txt')"
echo three >"odd/$(printf 'bad\377.txt')"
echo four >"odd/$(printf 'line\nfeed.txt')"
cat >meta.jsonl <<'END'
{"path":"./sub/a b.txt","n":1}
{"path":"sub/\u00fc \"q\" \\.txt","n":2,"path2":"kept"}
{"path":"bad\ufffd.txt","n":3}
{"path":"line\nfeed.txt","n":4}
END
run docassist ingest odd --meta meta.jsonl --shard 0/1
is "$(json meta | sort)" '{"n":1}
{"n":2,"path2":"kept"}
{"n":3}
{"n":4}' "... in folders, under odd names"
is_stderr '' "... and all of them join"
printf '{"path":"a"}\n{"nopath":1}\n' >meta.jsonl
run docassist ingest in/a.txt --meta meta.jsonl
is_exit 1 "--meta without a path"
is_stderr "docassist: meta.jsonl:2: member 'path' is missing" "... names the line"

# --- the same bytes for any number of jobs; shards; resuming ------------------
mkdir many
perl -e 'for my $i (1 .. 3000) {
    open my $f, ">", sprintf("many/%04d.txt", $i) or die;
    print $f "Document number ", $i % 2900, " has words. " x (1 + $i % 7), "\n"; }'
run docassist ingest many -o one.jsonl --errors one-errors.jsonl --jobs 1 -q
is_exit 0 "copies are no failures"
run docassist ingest many -o eight.jsonl --errors eight-errors.jsonl --jobs 8 -q
same_file eight.jsonl one.jsonl "--jobs 8 gives what --jobs 1 gives"
same_file eight-errors.jsonl one-errors.jsonl "... the errors, too"
for i in 0 1 2; do
    docassist ingest in many/000*.txt -o "shard$i.jsonl" --shard "$i/3" -q
done
docassist ingest in many/000*.txt -o whole.jsonl -q
is "$(cat shard?.jsonl | sort)" "$(sort whole.jsonl)" "three shards make the whole"

start docassist ingest many -o cut.jsonl --errors cut-errors.jsonl --jobs 1 -q
wait_until 20 grep -q 0100.txt cut.jsonl.journal
kill -9 "$pid" 2>/dev/null
wait "$pid" 2>/dev/null
ok "kill -9 leaves a partial output" test ! -e cut.jsonl
run docassist ingest many -o cut.jsonl --errors cut-errors.jsonl --jobs 2 -q --max-tokens 10
is_exit 1 "going on with other options is refused"
like_stderr 'restart' "... and says what to do"
run docassist ingest many -o cut.jsonl --errors cut-errors.jsonl --jobs 2 -q
is_exit 0 "the same command goes on"
same_file cut.jsonl one.jsonl "... to the same bytes"
same_file cut-errors.jsonl one-errors.jsonl "... and errors"

# --- statistics --------------------------------------------------------------
run docassist ingest in -o docs.jsonl --stats
like_stdout '^6 files, 6 documents, 0 truncated$' "--stats: files"
like_stdout '^  before truncation ' "... tokens before"
run docassist ingest in -o docs.jsonl --json
is "$(json status.ok)" 6 "--json"
# The same numbers from the records, by another road.
perl -MJSON::PP -e '
    my (@b, @a, %types, @bins);
    while (<STDIN>) {
        my $r = decode_json($_);
        push @b, $r->{n_tokens_source};
        push @a, $r->{n_tokens};
        $types{$r->{type}}++;
        $bins[int(log($r->{n_tokens_source}) / log(2) + 1e-9)]++;
    }
    for my $v (\@b, \@a) {
        my ($sum, $squares, @s) = (0, 0, sort { $a <=> $b } @$v);
        $sum += $_ for @s;
        $squares += ($_ - $sum / @s) ** 2 for @s;
        printf "%.6f %.6f %d %d\n", $sum / @s, sqrt($squares / (@s - 1)), $s[0], $s[-1];
    }
    print "$_ $types{$_}\n" for sort keys %types;
    print join(",", map { $_ // 0 } @bins), "\n"' <docs.jsonl >want
perl -MJSON::PP -e '
    my $s = decode_json(join "", <STDIN>);
    printf "%.6f %.6f %d %d\n", @{$s->{$_}}{qw(mean sd min max)}
        for qw(tokens_before tokens_after);
    print "$_ $s->{types}{$_}\n" for sort keys %{$s->{types}};
    my @bins = @{$s->{tokens_before_log2}};
    pop @bins while !$bins[-1];
    print join(",", @bins), "\n"' <"$out" >got
same_file got want "... mean, deviation, range, types and histogram are those of the records"

# --- bad input ---------------------------------------------------------------
run docassist ingest
is_exit 2 "no PATH"
run docassist ingest nowhere.pdf -o x.jsonl
is_exit 1 "no such file"
is_stderr "docassist: 'nowhere.pdf': No such file or directory" "... one line"
mkdir nothing
run docassist ingest nothing -o x.jsonl
is_exit 1 "a folder without files"
is_stderr "docassist: no files in 'nothing'" "... one line"
mkdir dangling
ln -s gone dangling/x
run docassist ingest dangling -o x.jsonl --errors e.jsonl
is_exit 1 "a folder without readable files"
is_stderr "docassist: none of 1 files in 'dangling' can be read" "... one line"
: >empty.txt
run docassist ingest empty.txt -o x.jsonl
is_exit 3 "an empty file"
like_stderr "^docassist: warning: 'empty.txt': empty: the file is empty$" "... one line"
run docassist ingest in --shard 3/3
is_exit 2 "a shard that does not exist"
run docassist ingest in --tokenizer nowhere.gguf
is_exit 1 "a tokenizer that does not exist"
mkdir alone
cp "$build/docassist" alone/
if [ ! -e /usr/local/libexec/docassist/docassist-extract ]; then
    run alone/docassist ingest in
    is_exit 1 "without the helper program"
    like_stderr 'docassist-extract' "... it is named"
fi
done_testing
