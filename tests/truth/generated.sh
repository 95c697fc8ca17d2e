#!/bin/bash
# A generated spool against what the generator says it wrote: every message, and the totals.
# usage: generated.sh MKSPOOL-OPTIONS…
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$MKSPOOL" "$@" --lines "$work/lines" "$work/spool" > "$work/truth.json"
options=(--spool "$work/spool" --index "$work/index" --engine "${ENGINE:-auto}")
"$SPOOLRAY" scan "${options[@]}" > "$work/scan.out" || { cat "$work/scan.out"; exit 1; }
"$SPOOLRAY" query '*' --json "${options[@]}" > "$work/ray"
"${PYTHON:-python3}" "$here/compare.py" lines "$work/ray" "$work/lines"

expect() { # expect EXPRESSION NAME-IN-TRUTH…: the count of a query and of the generator
    local expression=$1 said truth
    shift
    truth=$("${PYTHON:-python3}" -c '
import json, sys
value = json.load(open(sys.argv[1]))
for name in sys.argv[2:]:
    value = value.get(name, {"messages": 0})
print(value)' "$work/truth.json" "$@")
    said=$("$SPOOLRAY" query "$expression" --count "${options[@]}") || true
    [ "$said" = "$truth" ] || { echo "query $expression counts $said, the generator $truth"; exit 1; }
}
expect '*' messages
expect 'from:<>' null_sender messages
expect 'not is:auth' no_account messages
expect account:mallory@customer.test accounts mallory@customer.test messages
expect account:budget.account1@customer1.test accounts budget.account1@customer1.test messages
