#!/bin/bash
# delete, hold, release, undo and purge, each seen by the server's own listing.
. "$(dirname "$0")/lib.sh"
start_server
without_sleepers
inject 200 --seed 6 --out "$work/sent.jsonl"
listing "$work/before"
account=mallory@customer.test
jq -r --arg account "$account" 'select(.auth == $account) | .id' "$work/sent.jsonl" | sort \
    > "$work/culprit.sent"
comm -12 "$work/culprit.sent" <(ids "$work/before") > "$work/culprit"
comm -13 "$work/culprit.sent" <(ids "$work/before") > "$work/others"
[ -s "$work/culprit" ] && [ -s "$work/others" ]

# what a listing says that no change of state may alter
facts() {
    jq -c '[.queue_id, .sender, .message_size, .arrival_time, [.recipients[].address]]' "$1" | sort
}
states() { jq -r "select(.queue_name == \"$2\") | .queue_id" "$1" | sort; }

ray scan
count=$(ray query "account:$account" --count)
[ "$count" = "$(wc -l < "$work/culprit")" ] || fail "query counts $count messages of $account"

ray delete "account:$account" --yes --expect "$count" --reason "a test"
listing "$work/deleted"
assert_same "$work/others" <(ids "$work/deleted") "after delete the server lists other messages"
job=$(ray jobs --json | jq -s 'map(.job) | max')
[ "$(ray jobs --json | jq -s --argjson j "$job" '.[] | select(.job == $j) | .messages')" = "$count" ] ||
    fail "the job does not say $count messages"
[ "$(ray query '*' --count)" = "$(wc -l < "$work/others")" ] || fail "the index still has them"

# hold and release of an account that is not hacked
ray query account:alice --json | jq -r .queue_id | sort > "$work/alice"
[ -s "$work/alice" ] || fail "alice has no mail"
ray hold account:alice --yes --expect "$(wc -l < "$work/alice")"
listing "$work/held"
assert_same "$work/alice" <(states "$work/held" hold) "the server does not see the held messages"
ray release 'account:alice state:held' --yes --expect "$(wc -l < "$work/alice")"
listing "$work/released"
[ -z "$(states "$work/released" hold)" ] || fail "the server still sees messages on hold"
assert_same "$work/others" <(ids "$work/released") "hold and release changed the messages"

ray undo "$job" --yes
listing "$work/undone"
assert_same <(facts "$work/before") <(facts "$work/undone") "undo does not bring all back"
assert_server_content
ray query '*' --json > "$work/ray"
"$python" "$compare" listing "$work/ray" "$work/undone" || fail "the listings differ after undo"

ray delete "account:$account" --yes --expect "$count"
second=$(ray jobs --json | jq -s 'map(.job) | max')
ray purge "$second" --yes
listing "$work/purged"
assert_same "$work/others" <(ids "$work/purged") "after purge the server lists other messages"
state=$(ray jobs --json | jq -rs --argjson j "$second" '.[] | select(.job == $j) | .state')
[ "$state" = purged ] || fail "the job's state is $state"
assert_server_content
