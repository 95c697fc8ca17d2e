# Rows warm, half, cold, plans, inplace, flat: a first scan of all of a spool. Sourced, not run.

greps() {
    measure grep "grep -rlF" grep -rlF "$pattern" "$spool"
    measure rg "rg -F -l" rg -F -l --no-ignore --hidden "$pattern" "$spool"
}
scans() {
    scan_new auto
    wrap=-r
    scan_new refused
    wrap=
}
floor() { measure floor "threads $(nproc)" $bin/micro/floor "$spool"; }
reader() { measure reader "threads 64 by $1" $bin/micro/reader "$spool" "$1"; } # reader ORDER

need_warm() { spool_of "$count"; }
row_warm() {
    row=warm
    need_warm
    begin warm
    while next_round "$rounds"; do
        scans
        floor
        measure walk naive $bin/walk "$spool"
        greps
        # without -a ripgrep takes queue files for binary and finds nothing
        measure rg "rg -a -F -l" rg -a -F -l --no-ignore --hidden "$pattern" "$spool"
    done
}

# Every second file is cached: neither plan is right for all of it.
need_half() { spool_of "$count"; }
row_half() {
    row=half
    [ "$fs" != tmpfs ] || return 0 # there all is cached
    need_half
    begin half
    while next_round "$cold_rounds"; do
        scans
        floor
        reader inode
    done
}

need_cold() { spool_of "$count"; }
row_cold() {
    row=cold
    [ "$fs" != tmpfs ] || return 0 # nothing there is ever cold
    need_cold
    begin cold
    while next_round "$cold_rounds"; do
        scans
        reader inode
        [ "$round" -le "$slow_rounds" ] || continue
        greps
        measure walk naive $bin/walk "$spool"
        measure rg "rg -F -l -j32" rg -F -l -j32 --no-ignore --hidden "$pattern" "$spool"
    done
}

# Without the rivals that take minutes.
need_coldfast() { spool_of "$count"; }
row_coldfast() {
    local slow_rounds=0
    row_cold
}

# What a scan chooses by itself against each plan it could have been held to.
need_plans() { spool_of "$count"; }
row_plans() {
    row=plans
    need_plans
    local state plan
    for state in warm half cold; do
        [ "$state,$fs" != half,tmpfs ] && [ "$state,$fs" != cold,tmpfs ] || continue
        begin $state
        while next_round "$cold_rounds"; do
            for plan in auto warm past-cache through-cache; do
                before=drop_index
                measure plan $plan $bin/micro/plan "$spool" "$index" "$format" $plan
                before=
            done
        done
    done
}

# A layout where inode order is not the order on disk.
need_inplace() { spool_of "$count" --in-place --depth 2 --long-ids; }
row_inplace() {
    row=inplace
    [ "$fs" != tmpfs ] || return 0
    need_inplace
    begin cold
    while next_round "$cold_rounds"; do
        scans
        reader name
        reader inode
    done
}

# One folder that holds every name: COUNT messages of IMail are two files each.
need_flat() { have_spool "imail-$count" --server imail --count "$count"; }
row_flat() {
    row=flat format=imail
    need_flat
    begin warm
    while next_round "$rounds"; do
        scan_new auto
        floor
    done
    if [ "$fs" != tmpfs ]; then
        begin cold
        while next_round "$cold_rounds"; do
            scan_new auto
            reader inode
        done
    fi
    format=postfix
}
