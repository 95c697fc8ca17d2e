#!/bin/bash
# After a delete the rest is delivered, each message exactly once, and nothing that was taken out.
. "$(dirname "$0")/lib.sh"
start_server
without_sleepers
inject 200 --seed 7 --out "$work/sent.jsonl"
listing "$work/before"
account=mallory@customer.test
jq -r --arg account "$account" 'select(.auth == $account) | .id' "$work/sent.jsonl" > "$work/out"
count=$(grep -cFf "$work/out" <(ids "$work/before"))

ray scan
ray delete "account:$account" --yes --expect "$count"
deliver_all
"$python" "$compare" delivered "$work/sent.jsonl" "$work/delivered" "$work/out" ||
    fail "not each message exactly once"

# what comes back is delivered too, and once
job=$(ray jobs --json | jq -s 'map(.job) | max')
ray undo "$job" --yes
kill "$sink_pid"
exec 8>&-
rm -f "$work/sink.hold"
mv "$work/delivered" "$work/delivered.first"
deliver_all
cat "$work/delivered.first" "$work/delivered" > "$work/delivered.all"
"$python" "$compare" delivered "$work/sent.jsonl" "$work/delivered.all" /dev/null ||
    fail "not each message exactly once after undo"
assert_server_content
