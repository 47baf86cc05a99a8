#!/bin/sh
# The tour of the README does what the README prints: each command of its console blocks is run, in
# order, and gives exactly the lines below it.
. "$(dirname "$0")/lib.sh"

cp -R "$repo/examples" .
awk '/^```console$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$repo/README.md" >tour.txt
ok "the README has a tour" test "$(grep -c '^\$ ' tour.txt)" -ge 8

# Each command with what follows it up to the next one.
check_command()
{
    [ -n "$command" ] || return 0
    case $command in
    *'PATH='*) command=${command%%;*} ;;
    esac
    tap_last=$command
    sh -c "$command" >"$out" 2>&1 </dev/null
    status=$?
    is_exit 0 "$command"
    same_file "$out" wanted "... and prints what the README says"
}

command=
: >wanted
while IFS= read -r line; do
    case $line in
    '$ '*)
        check_command
        command=${line#??}
        : >wanted
        ;;
    *) printf '%s\n' "$line" >>wanted ;;
    esac
done <tour.txt
check_command

# The figures move with the rules that extract; the columns and the systems do not.
header=$(grep '^|.*ROUGE' "$repo/README.md")
ok "the table of the README has the columns of the board" grep -q -x -F -e "$header" tour/board.md
for name in $(sed -n 's/^|[^|]*| \([a-z0-9-]*\) *|.*±.*/\1/p' "$repo/README.md"); do
    ok "... and its row $name" grep -q "^|[^|]*| $name " tour/board.md
done

for word in $(sed -n 's/^| `\([a-z]*\)` | .*/\1/p' "$repo/README.md"); do
    run docassist "$word" --help
    is_exit 0 "the README's table names a command: $word"
done

done_testing
