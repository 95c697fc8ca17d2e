# A plan is frozen into a file, reviewed, applied by --yes alone; what changed since is skipped.
make_spool s --count 100
spool=s index=ix
ray plan hold 'account:mallory@customer.test' -o bob.plan
stat -c '%a' bob.plan
ray apply bob.plan
ray apply bob.plan --expect 3 --yes
ray apply bob.plan --dry-run
ray apply bob.plan --yes
ray query 'state:held account:mallory@customer.test' --count
ray plan release '*' -o all.plan
head -c 200 bob.plan > cut.plan
ray apply cut.plan --yes
echo text > text.plan
ray apply text.plan --yes
ray apply missing.plan --yes
