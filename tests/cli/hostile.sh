# Bytes that steer terminals: escaped in every output for people, valid JSON, exact in …_b64.
index=ix
make_spool s --count 20 --hacked 0
spool=s
id=$("$HERE/postfix_file.py" s deferred 'e\x1b[31mvil\xff@x.test' 'acc\xc2\x9bount' \
    'sub\x07ject \xe2\x80\xae gnp.exe \xf0\x9f\x93\xa7' 'to\x00x@y.test' 'a\x0ab@y.test')
quiet_ray scan --subjects > scan.out || cat scan.out
controls() { # what no output may hold but line ends
    LC_ALL=C grep -c $'[\001-\011\013-\037\177]' "$1"
}
quiet_ray query "id:$id" --fields sender,auth_account,subject,recipients
quiet_ray query "id:$id" --csv --fields sender,auth_account,subject,recipients | tr -d '\r'
quiet_ray query "id:$id" --json | jq -aS '{sender, sender_b64, auth_account, subject, recipients}'
quiet_ray show "$id" | sed "s/$id/ID/"
quiet_ray show "$id" --body --json | jq -r .content | tail -2 | cat -v
for words in "query id:$id" "query id:$id --csv" "query id:$id --json" "show $id --body" "top sender" \
    "top account" "top subject" "triage" "delete id:$id --dry-run"; do
    # shellcheck disable=SC2086
    quiet_ray $words > said 2>&1
    tr -d '\r' < said > said.plain
    echo "$(controls said.plain) control bytes in: ${words/$id/ID}"
    LC_ALL=C grep -q $'\xc2\x9b' said.plain && echo "C1 in: $words"
    iconv -f UTF-8 -t UTF-8 said.plain > /dev/null || echo "not UTF-8: $words"
done
