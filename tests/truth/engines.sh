#!/bin/bash
# Whatever reads the files, the answers are the same bytes: io_uring, threads, and threads because
# the ring was refused; on the sample of a real server and on a generated spool.
# usage: engines.sh ARCHIVE PATH-OF-SPOOL-IN-ARCHIVE COUNT
set -euo pipefail
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm # it is about answers, not disks
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
mkdir "$work/tree"
tar --no-same-owner -xf "$1" -C "$work/tree"
"$MKSPOOL" --count "$3" --seed 11 --size 400 --logs --active 3 "$work/generated" > /dev/null

answers() { # answers SPOOL NAME OPTIONS…: what every message is, and who has most
    local spool=$1 name=$2
    shift 2
    local options=(--spool "$spool" --index "$work/index.$name" "$@")
    "$SPOOLRAY" scan --subjects "${options[@]}" > "$work/$name.scan"
    "$SPOOLRAY" query '*' --json --sort id "${options[@]}" > "$work/$name.json"
    "$SPOOLRAY" top account --csv "${options[@]}" > "$work/$name.top"
    rm -rf "$work/index.$name"
}
same() { # same NAME NAME
    cmp "$work/$1.json" "$work/$2.json"
    cmp "$work/$1.top" "$work/$2.top"
}
for spool in "$work/tree/$2" "$work/generated"; do
    answers "$spool" auto --engine auto
    answers "$spool" threads --engine threads
    grep -q 'engine threads: asked for' "$work/threads.scan"
    same auto threads
    if SPFAIL=ring_setup:1+:EPERM "$SPOOLRAY" version | grep -q 'engine threads: ring set-up refused'; then
        export SPFAIL=ring_setup:1+:EPERM
        answers "$spool" refused --engine auto
        unset SPFAIL
        grep -q 'engine threads: ring set-up refused' "$work/refused.scan"
        same auto refused
    fi
    echo "$(wc -l < "$work/auto.json") messages, the same from every engine"
done
