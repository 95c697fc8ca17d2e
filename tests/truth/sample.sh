#!/bin/bash
# A spool made by a real server, message by message against its truth: every message is found and
# nothing else; id, queue, sender, recipients, account, size and arrival are equal.
# usage: sample.sh ARCHIVE TRUTH PATH-OF-SPOOL-IN-ARCHIVE
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
mkdir "$work/tree"
tar --no-same-owner -xf "$1" -C "$work/tree"
for engine in auto threads; do
    options=(--spool "$work/tree/$3" --index "$work/index.$engine" --engine "$engine")
    "$SPOOLRAY" scan "${options[@]}" > "$work/scan.out" || { cat "$work/scan.out"; exit 1; }
    "$SPOOLRAY" query '*' --json "${options[@]}" > "$work/ray"
    "${PYTHON:-python3}" "$here/compare.py" truth "$work/ray" "$2"
done
