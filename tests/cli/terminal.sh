# On a terminal: fifty rows and the total, the count typed, colours only there and not with NO_COLOR.
make_spool s --count 200
spool=s index=ix
quiet_ray scan -q
on_terminal '' query '*' --sort id | tail -3
on_terminal '' query '*' -0
contents s > before
on_terminal 1 delete is:bounce
on_terminal yes delete is:bounce --yes
contents s | cmp - before && echo "unchanged"
on_terminal 19 delete is:bounce
on_terminal no undo 1
on_terminal yes undo 1
contents s | cmp - before && echo "all is back"
on_terminal 19 delete is:bounce -q
on_terminal 19 purge 2
on_terminal '' triage | grep -c $'\033'
unset NO_COLOR
export TERM=xterm
on_terminal '' triage | grep -c $'\033'
