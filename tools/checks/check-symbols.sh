#!/bin/sh
# What the compiled objects may define and use:
#   - a global symbol of the library begins with da_; no mutable global state, static or not
#   - only cli/ and the helper program's own sources print, exit or read the environment
#   - docassist is not linked with poppler (its licence), nor with anything unexpected
#
#   check-symbols.sh BUILD    a plain build folder, such as build/release
set -u

build=${1:?usage: check-symbols.sh BUILD}
[ -r "$build/libdocassist.a" ] || { echo "check-symbols: no library in '$build'" >&2; exit 1; }
bad=0
say() { echo "$*" >&2; bad=1; }

# --- symbols, one object at a time: OBJECT|NAME|CLASS|SECTION -----------------
symbols()
{
    find "$build" -name '*.o' ! -path '*/tests/*' ! -path '*/tools/*' | LC_ALL=C sort |
        xargs nm -A -f sysv 2>/dev/null | awk -F'|' -v strip="$build/" '
            index($1, ":") && NF >= 7 {
                object = name = $1
                sub(/:[^:]*$/, "", object)
                sub(/^.*:/, "", name)
                object = substr(object, length(strip) + 1)
                gsub(/ /, "", name); gsub(/ /, "", $3); gsub(/[ \t]/, "", $7)
                sub(/@.*/, "", name)
                print object "|" name "|" $3 "|" $7
            }'
}

symbols | awk -F'|' '
BEGIN {
    n = split("exit _exit _Exit quick_exit abort getenv secure_getenv setenv putenv unsetenv " \
              "printf __printf_chk vprintf __vprintf_chk puts putchar perror stdout stderr " \
              "system popen setlocale signal atexit", w, " ")
    for (i = 1; i <= n; i++)
        forbidden[w[i]] = 1

    # Object and symbol that stand outside the rule, with the reason.
    allowed["common/mem.o abort"] = 1     # out of memory on a small fixed size, as in DESIGN 5.14
    allowed["common/mem.o stderr"] = 1    # ... with a message
    allowed["common/buf.o empty"] = 1     # what empty buffers point to; never written
    allowed["api/http_curl.o curl"] = 1   # the functions of libcurl, written once: decision 0012
    allowed["api/http_curl.o once"] = 1   # ... by pthread_once
    allowed["ingest/helper.o _exit"] = 1    # the forked child whose exec failed
}
{
    object = $1; name = $2; class = $3; section = $4
    free = object ~ /^(cli|ingest\/extract)\//
    if (class == "U") {
        if (!free && (name in forbidden) && !((object " " name) in allowed)) {
            printf "%s: uses %s (only cli/ prints, exits or reads the environment)\n", object, name
            bad = 1
        }
    } else if (class ~ /^[A-Z]$/ && name !~ /^da_/ && !(free && name == "main") &&
               name !~ /^(_GLOBAL_|__|DW\.)/) {
        printf "%s: global symbol %s does not begin with da_\n", object, name
        bad = 1
    }
    if (class ~ /^[dDbBC]$/ && section !~ /^\.data\.rel\.ro/ && !free && name !~ /^__/) {
        sub(/\.[0-9]+$/, "", name)
        if ((object " " name) in allowed)
            next
        printf "%s: %s is mutable global state (%s)\n", object, name, section
        bad = 1
    }
}
END { exit bad }' >&2 || bad=1

# --- what the programs are linked with ---------------------------------------
needed() { readelf -d "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p'; }

if [ -r "$build/docassist" ] && command -v readelf >/dev/null 2>&1; then
    for lib in $(needed "$build/docassist"); do
        case $lib in
        libc.so* | libm.so* | libpthread.so* | ld-linux* | linux-vdso* | libgcc_s.so*) ;;
        libcjson.so* | libutf8proc.so* | libsqlite3.so* | libz.so*) ;;
        libdl.so*) ;; # for libcurl, with older C libraries
        libpoppler*) say "docassist links $lib: poppler's licence is the GPL, docassist's is not" ;;
        *) say "docassist links $lib, which no line of tools/checks/check-symbols.sh expects" ;;
        esac
    done
fi

exit "$bad"
