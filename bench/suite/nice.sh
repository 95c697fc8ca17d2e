# Row nice: what a scan costs the deliveries of a busy Postfix. Sourced, not run.
#
# Its queue holds SPR_LISTED deferred messages, which are not due. New ones come in over SMTP and
# leave to a sink that takes everything, all on its own loopback; meanwhile its queue is scanned
# again and again, first cold, into a new index each time. The last scan is ended with the deliveries.
sent=${SPR_SENT:-6000} sessions=20

fill_server() {
    local queue made=$root/tmp/made
    rm -rf "$made"
    # ten days ahead: nothing is due
    $bin/mkspool --count "$listed" --owner "$owner" --now $(($(date +%s) + 864000)) "$made" > /dev/null
    for queue in "$made"/deferred/*; do
        mkdir -p "$spool/deferred/${queue##*/}"
        chown "$owner" "$spool/deferred/${queue##*/}"
        chmod 700 "$spool/deferred/${queue##*/}"
        find "$queue" -type f -print0 | xargs -0r mv -t "$spool/deferred/${queue##*/}"
    done
    rm -rf "$made"
}
empty_server() { find "$spool"/{active,incoming,deferred,defer,maildrop} -type f -delete; }

is_busy() { [ -n "$(find "$spool"/{maildrop,incoming,active} -type f -print -quit)" ]; }

# Scans until it is told to end; FILE gets a line for each scan that ended: its seconds.
scan_on() { # scan_on FILE [OPTION…]
    local said=$1 started scan
    shift
    trap 'kill "$scan" 2> /dev/null || true; wait "$scan" || true; exit 0' TERM
    while kill -0 $$ 2> /dev/null; do
        drop_index
        started=$(date +%s.%N)
        "$ray" scan --json --spool "$spool" --format postfix --index "$index" "$@" > "$said.json" &
        scan=$!
        wait "$scan" || true
        grep -q '"gentle":true' "$said.json" || echo "nice: a scan gave way to nobody" >&2
        awk -v a="$started" -v b="$(date +%s.%N)" 'BEGIN { print b - a }' >> "$said"
    done
}

send() { # send NUMBER: returns when all of it has left
    local end=$((SECONDS + 120))
    pf exec smtp-source -d -m "$1" -s "$sessions" -l 2000 -f load@spooltest.test -t all@bulk.test \
        "127.0.0.1:${PORT:-10025}"
    while is_busy && [ $SECONDS -lt $end ]; do
        sleep 0.05
    done
}
count_sent() { grep -c 'status=sent' "$root/var/log/maillog" || true; }

# deliver VARIANT [scan OPTION…]: seconds until all that was sent has left; "no scan" scans nothing.
deliver() {
    local variant=$1 said=$at/scratch/scans scanner= started seconds left
    shift
    rm -f "$said"*
    drop_caches
    send 200 # the server's own programs are in memory again
    left=$(count_sent)
    if [ "$variant" != "no scan" ]; then
        scan_on "$said" "$@" &
        scanner=$!
    fi
    started=$(date +%s.%N)
    send "$sent"
    seconds=$(awk -v a="$started" -v b="$(date +%s.%N)" 'BEGIN { print b - a }')
    if [ -n "$scanner" ]; then
        kill "$scanner" || true
        wait "$scanner" || true
    fi
    left=$(($(count_sent) - left))
    if [ "$left" != "$sent" ]; then
        echo "nice: $variant: $left of $sent were delivered" >&2
        return 0
    fi
    note deliveries "$variant" "$seconds" "" "" "" "$sent"
    if [ -s "$said" ]; then
        note scan "$variant" "$(sort -n "$said" | awk '{ s[NR] = $1 } END { print s[int((NR + 1) / 2)] }')" \
            "" "" "" "$listed"
    fi
}

row_nice() {
    row=nice
    local asked=$count root owner spool sink
    need_server || return 0
    server_up
    count=$listed spool=$(pf spool)
    mkdir -p "$at/scratch"
    empty_server
    fill_server
    pf exec postconf -e 'relayhost=[127.0.0.1]:10099'
    pf exec postfix reload > /dev/null 2>&1
    pf exec smtp-sink -u nobody 127.0.0.1:10099 1000 > /dev/null 2>&1 < /dev/null &
    sink=$!
    sleep 1
    begin cold
    while next_round "$cold_rounds"; do
        deliver "no scan"
        deliver "scan --nice" --nice
        deliver "scan by default"
    done
    pf exec postconf -e 'relayhost=[127.0.0.1]:1'
    empty_server
    server_down # and the sink with it
    wait "$sink" 2> /dev/null || true
    rm -rf "$at/scratch" "$index"
    count=$asked
}
