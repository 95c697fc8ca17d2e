# The words of the cases. Sourced by run.sh.

# ray WORDS…: the command as one would type it, what it prints, and its exit code unless 0.
# index= and spool= of the case are added where they are set.
ray() {
    local code=0
    printf '$ spoolray'
    printf ' %q' "$@"
    printf '\n'
    quiet_ray "$@" || code=$?
    [ $code -eq 0 ] || echo "[exit $code]"
}

# The same without a trace: for pipes.
quiet_ray() {
    "$SPOOLRAY" "$@" ${spool:+--spool "$spool"} ${index:+--index "$index"}
}

# make_spool NAME OPTIONS…: a generated spool, its time fixed, its truth in NAME.json.
make_spool() {
    "$MKSPOOL" --seed 7 --size 300 "${@:2}" "$1" > "$1.json"
}

# on_terminal COMMAND-LINE ANSWER: the command on a terminal of 100 columns, fed with one line.
on_terminal() {
    local code=0
    printf '%s\n' "$2" | script -qec "stty cols 100 -echo; $1" /dev/null | tr -d '\r' || code=${PIPESTATUS[1]}
    [ $code -eq 0 ] || echo "[exit $code]"
}

needs_root() { [ "$(id -u)" = 0 ] || exit 77; }

# The files of a spool with their content, to tell that nothing was changed.
picture() {
    (cd "$1" && find . -path ./.spoolray -prune -o -type f -print0 | sort -z | xargs -0r sha256sum)
}
