# Seen by another user than root: an unreadable folder, and an unreadable file in the middle.
needs_root
make_spool s --count 30
chmod -R a+rX s .
chmod a+rwx . ..
file=$(find s/deferred -type f | sort | head -1)
chmod 0000 "$file"
as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
as_nobody "$SPOOLRAY" scan --spool s --index ix | sed "s|${file#s/}|FILE|"
echo "[exit ${PIPESTATUS[0]}]"
chmod 0700 s
as_nobody "$SPOOLRAY" scan --spool s --index ix
echo "[exit $?]"
