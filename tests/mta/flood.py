#!/usr/bin/env python3
"""Puts messages for one slow domain into the server, so that a backlog waits in its memory.

usage: flood.py PORT COUNT SENDER DOMAIN

Writes one JSON object a message, as inject.py does. Loopback only.
"""
import json
import re
import smtplib
import sys

port, count, sender, domain = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
session = smtplib.SMTP("127.0.0.1", port, local_hostname="flood.test", timeout=60)
session.ehlo()
for number in range(count):
    token = "tok4711.%d" % number
    recipients = ["user%d@%s" % (number, domain), "other%d@elsewhere.test" % number]
    session.docmd("MAIL", "FROM:<%s>" % sender)
    for recipient in recipients:
        session.docmd("RCPT", "TO:<%s>" % recipient)
    code, reply = session.data("From: %s\r\nSubject: flood %d\r\nMessage-ID: <%s@flood.test>\r\n\r\n"
                               "body %d\r\n" % (sender, number, token, number))
    if code != 250:
        sys.exit("refused: %d %s" % (code, reply))
    print(json.dumps({"id": re.search(rb"queued as (\w+)", reply).group(1).decode(),
                      "token": token, "sender": sender, "rcpts": recipients, "auth": None}))
session.quit()
