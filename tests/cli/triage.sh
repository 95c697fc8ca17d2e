# The verdict: names the account of a hacked spool, and nobody on a healthy one.
index=ix
make_spool hacked --count 2000 --logs
make_spool healthy --count 2000 --hacked 0
mkdir -p empty/active empty/deferred empty/incoming empty/hold empty/maildrop empty/defer empty/bounce
spool=hacked
ray triage
[ "$(quiet_ray triage | wc -l)" -le 25 ] && echo "it fits a ticket"
quiet_ray triage --json | jq -r '.culprit, .name'
spool=healthy index=ix2
ray
quiet_ray triage --json | jq -r '.culprit, .name'
spool=empty index=ix3
ray triage
# The command that it proposes works as it is typed.
spool=hacked index=ix
command=$(quiet_ray triage | sed -n 's/^ *look *//p')
eval "$SPOOLRAY ${command#spoolray } --index ix --count"
jq '.accounts["mallory@customer.test"].messages' hacked.json
