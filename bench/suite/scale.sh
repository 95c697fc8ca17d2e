# Row scale: cost and memory by the number of messages. Sourced, not run.

row_scale() {
    row=scale
    local asked=$count
    for count in ${scale//,/ }; do
        spool_of "$count"
        cache=warm
        for round in 1 2 3; do
            scan_new auto
            measure floor "threads $(nproc)" $bin/micro/floor "$spool"
        done
        cache=cold round=1
        scan_new auto
        # when the first verdict is there
        first_verdict
    done
    count=$asked
}

# A cold scan runs; triage is asked every tenth of a second until it names somebody.
first_verdict() {
    local start verdict= seconds pid
    drop_index
    prepare
    start=$(date +%s.%N)
    "$ray" scan -q --spool "$spool" --format postfix --index "$index" &
    pid=$!
    while kill -0 $pid 2> /dev/null; do
        sleep 0.1
        verdict=$("$ray" triage --no-refresh -q --json --spool "$spool" --index "$index" 2> /dev/null |
            sed -n 's/.*"name":"\([^"]*\)".*/\1/p') || true
        [ -z "$verdict" ] || break
    done
    seconds=$(awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN { print b - a }')
    wait $pid
    note triage "first verdict: ${verdict:-none before the end}" "$seconds" "" "" "" "$count"
}
