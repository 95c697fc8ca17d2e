#!/usr/bin/env python3
"""Runs a command on a terminal of its own, 100 columns wide, and answers its first prompt.

usage: terminal.py ANSWER COMMAND WORD…

Prints what the terminal showed. Exit code: the command's.
"""
import fcntl
import os
import pty
import struct
import sys
import termios


def start(words):
    child, terminal = pty.fork()
    if child == 0:
        settings = termios.tcgetattr(0)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(0, termios.TCSANOW, settings)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        os.execvp(words[0], words)
    return child, terminal


def main():
    answer = sys.argv[1].encode() + b"\n"
    child, terminal = start(sys.argv[2:])
    shown = b""
    while True:
        try:
            some = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other side has closed
            break
        if not some:
            break
        shown += some
        if answer and shown.rsplit(b"\n", 1)[-1].startswith(b"Type ") and shown.endswith(b": "):
            os.write(terminal, answer)
            answer = b""
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


sys.exit(main())
