# The words of the cases. Sourced by run.sh.

# ray WORDS…: the command as one would type it, what it prints, and its exit code unless 0.
# index= and spool= of the case are added where they are set.
ray() {
    local code=0
    printf '$ spoolray'
    [ $# -eq 0 ] || printf ' %q' "$@"
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

# on_terminal ANSWER WORDS…: the same on a terminal, with an answer for its prompt.
on_terminal() {
    local code=0 answer=$1
    shift
    printf '$ spoolray'
    printf ' %q' "$@"
    printf '\n'
    "$PYTHON" "$HERE/terminal.py" "$answer" "$SPOOLRAY" "$@" ${spool:+--spool "$spool"} \
        ${index:+--index "$index"} || code=$?
    [ $code -eq 0 ] || echo "[exit $code]"
}

needs_root() { [ "$(id -u)" = 0 ] || exit 77; }

# The files of a spool with their content, to tell that nothing was changed.
picture() {
    (cd "$1" && find . -path ./.spoolray -prune -o -type f -print0 | sort -z | xargs -0r sha256sum)
}

# The same without the queue they lie in: undo may bring a message back to a safer one.
contents() {
    (cd "$1" && find . -path ./.spoolray -prune -o -type f -print0 | xargs -0r sha256sum |
        sed 's|\./.*/||' | sort)
}
