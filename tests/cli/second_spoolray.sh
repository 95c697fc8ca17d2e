# A second spoolray while the first one is at work: readers answer, changes are refused, and once
# the first has ended they are not.
make_spool s --count 20000 --size 200
spool=s index=ix
quiet_ray scan -q
mkfifo progress
exec 7<> progress
"$SPOOLRAY" delete account:mallory@customer.test --yes --everything --quiet --no-refresh \
    --progress json --spool s --index ix 2> progress 7>&- &
first=$!
read -r line <&7
kill -STOP $first
ray delete is:bounce --yes --everything --quiet --no-refresh
ray undo 1 --yes --quiet
ray purge 1 --yes --quiet
ray resume
ray query account:mallory@customer.test --count --no-refresh -q | sed 's/^[1-9][0-9]*$/some/'
quiet_ray jobs --json | jq -r .state
kill -CONT $first
wait $first
echo "the first ended with $?"
quiet_ray jobs --json | jq -r .state
ray undo 1 --yes --quiet
