# A stale index is refreshed before an answer; --no-refresh answers from what is there and says so.
make_spool s --count 50
spool=s index=ix
ray query '*' --no-refresh --count
ray query '*' --count
"$HERE/postfix_file.py" s deferred new@a.test '' subject to@b.test > id
touch s/deferred/A s/deferred
ray query from:new@a.test --count --no-refresh
ray query from:new@a.test --count
ray query from:new@a.test --no-refresh --quiet --count
