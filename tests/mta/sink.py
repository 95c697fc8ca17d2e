#!/usr/bin/env python3
"""An SMTP server on loopback that takes everything and notes what came, one JSON object a message.

usage: sink.py PORT FILE

It answers on 127.0.0.1 only and ends when its standard input is closed.
"""
import json
import re
import socketserver
import sys
import threading

TOKEN = re.compile(rb"tok\d+\.\d+")
LOCK = threading.Lock()


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def take_content(self):
        lines = []
        while True:
            line = self.rfile.readline()
            if not line or line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)

    def handle(self):
        sender, recipients = None, []
        self.say("220 sink.test ESMTP")
        while True:
            line = self.rfile.readline()
            if not line:
                return
            verb = line[:4].upper()
            address = re.search(rb"<(.*)>", line.split(b"> ")[0] + b">")
            if verb == b"EHLO":
                self.wfile.write(b"250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                                 b"250-SMTPUTF8\r\n250 DSN\r\n")
            elif verb == b"MAIL":
                sender, recipients = address.group(1).rstrip(b">"), []
                self.say("250 2.1.0 ok")
            elif verb == b"RCPT":
                recipients.append(address.group(1).rstrip(b">"))
                self.say("250 2.1.5 ok")
            elif verb == b"DATA":
                self.say("354 go on")
                token = TOKEN.search(self.take_content())
                with LOCK, open(sys.argv[2], "a", encoding="utf-8") as out:
                    out.write(json.dumps({
                        "sender": sender.decode("utf-8", "backslashreplace"),
                        "recipients": [r.decode("utf-8", "backslashreplace") for r in recipients],
                        "token": token.group(0).decode() if token else None}) + "\n")
                self.say("250 2.0.0 taken")
            elif verb == b"QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("250 2.0.0 ok")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100


with Server(("127.0.0.1", int(sys.argv[1])), Session) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
