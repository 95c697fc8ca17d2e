# Everything needs --everything; several spools need --spool; nothing matched is exit code 1.
mkdir two
make_spool two/a --count 30
make_spool two/b --count 30 --hacked 0
spool=two index=
export XDG_STATE_HOME=$WORK/state
ray delete is:bounce
spool=two/a index=ix
ray delete '*' --yes --expect 30
ray delete '' --yes
ray delete account:nobody@nowhere.test --yes --expect 0
ray delete account:mallory@customer.test account:nobody@nowhere.test --yes --everything
spool=
ray query is:bounce --spool two/a --spool two/b --index ix
