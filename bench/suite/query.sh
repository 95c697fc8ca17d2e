# Rows query, output, index: answers from an index that is there. Sourced, not run.

need_query() { spool_of "$count"; }
need_output() { spool_of "$count"; }
need_index() { spool_of "$count"; }
have_index() {
    spool_of "$count"
    if [ ! -e "$index/MANIFEST" ]; then
        "$ray" scan -q --spool "$spool" --format postfix --index "$index"
    fi
}
# The index is what a query reads: warm is that it was asked before.
ask_before() {
    "$ray" query "$expression" --no-refresh --spool "$spool" --index "$index" --count > /dev/null 2>&1 || true
}
ask() { # ask VARIANT EXPRESSION [OPTION…]
    local variant=$1 expression=$2
    shift 2
    warmer=ask_before
    measure query "$variant" "$ray" query "$expression" --no-refresh -q --spool "$spool" --index "$index" "$@"
    warmer=warm_spool
}

row_query() {
    row=query
    have_index
    begin warm
    # one of few and one of most messages
    local rare=draft.account31@customer31.test
    while next_round "$rounds"; do
        ask "account, counted" "account:$pattern" --count
        ask "account, first 50" "account:$pattern" --limit 50
        ask "small account, all" "account:$rare" --limit 0
        ask domain 'to:@budget1.test' --count
        ask glob 'to:refund*@case2.test' --count
        ask regex 'from:/^no-reply@.*invalid$/' --count
        measure grep account grep -rlF "$pattern" "$spool"
        measure rg domain rg -a -F -l --no-ignore --hidden '@budget1.test' "$spool"
        measure rg glob rg -a -l --no-ignore --hidden 'refund[^@]*@case2\.test' "$spool"
        measure rg regex rg -a -l --no-ignore --hidden 'no-reply@.*invalid' "$spool"
    done
}

row_output() {
    row=output
    have_index
    begin warm
    while next_round "$rounds"; do
        ask text '*' --fields queue_id,sender,recipients --limit 0
        ask json '*' --json --limit 0
        ask csv '*' --csv --limit 0
    done
}

note_bytes() { # note_bytes VARIANT BYTES: by the message
    note bytes "$1" "$(awk -v b="$2" -v n="$count" 'BEGIN { print b / n }')" "" "" "" "$count"
}

# The same facts and indexes in SQLite: bytes on disk, loaded once.
row_index() {
    row=index
    have_index
    begin warm
    round=1
    note_bytes spoolray "$(du -sb "$index" | cut -f1)"
    mkdir -p "$at/scratch"
    rm -f "$at/scratch/db"
    "$ray" query '*' --json --limit 0 --no-refresh -q --spool "$spool" --index "$index" > "$at/scratch/json"
    python3 bench/suite/sqlite_load.py "$at/scratch/json" "$at/scratch/db" > "$at/scratch/raw"
    note_bytes "raw addresses" "$(cat "$at/scratch/raw")"
    note_bytes SQLite "$(stat -c %s "$at/scratch/db")"
    # what each answers: one account's messages counted
    measure sqlite account sqlite3 "$at/scratch/db" \
        "select count(*) from message where account = (select id from address where text = '$pattern')"
    rm -rf "$at/scratch"
}
