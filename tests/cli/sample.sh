# The rescue on a spool that a real Postfix wrote, to the letter: out, back, out again, freed.
needs_root
tar --numeric-owner -xf "$HERE/../fixtures/postfix/sample.tar.zst" || exit 1
spool=$(find . -type d -name deferred -printf '%h\n' | head -1) index=ix
picture "$spool" > before
culprit=$(quiet_ray triage --json | jq -r .name)
count=$(quiet_ray query "account:$culprit" --count)
others=$(quiet_ray query "not account:$culprit" --count)
echo "$culprit: $count of $((count + others))"
quiet_ray query '*' -0 | tr '\0' '\n' | sort > all
quiet_ray query "not account:$culprit" -0 | tr '\0' '\n' | sort > good
ray delete "account:$culprit" --yes --expect "$count" -q
quiet_ray query '*' -0 | tr '\0' '\n' | sort | cmp - good && echo "exactly the others are left"
ray undo 1 --yes
picture "$spool" | cmp - before && echo "all is back to the letter"
ray undo 1 --yes
ray purge 1 --yes
ray delete "account:$culprit" --yes --expect "$count" -q
ray purge 2 --yes -q
ray purge 2 --yes
ray undo 2 --yes
quiet_ray query '*' -0 | tr '\0' '\n' | sort | cmp - good && echo "exactly the others are left"
ray hold '*' --yes --everything -q
ray purge 3 --yes
ray undo 3 --yes -q
quiet_ray query 'state:held' --count
quiet_ray jobs --json | jq -c '[.job,.action,.state,.messages]'
