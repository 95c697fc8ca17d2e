# Bad usage: one clear line each, exit code 2.
ray qurey account:bob
ray frobnicate
ray query --formt postfix
ray query --bananas
ray query account:x --purge-now
ray query x --limit many
ray query x --limit
ray query x --json=yes
ray -x
ray show
ray show A B
ray top
ray purge
ray purge 1 --older-than 2d
ray undo abc --spool /
ray query x --sort colour
ray query x --fields queue_id,sendr
ray query x --json --csv
ray version --engine steam
ray version --progress sometimes
ray plan erase x -o plan
ray plan delete x
ray delete x --to tmp
ray move x
ray requeue x
ray plan copy x -o plan
printf 'jsn = yes\n' > conf
ray version --config conf
printf 'yes = yes\n' > conf
ray version --config conf
ray version --config missing
ray help bananas
ray $'query\e[31m'
