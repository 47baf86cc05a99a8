#!/bin/sh
# Installs the packages of the list beside it whose check fails; touches nothing that is there.
# Without root or sudo it prints the line to run and fails.
#
#   install.sh            install what is missing
#   install.sh --missing  only print the names of the missing packages, one a line
#   --list FILE           another list, for the test
set -u

list=$(dirname "$0")/packages
only_print=
while [ $# -gt 0 ]; do
    case $1 in
    --missing) only_print=yes ;;
    --list) list=$2; shift ;;
    *) echo "usage: install.sh [--missing] [--list FILE]" >&2; exit 2 ;;
    esac
    shift
done
[ -r "$list" ] || { echo "deps: cannot read '$list'" >&2; exit 1; }

manager()
{
    for m in apt-get dnf pacman brew; do
        command -v "$m" >/dev/null 2>&1 && { echo "$m"; return; }
    done
    echo none
}

is_there() # CHECK
{
    case $1 in
    linux:*) [ "$(uname -s)" != Linux ] || is_there "${1#linux:}" ;;
    cc) echo '#include <stdio.h>' | ${CC:-cc} -E -o /dev/null - 2>/dev/null ;;
    cmd:*) command -v "${1#cmd:}" >/dev/null 2>&1 ;;
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    file:*,*) is_there "${1%%,*}" || is_there "file:${1#*,}" ;;
    file:*) [ -e "${1#file:}" ] ;;
    *) echo "deps: unknown check '$1' in $list" >&2; exit 1 ;;
    esac
}

# Sets $missing (package names), $needed (nothing works without one of them) and $features.
look()
{
    missing= needed= features=
    while read -r without apt dnf pacman brew check; do
        case $without in '' | '#'*) continue ;; esac
        is_there "$check" && continue
        case $manager in
        dnf) names=$dnf ;;
        pacman) names=$pacman ;;
        brew) names=$brew ;;
        *) names=$apt ;;
        esac
        [ "$names" != - ] || continue
        missing="$missing $(echo "$names" | tr ',' ' ')"
        if [ "$without" = - ]; then
            needed=yes
        else
            features="$features${features:+, }$(echo "$without" | tr _ ' ')"
        fi
    done <"$list"
    missing=${missing# }
}

give_up() # REASON
{
    echo "deps: $1; run this, then try again:" >&2
    echo "    $2" >&2
    if [ -z "$needed" ] && [ -n "$features" ]; then
        echo "deps: or 'make build', which leaves out: $features" >&2
    fi
    exit 1
}

manager=$(manager)
look
if [ -n "$only_print" ]; then
    for name in $missing; do echo "$name"; done
    exit 0
fi
[ -n "$missing" ] || exit 0

case $manager in
apt-get) line="apt-get update && apt-get install -y --no-install-recommends $missing" ;;
dnf) line="dnf install -y $missing" ;;
pacman) line="pacman -S --needed --noconfirm $missing" ;;
brew) line="brew install $missing" ;;
none)
    echo "deps: no package manager found that tools/deps/packages knows; missing: $missing" >&2
    exit 1
    ;;
esac

as_root=
if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ]; then
    shown="sudo sh -c '$line'"
    command -v sudo >/dev/null 2>&1 || give_up "neither root nor sudo" "su -c '$line'"
    # Ask for a password only where somebody can type it.
    [ -t 0 ] || sudo -n true 2>/dev/null || give_up "sudo wants a password" "$shown"
    as_root=sudo
fi

log=$(mktemp "${TMPDIR:-/tmp}/docassist-deps.XXXXXX") || exit 1
trap 'rm -f "$log"' EXIT
echo "deps: installing $missing" >&2
# shellcheck disable=SC2086  # a list of words
case $manager in
apt-get)
    # Stale lists may do: whether the update worked shows in what follows.
    $as_root apt-get update >"$log" 2>&1
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 $missing >>"$log" 2>&1
    ;;
dnf) $as_root dnf install -y $missing >"$log" 2>&1 ;;
pacman) $as_root pacman -S --needed --noconfirm $missing >"$log" 2>&1 ;;
brew) brew install $missing >"$log" 2>&1 ;;
esac
rc=$?
if [ $rc -ne 0 ]; then
    tail -n 30 "$log" >&2
    give_up "$manager failed with exit code $rc" "$line"
fi
look
[ -z "$missing" ] || give_up "still missing after installing: $missing" "$line"
