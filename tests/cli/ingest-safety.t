#!/bin/sh
# docassist ingest: kernels without a sandbox, parsers that die, interruption, deep nesting, budgets
# that nothing fits into.
. "$(dirname "$0")/lib.sh"

case $(docassist-extract --version) in
*pdf*html*seccomp*) ;;
*) skip_all "built without some of the libraries" ;;
esac

# --- no sandbox ----------------------------------------------------------------
echo 'Some text.' >a.txt
run "$build/tests/tools/no_sandbox" docassist ingest a.txt
if [ "$status" = 77 ]; then
    skip "this kernel takes no filters itself" "no sandbox"
else
    is_exit 1 "no sandbox on this kernel"
    is_stdout '' "... nothing is read"
    like_stderr "sandbox=off" "... and what to do is said"
    run "$build/tests/tools/no_sandbox" docassist ingest --sandbox=off a.txt
    is_exit 0 "--sandbox=off reads"
    is "$(json text)" 'Some text.' "... the document"
fi

# --- a parser that dies ----------------------------------------------------------
# A page that takes minutes; its parser is the child of a child of the program.
perl -e 'my $s = "BT /F 1 Tf\n";
    $s .= sprintf "1 0 0 1 %.2f %.2f Tm (ab) Tj\n", rand 600, rand 800 for 1 .. 150000;
    $s .= "ET";
    print "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n",
        "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n",
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R",
        "/Resources<</Font<</F 5 0 R>>>>>>endobj\n",
        "4 0 obj<</Length ", length $s, ">>stream\n$s\nendstream endobj\n",
        "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n",
        "trailer<</Root 1 0 R>>\n%%EOF\n"' >slow.pdf
mkdir in
mv slow.pdf in/b-slow.pdf
echo 'Before it.' >in/a.txt
echo 'After it.' >in/c.txt
# children PID   The processes whose parent is PID.
children() { cat /proc/[0-9]*/stat 2>/dev/null | awk -v p="$1" '{sub(/\(.*\)/, "x")} $4 == p {print $1}'; }
# grandchild   The parser that has used the most time by now; fails where there is none.
grandchild()
{
    for helper in $(children "$pid"); do
        for parser in $(children "$helper"); do
            used=$(awk '{sub(/\(.*\)/, "x"); print $14}' "/proc/$parser/stat" 2>/dev/null)
            [ "${used:-0}" -gt 20 ] && echo "$parser"
        done
    done | head -1 >parser
    [ -s parser ]
}
# Nothing but the kernel, short of memory, kills with SIGKILL.
for signal in SEGV KILL; do
    start docassist ingest in -o docs.jsonl --errors errors.jsonl --jobs 1 -q --restart
    wait_until 60 grandchild
    kill -$signal "$(cat parser)"
    wait "$pid"
    is "$?" 3 "a parser that dies of SIG$signal"
    is "$(json path errors.jsonl) $(json status errors.jsonl)" \
        "b-slow.pdf $([ $signal = SEGV ] && echo crashed || echo out_of_memory)" \
        "... costs its document"
    is "$(json source.path docs.jsonl | tr '\n' ' ')" 'a.txt c.txt ' "... and no other"
done

# --- interruption --------------------------------------------------------------
mkdir many
perl -e 'for my $i (1 .. 3000) {
    open my $f, ">", sprintf("many/%04d.txt", $i) or die;
    print $f "Document number $i has words. " x (1 + $i % 7), "\n"; }'
run docassist ingest many -o whole.jsonl -q
start docassist ingest many -o cut.jsonl -q --jobs 1
wait_until 60 grep -q 0100.txt cut.jsonl.journal
kill -INT "$pid"
wait "$pid"
is "$?" 130 "Ctrl-C"
ok "... leaves a partial output" test ! -e cut.jsonl -a -e cut.jsonl.partial
run docassist ingest many -o cut.jsonl -q
is_exit 0 "... the same command goes on"
same_file cut.jsonl whole.jsonl "... to the same bytes"

# --- nesting -------------------------------------------------------------------
mkdir deep
perl -e 'print "<html><body>", "<div>" x 2000, "in the middle"' >deep/a.html
perl -e 'print "<html><body><table><tr><td colspan=9007199254740992>a</td><td colspan=100000>b</td>",
    "<td rowspan=99999999>c</td></tr>", "<tr><td colspan=100000>x</td></tr>" x 3000, "</table>"' \
    >deep/b.html
perl -e 'print "{\\rtf1 ", "{" x 300000, "deep", "}" x 300000, "}"' >deep/c.rtf
perl -e '$m = "Content-Type: text/plain\n\ninner\n";
    $m = "From: a\@b.c\nTo: d\@e.f\nSubject: s$_\nContent-Type: message/rfc822\n\n$m" for 1 .. 2000;
    print $m' >deep/d.eml
# Tables in tables and quotes after a link: what is looked for in one is in all around it.
perl -e 'print "<html><body>", "<table><tr><td>in a cell, " x 30000, "in the middle"' >deep/e.html
perl -e 'print "<html><body><a href=x>link</a>", "<blockquote>quoted, " x 10000, "in the middle"' \
    >deep/f.html
run docassist ingest deep -o docs.jsonl --errors errors.jsonl -q
is "$(json source.path docs.jsonl | grep '[ef].html')" 'e.html
f.html' "deep HTML is read in time"
is "$( (json source.path docs.jsonl; json path errors.jsonl) | sort)" 'a.html
b.html
c.rtf
d.eml
e.html
f.html' "deep nesting and wide spans: none kills the run"
ok "... spans are capped" test "$(wc -c <docs.jsonl)" -lt 100000

# --- a budget that nothing fits into --------------------------------------------
mkdir small
printf '\360\237\221\250\342\200\215\360\237\221\251\342\200\215\360\237\221\247 family\n' >small/a.txt
echo plain >small/b.txt
run docassist ingest small --max-tokens 1 -o docs.jsonl --errors errors.jsonl -q
is_exit 3 "a character of more tokens than there may be"
is "$(json status errors.jsonl) $(json text docs.jsonl)" 'too_large plain' "... costs its document"
done_testing
