# Rows scale and triage: cost and memory by the number of messages; how soon the culprit is named.
# Sourced, not run.

# Small files, so that millions fit on the disk and, as far as that goes, in memory.
scale_spool() { spool_of "$1" --size 1024; }

# A file takes a page, and its inode and name 1.5 KiB.
fits_in_memory() { # fits_in_memory MESSAGES
    awk -v n="$1" '/^MemTotal/ { exit n * 5.5 > $2 * 0.8 }' /proc/meminfo
}

need_scale() {
    local number
    for number in ${scale//,/ }; do
        scale_spool "$number"
    done
}
row_scale() {
    row=scale
    local asked=$count
    for count in ${scale//,/ }; do
        scale_spool "$count"
        begin cold
        while next_round $((count < 1000000 ? cold_rounds : 1)); do
            scan_new auto
        done
        note_bytes spoolray "$(du -sb "$index" | cut -f1)"
        fits_in_memory "$count" || continue
        begin warm
        while next_round "$cold_rounds"; do
            scan_new auto
            floor
        done
    done
    count=$asked
}

need_triage() { spool_of "$count"; }
row_triage() {
    row=triage
    [ "$fs" != tmpfs ] || return 0
    need_triage
    begin cold
    local early name final all
    while next_round "$cold_rounds"; do
        drop_index
        prepare
        IFS=, read -r early name final all < <(python3 bench/suite/early.py "$ray" triage --json \
            --progress json --spool "$spool" --format postfix --index "$index")
        if [ "$early" = none ]; then
            note triage "no early verdict" "$all" "" "" "" "$count"
        elif [ "$name" = "$final" ]; then
            note triage "the account of the final verdict" "$early" "" "" "" "$count"
        else
            note triage "another account than in the end" "$early" "" "" "" "$count"
        fi
        note triage "final verdict" "$all" "" "" "" "$count"
    done
}
