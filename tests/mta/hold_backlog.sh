#!/bin/bash
# Holding and releasing messages that wait in active, with a backlog in the queue manager's memory.
# Postfix's own postsuper -h and -H lose such mail; here one reload a batch ends that memory.
. "$(dirname "$0")/lib.sh"
start_server
pf net "$python" "$here/flood.py" 10025 120 flood@bulk.test slow.test > "$work/sent.jsonl"
listing "$work/before"
active=$(jq -r 'select(.queue_name == "active") | .queue_id' "$work/before" | wc -l)
[ "$active" -gt 50 ] || fail "only $active messages wait in active"

ray scan
code=0
ray hold from:flood@bulk.test --yes --expect 120 > "$work/hold" 2>&1 || code=$?
# those that an agent delivers at this moment are skipped, and that is said: exit code 3
[ $code = 0 ] || [ $code = 3 ] || fail "hold ends with $code: $(cat "$work/hold")"
held=$(pf exec postqueue -j | jq -r 'select(.queue_name == "hold") | .queue_id' | wc -l)
[ "$held" -ge 116 ] || fail "$held messages are held, four deliveries run"

ray release state:held --yes --expect "$held" > "$work/release" 2>&1 ||
    fail "release: $(cat "$work/release")"
deliver_all
"$python" "$compare" delivered "$work/sent.jsonl" "$work/delivered" /dev/null ||
    fail "not each message exactly once"
assert_server_content
