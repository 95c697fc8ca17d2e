# Row refresh: looking again at a spool that is indexed, as it was and with changes. Sourced, not
# run.

refresh() { # refresh VARIANT [OPTION…]
    local variant=$1
    shift
    measure refresh "$variant" "$ray" scan -q --spool "$spool" --format postfix --index "$index" "$@"
}

# 1 % gone, 1 % changed in place, 1 % new, all over the spool.
change_some() {
    local list=$at/scratch/list number=$((count / 100)) queue
    rm -rf "$at/scratch"
    mkdir -p "$at/scratch"
    find "$spool/deferred" -type f | shuf -n $((number * 2)) --random-source=<(yes "$round") > "$list"
    head -n "$number" "$list" | tr '\n' '\0' | xargs -0 rm -f
    tail -n "$number" "$list" | tr '\n' '\0' | xargs -0 touch
    $bin/mkspool --count "$number" --seed "$(date +%s)" "$at/scratch/new" > /dev/null
    for queue in "$at"/scratch/new/deferred/*; do
        find "$queue" -type f -print0 | xargs -0r mv -t "$spool/deferred/${queue##*/}"
    done
    rm -rf "$at/scratch"
}

need_refresh() { spool_of "$count"; }
row_refresh() {
    row=refresh
    need_refresh
    drop_index
    "$ray" scan -q --spool "$spool" --format postfix --index "$index"
    begin warm
    while next_round "$rounds"; do
        refresh unchanged
        refresh quick --quick
        measure stat "threads $(nproc)" $bin/micro/stat "$spool"
        measure list "threads $(nproc)" $bin/micro/list "$spool"
        measure find "find | wc -l" bash -c "find '$spool' | wc -l"
    done
    begin warm
    while next_round "$cold_rounds"; do
        scan_new full
        change_some
        tries=1 refresh "after 3 %" # a second try would find nothing changed
        refresh "unchanged after it"
    done
}
