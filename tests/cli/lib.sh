# shellcheck shell=sh
#
# TAP for command tests. A test is an executable POSIX sh script tests/cli/NAME.t:
#
#     #!/bin/sh
#     . "$(dirname "$0")/lib.sh"
#
#     run docassist tokenize --count <"$repo/examples/docs/letter.txt"
#     is_exit 0 "tokenize counts a letter"
#     is_stdout "287" "... as the reference does"
#     done_testing
#
# It runs in a temporary folder of its own, which is removed at the end, with `docassist`
# and `docassist-extract` of the build under test on PATH, no key and no proxy in the
# environment and HOME in the temporary folder. Nothing may depend on the network, on the
# time or on another test.
#
# Set here:  $repo     the repository's root
#            $build    the build folder under test ($DOCASSIST_BUILD)
#            $tmp      the temporary folder, also the working folder
# Set by run:  $status  exit status;  $out, $err  files holding stdout and stderr
#
# Every NAME may be left out; the test point then names the command that ran.

set -u

repo=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${DOCASSIST_BUILD:-$repo/build/release}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/docassist-test.XXXXXX") || exit 1
out=$tmp/.stdout
err=$tmp/.stderr
status=0
pid=

tap_n=0
tap_failed=0
tap_last='(nothing ran)'
tap_background=

tap_cleanup()
{
    for tap_pid in $tap_background; do
        kill -9 "$tap_pid" 2>/dev/null
    done
    cd / && chmod -R u+rwX "$tmp" 2>/dev/null
    rm -rf "$tmp"
}
trap 'tap_cleanup' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

PATH=$build:$PATH
HOME=$tmp
XDG_CACHE_HOME=$tmp/.cache
LC_ALL=C
TZ=UTC
TERM=dumb
# A sanitizer's report must not look like an ordinary failure (exit code 1).
ASAN_OPTIONS=exitcode=99${ASAN_OPTIONS:+:$ASAN_OPTIONS}
UBSAN_OPTIONS=exitcode=99:print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}
TSAN_OPTIONS=exitcode=99${TSAN_OPTIONS:+:$TSAN_OPTIONS}
export PATH HOME XDG_CACHE_HOME LC_ALL TZ TERM ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS
unset OPENAI_API_KEY OPENAI_BASE_URL HTTPS_PROXY https_proxy http_proxy ALL_PROXY all_proxy \
    NO_PROXY no_proxy NO_COLOR HF_TOKEN HF_ENDPOINT PIP_INDEX_URL SOURCE_DATE_EPOCH CDPATH
cd "$tmp" || exit 1

# --- running -----------------------------------------------------------------

# run COMMAND...   Runs it to its end; redirect stdin as usual: run docassist x <file
run()
{
    tap_last=$*
    "$@" >"$out" 2>"$err"
    status=$?
}

# start COMMAND...   Starts it in the background: $pid; killed at the end of the test if it
# still runs. Its stdout and stderr are $tmp/bg.out and $tmp/bg.err.
start()
{
    "$@" >"$tmp/bg.out" 2>"$tmp/bg.err" &
    pid=$!
    tap_background="$tap_background $pid"
}

