#!/bin/sh
# Every command has a manual page, the page and --help name the same options, and the page has
# the sections people look for. Where mandoc is installed it reads the pages too.
#
#   check-docs.sh BUILD [ROOT]    BUILD: a build folder, such as build/release
set -u

build=${1:?usage: check-docs.sh BUILD [ROOT]}
root=${2:-$(dirname "$0")/../..}
program=$build/docassist
[ -x "$program" ] || { echo "check-docs: no program in '$build'" >&2; exit 1; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/check-docs.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0
say() { echo "$*" >&2; bad=1; }

# Options of a help text on stdin, "-o" and "--output" one a line, without those every command
# has (they stand in docassist(1)).
help_options()
{
    awk '/^Everywhere:/ { skip = 1 } /^$/ { skip = 0 }
         !skip && /^  (-.,|   ) --[a-z]/ {
             for (i = 1; i <= 2; i++) {
                 option = $i
                 sub(/,$/, "", option)
                 if (option ~ /^-/) print option
             }
         }'
}

# Options a page lists: the Fl arguments of its .It lines.
page_options()
{
    awk '/^\.It / {
             for (i = 2; i < NF; i++)
                 if ($i == "Fl") print "-" $(i + 1)
         }' "$1" | sed 's/=.*//'
}

# The commands below a command: "usage: docassist model import|show [options]".
subcommands()
{
    sed -n 's/^usage: docassist [a-z]* \([a-z]*|[a-z|]*\) .*/\1/p' | tr '|' ' '
}

check_page() # NAME
{
    page=$root/docs/man/docassist-$1.1
    [ -r "$page" ] || { say "docs/man/docassist-$1.1: missing, a page for 'docassist $1'"; return; }
    for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' ENVIRONMENT EXAMPLES; do
        grep -q "^\.Sh \"*$section\"*\$" "$page" || say "docs/man/docassist-$1.1: no $section"
    done
    "$program" "$1" --help >"$tmp/help" 2>&1 || say "docassist $1 --help: exit code $?"
    help_options <"$tmp/help" >"$tmp/options"
    for sub in $(subcommands <"$tmp/help"); do
        "$program" "$1" "$sub" --help 2>&1 | help_options >>"$tmp/options"
    done
    LC_ALL=C sort -u "$tmp/options" >"$tmp/in-help"
    page_options "$page" | LC_ALL=C sort -u >"$tmp/in-page"
    for option in $(LC_ALL=C comm -23 "$tmp/in-help" "$tmp/in-page"); do
        say "docs/man/docassist-$1.1: does not list $option, which --help does"
    done
    for option in $(LC_ALL=C comm -13 "$tmp/in-help" "$tmp/in-page"); do
        say "docs/man/docassist-$1.1: lists $option, which --help does not"
    done
}

commands=$(sed -n 's/^DA_COMMAND("\([a-z]*\)".*/\1/p' "$root/cli/commands.def")
for name in $commands; do
    check_page "$name"
    grep -q "docassist-$name" "$root/docs/man/docassist.1" ||
        say "docs/man/docassist.1: does not refer to docassist-$name(1)"
done

for name in $(sed -n 's/^\.It Xr docassist-\([a-z]*\) 1.*/\1/p' "$root/docs/man/docassist.1"); do
    case " $(echo $commands) " in
    *" $name "*) ;;
    *) say "docs/man/docassist.1: lists docassist-$name(1), which is no command" ;;
    esac
done

for page in "$root"/docs/man/*.1; do
    name=$(basename "$page" .1)
    name=${name#docassist-}
    case " docassist $(echo $commands) " in
    *" $name "*) ;;
    *) say "docs/man/$(basename "$page"): no such command" ;;
    esac
done
if command -v mandoc >/dev/null 2>&1; then
    mandoc -T lint -W warning "$root"/docs/man/*.1 >&2 || bad=1
fi
exit "$bad"
