#!/bin/sh
# The kernels of every processor, on this one (x86-64 Linux): compiled by two compilers without a
# warning, AVX-512 compared over SIMDe, and the engine's tests on emulated ARM processors, whose
# output must be that of the build given. What is missing is installed where that is possible; what
# cannot run is skipped, and said.
#
#   run.sh BUILD        BUILD: folder of a finished build of this machine
set -u

cd "$(dirname "$0")/../.." || exit 1
build=$1
arm=build/arm64
sysroot=$arm/sysroot
cross=/usr/aarch64-linux-gnu
failed=0

say() { printf '== %s\n' "$*"; }
skip() { printf '== SKIP %s\n' "$*"; }
step() { # NAME COMMAND...
    say "$1"
    shift
    "$@" || { failed=1; echo "== FAILED: $*"; }
}

sh tools/deps/install.sh --list tests/cpus/packages || skip "what the packages above are for"

if [ "$(uname -m)" != x86_64 ]; then
    skip "the others: this is no x86-64 machine"
    exit 0
fi

# --- compiled by gcc and clang, without a warning --------------------------------------------
kernels() { make --no-print-directory -j2 WERROR=1 WITH_CLD2=0 "$@" kernels; }
have() { command -v "$1" >/dev/null 2>&1; }
for cc in gcc clang; do
    if have $cc; then
        step "x86-64 kernels by $cc" kernels O=build/cpus-x86-$cc CC=$cc
    else
        skip "x86-64 kernels by $cc: there is none"
    fi
done
have aarch64-linux-gnu-gcc || { skip "ARM: no aarch64-linux-gnu-gcc"; exit $failed; }
if have clang; then
    step "ARM kernels by clang" kernels O=build/cpus-arm-clang \
        CC='clang --target=aarch64-linux-gnu' CPPFLAGS="-isystem $cross/include" PKG_CFLAGS=
else
    skip "ARM kernels by clang: there is none"
fi

# --- AVX-512 over SIMDe, and what this processor has ------------------------------------------
step "kernels of this processor" prove --merge -v -e '' "$build/tests/unit/test_kernels"

# --- the engine on ARM ------------------------------------------------------------------------
have qemu-aarch64-static || { skip "ARM: no qemu-aarch64-static"; exit $failed; }
sh tests/cpus/sysroot.sh $sysroot || { skip "ARM: no arm64 libraries"; exit $failed; }
root=$(cd $sysroot && pwd)/root
libs=$root/usr/lib/aarch64-linux-gnu
tests=$(grep -l '"engine/' tests/unit/test_*.c | sed 's/\.c$//')
targets=
for t in $tests; do targets="$targets $arm/$t"; done
programs="$arm/docassist $arm/tests/tools/logits"
# shellcheck disable=SC2086  # lists of words
step "ARM build" env PKG_CONFIG_LIBDIR="$libs/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root" \
    make --no-print-directory -j2 WERROR=1 O=$arm CC=aarch64-linux-gnu-gcc \
    AR=aarch64-linux-gnu-ar WITH_CLD2=0 LDFLAGS="-Wl,-rpath,$libs" $programs $targets
[ -x $arm/tests/tools/logits ] || exit 1

emulate() { # CPU TEST...
    cpu=$1
    shift
    DOCASSIST_SMALL=1 DOCASSIST_BUILD=$PWD/$arm prove --merge -j2 -e "qemu-aarch64-static -L $cross -cpu $cpu" "$@"
}
# A Cortex-A53 has NEON alone, an A76 dot products, "max" all that the emulator knows.
for cpu in cortex-a53 cortex-a76; do
    step "kernels on $cpu" emulate $cpu $arm/tests/unit/test_kernels
done
# shellcheck disable=SC2086
step "the engine's tests on all of ARM" emulate max $targets
step "same bytes on x86-64 and ARM" env DOCASSIST_BUILD="$build" \
    DOCASSIST_ARM="$PWD/$arm" DOCASSIST_EMULATE="qemu-aarch64-static -L $cross -cpu max" \
    DOCASSIST_CPUS="neon neon_dot neon_i8mm" prove --merge -v -e '' tests/cpus/same.t
exit $failed
