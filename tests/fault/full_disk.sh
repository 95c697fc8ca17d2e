#!/bin/bash
# A spool on a disk without a free block or inode: delete makes room from the first of the selected
# messages, never more than the preview said; undo brings all others back; purge frees the space.
# The state directory lies on the same disk. Root only; mounts live in a namespace of their own.
#
# usage: full_disk.sh ext4|ext4-inodes|ext4-small-blocks|xfs|btrfs|btrfs-metadata|tmpfs|tmpfs-inodes
set -euo pipefail

kind=$1
messages=${MESSAGES:-3000}
if [ "${2:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    WORK=$work unshare -m --propagation private "$0" "$kind" inside
    exit
fi

fail() {
    echo "FAILED on $kind: $*" >&2
    exit 1
}

disk=$WORK/disk
mkdir "$disk"

# make_image SIZE MKFS WORDS…
make_image() {
    local size=$1
    shift
    command -v "$1" > /dev/null || { echo "skipped: no $1"; exit 77; }
    truncate -s "$size" "$WORK/image"
    "$@" "$WORK/image" > "$WORK/mkfs.log" 2>&1 || { cat "$WORK/mkfs.log"; fail "$1"; }
    mount -o loop "$WORK/image" "$disk" || { echo "skipped: no loop mounts here"; exit 77; }
}

case $kind in
ext4) make_image 44M mkfs.ext4 -q ;;
ext4-inodes) make_image 64M mkfs.ext4 -q -N 6200 ;;
ext4-small-blocks) make_image 44M mkfs.ext4 -q -b 1024 -O ^dir_index ;;
xfs) make_image 320M mkfs.xfs -q ;;
btrfs | btrfs-metadata) make_image 160M mkfs.btrfs -q ;;
tmpfs) mount -t tmpfs -o size=44M,nr_inodes=20000 disk "$disk" ;;
tmpfs-inodes) mount -t tmpfs -o size=64M,nr_inodes=6200 disk "$disk" ;;
*) fail "no such kind" ;;
esac

# What the command takes for its own: state on the full disk, and an empty /run to fall back to.
mount -t tmpfs state /var/lib
mount -t tmpfs run /run
mkdir /var/lib/spoolray "$disk/state"
mount --bind "$disk/state" /var/lib/spoolray

spool=$disk/mail
"$MKSPOOL" --seed 7 --count "$messages" --size 1500 --logs "$spool" > "$WORK/truth.json"
account=$(jq -r .hacked "$WORK/truth.json")
count=$(jq -r ".accounts[\"$account\"].messages" "$WORK/truth.json")

# Until nothing more can be written: large, small, and nameless.
fill() {
    local number=0 limit size
    mkdir -p "$disk/fill"
    for size in 1M 64k 4k 512; do
        dd if=/dev/zero of="$disk/fill/$size" bs=$size status=none 2> /dev/null || true
    done
    # Without room for metadata, btrfs unlinks but renames no more: a case of its own.
    [ $kind = btrfs ] && limit=0 || limit=300000
    while [ $number -lt $limit ] && { : > "$disk/fill/n$number"; } 2> /dev/null; do
        number=$((number + 1))
    done
    dd if=/dev/zero of="$disk/fill/rest" bs=512 status=none 2> /dev/null || true
    sync -f "$disk"
    for size in 4k 512; do
        dd if=/dev/zero of="$disk/fill/again$size" bs=$size status=none 2> /dev/null || true
    done
    echo "$kind: filled, $number empty files; free: $(stat -f -c '%f blocks %d inodes' "$disk")"
}

picture() {
    (cd "$spool" && find . -path ./.spoolray -prune -o -type f -print0 | xargs -0r sha256sum | sort)
}
# Undo may bring a message back to a safer queue.
contents() { picture | sed 's|\./.*/||' | sort; }
free_blocks() { stat -f -c %f "$disk"; }

ray() { ${TRACE:-} "$SPOOLRAY" "$@" --spool "$spool" --server-stopped; }

