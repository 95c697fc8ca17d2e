# Ctrl-C stops a scan and a delete at a safe point with 130; resume and undo work afterwards.
make_spool s --count 30000 --size 200
spool=s index=ix
contents s > before
interrupt() { # interrupt WORDS…: SIGINT once the progress lines begin
    mkfifo progress
    exec 7<> progress # held open: nobody dies of a closed pipe
    # an asynchronous job ignores SIGINT in a script; env gives it back
    env --default-signal=INT "$SPOOLRAY" "$@" --spool s --index ix --progress json > out 2> progress 7>&- &
    local pid=$! line
    read -r line <&7 && kill -INT $pid
    wait $pid
    echo "[exit $?]"
    exec 7>&-
    rm progress
}
interrupt scan
quiet_ray scan -q
interrupt delete account:mallory@customer.test --yes --everything
quiet_ray jobs --json | jq -r '.state'
ray resume
quiet_ray undo 1 --yes > undo.out || cat undo.out
contents s | cmp - before && echo "all is back"
