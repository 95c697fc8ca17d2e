#!/bin/bash
# A refresh knows what a full scan would: in each round some messages arrive, some leave and some
# are changed in place without a sign in their folder; then the answers of the refreshed index and of
# one made anew are the same bytes, and only what arrived or changed was read. As many rounds as it
# takes for segments to be merged.
# usage: refresh.sh COUNT
set -euo pipefail
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm # it is about answers, not disks
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$MKSPOOL" --count "$1" --seed 21 --size 300 "$work/s" > /dev/null
cd "$work"

ray() { # ray VERB INDEX OPTIONS…
    local verb=$1 index=$2
    shift 2
    "$SPOOLRAY" "$verb" --spool "$work/s" --index "$work/$index" --engine "${ENGINE:-auto}" "$@"
}
answers() { # answers INDEX FILE
    ray query "$1" '*' --json --sort id --no-refresh -q > "$2"
    ray top "$1" account --csv --no-refresh -q >> "$2"
}
every() { # every N FROM: each N-th message's file
    find s/deferred s/hold s/incoming -type f | sort | awk -v n="$1" -v from="$2" 'NR % n == from'
}

mkdir later
every 10 0 | while read -r file; do # they arrive over the rounds
    mkdir -p "later/$(dirname "$file")" && mv "$file" "later/$file"
done
ray scan kept -q
for round in $(seq 1 10); do
    find later -type f | sort | awk -v r="$round" 'NR % 10 == r % 10' > arrived
    every 100 "$round" | xargs rm
    model=$(every 2 0 | sed -n "${round}p")
    every 100 "$((round + 50))" | grep -vxF "$model" > changed
    while read -r file; do cat "$model" > "$file"; done < changed
    while read -r file; do mv "$file" "${file#later/}"; done < arrived
    ray scan kept --json > report
    jq -e --argjson max "$(cat arrived changed | wc -l)" '.read <= $max' report > /dev/null
    jq -e '.carried_over + .read == .messages' report > /dev/null
    ray scan "fresh.$round" -q
    answers kept kept.answers
    answers "fresh.$round" fresh.answers
    cmp kept.answers fresh.answers
    rm -rf "fresh.$round"
done
segments=$(find kept -name '*.seg' | wc -l)
[ "$segments" -le 10 ] # and were merged
echo "$(jq .messages report) messages after 10 rounds, $segments segments"
