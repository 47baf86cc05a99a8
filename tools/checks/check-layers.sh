#!/bin/sh
# The strict order of the folders: a file includes headers of its own folder and of lower
# levels, a third-party library is named in one place, and everything is included by its
# path from the root. The order is the table below; docs/decisions/ says why it is so.
#
#   check-layers.sh [ROOT]    default: the repository this script is in
set -u

root=${1:-$(dirname "$0")/../..}
cd "$root" || exit 1

# Paths have no spaces: check-style sees to that.
find . \( -path ./build -o -path ./.git -o -name '.*' ! -name . \) -prune -o \
    \( -name '*.[ch]' -o -name '*.def' \) -print | sed 's|^\./||' | LC_ALL=C sort | xargs awk '
BEGIN {
    # Folders with the same number meet through records, not through headers.
    levels = "common 0 text 1 schemas 2 prompts 2 engine 2 api 2 ingest 3 eval 3 annotate 4 " \
             "serve 5 cli 6 tests 7 bench 7 tools 7"
    n = split(levels, w, " ")
    for (i = 1; i < n; i += 2)
        level[w[i]] = w[i + 1]

    # Narrower than the order: what a folder may include of another one.
    only["engine", "text"] = "text/uclass.h text/unorm.h"

    # The helper program parses hostile files: it knows the base library, what it shares with
    # ingest/ and itself.
    extract_may = "^(common|ingest|ingest/extract)/[a-z0-9_]+\\.h$"

    # Third-party headers (by their beginning) and the only files that may name them.
    third["cjson/"] = "^common/json\\.c$"
    third["utf8proc.h"] = "^common/utf8\\.c$"
    third["zlib.h"] = "^common/zip_read\\.c$"
    third["curl/"] = third["dlfcn.h"] = "^api/http_curl\\.c$"
    third["sqlite3.h"] = "^(api/ledger|ingest/dedup_index)\\.c$"
    third["seccomp.h"] = third["gumbo.h"] = third["poppler"] = "^ingest/extract/"
    third["uchardet/"] = third["zip.h"] = third["libxml/"] = "^ingest/extract/"
    third["cld2/"] = third["tesseract/"] = third["leptonica/"] = "^ingest/extract/"
    third["glib"] = third["gio/"] = third["cairo"] = "^ingest/extract/"
    third["arm_neon.h"] = "^engine/kernels/"
    third["immintrin.h"] = "^(engine/kernels/|common/sha256_x86\\.c$)"
    third["cpuid.h"] = "^common/cpu\\.c$"
    # Peers and emulation: never part of a program.
    third["llama.h"] = "^bench/engine/"
    third["simde/"] = "^tests/soft/"

    # ISO C11, POSIX.1-2008, the kernel interfaces of Linux and those of the sanitizers.
    system_headers = \
        "^(assert|complex|ctype|dirent|errno|fcntl|fenv|float|fnmatch|ftw|glob|iconv|inttypes|" \
        "iso646|limits|locale|math|netdb|poll|pthread|pwd|regex|sched|semaphore|setjmp|signal|" \
        "spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|" \
        "strings|termios|tgmath|threads|time|uchar|unistd|utime|wchar|wctype)\\.h$|" \
        "^(arpa|linux|net|netinet|sanitizer|sys)/[a-z0-9_]+\\.h$"
}

function top(path) { return substr(path, 1, index(path, "/") - 1) }

function fail(why)
{
    printf "%s:%d: %s\n", FILENAME, FNR, why
    bad = 1
}

function local_include(name,    from, to)
{
    from = top(FILENAME)
    to = top(name)
    if (to == "") {
        fail("\"" name "\" is not a path from the root (write \"folder/" name "\")")
    } else if (!(to in level)) {
        fail("\"" name "\" lies in a folder without a level")
    } else if (!(from in level)) {
        fail("folder \"" from "\" has no level in tools/checks/check-layers.sh")
    } else if (FILENAME ~ /^ingest\/extract\//) {
        if (name !~ extract_may)
            fail("the helper may not include \"" name "\"")
    } else if (name ~ /^ingest\/extract\// && level[from] < 7) {
        fail("\"" name "\" belongs to the helper program (GPL)")
    } else if (from != to && level[to] >= level[from]) {
        fail(from "/ (level " level[from] ") may not include \"" name "\" (level " level[to] ")")
    } else if ((from, to) in only && index(" " only[from, to] " ", " " name " ") == 0) {
        fail("of " to "/ " from "/ may include only " only[from, to] ", not " name)
    }
}

function system_include(name,    lib, place)
{
    if (name ~ system_headers)
        return
    for (lib in third) {
        if (index(name, lib) == 1) {
            place = third[lib]
            if (FILENAME !~ place) {
                gsub(/[\\^$]/, "", place)
                fail("<" name "> may be named in " place " only")
            }
            return
        }
    }
    fail("<" name "> is a new library: it needs a note in docs/decisions/ and a line in " \
         "tools/checks/check-layers.sh")
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    name = $0
    sub(/^[^"]*"/, "", name)
    sub(/".*/, "", name)
    local_include(name)
}
/^[ \t]*#[ \t]*include[ \t]*</ {
    name = $0
    sub(/^[^<]*</, "", name)
    sub(/>.*/, "", name)
    system_include(name)
}
END { exit bad }' >&2
