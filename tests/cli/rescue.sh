# The five steps off a terminal: exactly the account's messages go, come back, go for good.
make_spool s --count 300
spool=s index=ix
account=account:mallory@customer.test
contents s > before
truth=$(jq '.accounts["mallory@customer.test"].messages' s.json)
matched=$(quiet_ray query $account --count)
[ "$truth" = "$matched" ] && echo "all of the account's messages are found"
ray delete $account
ray delete $account --dry-run > preview
ray delete $account --yes --expect 1
ray delete $account --yes
contents s | cmp - before && echo "unchanged until now"
ray delete $account --yes --expect "$matched" --reason 'hacked, ticket 4711' | sed "s/$matched/MATCHED/" > done
tail -n +2 preview | grep -v 'dry run' | sed "s/$matched/MATCHED/" | head -3 | cmp - <(tail -n +2 done | head -3) \
    && echo "the preview is that of the dry run"
cat done
ray query $account --count
ray jobs
ray jobs 1 --json
ray undo 1
ray undo 1 --yes
contents s | cmp - before && echo "all is back"
ray undo 1 --yes
ray undo 7 --yes
ray delete $account --yes --everything --quiet
ray purge 2
ray purge 2 --yes
ray purge --older-than 1h --yes
ray jobs
quiet_ray query '*' --count
