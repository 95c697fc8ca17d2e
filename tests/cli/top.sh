# Ranked tables.
make_spool s --count 500
spool=s index=ix
ray top account --limit 4
ray top acount
ray top state --csv | tr -d '\r'
ray top sender-domain account:mallory@customer.test --json --limit 2
ray top rcpt-domain account:nobody
ray top subject --limit 1
ray top subject --subjects --limit 1
ray top client --limit 0 | wc -l
