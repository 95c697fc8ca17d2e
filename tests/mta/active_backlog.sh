#!/bin/bash
# Messages that wait in active, with a backlog in the queue manager's memory: taken out and given
# back with a reload, none is lost and none is delivered twice.
. "$(dirname "$0")/lib.sh"
start_server
pf net "$python" "$here/flood.py" 10025 120 flood@bulk.test slow.test > "$work/sent.jsonl"
listing "$work/before"
active=$(jq -r 'select(.queue_name == "active") | .queue_id' "$work/before" | wc -l)
[ "$active" -gt 50 ] || fail "only $active messages wait in active"

ray scan
matched=$(ray query from:flood@bulk.test --count)
[ "$matched" = 120 ] || fail "query counts $matched messages"
code=0
ray delete from:flood@bulk.test --yes --expect "$matched" || code=$?
# those that an agent delivers at this moment are skipped, and that is said: exit code 3
[ $code = 0 ] || [ $code = 3 ] || fail "delete ends with $code"
listing "$work/deleted"
left=$(wc -l < "$work/deleted")
[ "$left" -le 4 ] || fail "$left messages are left, four deliveries run"

job=$(ray jobs --json | jq -s 'map(.job) | max')
ray undo "$job" --yes
deliver_all
"$python" "$compare" delivered "$work/sent.jsonl" "$work/delivered" /dev/null ||
    fail "not each message exactly once"
assert_server_content
