#!/bin/sh
# Every fuzz target survives every input of its corpus (seeds, and whatever once broke it). The
# programs are fuzz_NAME.c with standalone.c, so any compiler will do.
. "$(dirname "$0")/../cli/lib.sh"

for program in "$build"/tests/fuzz/replay_fuzz_*; do
    case $program in *.o | *.d | *'*') continue ;; esac
    name=${program##*/replay_fuzz_}
    [ -e "$repo/tests/fuzz/fuzz_$name.c" ] || continue
    corpus=$repo/tests/fuzz/corpus/fuzz_$name
    set --
    for input in "$corpus"/*; do
        [ -f "$input" ] && set -- "$@" "$input"
    done
    run "$program" "$@"
    is_exit 0 "$name survives $# inputs" || diag "last input: $(tail -n 1 "$out")"
done
[ "$tap_n" -gt 0 ] || skip_all "no fuzz targets were built"
done_testing