# wait_until SECONDS COMMAND...   Tries every 50 ms until COMMAND succeeds; 1 when it never does.
wait_until()
{
    tap_tries=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tap_tries=$((tap_tries - 1))
        [ "$tap_tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

# tool NAME   Prints the path of the test program made from tests/tools/NAME.c.
tool()
{
    printf '%s\n' "$build/tests/tools/$1"
}

# shared PATH   Prints the path of a piece of shared test material; prints nothing and
# returns 1 when it is not there:  if f=$(shared models/x.gguf); then ...; else skip ...; fi
shared()
{
    tap_path=${DOCASSIST_SHARED:-$repo/../shared}/$1
    [ -e "$tap_path" ] || return 1
    printf '%s\n' "$tap_path"
}

# json PATH [FILE]   Prints the member at a dotted path ("source.path", "chunks.0", "response.#"
# for a length), one line for each record of FILE (default: stdout of the last run); arrays and
# objects as JSON with sorted keys, a missing member as "(missing)".
json()
{
    perl -MJSON::PP -e '
        my ($path, $file) = @ARGV;
        my $json = JSON::PP->new->utf8->canonical->allow_nonref->allow_bignum;
        open my $in, "<", $file or die "$file: $!\n";
        local $/;
        $json->incr_parse(scalar <$in>);
        while (defined(my $v = $json->incr_parse)) {
            for my $key (split /\./, $path) {
                if (ref $v eq "ARRAY") { $v = $key eq "#" ? scalar @$v : $v->[$key]; }
                elsif (ref $v eq "HASH" && exists $v->{$key}) { $v = $v->{$key}; }
                else { $v = \"(missing)"; last; }
            }
            if (ref $v eq "SCALAR") { print "$$v\n"; next; }
            my $text = $json->encode($v);
            if ($text =~ /^"/) { utf8::encode($v); $text = $v; }
            print "$text\n";
        }' "$1" "${2:-$out}"
}

# --- test points -------------------------------------------------------------

tap_point() # 0|1 NAME
{
    tap_n=$((tap_n + 1))
    if [ "$1" -eq 0 ]; then
        printf 'ok %d - %s\n' "$tap_n" "$2"
        return 0
    fi
    tap_failed=$((tap_failed + 1))
    printf 'not ok %d - %s\n' "$tap_n" "$2"
    printf '#   ran: %s\n' "$tap_last"
    return 1
}

tap_show() # TITLE FILE   as diagnostics, at most 40 lines
{
    printf '#   %s:\n' "$1"
    sed -n '1,40s/^/#     /p' "$2"
}

tap_same_file() # WANT GOT NAME
{
    if cmp -s "$1" "$2"; then
        tap_point 0 "$3"
        return
    fi
    tap_point 1 "$3"
    diff -u "$1" "$2" | sed -n '3,43s/^/#     /p'
    return 1
}

tap_same_text() # WANT FILE NAME
{
    if [ -n "$1" ]; then printf '%s\n' "$1"; fi >"$tmp/.want"
    tap_same_file "$tmp/.want" "$2" "$3"
}

# is_exit N [NAME]   The last run ended with status N.
is_exit()
{
    if [ "$status" -eq "$1" ]; then
        tap_point 0 "${2:-exit $1: $tap_last}"
        return
    fi
    tap_point 1 "${2:-exit $1: $tap_last}"
    printf '#   exit status %s, wanted %s\n' "$status" "$1"
    tap_show stderr "$err"
    return 1
}

# is_stdout TEXT [NAME]   stdout was exactly TEXT and a line feed; '' means nothing at all.
is_stdout() { tap_same_text "$1" "$out" "${2:-stdout: $tap_last}"; }
is_stderr() { tap_same_text "$1" "$err" "${2:-stderr: $tap_last}"; }

# is_stdout_file FILE [NAME]   stdout was exactly the content of FILE.
is_stdout_file() { tap_same_file "$1" "$out" "${2:-stdout: $tap_last}"; }
is_stderr_file() { tap_same_file "$1" "$err" "${2:-stderr: $tap_last}"; }

# same_file GOT WANT [NAME]   Two files are equal byte for byte.
same_file() { tap_same_file "$2" "$1" "${3:-$1 equals $2}"; }

tap_like() # FILE ERE NAME
{
    grep -E -q -e "$2" "$1"
    tap_point $? "$3" && return
    printf '#   wanted a line matching: %s\n' "$2"
    tap_show got "$1"
    return 1
}

tap_unlike() # FILE ERE NAME
{
    ! grep -E -q -e "$2" "$1"
    tap_point $? "$3" && return
    printf '#   wanted no line matching: %s\n' "$2"
    tap_show got "$1"
    return 1
}

# like_stdout ERE [NAME]   A line of stdout matches the extended regular expression.
like_stdout() { tap_like "$out" "$1" "${2:-stdout like /$1/: $tap_last}"; }
like_stderr() { tap_like "$err" "$1" "${2:-stderr like /$1/: $tap_last}"; }
unlike_stdout() { tap_unlike "$out" "$1" "${2:-stdout unlike /$1/: $tap_last}"; }
unlike_stderr() { tap_unlike "$err" "$1" "${2:-stderr unlike /$1/: $tap_last}"; }

# like_file FILE ERE [NAME]
like_file() { tap_like "$1" "$2" "${3:-$1 like /$2/}"; }

# is GOT WANT NAME   Two texts are equal.
is()
{
    [ "$1" = "$2" ]
    tap_point $? "$3" && return
    printf '%s\n' "$1" | sed 's/^/#     got:    /'
    printf '%s\n' "$2" | sed 's/^/#     wanted: /'
    return 1
}

# ok NAME COMMAND...   COMMAND succeeds; what it prints is shown only when it fails.
ok()
{
    tap_name=$1
    shift
    tap_last=$*
    "$@" >"$tmp/.ok" 2>&1
    tap_point $? "$tap_name" && return
    tap_show output "$tmp/.ok"
    return 1
}

pass() { tap_point 0 "$1"; }
fail() { tap_point 1 "$1"; }

# skip WHY NAME   A test point that did not run, said visibly.
skip()
{
    tap_n=$((tap_n + 1))
    printf 'ok %d - %s # SKIP %s\n' "$tap_n" "${2:-}" "$1"
}

# skip_all WHY   Ends the whole script, nothing having run.
skip_all()
{
    printf '1..0 # SKIP %s\n' "$1"
    exit 0
}

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# Prints the plan; always the last line of a test.
done_testing()
{
    printf '1..%d\n' "$tap_n"
    [ "$tap_failed" -eq 0 ]
    exit
}

case ${0##*/} in
lib.sh) echo "lib.sh: sourced by the tests, does nothing alone" >&2; exit 2 ;;
esac
