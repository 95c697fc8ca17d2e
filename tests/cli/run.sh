#!/bin/bash
# Runs one case and compares what it prints with CASE.out (exact) or CASE.glob (* stands for
# anything within a line).
#
# usage: run.sh [--update] CASE.sh     --update rewrites CASE.out
#
# Given by ctest: SPOOLRAY (the program), MKSPOOL (the generator), PYTHON, and ENGINE: threads makes
# every call one with --engine threads, refused lets the kernel refuse every ring.
# A case is sourced by bash in an empty folder; lib.sh has its words. Exit code 77 skips it.
set -uo pipefail
update=
if [ "$1" = --update ]; then
    update=yes
    shift
fi
case_file=$(realpath "$1")
here=$(dirname "$case_file")
expected=${case_file%.sh}
build=$here/../../build/dev # by hand
SPOOLRAY=$(realpath "${SPOOLRAY:-$build/tools/spoolray}") || exit 1
MKSPOOL=$(realpath "${MKSPOOL:-$build/bench/mkspool}") || exit 1
export SPOOLRAY MKSPOOL
work=$(mktemp -d)
work=$(realpath "$work")
cleanup() {
    chmod -R u+rwx "$work" 2> /dev/null
    rm -rf "$work"
}
trap cleanup EXIT
mkdir "$work/at"
cd "$work/at" || exit 1
export LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1 HOME=$work/home XDG_STATE_HOME=$work/state
export XDG_RUNTIME_DIR=$work/run WORK=$work/at HERE=$here PYTHON=${PYTHON:-python3}
unset SPFAIL
case ${ENGINE:-auto} in
threads)
    printf '#!/bin/bash\nexec -a spoolray %q "$@" --engine threads\n' "$SPOOLRAY" > "$work/spoolray"
    chmod +x "$work/spoolray"
    SPOOLRAY=$work/spoolray
    ;;
refused)
    export SPFAIL=ring_setup:1+:EPERM
    # without failpoints nothing can be refused
    "$SPOOLRAY" version --engine auto | grep -q '^engine threads: ring set-up refused' || exit 77
    ;;
esac

bash -c '. "$HERE/lib.sh"; . "$1"' case "$case_file" > "$work/raw" 2>&1 < /dev/null
code=$?
[ $code -ne 77 ] || exit 77
# without this a failed case would show only what it printed
[ $code -eq 0 ] || echo "(the case ended with $code)" >> "$work/raw"
sed "s|$work/at|WORK|g; s|$work/|HOME/|g; s| --engine threads\",|\",|" "$work/raw" > "$work/said"

if [ -n "$update" ]; then
    cp "$work/said" "$expected.out"
    exit 0
fi
if [ -f "$expected.out" ]; then
    diff -u "$expected.out" "$work/said"
elif [ -f "$expected.glob" ]; then
    "$PYTHON" "$here/glob.py" "$expected.glob" "$work/said"
else
    echo "neither $expected.out nor $expected.glob"
    cat "$work/said"
    exit 1
fi
