#!/usr/bin/env python3
"""The manual pages set without a warning, and name every verb, every option and every function.

usage: manuals.py REPOSITORY
"""
import os
import re
import subprocess
import sys


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as text:
        return text.read()


def warnings(root, page):
    said = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-b", os.path.join(root, page)],
                          capture_output=True, text=True)
    return ["%s: %s" % (page, line) for line in said.stderr.splitlines()]


def main():
    root = sys.argv[1]
    pages = ["docs/man/spoolray.1", "docs/man/spoolray.conf.5", "docs/man/libspoolray.3"]
    problems = [line for page in pages for line in warnings(root, page)]

    options = re.findall(r'^\s+\{ SPR_OPT_\w+, "([a-z-]+)", .*?(true|false),', read(root, "tools/options.c"),
                         flags=re.M)
    command = read(root, pages[0]).replace("\\-", "-")
    settings = read(root, pages[1])
    for name, configurable in options:
        if not re.search(r"--" + re.escape(name) + r"\b", command):
            problems.append("%s: --%s is not named" % (pages[0], name))
        if configurable == "true" and not re.search(r"\b%s\b" % re.escape(name), settings):
            problems.append("%s: %s is not named" % (pages[1], name))

    verbs = re.findall(r'^\s+\{ "([a-z]+)", SPR_VERB_', read(root, "tools/main.c"), flags=re.M)
    for name in verbs:
        if not re.search(r"\b%s\b" % name, command):
            problems.append("%s: %s is not named" % (pages[0], name))
    if len(options) < 30 or len(verbs) < 15:
        problems.append("the tables of options and verbs were not found")
    print("\n".join(problems) if problems else
          "%d options and %d verbs are in the manual" % (len(options), len(verbs)))
    return 1 if problems else 0


sys.exit(main())
