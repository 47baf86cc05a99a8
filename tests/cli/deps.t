#!/bin/sh
# tools/deps/install.sh with package managers that only say what they were asked to do.
. "$(dirname "$0")/lib.sh"

install=$repo/tools/deps/install.sh
mkdir bin

# fake NAME: a program that notes how it was called and makes the missing thing appear.
fake()
{
    printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n[ -e "%s/broken" ] || : >"%s/there"\n' \
        "$1" "$tmp" "$tmp" "$tmp" >"bin/$1"
    chmod +x "bin/$1"
}
for name in sh dirname uname tr cat mktemp tail rm env; do
    ln -s "$(command -v $name)" "bin/$name"
done
fake apt-get
printf '#!/bin/sh\necho 0\n' >bin/id
chmod +x bin/id
cat >list <<END
- ca,cb cd ce cf file:$tmp/there
Some_feature fa++,fb fd - ff file:$tmp/nowhere,$tmp/there
- x x x x linux:file:/
END
clean_path() { PATH=$tmp/bin "$@"; }

run clean_path sh "$install" --list list
is_exit 0 "installs what is missing"
is "$(cat calls)" "apt-get update
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 ca cb fa++ fb" \
    "... with apt-get, the missing packages only"
is_stderr "deps: installing ca cb fa++ fb" "... and says so"
rm calls
run clean_path sh "$install" --list list
is_exit 0 "nothing missing: done"
ok "... and nothing is called" test ! -e calls
is_stderr ""

rm there
run clean_path sh "$install" --list list --missing
is_stdout "ca
cb
fa++
fb" "--missing prints names"

printf '#!/bin/sh\necho 1000\n' >bin/id
run clean_path sh "$install" --list list
is_exit 1 "without root and sudo: fails"
is_stderr "deps: neither root nor sudo; run this, then try again:
    su -c 'apt-get update && apt-get install -y --no-install-recommends ca cb fa++ fb'" \
    "... with the line to run"
ok "... and calls nothing" test ! -e calls

printf 'Some_feature fa fd - ff file:%s/there\n' "$tmp" >optional
run clean_path sh "$install" --list optional
is_exit 1 "only a feature missing: still fails"
like_stderr "^deps: or 'make build', which leaves out: Some feature$" "... and names the feature"

printf '#!/bin/sh\nexit 1\n' >bin/sudo
chmod +x bin/sudo
run clean_path sh "$install" --list list </dev/null
like_stderr "^deps: sudo wants a password; run this" "sudo without a terminal does not hang"
printf '#!/bin/sh\necho "sudo $1" >>%s/calls; exec "$@"\n' "$tmp" >bin/sudo
ln -s "$(command -v true)" bin/true
sed -i 's/exec "$@"/[ "$1" = -n ] || exec "$@"/' bin/sudo
run clean_path sh "$install" --list list </dev/null
is_exit 0 "sudo without a password is used"
like_file calls "^sudo apt-get" "... for apt-get"

rm there calls bin/apt-get
printf '#!/bin/sh\necho 0\n' >bin/id
for case in "dnf:install -y cd fd" "pacman:-S --needed --noconfirm ce" \
    "brew:install cf ff"; do
    fake "${case%%:*}"
    run clean_path sh "$install" --list list
    like_file calls "^${case%%:*} ${case#*:}$" "${case%%:*} has its own names"
    rm -f "bin/${case%%:*}" there calls
done
run clean_path sh "$install" --list list
is_exit 1 "no package manager: fails"
like_stderr "^deps: no package manager found" "... and says so"

fake apt-get
: >broken
run clean_path sh "$install" --list list
is_exit 1 "a package that does not help is noticed"
like_stderr "^deps: still missing after installing: ca cb fa\+\+ fb; run this" "... by name"

done_testing
