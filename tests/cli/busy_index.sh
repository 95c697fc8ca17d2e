# While another process scans: readers answer from what is there and say so, changes wait for it.
make_spool s --count 50
spool=s index=ix
quiet_ray scan -q
touch s/hold
(
    flock 9
    ray query is:bounce --count
    ray query is:bounce --count -q
    ray delete is:bounce --yes --everything
    ray scan
) 9>> ix/LOCK
ray query is:bounce --count
