# Rows profile, timeline and micro: where the processor time of a warm scan goes, how far a cold one
# is at each moment, and what each part costs by itself. Sourced, not run.

need_profile() { spool_of "$count"; }
need_timeline() { spool_of "$count"; }
need_micro() { spool_of "$count"; }

row_profile() {
    row=profile
    spool_of "$count"
    begin warm
    round=1
    command -v perf > /dev/null || {
        echo "no perf: left out" >&2
        return 0
    }
    drop_index
    prepare
    perf record -q -F 2000 -e cpu-clock -o "$at/perf.data" "$ray" scan -q --spool "$spool" \
        --format postfix --index "$index" 2> /dev/null
    local folder_name share
    while IFS=, read -r folder_name share; do
        note "$folder_name" "" "$share" "" "" "" 1
    done < <(perf report -i "$at/perf.data" --no-children --stdio -t , --sort dso,symbol 2> /dev/null |
        python3 bench/suite/profile.py)
    rm -f "$at/perf.data"
}

row_timeline() {
    row=timeline
    [ "$fs" != tmpfs ] || return 0
    spool_of "$count"
    begin cold
    round=1
    drop_index
    prepare
    local seconds messages
    while IFS=, read -r seconds messages; do
        note scan auto "$seconds" "" "" "" "$messages"
    done < <(python3 bench/suite/timeline.py "$ray" scan --progress json --spool "$spool" \
        --format postfix --index "$index")
}

# Hash, dictionary, columns, parser, and the queue of reads.
row_micro() {
    row=micro
    spool_of "$count"
    begin warm
    while next_round "$rounds"; do
        warm_spool
        $bin/micro/strings | measured
        $bin/micro/column | grep -v '^bytes' | measured
        $bin/micro/parse "$spool" postfix 256 1 2> /dev/null | measured
        $bin/micro/window "$spool/deferred/0" | measured
    done
}