# expect CODE WORDS…: what it prints lies in $WORK/out and $WORK/err.
expect() {
    local wanted=$1 code=0
    shift
    ray "$@" > "$WORK/out" 2> "$WORK/err" || code=$?
    [ $code = "$wanted" ] || {
        cat "$WORK/out" "$WORK/err" >&2
        fail "spoolray $* answered $code, not $wanted"
    }
}

fill
picture > "$WORK/before"
contents > "$WORK/before.contents"

if expect 6 scan --index "$disk/index" 2> /dev/null; then
    grep -q 'no room for the index' "$WORK/err" || { cat "$WORK/err"; fail "no clear error"; }
else
    fail "an index on the full disk"
fi

expect 4 delete "account:$account" --yes --expect "$count" --keep-undo
picture | cmp -s - "$WORK/before" || fail "--keep-undo changed something"
[ -z "$(find "$spool" -path '*/.spoolray/*' -name '[0-9]*.[0-9]*')" ] || fail "--keep-undo took something"

expect 0 delete "account:$account" --dry-run --json
most=$(jq -r 'select(.purge_at_most != null).purge_at_most' "$WORK/out")
[ "$most" -gt 0 ] || fail "the preview tells of nothing"
expect 0 delete "account:$account" --dry-run
grep -q "up to .* may be purged for good" "$WORK/out" || { cat "$WORK/out"; fail "no word in the preview"; }
picture | cmp -s - "$WORK/before" || fail "--dry-run changed something"

if [ $kind = btrfs-metadata ]; then
    expect 6 delete "account:$account" --yes --expect "$count"
    gone=$(sed -n 's/.*full; \([0-9]*\) messages were purged for good.*/\1/p' "$WORK/err")
    [ "${gone:-0}" -gt 0 ] && [ "$gone" -le "$most" ] || { cat "$WORK/err"; fail "not told what went"; }
    contents > "$WORK/after.contents"
    [ -z "$(comm -13 "$WORK/before.contents" "$WORK/after.contents")" ] || fail "something new"
    lost=$(comm -23 "$WORK/before.contents" "$WORK/after.contents" | awk '{ print $2 }' | sort -u | wc -l)
    [ "$lost" = "$gone" ] || fail "$lost messages are gone, $gone were told"
    echo "$kind: refused after $gone of $count messages went for good (at most $most)"
    exit 0
fi

expect 0 delete "account:$account" --yes --expect "$count" --json
job=$(jq -r 'select(.schema == "spoolray.apply/1").job' "$WORK/out")
gone=$(jq -r 'select(.schema == "spoolray.apply/1").purged' "$WORK/out")
done=$(jq -r 'select(.schema == "spoolray.apply/1").done' "$WORK/out")
batches=$(jq -r 'select(.schema == "spoolray.apply/1").batches' "$WORK/out")
[ "$done" = "$count" ] || fail "$done of $count deleted"
[ "$gone" -gt 0 ] || fail "nothing was purged on a full disk: it was not full"
[ "$gone" -le "$most" ] || fail "$gone went for good, at most $most were announced"
[ "$(jq -r 'select(.job == '"$job"').purged' <(ray jobs --json))" = "$gone" ] || fail "jobs tells otherwise"
expect 1 query "account:$account" --count
echo "$kind: of $count messages $gone went for good (at most $most), $batches batches"

expect 0 undo "$job" --yes
contents > "$WORK/after.contents"
[ -z "$(comm -13 "$WORK/before.contents" "$WORK/after.contents")" ] || fail "undo made something new"
lost=$(comm -23 "$WORK/before.contents" "$WORK/after.contents" | awk '{ print $2 }' | sort -u | wc -l)
[ "$lost" = "$gone" ] || fail "$lost messages are not back, $gone were purged"

expect 0 delete "account:$account" --yes --expect $((count - gone)) --json
second=$(jq -r 'select(.schema == "spoolray.apply/1").purged' "$WORK/out")
expect 0 purge "$((job + 1))" --yes
sync -f "$disk"
[ "$(find "$spool/.spoolray" -name '[0-9]*.[0-9]*' | wc -l)" = 0 ] || fail "slots are left"
echo "$kind: the second delete purged $second; free after purge: $(stat -f -c '%f blocks of %S, %d inodes' "$disk")"
[ "$(free_blocks)" -gt 64 ] || fail "purge freed nothing"
