# On a terminal: fifty rows and the total, the count typed, colours only there and not with NO_COLOR.
make_spool s --count 200
spool=s index=ix
quiet_ray scan -q
at="--spool s --index ix"
on_terminal "$SPOOLRAY query '*' $at" '' | tail -1
on_terminal "$SPOOLRAY query '*' -0 $at" ''
picture s > before
on_terminal "$SPOOLRAY delete is:bounce $at" 1
picture s | cmp - before && echo "unchanged"
count=$(quiet_ray query is:bounce --count)
on_terminal "$SPOOLRAY delete is:bounce $at" "$count"
on_terminal "$SPOOLRAY undo 1 $at" yes
picture s | cmp - before && echo "all is back"
on_terminal "$SPOOLRAY triage $at" '' | grep -c $'\033'
on_terminal "env -u NO_COLOR TERM=xterm $SPOOLRAY triage $at" '' | grep -c $'\033'
