#!/bin/bash
# An index read by the second reader, which knows docs/INDEX-FORMAT.md alone: first of a whole scan,
# then with dead rows and a segment of a refresh.
# usage: index_reader.sh ARCHIVE PATH-OF-SPOOL-IN-ARCHIVE
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
mkdir "$work/tree"
tar --no-same-owner -xf "$1" -C "$work/tree"
spool=$work/tree/$2
read_both() {
    "$SPOOLRAY" scan --spool "$spool" --index "$work/index" > "$work/scan.out" \
        || { cat "$work/scan.out"; exit 1; }
    "$SPOOLRAY" query '*' --json --spool "$spool" --index "$work/index" > "$work/ray"
    "${PYTHON:-python3}" "$here/index_reader.py" "$work/index" "$work/ray"
}
read_both
mapfile -t files < <(find "$spool/deferred" "$spool/hold" -type f | sort)
rm "${files[0]}" "${files[3]}"
mv "${files[5]}" "$spool/hold/"
read_both
