#!/usr/bin/env python3
"""Compares what spoolray says with another account of the same spool, and prints every difference.

usage: compare.py listing RAY POSTQUEUE-J     id, queue, sender, size, arrival, pending recipients
       compare.py truth RAY TRUTH             the same and the account, with a truth file
       compare.py lines RAY MKSPOOL-LINES     the same, with what mkspool wrote
       compare.py delivered SENT DELIVERED LEFT-OUT-IDS
                                              each message that was not taken out came exactly once

RAY is the output of: spoolray query '*' --json.
"""
import collections
import json
import re
import sys


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def plain(address):
    """Without quotes, backslashes and the case of the domain: listings and wires print them."""
    if address in (None, "MAILER-DAEMON"):
        return ""
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, ""
    if len(local) > 1 and local[0] == '"' and local[-1] == '"':
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    return local + at + domain.lower().rstrip(".")


def addresses(values):
    return sorted(plain(value) for value in values)


def from_ray(messages):
    found = {}
    for message in messages:
        pending = [r["address"] for r in message["recipients"] if r["state"] == "pending"]
        one = {
            "queue": message["queue_name"],
            "sender": plain(message["sender"]),
            "recipients": addresses(pending),
            "size": message["message_size"],
            "arrival": message["arrival_time"],
            "account": message["auth_account"],
        }
        key = message["queue_id"].lower()
        if key in found:
            print("twice in spoolray:", key)
            sys.exit(1)
        found[key] = one
    return found


def from_listing(messages):
    return {m["queue_id"].lower(): {
        "queue": m["queue_name"], "sender": plain(m["sender"]), "size": m["message_size"],
        "arrival": m["arrival_time"],
        "recipients": addresses(r["address"] for r in m["recipients"])} for m in messages}


def from_truth(messages):
    found = {}
    for m in messages:
        if m.get("state") == "gone" or not m.get("id"):
            continue
        found[m["id"].lower()] = {
            "queue": m["state"], "sender": plain(m["listed_sender"]), "account": m["auth"],
            "size": m["size"], "arrival": m["arrival"],
            "recipients": addresses(m["listed_rcpts"])}
    return found


def from_lines(messages):
    found = {}
    for m in messages:
        found[m["id"].lower()] = {
            "sender": m["sender"], "account": m["account"], "size": m["size"],
            "arrival": m["arrival"], "recipients": addresses(m["recipients"][m["done"]:])}
    return found


def compare(ray, other):
    problems = []
    for key in sorted(set(ray) | set(other)):
        if key not in ray:
            problems.append("%s: spoolray does not have it" % key)
        elif key not in other:
            problems.append("%s: only spoolray has it" % key)
        else:
            for field, value in other[key].items():
                if ray[key][field] != value:
                    problems.append("%s: %s: spoolray says %s, not %s"
                                    % (key, field, str(ray[key][field])[:200], str(value)[:200]))
    print("\n".join(problems[:60]))
    print("%d messages with spoolray, %d expected, %d differences"
          % (len(ray), len(other), len(problems)))
    return not problems and bool(other)


def delivered(sent, came, left_out):
    """Each (token, recipient) that should arrive did so exactly once, and nothing else came."""
    expected, problems = collections.Counter(), []
    out = {line.strip() for line in left_out}
    for message in sent:
        if message.get("error") or not message.get("id") or message["id"] in out:
            continue
        # Postfix merges recipients that differ in case only
        for recipient in {r.lower() for r in addresses(message["rcpts"])}:
            if not recipient.endswith("@done.test"): # delivered before, into nothing
                expected[(message["token"], recipient)] = 1
    got = collections.Counter((m["token"], r.lower()) for m in came for r in addresses(m["recipients"]))
    for key in sorted(set(expected) | set(got), key=str):
        if got[key] != expected[key]:
            problems.append("%s to %s: came %d times, not %d" % (key + (got[key], expected[key])))
    print("\n".join(problems[:40]))
    print("%d deliveries, %d expected, %d differences"
          % (sum(got.values()), sum(expected.values()), len(problems)))
    return not problems and bool(expected)


def main():
    mode = sys.argv[1]
    if mode == "delivered":
        with open(sys.argv[4], encoding="utf-8") as left_out:
            good = delivered(read(sys.argv[2]), read(sys.argv[3]), left_out)
    else:
        expected = {"listing": from_listing, "truth": from_truth, "lines": from_lines}[mode]
        good = compare(from_ray(read(sys.argv[2])), expected(read(sys.argv[3])))
    return 0 if good else 1


sys.exit(main())
