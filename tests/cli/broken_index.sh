# A damaged index, one of a newer version, one of another spool: exit code 7 or 2, with the way out.
make_spool s --count 50
spool=s index=ix
quiet_ray scan -q
cp -r ix good
for file in ix/*; do
    printf '\377\377\377\377' | dd of="$file" bs=1 seek=40 conv=notrunc 2> /dev/null
done
ray query '*' --count
ray scan
quiet_ray scan --full | tail -n +1 | head -2
ray query '*' --count
make_spool t --count 5
spool=t
ray query '*' --count
