#!/bin/sh
# The tour of the README does what the README prints: each command of its console blocks is run, in
# order, and gives exactly the lines below it. The table it shows stands in the board made on the way.
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

grep '^|.*±' "$repo/README.md" | while IFS= read -r row; do
    grep -q -F -e "$row" tour/board.md || echo "$row"
done >missing
is "$(cat missing)" "" "the table of the README stands in the board"
is "$(grep -c '^|.*±' "$repo/README.md")" 2 "... both rows of it"

for word in $(sed -n 's/^| `\([a-z]*\)` | .*/\1/p' "$repo/README.md"); do
    run docassist "$word" --help
    is_exit 0 "the README's table names a command: $word"
done

done_testing
