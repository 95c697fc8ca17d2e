#!/usr/bin/env python3
"""Loads what spoolray knows into SQLite with the same indexes, normalised as well as it goes.

usage: sqlite_load.py JSON DATABASE     prints the bytes of all addresses as plain text
"""
import json
import sqlite3
import sys

STATES = {}


def main():
    source, target = sys.argv[1:]
    db = sqlite3.connect(target)
    db.executescript("""
        pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -500000;
        create table address (id integer primary key, text text not null unique);
        create table message (number integer primary key, id text not null, state integer,
            sender integer, account integer, client integer, arrival integer, size integer);
        create table recipient (message integer, address integer, state integer,
            primary key (address, message)) without rowid;
    """)
    addresses, messages, recipients, raw = {}, [], [], 0

    def number(text):
        if text is None:
            return None
        return addresses.setdefault(text, len(addresses) + 1)

    with open(source, encoding="utf-8", errors="surrogateescape") as lines:
        for n, line in enumerate(lines, 1):
            m = json.loads(line)
            if "queue_id" not in m:
                continue
            raw += len(m["sender"] or "") + len(m.get("auth_account") or "")
            messages.append((n, m["queue_id"], STATES.setdefault(m["queue_name"], len(STATES)),
                             number(m["sender"]), number(m.get("auth_account")),
                             number(m.get("client_address")), m["arrival_time"], m["message_size"]))
            for r in m["recipients"]:
                raw += len(r["address"])
                recipients.append((n, number(r["address"]),
                                   STATES.setdefault(r["state"], len(STATES))))
            if len(messages) >= 50000:
                flush(db, messages, recipients)
    flush(db, messages, recipients)
    db.executemany("insert into address values (?, ?)",
                   ((i, t.encode("utf-8", "replace").decode()) for t, i in addresses.items()))
    db.executescript("""
        create index by_sender on message (sender); create index by_account on message (account);
        create index by_client on message (client); create index by_id on message (id);
        analyze; vacuum;
    """)
    db.commit()
    print(raw)


def flush(db, messages, recipients):
    db.executemany("insert into message values (?, ?, ?, ?, ?, ?, ?, ?)", messages)
    db.executemany("insert or ignore into recipient values (?, ?, ?)", recipients)
    messages.clear()
    recipients.clear()


if __name__ == "__main__":
    main()
