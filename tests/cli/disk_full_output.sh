# An answer that cannot be written is an error, not a short answer.
make_spool s --count 20
spool=s index=ix
quiet_ray scan -q
quiet_ray query '*' --json > /dev/full
echo "[exit $?]"
quiet_ray version > /dev/full
echo "[exit $?]"
