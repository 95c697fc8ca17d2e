# The front page is the five-step rescue; each verb has its page.
ray --help
ray delete --help
ray help | head -3
for verb in triage scan top query show plan apply hold release jobs undo resume purge formats bench version; do
    "$SPOOLRAY" $verb --help | head -1
done
