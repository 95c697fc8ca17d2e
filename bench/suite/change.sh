# Row delete: taking messages out, against bare renames and unlinks of the same files. Sourced, not
# run.

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

row_delete() {
    row=delete
    local copy=$at/delete selected list=$at/scratch/list threads into parts
    mkdir -p "$at/scratch"
    rm -rf "$copy"
    # with the logs that go along
    $bin/mkspool --count "$count" --logs $unique "$copy" > "$at/scratch/truth"
    spool=$copy
    drop_index
    "$ray" scan -q --spool "$spool" --format postfix --index "$index"
    # each message's file and its defer log
    "$ray" query "account:$pattern" --no-refresh -q --limit 0 --fields path -0 --spool "$spool" \
        --index "$index" | tr '\0' '\n' > "$list.messages"
    awk '{ print; if (sub(/^deferred\//, "defer/")) print }' "$list.messages" > "$list"
    selected=$(wc -l < "$list")
    into=$copy/.into
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
        if [ -x $bin/micro/rename ]; then
            for threads in 1 2 8; do
                warm_spool
                mkdir -p "$into"
                $bin/micro/rename "$copy" "$into" $threads < "$list" | measured
                rmdir "$into"
            done
        fi
    done
    delete_by journalled
    job purge journalled "$ray" purge "$(last_job)" --yes -q --spool "$spool" --index "$index"
    for threads in 1 2 16; do
        [ -x $bin/micro/unlink ] || break
        make_again
        "$ray" query "account:$pattern" --no-refresh -q --limit 0 --fields path -0 --spool "$spool" \
            --index "$index" | tr '\0' '\n' | awk '{ print; if (sub(/^deferred\//, "defer/")) print }' > "$list"
        $bin/micro/unlink "$copy" $threads < "$list" | measured
    done
    begin warm
    while [ -x $bin/micro/unjournalled ] && next_round "$cold_rounds"; do
        for parts in all none; do
            make_again
            warm_spool
            $bin/micro/unjournalled $parts "$copy" "$index" "account:$pattern" | measured
        done
    done
    rm -rf "$copy" "$at/scratch" "$index"
}
