#!/bin/bash
# The first change of a spool on a disk without a free byte, or without a free inode: the private folder itself has no
# room. Some messages go for good, as the preview says, by far not all, and the rest can be undone.
set -eu
[ "$(id -u)" = 0 ] || exit 77
work=$(mktemp -d)
disk=$work/disk
mkdir "$disk"
trap 'mountpoint -q "$disk" && umount "$disk"; rm -rf "$work"' EXIT

ray() { "$SPOOLRAY" "$@" --spool "$disk/s" --index "$work/index"; }
messages() { find "$disk/s/deferred" -type f | wc -l; }
fail() { echo "FAILED: $*"; cat "$work/said"; exit 1; }

# try NAME MESSAGES
try() {
    ray delete state:deferred --yes --everything --keep-undo > "$work/said" 2>&1 && fail "$1: --keep-undo passed"
    [ "$(messages)" = "$2" ] || fail "$1: --keep-undo left $(messages) of $2"
    # a message that finds no room in a growing folder goes back whole, and goes the next time
    runs=0
    while [ "$(messages)" -gt 0 ] && [ $runs -lt 8 ]; do
        code=0
        ray delete state:deferred --yes --everything > "$work/said" 2>&1 || code=$?
        [ $code = 0 ] || [ $code = 3 ] || fail "$1: exit $code"
        runs=$((runs + 1))
    done
    [ "$(messages)" = 0 ] || fail "$1: $(messages) stayed after $runs runs"
    gone=$(ray jobs --json | jq -s 'map(.purged) | add')
    if [ "$gone" -eq 0 ] || [ "$gone" -ge $(($2 / 2)) ]; then fail "$1: $gone went for good"; fi
    rm -f "$disk"/fill*
    for job in $(ray jobs --json | jq 'select(.messages > .purged) | .job' | sort -rn); do
        ray undo "$job" --yes > "$work/said" 2>&1 || fail "$1: undo of $job: exit $?"
    done
    [ "$(messages)" = $(($2 - gone)) ] || fail "$1: of $2, $gone went for good, $(messages) came back"
    umount "$disk"
    rm -rf "$work/index"
}

# make COUNT: a spool on the disk, and its index elsewhere
make() {
    "$MKSPOOL" --count "$1" --seed 5 --size 100 --logs "$disk/s" > /dev/null
    ray scan > "$work/said" 2>&1
    count=$(messages)
}

mount -t tmpfs -o size=24m full "$disk"
make 1000
dd if=/dev/zero of="$disk/fill" bs=4k 2> /dev/null || true
try "no byte on tmpfs" "$count"

mount -t tmpfs -o size=64m,nr_inodes=2400 full "$disk"
make 1000
for ((i = 0; i < 2400; i++)); do : 2> /dev/null > "$disk/fill$i" || break; done 2> /dev/null
try "no inode on tmpfs" "$count"

truncate -s 24M "$work/image"
mkfs.ext4 -q -b 1024 -N 4000 -m 0 "$work/image"
mount -o loop "$work/image" "$disk" || exit 77
make 1000
dd if=/dev/zero of="$disk/fill" bs=4k 2> /dev/null || true
dd if=/dev/zero of="$disk/fill2" bs=512 2> /dev/null || true
try "no byte on ext4" "$count"
