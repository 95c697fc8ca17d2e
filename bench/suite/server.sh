# Row postfix: against the tools of a real Postfix, on a generated spool that it accepts. The server
# is stopped meanwhile, so its tools read the spool themselves. Sourced, not run.
#
# COUNT is that of SPR_LISTED (50000), whatever --count says.
servers=${SPR_REAL_SERVERS:-../shared/mta}
export MTA_HOME=${MTA_HOME:-$PWD/build/mta}
listed=${SPR_LISTED:-50000}

pf() { "$servers/postfix.sh" "$@"; }
inside() { # inside VARIANT COMMAND: a command in the server's root, timed from outside
    measure "$1" "$2" "$servers/postfix.sh" exec bash -c "$3"
}

make_server_spool() {
    rm -rf "${root:?}/tmp/bench"
    $bin/mkspool --count $listed --owner "$owner" "$spool" > "$root/tmp/truth"
}

need_server() {
    if [ ! -x "$servers/postfix.sh" ]; then
        echo "no $servers/postfix.sh: left out" >&2
        return 1
    fi
    pf build > /dev/null 2>&1
}
need_postfix() { need_server || true; }
need_nice() { need_server || true; }

is_up=
server_up() { # sets root and owner
    is_up=yes
    root=$MTA_HOME/postfix/root
    pf down > /dev/null 2>&1 || true
    # a run that was cut short left it set up for itself
    sed -i 's,^queue_directory *=.*,queue_directory = /var/spool/postfix,
        s,^maillog_file *=.*,maillog_file = /var/log/maillog,' "$root/etc/postfix/main.cf"
    pf up > /dev/null 2>&1 < /dev/null
    owner=$(stat -c %u:%g "$(pf spool)/deferred")
}
server_down() {
    [ -z "$is_up" ] || pf down > /dev/null 2>&1 || true
    is_up=
}

row_postfix() {
    row=postfix
    local asked=$count root owner spool number
    need_server || return 0
    server_up
    count=$listed spool=$root/tmp/bench
    pf exec postfix stop > /dev/null 2>&1 || true
    make_server_spool
    # postsuper gives up root, and could not write to the log file itself
    pf exec postconf -e queue_directory=/tmp/bench hash_queue_depth=1 maillog_file=
    pf exec bash -c 'postqueue -c /etc/postfix -j > /tmp/listing' # its programs are in memory
    [ "$(wc -l < "$root/tmp/listing")" = "$listed" ] || echo "postfix: not all are listed" >&2
    list_queue warm
    list_queue cold
    begin warm
    round=1 number=500
    # to the end of the list: who closes a pipe early ends find, and all of this with it
    find "$spool/deferred" -type f -printf '%f\n' | sed -n "1,${number}p" > "$root/tmp/ids"
    items=$number
    inside postcat "-qe, one by one" 'while read -r id; do postcat -qe "$id"; done < /tmp/ids > /tmp/said'
    items=
    delete_half
    pf exec postconf -e queue_directory=/var/spool/postfix maillog_file=/var/log/maillog
    server_down
    rm -rf "${root:?}/tmp/bench" "$root/tmp/listing" "$root/tmp/ids" "$root/tmp/said" "$index"
    count=$asked
}

list_queue() { # list_queue CACHE
    begin "$1"
    while next_round "$cold_rounds"; do
        inside postqueue "-j" "postqueue -c /etc/postfix -j > /tmp/listing"
        before=drop_index
        measure query "text, no index before" "$ray" query '*' --fields queue_id,sender,recipients --limit 0 -q \
            --spool "$spool" --format postfix --index "$index"
        measure query "json, no index before" "$ray" query '*' --json --limit 0 -q --spool "$spool" \
            --format postfix --index "$index"
        before=
    done
}

# The same half of the messages with either program, each time from a spool made anew.
delete_half() {
    begin warm
    while next_round "$cold_rounds"; do
        [ "$round" = 1 ] || make_server_spool
        find "$spool/deferred" -type f -printf '%f\n' | sort | awk 'NR % 2' > "$root/tmp/ids"
        items=$(wc -l < "$root/tmp/ids")
        once postsuper "-d -" "$servers/postfix.sh" exec bash -c 'postsuper -d - < /tmp/ids'
        make_server_spool
        drop_index
        "$ray" scan -q --spool "$spool" --format postfix --index "$index"
        once delete half "$ray" delete "account:$pattern" --yes --everything --server-stopped \
            --no-refresh -q --spool "$spool" --index "$index"
    done
    items=
}
once() { # once WHAT VARIANT COMMAND…: the spool is changed by it, so there is one try
    local what=$1 variant=$2 seconds cpu peak others code
    shift 2
    warm_spool
    IFS=, read -r seconds cpu peak others code < <($bin/timed "$@" 2> /dev/null)
    [ "$code" = 0 ] || { echo "$what $variant ended with $code" >&2; return 0; }
    if [ "$what" = delete ]; then
        items=$("$ray" jobs --spool "$spool" --json | sed -n 's/.*"messages":\([0-9]*\).*/\1/p' | tail -1)
    fi
    note "$what" "$variant" "$seconds" "$cpu" "$peak" "$others" "$items"
}
