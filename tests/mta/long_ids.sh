#!/bin/bash
# A spool with long queue ids, hash folders two levels deep, forced expiry and awkward mail, made by
# the real server, against its truth.
. "$(dirname "$0")/lib.sh"
pf sample b "$work/b" > "$work/sample.out" 2>&1 || { tail -20 "$work/sample.out" >&2; fail "sample b"; }
mkdir "$work/tree"
tar --numeric-owner -xf "$work/b.tar.zst" -C "$work/tree"
spool=$work/tree/var/spool/postfix
ray_outside scan
ray_outside query '*' --json > "$work/ray"
"$python" "$compare" truth "$work/ray" "$work/b.truth.jsonl" || fail "not what the truth says"
