#!/bin/bash
# The program itself, killed at a spread of its system calls, on the spool of a real server: after
# resume every message is whole, names and inodes; with the index, and with the index gone before.
# usage: cli_kill.sh ARCHIVE PATH-OF-SPOOL-IN-ARCHIVE [POINTS-AN-OPERATION]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
points=${3:-6}
python=${PYTHON:-python3}
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
export XDG_STATE_HOME=$work/state XDG_RUNTIME_DIR=$work HOME=$work NO_COLOR=1
[[ $(SPFAIL=list "$SPOOLRAY" version 2>&1) == *ring_setup* ]] || exit 77 # no failpoints in this build
mkdir "$work/tree"
tar --no-same-owner -xf "$1" -C "$work/tree"
spool=$work/spool index=$work/index account=account:mallory@customer.test

ray() {
    "$SPOOLRAY" "$@" --spool "$spool" --index "$index" --quiet --yes \
        --workers $((1 + ${nth:-0} % 3)) >> "$work/said" 2>&1 # the calls of several interleave as they like
}
fail() {
    echo "$operation, call $nth of $calls, index $with: $1"
    tail -5 "$work/said"
    exit 1
}
make() { # a copy with its index, brought to where the operation begins
    rm -rf "$spool" "$index"
    cp -a "$work/tree/$1" "$spool"
    "$python" "$here/whole.py" list "$spool" > "$work/before"
    "$SPOOLRAY" scan --spool "$spool" --index "$index" --quiet > "$work/said" 2>&1
    case $operation in
    undo | purge) ray delete $account --everything ;;
    resume) SPFAIL=renameat2:20:kill ray delete $account --everything 2> /dev/null || true ;;
    esac
}
run() {
    case $operation in
    delete | hold) ray $operation $account --everything ;;
    resume) "$SPOOLRAY" resume 1 --spool "$spool" --index "$index" --quiet >> "$work/said" 2>&1 ;;
    *) ray $operation 1 ;;
    esac
}
where() { "$python" "$here/whole.py" check "$work/before" "$spool" "$operation"; }
try() { # try NTH WITH-INDEX: killed there, resumed, checked, undone
    nth=$1 with=$2
    make "$spool_path"
    local code=0
    (SPFAIL=any:$nth:kill run) 2> /dev/null || code=$?
    [ $code = 137 ] || [ $code = 0 ] || fail "ended with $code"
    [ "$with" = yes ] || rm -rf "$index"
    # without a number: settle; with it: go on too, where the job got as far as the list
    "$SPOOLRAY" resume --spool "$spool" --quiet >> "$work/said" 2>&1 || fail "resume"
    local counts again in out held gone=0
    counts=$(where) || fail "$counts"
    "$SPOOLRAY" resume --spool "$spool" --quiet >> "$work/said" 2>&1 || fail "resume again"
    again=$(where) || fail "$again"
    [ "$counts" = "$again" ] || fail "a second resume changed $counts to $again"
    if "$SPOOLRAY" jobs --json --spool "$spool" 2>> "$work/said" | grep -q '"job":1,'; then
        code=0
        "$SPOOLRAY" resume 1 --spool "$spool" --index "$index" --quiet >> "$work/said" 2>&1 || code=$?
        # 5: nothing was done before, and without its plan nothing can be any more
        [ $code = 0 ] || [ "$code$with" = 5no ] || fail "resume 1 ended with $code"
        counts=$(where) || fail "$counts"
        read -r in out held gone <<< "$counts"
        case $operation in
        delete | resume) [ "$with" = no ] || [ "$out" = "$matched" ] || fail "$out of $matched are out" ;;
        purge) [ "$gone" = 0 ] || [ "$gone" = "$matched" ] || fail "$gone of $matched are gone" ;;
        esac
        if [ "$gone" = 0 ] && [ $((out + held)) -gt 0 ]; then
            ray undo 1 || fail "undo"
        fi
    fi
    if [ "$operation" != purge ] || [ "$gone" = 0 ]; then
        "$python" "$here/whole.py" list "$spool" | cmp -s - "$work/before" || fail "not as it was"
    fi
    kills=$((kills + 1))
}

spool_path=$2 kills=0 nth=0 calls=0 with=yes operation=delete
make "$spool_path"
matched=$("$SPOOLRAY" query $account --count --spool "$spool" --index "$index" --quiet)
for operation in delete hold undo purge resume; do
    make "$spool_path"
    (SPFAIL=list run) || true
    calls=$(grep -oE '^[0-9]+ [a-z_0-9]+ [0-9]+ ' "$work/said" | tail -1 | cut -d' ' -f1)
    for ((point = 0; point < points; point++)); do
        # spread over all calls, at another place with and without the index
        try $((1 + (calls - 1) * 2 * point / (2 * points))) yes
        try $((1 + (calls - 1) * (2 * point + 1) / (2 * points))) no
    done
    echo "$operation: $calls calls, killed at $((2 * points)) of them"
done
echo "$kills kills, every message whole"
