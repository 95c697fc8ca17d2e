# What the tests against a real Postfix share. Sourced, not run.
#
# Given by ctest: SPOOLRAY (the program), SPR_MTA (the folder of postfix.sh), MTA_HOME (where its
# server is kept between runs), MKSPOOL. Each test has the server for itself and begins with an
# empty queue. The server lives in namespaces of its own: nothing can leave.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export MTA_HOME
work=$(mktemp -d)
root=$MTA_HOME/postfix/root
python=${PYTHON:-python3}
compare=$here/../truth/compare.py
sink_pid=
sleepers=yes # deliveries to slow.test stay in active

pf() { "$SPR_MTA/postfix.sh" "$@"; }

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

finish() {
    local code=$?
    if [ -n "$sink_pid" ]; then
        kill "$sink_pid" 2> /dev/null || true
    fi
    if [ $code -ne 0 ]; then
        echo "--- end of the server's log" >&2
        tail -20 "$root/var/log/maillog" >&2 2> /dev/null || true
    fi
    pf down > /dev/null 2>&1 || true
    rm -rf "$work"
    exit $code
}
trap finish EXIT

# An empty queue, the configuration as built, and the server running.
start_server() {
    pf down > /dev/null 2>&1 || true
    pf build > /dev/null 2>&1
    local queue
    for queue in active incoming deferred hold maildrop defer bounce corrupt flush trace saved ; do
        rm -rf --one-file-system "${root:?}/var/spool/postfix/$queue"/* 2> /dev/null || true
    done
    rm -rf --one-file-system "${root:?}/var/spool/postfix/.spoolray" "$root/ray"
    cp "$MTA_HOME/postfix/main.cf.base" "$root/etc/postfix/main.cf"
    : > "$root/var/log/maillog"
    pf up > "$work/up" 2>&1 < /dev/null || { cat "$work/up" >&2; fail "the server does not start"; }
    spool=$(pf spool)
    install_program
}

# No sleeping deliveries: what is refused is deferred, and nothing stays busy.
without_sleepers() {
    sleepers=no
    pf exec postconf -e 'transport_maps = inline:{ {done.test=discard:} }'
    pf exec postfix reload > /dev/null 2>&1
}

# The program and its libraries inside the server's root, as an operator of that host would have it.
install_program() {
    mkdir -p "$root/ray/lib"
    cp "$SPOOLRAY" "$root/ray/spoolray"
    ldd "$SPOOLRAY" | awk '$3 ~ /^\// { print $3 }' | xargs -I{} cp -L {} "$root/ray/lib/"
}

# spoolray on the server's host.
ray() {
    pf exec env LD_LIBRARY_PATH=/ray/lib /ray/spoolray --index /ray/index \
        --spool /var/spool/postfix "$@"
}

# spoolray outside the server's namespaces, on the same queue.
ray_outside() { "$SPOOLRAY" --index "$work/index" --spool "$spool" "$@"; }

inject() { pf inject "$@" > "$work/injected" || fail "inject $*"; }

# Is anything of this listing still on its way? With sleepers something always is.
is_moving() {
    [ "$sleepers" = no ] &&
        jq -e -n 'any(inputs; .queue_name == "active" or .queue_name == "incoming")' "$1" > /dev/null
}

# The server's own listing, taken again until two in a row agree: then it rests.
listing() {
    local out=$1 try
    for try in $(seq 60); do
        pf exec postqueue -j > "$work/listing.1"
        sleep 0.5
        pf exec postqueue -j > "$work/listing.2"
        if cmp -s "$work/listing.1" "$work/listing.2" && ! is_moving "$work/listing.2"; then
            sort "$work/listing.2" > "$out"
            return 0
        fi
    done
    fail "the queue does not come to rest"
}

ids() { jq -r '.queue_id' "$1" | sort; }

assert_same() { # assert_same FILE FILE WHAT
    diff "$1" "$2" > "$work/diff" || { head -40 "$work/diff" >&2; fail "$3"; }
}

# postfix check and postsuper -s have nothing to say, and name nothing to repair.
assert_server_content() {
    local said
    said=$(pf exec postfix check 2>&1) || fail "postfix check: $said"
    [ -z "$said" ] || fail "postfix check says: $said"
    said=$(pf exec postsuper -s 2>&1) || fail "postsuper -s: $said"
    [ -z "$said" ] || fail "postsuper -s says: $said"
    if grep -E "fatal:|panic:|corrupt" "$root/var/log/maillog" > "$work/complaints"; then
        head -5 "$work/complaints" >&2
        fail "the server complains in its log"
    fi
}

start_sink() {
    local port=$1
    mkfifo "$work/sink.hold"
    pf net "$python" "$here/sink.py" "$port" "$work/delivered" < "$work/sink.hold" > "$work/sink.out" 2>&1 &
    sink_pid=$!
    exec 8> "$work/sink.hold" # held open: the sink lives as long as the test
    : > "$work/delivered"
    local try
    for try in $(seq 100); do
        grep -q ready "$work/sink.out" && return 0
        sleep 0.1
    done
    fail "the sink does not answer: $(cat "$work/sink.out")"
}

# The sleeping deliveries of slow.test end; the server tries their recipients again.
wake_sleepers() {
    pf exec bash -c 'for p in /proc/[0-9]*; do
            if { tr "\0" " " < "$p/cmdline"; } 2> /dev/null | grep -q "^/bin/sleep 3000"; then
                kill "${p#/proc/}"
            fi
        done; true'
}

# Lets the server deliver everything that is not held to the sink, and waits until it has.
deliver_all() {
    start_sink 2525
    pf exec postconf -e 'relayhost=[127.0.0.1]:2525' transport_maps= minimal_backoff_time=1s \
        maximal_backoff_time=1s queue_run_delay=1s
    pf exec postfix reload > /dev/null 2>&1
    local try
    for try in $(seq 120); do
        wake_sleepers
        pf exec postqueue -f
        sleep 1
        pf exec postqueue -j | jq -r 'select(.queue_name != "hold") | .queue_id' > "$work/left"
        [ -s "$work/left" ] || return 0
    done
    fail "not delivered: $(wc -l < "$work/left") messages: $(head -3 "$work/left")"
}
