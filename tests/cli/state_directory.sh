# Where state lies: the state directory, the second place when that is full or read-only, and what
# is said where no place is left.
if [ "$(id -u)" = 0 ]; then
    # as root the places are fixed: mounts of our own stand in for them
    [ -n "${INSIDE:-}" ] || INSIDE=yes exec unshare -m bash -c '. "$HERE/lib.sh"; . "$1"' case "$HERE/state_directory.sh"
    mount --make-rprivate /
    mount -t tmpfs -o size=64m,mode=755 none /var/lib
    mount -t tmpfs -o size=64m,mode=755 none /run
    first=/var/lib second=/run
else
    exit 77
fi
make_spool s --count 100
spool=s index=
shown() { sed -E "s/s-[0-9a-f]{16}/s-HASH/g"; }
echo "--- usual"
ray query is:bounce --count 2>&1 | shown
find $first/spoolray -mindepth 1 -maxdepth 1 -printf '%f %m\n' | shown
stat -c '%n %a' $first/spoolray
echo "--- full"
mount -t tmpfs -o size=1m,mode=755 none $first
dd if=/dev/zero of=$first/filler bs=64k 2> /dev/null
ray query is:bounce --count 2>&1 | shown
ls $second/spoolray | shown
echo "--- read-only"
umount $first
mount -t tmpfs -o ro none $first
ray query is:bounce --count 2>&1 | shown
echo "--- both"
mount -t tmpfs -o ro none $second
ray query is:bounce --count 2>&1 | shown
echo "--- a place that is named"
ray query is:bounce --count --index ix
