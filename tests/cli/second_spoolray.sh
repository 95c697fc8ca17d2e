# A second spoolray on the same spool: readers answer, changes are refused.
make_spool s --count 100
spool=s index=ix
quiet_ray scan -q
ray delete is:bounce --yes --everything --quiet
lock=$(find s .spoolray -path '*.spoolray/*' -name lock 2> /dev/null | head -1)
[ -n "$lock" ] || echo "no lock file was found"
exec 9< "$lock"
flock 9
ray delete account:mallory@customer.test --yes --everything --quiet
ray undo 1 --yes --quiet
ray query account:mallory@customer.test --count
ray jobs --json | jq -r .state
exec 9>&-
ray undo 1 --yes --quiet
