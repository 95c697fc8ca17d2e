# Rows warm, cold, inplace, refresh: reading all of a spool. Sourced, not run.

greps() {
    measure grep "grep -rlF" grep -rlF "$pattern" "$spool"
    measure rg "rg -F -l" rg -F -l --no-ignore --hidden "$pattern" "$spool"
}

row_warm() {
    row=warm cache=warm
    spool_of "$count"
    for round in $(seq "$rounds"); do
        scan_new auto
        scan_new uring --engine uring
        wrap=-r
        scan_new refused
        wrap=
        measure floor "threads $(nproc)" $bin/micro/floor "$spool"
        measure walk naive $bin/walk "$spool"
        greps
    done
}

cold_round() {
    scan_new auto
    wrap=-r
    scan_new refused
    wrap=
    measure reader "threads 64 by $1" $bin/micro/reader "$spool" "$1"
}

row_cold() {
    row=cold cache=cold
    [ "$fs" != tmpfs ] || return 0 # nothing there is ever cold
    spool_of "$count"
    for round in $(seq "$cold_rounds"); do
        cold_round inode
        greps
        measure walk naive $bin/walk "$spool"
        measure rg "rg -F -l -j32" rg -F -l -j32 --no-ignore --hidden "$pattern" "$spool"
    done
}

# Only what needs no naive program: for 1,000,000 messages, where those take minutes.
row_coldfast() {
    row=cold cache=cold
    spool_of "$count"
    for round in $(seq "$cold_rounds"); do
        cold_round inode
    done
}

# One folder that holds every name: COUNT messages of IMail are two files each.
row_flat() {
    row=flat format=imail spool=$at/imail-$count
    if [ ! -e "$spool.truth" ]; then
        rm -rf "$spool"
        $bin/mkspool --server imail --count "$count" "$spool" > "$spool.making"
        mv "$spool.making" "$spool.truth"
    fi
    for cache in warm cold; do
        for round in $(seq "$cold_rounds"); do
            scan_new auto
            measure floor "threads $(nproc)" $bin/micro/floor "$spool"
            measure reader "threads 64 by inode" $bin/micro/reader "$spool" inode
        done
    done
    format=postfix
}

# A layout where inode order is not the order on disk.
row_inplace() {
    row=inplace cache=cold
    spool_of "$count" --in-place --depth 2 --long-ids
    for round in $(seq "$cold_rounds"); do
        cold_round name
        measure reader "threads 64 by inode" $bin/micro/reader "$spool" inode
    done
}

refresh() { # refresh VARIANT [OPTION…]
    local variant=$1
    shift
    measure refresh "$variant" "$ray" scan -q --spool "$spool" --format postfix --index "$index" "$@"
}

# 1 % gone, 1 % changed in place, 1 % new, all over the spool.
change_some() {
    local list=$at/scratch/list number=$((count / 100))
    rm -rf "$at/scratch"
    mkdir -p "$at/scratch"
    find "$spool/deferred" -type f | shuf -n $((number * 2)) --random-source=<(yes "$round") > "$list"
    head -n "$number" "$list" | tr '\n' '\0' | xargs -0 rm -f
    tail -n "$number" "$list" | tr '\n' '\0' | xargs -0 touch
    $bin/mkspool --count "$number" --seed $((1000 + round)) "$at/scratch/new" > /dev/null
    (cd "$at/scratch/new" && find deferred -type f -exec sh -c 'for f; do mv "$f" "$0/$f"; done' "$spool" {} +)
    rm -rf "$at/scratch/new"
}

row_refresh() {
    row=refresh cache=warm
    spool_of "$count"
    drop_index
    "$ray" scan -q --spool "$spool" --format postfix --index "$index"
    for round in $(seq "$rounds"); do
        refresh unchanged
        refresh quick --quick
        measure stat "threads $(nproc)" $bin/micro/stat "$spool"
        measure list "threads $(nproc)" $bin/micro/list "$spool"
        measure find "find | wc -l" bash -c "find '$spool' | wc -l"
    done
    for round in 1 2 3; do
        scan_new full
        change_some
        refresh "after 3 %"
        refresh "unchanged after it"
    done
}
