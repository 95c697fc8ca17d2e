#!/bin/bash
# The journal of a deletion read by a second reader, which knows docs/JOURNAL-FORMAT.md alone.
# usage: journal_reader.sh ARCHIVE PATH-OF-SPOOL-IN-ARCHIVE
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
mkdir "$work/tree"
tar --no-same-owner -xf "$1" -C "$work/tree"
options=(--spool "$work/tree/$2" --index "$work/index")
"$SPOOLRAY" scan "${options[@]}" > "$work/out" || { cat "$work/out"; exit 1; }
"$SPOOLRAY" delete 'account:mallory@customer.test' --yes --expect 131 "${options[@]}" > "$work/out" \
    || { cat "$work/out"; exit 1; }
private=$(dirname "$(find "$work/tree" -path '*/.spoolray/*/marker')")
"${PYTHON:-python3}" "$here/journal_reader.py" "$private" 131
