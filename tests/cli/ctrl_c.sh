# Ctrl-C stops a scan and a delete at a safe point with 130; resume and undo work afterwards.
make_spool s --count 30000 --size 200
spool=s index=ix
picture s > before
interrupt() { # interrupt WORDS…: SIGINT once the progress lines begin
    mkfifo progress
    # an asynchronous job ignores SIGINT in a script; env gives it back
    env --default-signal=INT "$SPOOLRAY" "$@" --spool s --index ix --progress json > out 2> progress &
    local pid=$! line
    read -r line < progress && kill -INT $pid
    wait $pid
    echo "[exit $?]"
    rm progress
}
interrupt scan
quiet_ray scan -q
interrupt delete account:mallory@customer.test --yes --everything
quiet_ray jobs --json | jq -r '.state'
ray resume
quiet_ray undo 1 --yes > undo.out || cat undo.out
picture s | cmp - before && echo "all is back"
