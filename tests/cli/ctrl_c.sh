# Ctrl-C stops a scan and a delete at a safe point with 130; resume and undo work afterwards.
make_spool s --count 90000 --size 200
spool=s index=ix
contents s > before
# interrupt WORDS…: SIGINT once the progress lines begin. One that ended first proves nothing: it is
# undone and tried again.
interrupt() {
    local pid line try
    for try in $(seq 20); do
        mkfifo progress
        exec 7<> progress # held open: nobody dies of a closed pipe
        # an asynchronous job ignores SIGINT in a script; env gives it back
        env --default-signal=INT "$SPOOLRAY" "$@" --spool s --index ix --progress json > out 2> progress 7>&- &
        pid=$!
        read -r line <&7 && kill -INT $pid 2> /dev/null
        code=0
        wait $pid || code=$?
        exec 7>&-
        rm progress
        [ $code = 0 ] || break
        again
    done
    echo "[exit $code]"
}
last_job() { quiet_ray jobs --json | jq -s 'map(.job) | max'; }
again() { rm -rf ix; }
interrupt scan
quiet_ray scan -q
again() { quiet_ray undo "$(last_job)" --yes > undo.out || cat undo.out; }
interrupt delete account:mallory@customer.test --yes --everything
job=$(last_job)
quiet_ray jobs --json | jq -r "select(.job == $job) | .state"
ray resume
quiet_ray undo "$job" --yes > undo.out || cat undo.out
contents s | cmp - before && echo "all is back"
