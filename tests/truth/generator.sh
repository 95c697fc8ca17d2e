#!/bin/bash
# The generator makes the same mail for the same seed whatever the number of threads, other mail for
# another seed, and its totals are those of the files it wrote.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mail() { # mail NAME OPTIONS…: what was generated, without the queue ids, which hold inode numbers
    local name=$1
    shift
    "$MKSPOOL" --count 600 "$@" --lines "$work/$name.lines" "$work/$name" > "$work/$name.json"
    sed 's/"id":"[^"]*",//' "$work/$name.lines" | sort > "$work/$name"."mail"
}
for server in postfix imail; do
    mail one --server $server --seed 9 --threads 1
    mail four --server $server --seed 9 --threads 4
    mail other --server $server --seed 10
    cmp "$work/one.mail" "$work/four.mail"
    cmp "$work/one.json" "$work/four.json"
    ! cmp -s "$work/one.mail" "$work/other.mail"
    pairs=1
    [ $server = postfix ] || pairs=2
    [ "$(find "$work/one" -type f | wc -l)" = $((600 * pairs)) ]
    grep -q '"messages":600,' "$work/one.json"
    rm -rf "$work"/*
done
! "$MKSPOOL" --count 1 "$work" --seed x 2> /dev/null
touch "$work/file"
! "$MKSPOOL" --count 1 "$work" 2> /dev/null # never into a folder that holds something
echo "same seed, same mail"
