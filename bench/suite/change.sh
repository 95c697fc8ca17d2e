# Rows delete and purge: taking messages out, against bare renames and unlinks of the same files.
# Sourced, not run.

job() { # job WHAT VARIANT COMMAND…: no repetition, as the spool changes
    local what=$1 variant=$2 seconds cpu peak others code
    shift 2
    warm_spool
    IFS=, read -r seconds cpu peak others code < <($bin/timed -o "$at/scratch/said" "$@" 2> "$at/scratch/error")
    [ "$code" = 0 ] || { echo "$what $variant ended with $code" >&2; tail -3 "$at/scratch/error" >&2; return 0; }
    note "$what" "$variant" "$seconds" "$cpu" "$peak" "$others" "$selected"
}

last_job() { "$ray" jobs --spool "$spool" --json | sed -n 's/.*"job":\([0-9]*\).*/\1/p' | sort -n | tail -1; }

delete_by() { # delete_by VARIANT WRAPPER…
    local variant=$1
    shift
    job delete "$variant" "$@" "$ray" delete "account:$pattern" --yes --everything --no-refresh -q \
        --spool "$spool" --index "$index"
}

# The same spool with nothing taken out, indexed.
make_again() {
    rm -rf "$spool"
    $bin/mkspool --count "$count" --logs $unique "$spool" > /dev/null
    "$ray" scan -q --full --spool "$spool" --format postfix --index "$index"
}

# A spool to change, $copy, with the logs that go along; the paths of what an account's job takes out
# of it, each message's file and its defer log, into $list.
begin_changes() {
    copy=$at/$row
    list=$at/scratch/list
    mkdir -p "$at/scratch"
    spool=$copy
    drop_index
    make_again
    list_selected
    selected=$(wc -l < "$list")
}

list_selected() {
    "$ray" query "account:$pattern" --no-refresh -q --limit 0 --fields path -0 --spool "$spool" \
        --index "$index" | tr '\0' '\n' | awk '{ print; if (sub(/^deferred\//, "defer/")) print }' > "$list"
}

end_changes() { rm -rf "$copy" "$at/scratch" "$index"; }

row_delete() {
    row=delete
    local copy list selected threads
    begin_changes
    local into=$copy/.into
    begin warm
    while next_round "$cold_rounds"; do
        delete_by journalled
        job undo journalled "$ray" undo "$(last_job)" --yes -q --spool "$spool" --index "$index"
        "$ray" scan -q --spool "$spool" --format postfix --index "$index"
        if command -v eatmydata > /dev/null; then
            delete_by "no syncs" eatmydata
            job undo "no syncs" "$ray" undo "$(last_job)" --yes -q --spool "$spool" --index "$index"
            "$ray" scan -q --spool "$spool" --format postfix --index "$index"
        fi
        for threads in 1 2 8; do
            warm_spool
            mkdir -p "$into"
            $bin/micro/rename "$copy" "$into" $threads < "$list" | measured
            rmdir "$into"
        done
    done
    end_changes
}

# For good, and what journals and syncs cost; every round needs a new spool.
row_purge() {
    row=purge
    local copy list selected threads parts
    begin_changes
    begin warm
    while next_round "$cold_rounds"; do
        [ "$round" = 1 ] || make_again
        delete_by journalled
        job purge journalled "$ray" purge "$(last_job)" --yes -q --spool "$spool" --index "$index"
        for threads in 2 16; do
            make_again
            list_selected
            $bin/micro/unlink "$copy" $threads < "$list" | measured
        done
        for parts in all none; do
            make_again
            warm_spool
            $bin/micro/unjournalled $parts "$copy" "$index" "account:$pattern" | measured
        done
    done
    end_changes
}
