# Every way of reading is measured, nothing is left behind, and no cache is dropped unasked.
needs_root
make_spool s --count 30
chmod -R a+rX s .
chmod a+rwx . ..
contents s > before
index=ix
quiet_ray bench s > table
# where rings are refused there is one row less
grep '^spoolray\|^| cache\|plain walk\|auto  ' table
[ "$(quiet_ray bench s --json | jq -r 'select(.items == 30 and .cache == "warm") | .way' | wc -l)" -ge 4 ] &&
    echo "as JSON too"
ls -d ix* 2> /dev/null
contents s | cmp - before && echo "unchanged"
setpriv --reuid=65534 --regid=65534 --clear-groups "$SPOOLRAY" bench s --index ix --cold
echo "[exit $?]"
