#!/bin/bash
# The server accepts what the generator writes: postcat reads each file, and postqueue lists all of
# a generated spool.
. "$(dirname "$0")/lib.sh"
start_server
owner=$(stat -c %u:%g "$spool/deferred")
pf exec postfix stop > /dev/null 2>&1
for depth in 1 2; do
    options="--depth $depth"
    [ $depth = 1 ] || options="$options --long-ids"
    rm -rf "${root:?}/tmp/generated"
    # shellcheck disable=SC2086
    "$MKSPOOL" --count 300 --logs --owner "$owner" $options --lines "$work/lines" \
        "$root/tmp/generated" > "$work/truth"
    pf exec bash -c '
        cd /tmp/generated
        find active deferred hold incoming -type f | while read -r file; do
            postcat "$file" > /tmp/said 2> /tmp/complaint && [ ! -s /tmp/complaint ] ||
                { echo "$file"; cat /tmp/complaint; }
        done' > "$work/complaints"
    [ ! -s "$work/complaints" ] || { head "$work/complaints" >&2; fail "postcat complains"; }

    # the server is stopped, so postqueue reads the folder itself; it computes each path
    pf exec postconf -e queue_directory=/tmp/generated "hash_queue_depth=$depth"
    pf exec postqueue -c /etc/postfix -j > "$work/listing" 2> "$work/said" || fail "$(cat "$work/said")"
    pf exec postconf -e queue_directory=/var/spool/postfix hash_queue_depth=1
    [ "$(wc -l < "$work/listing")" = 300 ] || fail "postqueue lists $(wc -l < "$work/listing") messages"
    spool=$root/tmp/generated
    rm -rf "$work/index"
    ray_outside scan
    ray_outside query '*' --json > "$work/ray"
    "$python" "$compare" lines "$work/ray" "$work/lines" || fail "not what was generated"
    "$python" "$compare" listing "$work/ray" "$work/listing" || fail "the listings differ"
    grep -q '"messages":300' "$work/truth" || fail "the generator counts otherwise"
done
rm -rf "${root:?}/tmp/generated"
