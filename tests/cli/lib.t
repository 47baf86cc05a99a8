#!/bin/sh
# The test library itself: each kind of test point passes when it should, fails when it
# should, and a failing script ends with a status prove sees.
. "$(dirname "$0")/lib.sh"

# inner BODY: runs BODY as a test script of its own.
inner()
{
    mkdir -p "$tmp/tests/cli"
    cp "$repo/tests/cli/lib.sh" "$tmp/tests/cli/lib.sh"
    printf '#!/bin/sh\n. "$(dirname "$0")/lib.sh"\n%s\ndone_testing\n' "$1" >"$tmp/tests/cli/x.t"
    run sh "$tmp/tests/cli/x.t"
}

run sh -c 'echo out; echo err >&2; exit 3'
is_exit 3 "run keeps the exit status"
is_stdout out "... and stdout"
is_stderr err "... and stderr"
run cat <<'END'
{"a":{"b":["x",2]},"n":12345678901234567890}
{"a":{}}
END
is "$(json a.b.0)" 'x
(missing)' "json prints a member of each record"
is "$(json 'a.b.#' | head -n 1)" 2 "json prints a length"
is "$(json n | head -n 1)" 12345678901234567890 "json keeps large integers"

for body in \
    'run true; is_exit 1 x' 'run echo a; is_stdout b x' 'run echo a; is_stdout "" x' \
    'run true; is_stderr b x' 'run echo a; like_stdout "^b" x' 'run echo a; unlike_stdout a x' \
    'ok x false' 'fail x' 'is a b x' 'echo 1 >p; echo 2 >q; same_file p q x'; do
    inner "$body"
    [ "$status" -eq 1 ] && grep -q '^not ok 1 - x$' "$out"
    is $? 0 "fails: $body"
done

for body in \
    'run true; is_exit 0 x' 'run echo a; is_stdout a x' 'run true; is_stdout "" x' \
    'run echo ab; like_stdout "^a.$" x' 'run echo a; unlike_stdout b x' 'ok x true' \
    'skip "no reason" x' 'is "" "" x' 'echo 1 >p; echo 1 >q; same_file p q x'; do
    inner "$body"
    [ "$status" -eq 0 ] && grep -q '^ok 1 - x' "$out" && grep -q '^1\.\.1$' "$out"
    is $? 0 "passes: $body"
done

inner 'echo "$tmp"; touch f; chmod 0 f; mkdir d; chmod 500 d'
is_exit 0 "a script leaves its temporary folder"
ok "... which is gone afterwards" test ! -e "$(head -n 1 "$out")"
inner 'start sleep 60; echo "$pid"'
gone() { ! kill -0 "$1" 2>/dev/null; }
ok "a background process does not outlive the script" wait_until 2 gone "$(head -n 1 "$out")"
inner 'exit 0'
unlike_stdout '^1\.\.' "a script that ends early prints no plan"
inner 'skip_all "nothing here"'
is_stdout "1..0 # SKIP nothing here" "skip_all says why"
OPENAI_API_KEY=secret inner 'env'
unlike_stdout 'secret' "no key reaches a test"

done_testing
