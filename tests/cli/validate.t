#!/bin/sh
# docassist validate, and what every command shares: help, unknown names, a full disk.
. "$(dirname "$0")/lib.sh"

good='{"id":"d/summ","response":"x"}'
printf '%s\n%s\n' "$good" '{"id":"d/qs","raw":"y"}' >good.jsonl
printf '%s\n{"id":"d/qs"\n\n%s\n{"id":"d/qa"}\n' "$good" "$good" >bad.jsonl

run docassist validate prediction good.jsonl
is_exit 0
is_stdout "2 valid, 0 invalid"
is_stderr ""

run docassist validate prediction bad.jsonl
is_exit 3 "invalid records: finished, but some failed"
is_stdout "1 valid, 3 invalid"
is_stderr "docassist: bad.jsonl:2: invalid JSON at byte 12, after member 'id': the text ends inside an object
docassist: bad.jsonl:4: id 'd/summ' stands on line 1 already
docassist: bad.jsonl:5: at /: member 'raw' is missing" "each with file and line"

run docassist validate prediction - <good.jsonl
is_exit 0 "'-' is standard input"

run docassist validate prediction nowhere.jsonl
is_exit 1
is_stderr "docassist: cannot open 'nowhere.jsonl': No such file or directory"

run docassist validate letter good.jsonl
is_exit 2
is_stderr "docassist validate: there is no record of kind 'letter'
Try 'docassist validate --help'."

run docassist validate prediction
is_exit 2 "no file"
run docassist validate --quite prediction good.jsonl
is_exit 2
is_stderr "docassist validate: unknown option '--quite'; did you mean '--quiet'?
Try 'docassist validate --help'."
run docassist validate --quiet=yes prediction good.jsonl
is_exit 2
is_stderr "docassist validate: --quiet takes no value
Try 'docassist validate --help'."
run docassist validate prediction -- -- good.jsonl
is_exit 1 "after -- everything is a file"

# --- the run log ---------------------------------------------------------------------
printf 'A short text about a lighthouse and its keeper.\n' >note.txt
run docassist ingest note.txt -o docs.jsonl
run docassist ingest note.txt -o docs.jsonl
is "$(json command docs.jsonl.run.jsonl)" "ingest
ingest" "each run appends a line to the log beside its output"
is "$(json exit docs.jsonl.run.jsonl)" "0
0" "... with its exit code"
run docassist ingest note.txt -o -
ok "no log for standard output" test ! -e ./-.run.jsonl

run docassist
is_exit 2 "no command"
run docassist vaildate
is_exit 2
is_stderr "docassist: unknown command 'vaildate'; did you mean 'validate'?
Try 'docassist --help'."
run docassist --help
is_exit 0
like_stdout '^  validate +check records against their schemas$'
run docassist --version
like_stdout '^docassist [0-9]+\.[0-9]+\.[0-9]+$'

if [ -e /dev/full ]; then
    docassist validate prediction good.jsonl >/dev/full 2>"$err"
    status=$?
    is_exit 1 "a full disk is a failure"
    is_stderr "docassist: cannot write to stdout: No space left on device"
else
    skip "no /dev/full" "a full disk is a failure"
fi

done_testing
