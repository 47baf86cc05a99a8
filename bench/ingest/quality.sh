#!/bin/sh
# Text quality of ingest beside the installed peers (pdftotext, mutool, pandoc) on the shared
# documents that have an expected text: bag-of-words F1 and order score (tests/tools/wordscore.c),
# each file and the means over all of them. Peers that are not installed are left out.
#
#   quality.sh [PATTERN]    only files whose names match the shell pattern
set -u

repo=$(cd "$(dirname "$0")/../.." && pwd)
build=${DOCASSIST_BUILD:-$repo/build/release}
docs=${DOCASSIST_SHARED:-$repo/../shared}/docs
pattern=${1:-*}
[ -d "$docs/expected" ] || { echo "quality: no shared documents" >&2; exit 1; }
make -s -C "$repo" "$build/tests/tools/wordscore" >/dev/null || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

ours()
{
    "$build/docassist" ingest -q --count-source --max-tokens 10000000 "$1" 2>/dev/null |
        perl -MJSON::PP -ne 'my $t = decode_json($_)->{text}; utf8::encode($t); print $t'
}

peer() # FILE NAME
{
    case $2 in
    pdftotext) case $1 in *.pdf) pdftotext "$1" - ;; esac ;;
    mutool) case $1 in *.pdf) mutool draw -q -F txt "$1" ;; esac ;;
    pandoc)
        case $1 in
        *.docx | *.odt | *.epub | *.rtf | *.html | *.htm | *.md | *.pptx)
            timeout 60 pandoc --wrap=none -t plain "$1" ;;
        esac ;;
    esac 2>/dev/null
}

peers=
for p in pdftotext mutool pandoc; do
    command -v "$p" >/dev/null && peers="$peers $p"
done
printf '%-50s %-15s' file docassist
for p in $peers; do printf ' %-15s' "$p"; done
printf '\n'
for truth in "$docs"/expected/*; do
    name=$(basename "$truth" .txt)
    case $name in $pattern) ;; *) continue ;; esac
    ours "$docs/files/$name" >"$tmp/out"
    score=$("$build/tests/tools/wordscore" "$truth" "$tmp/out")
    printf '%-50.50s %-15s' "$name" "$score"
    own=$score
    echo "docassist $own" >>"$tmp/all"
    for p in $peers; do
        peer "$docs/files/$name" "$p" >"$tmp/out"
        score=-
        if [ -s "$tmp/out" ]; then
            score=$("$build/tests/tools/wordscore" "$truth" "$tmp/out")
            echo "$p $score" >>"$tmp/all"
            echo "docassist-where-$p $own" >>"$tmp/all"
        fi
        printf ' %-15s' "$score"
    done
    printf '\n'
done
echo
awk '{ n[$1]++; f[$1] += $2; o[$1] += $3 }
    END {
        for (k in n)
            printf "mean of %2d  F1 %.4f  order %.4f  %s\n", n[k], f[k] / n[k], o[k] / n[k], k
    }' \
    "$tmp/all" | sort -k 7
