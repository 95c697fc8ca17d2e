# One answer in every form: table, columns, CSV, JSON, NUL, ids for the server's tool, count, plan.
index=ix
mkdir s
first=$("$HERE/postfix_file.py" s deferred 'ann@a.test' 'ann@a.test' 'one' 'to@b.test' 'too@b.test')
second=$("$HERE/postfix_file.py" s hold '' '' 'two' 'x@c.test')
mkdir -p s/active s/incoming s/defer s/maildrop
spool=s
named() { sed "s/$first/FIRST/g; s/$second/SECOND/g"; }
quiet_ray scan -q --subjects
ray query '*' --sort -sender | named
ray query account:ann@a.test --fields queue_id,queue_name,arrival_time,subject | named
ray query is:bounce --csv | tr -d '\r' | named
ray query '*' --json --sort sender | named
quiet_ray query '*' -0 --sort -sender | tr '\0' '\n' | named
quiet_ray query '*' -0 --sort -sender --fields sender,recipients | tr '\0' '|'
echo
ray query '*' --count
ray query account:nobody --count
ray query account:nobody
ray query '*' --limit 1 --sort sender --fields sender
ray query account:ann@a.test --emit postsuper | named
ray query '*' --emit exim
ray query account:ann@a.test --explain
ray show "$second" | named | head -12
ray show 0000000 --json
ray show '../../etc/passwd'
