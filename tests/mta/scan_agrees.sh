#!/bin/bash
# A scan agrees with the server's own listing message by message, and leaves no trace on the spool.
. "$(dirname "$0")/lib.sh"
start_server
inject 300 --seed 5 --nasty --out "$work/sent.jsonl"
listing "$work/listing"
ids "$work/listing" | awk 'NR % 9 == 4' | pf exec postsuper -h - > /dev/null 2>&1
listing "$work/listing"

times() { find "$spool" -path "$spool/p*" -prune -o -printf '%A@ %T@ %C@ %m %p\n' | sort -k5; }
times > "$work/times.before" # listing a folder itself touches it, once
times > "$work/times.before"
ray_outside scan
ray_outside query '*' --no-refresh --json > "$work/ray"
times > "$work/times.after"

"$python" "$compare" listing "$work/ray" "$work/listing" || fail "the listings differ"
assert_same "$work/times.before" "$work/times.after" "reading changed the spool"

# the account of each message is the one that logged in
jq -r 'select(.error == null and .auth != null) | "\(.id) \(.auth)"' "$work/sent.jsonl" |
    sort > "$work/accounts.sent"
jq -r 'select(.auth_account != null) | "\(.queue_id) \(.auth_account)"' "$work/ray" |
    sort > "$work/accounts.ray"
join -j 1 "$work/accounts.sent" <(ids "$work/listing") | sort > "$work/accounts.waiting"
assert_same "$work/accounts.waiting" "$work/accounts.ray" "the accounts differ"
