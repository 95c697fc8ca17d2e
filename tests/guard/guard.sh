#!/bin/bash
# Counts the system calls (strace) and the instructions of our own code (callgrind) that one message
# costs in a full scan of a small generated spool by one worker, and compares them with expected.txt.
#
# usage: guard.sh            fails on more than 10 % above what is expected
#        guard.sh --update   rewrites expected.txt; the commit says why
#
# Run from the repository's root after a build of the dev preset, or by ctest -L guard.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build/dev
scan_once=${SCAN_ONCE:-$build/tests/guard/scan_once}
mkspool=${MKSPOOL:-$build/bench/mkspool}
messages=2000 tries=3

skip() {
    echo "SKIPPED: $1"
    exit 77
}
for tool in strace valgrind; do
    command -v $tool > /dev/null || skip "$tool is not installed"
done
strace -o /dev/null true 2> /dev/null || skip "ptrace is forbidden here, so strace counts nothing"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$mkspool" --count $messages --seed 7 --threads 1 "$work/spool" > /dev/null
valgrind -q --tool=none true > "$work/valgrind" 2>&1 || skip "valgrind does not run here: $(head -1 "$work/valgrind")"
fresh() { # fresh COMMAND…: one scan into a new index, with all files in the page cache
    rm -rf "$work/index"
    find "$work/spool" -type f -exec cat {} + > /dev/null
    "$@" "$scan_once" "$work/spool" "$work/index" > "$work/messages" 2> "$work/errors" || {
        cat "$work/errors"
        exit 1
    }
    [ "$(cat "$work/messages")" = $messages ] || { echo "scanned $(cat "$work/messages") of $messages"; exit 1; }
}
# The least of some tries: a disturbed one makes the worker wait, or write a first segment early.
calls= instructions=
least() { # least OLD NEW
    if [ -z "$1" ] || [ "$2" -lt "$1" ]; then echo "$2"; else echo "$1"; fi
}
for _ in $(seq $tries); do
    fresh strace -f -c -o "$work/calls"
    calls=$(least "$calls" "$(awk '$NF == "total" { print $4 }' "$work/calls")")
    fresh valgrind -q --tool=callgrind --callgrind-out-file="$work/profile"
    instructions=$(least "$instructions" "$("${PYTHON:-python3}" "$here/own_instructions.py" "$work/profile" scan_once)")
done
compiler=gcc-$(sed -n 's/.*GCC: ([^)]*) \([0-9]*\)\..*/\1/p' <<< "$(readelf -p .comment "$scan_once")" | head -1)
awk -v m=$messages -v c="$calls" -v i="$instructions" -v compiler="$compiler" 'BEGIN {
    printf "system-calls %.2f\ninstructions.%s %.0f\n", c / m, compiler, i / m }' > "$work/counted"

if [ "${1:-}" = --update ]; then
    {
        sed -n '/^#/p' "$here/expected.txt"
        grep '^instructions\.' "$here/expected.txt" | grep -v "^instructions.$compiler " || true
        cat "$work/counted"
    } > "$work/expected"
    cp "$work/expected" "$here/expected.txt"
    cat "$here/expected.txt"
    exit 0
fi

verdict=0
while read -r name counted; do
    awk -v name="$name" -v counted="$counted" '
        $1 == name { known = 1; expected = $2 }
        END {
            if (!known) {
                printf "%s: %s a message; nothing is expected of this compiler yet\n", name, counted
                exit 0
            }
            printf "%s: %s a message, expected %s (%+.1f %%)\n", name, counted, expected,
                100 * (counted / expected - 1)
            if (counted < 0.9 * expected)
                print "  Better by more than 10 %: keep it so, run tests/guard/guard.sh --update and commit it."
            exit counted > 1.1 * expected
        }' "$here/expected.txt" || verdict=1
done < "$work/counted"
if [ $verdict != 0 ]; then
    echo
    echo "A message costs more than 10 % more than it did. The tables below tell where; compare them with"
    echo "those of the commit before. Where the cost is worth its reason, run tests/guard/guard.sh --update and"
    echo "give the reason in the commit."
    echo
    sed -n '1,12p' "$work/calls"
    callgrind_annotate "$work/profile" 2> /dev/null | sed -n '/file:function/,+24p'
fi
exit $verdict
