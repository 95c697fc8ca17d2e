#!/usr/bin/env python3
"""Writes BENCHMARKS.md and docs/bench/*.svg from bench/results/*.csv. Run by bench/report.sh."""
import copy
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(__file__))
import plots
import results
import targets

METHOD = """# Benchmarks

Written by bench/report.sh from bench/results/*.csv, which bench/run.sh measured with the programs of
bench/; it installs the rivals and names their settings. Programs take turns in each round; a ratio
is that of the medians, with the least and greatest ratio of the rounds behind it. Warm: every byte
is read again immediately before each run, as page cache that rests is taken away on some machines.
Cold: caches dropped before each run. Half-warm: then every second file read again. Wall time, the
start of the process included. A scan is always end to end: every name listed, every envelope read,
parsed and indexed, the index written. "ring refused" is the same program where the kernel lets it
have no io_uring. By default ripgrep takes queue files for binary and finds nothing in them; with -a
it finds what grep finds. "ext4" is the machine's own disk; "ext4 image", XFS, btrfs and tmpfs are file
systems of their own in images with direct I/O, or in memory. Memory is the process's peak. The
first verdict is timed from the start of `spoolray triage` to its line; deliveries from the first
message sent to the last one handed to a sink, while scans into a new index follow one another. A
run during which others took more than 15 % of the processors was repeated, up to three times.
Where rounds are fewer than five, time for more was lacking. Figures hold for the machine named; only
the ratios say something about others.
"""


def table(lines, head):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for line in lines:
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |")
    print()


def number(value):
    return "%.0f" % value if value >= 100 else "%.1f" % value if value >= 10 else "%.2f" % value


def met(target, value):
    if target.sense is None:
        return "-"
    good = value >= target.limit if target.sense == targets.AT_LEAST else value <= target.limit
    return "yes" if good else "**no**"


def compare(target, runs):
    """One line for each file system and count where both were measured, and for each where it is
    asked for but was not."""
    found, seen = [], set()
    def best(ways, fs, count):
        some = [r for row, cache, what, variant in ways
                for r in results.pick(runs, row, cache, what, variant, fs, count)]
        return results.best_variant(some)
    for fs, count in sorted({(r.fs, r.count) for r in runs}):
        if (target.fs and fs not in target.fs) or (target.only and count not in target.counts):
            continue
        under = best([target.under], fs, count)
        value = results.ratio(best(target.over, fs, count), under)
        if value:
            seen |= {(fs, count), (fs, 0), ("any", count), ("any", 0)}
            lost = " (the other wins)" if target.sense != targets.AT_MOST and value[0] < 1 else ""
            found.append([target.title, fs, "{:,}".format(count), asked(target),
                          number(value[0]) + lost, "%s-%s" % tuple(map(number, value[1:])),
                          str(len(under)), met(target, value[0])])
    for fs in target.fs or ("any",):
        found += [missing(target.title, fs, count, asked(target))
                  for count in target.counts or (0,) if (fs, count) not in seen]
    return found


def missing(title, fs, count, limit):
    return [title, fs, "{:,}".format(count) if count else "any", limit, "not measured", "", "", ""]


def asked(target):
    return "" if target.sense is None else "%s %g" % (target.sense, target.limit)


def absolute(runs):
    """The targets that are no ratios: all are upper limits."""
    lines = []
    def add(title, chosen, value, unit, limit, count=0):
        limit_text = "at most %g%s" % (limit, unit)
        groups = sorted({(r.fs, r.count) for r in chosen})
        for fs, n in groups:
            some = [value(r) for r in chosen if (r.fs, r.count) == (fs, n)]
            middle = statistics.median(some)
            lines.append([title, fs, "{:,}".format(n), limit_text, number(middle) + unit,
                          "%s-%s" % (number(min(some)), number(max(some))), str(len(some)),
                          "yes" if middle <= limit else "**no**"])
        if not groups or (count and count not in [n for _, n in groups]):
            lines.append(missing(title, "any", count, limit_text))
    def queries(variant):
        return results.pick(runs, "query", "warm", "query", variant)
    add("one account counted, process included", queries("account; counted"),
        lambda r: r.seconds * 1000, " ms", 10, targets.LARGE)
    add("one small account listed, process included", queries("small account; all"),
        lambda r: r.seconds * 1000, " ms", 10, targets.LARGE)
    sizes = [r for r in runs if r.what == "bytes" and r.variant == "spoolray"]
    add("index on disk, a message", [r for r in sizes if r.row in ("index", "scale")],
        lambda r: r.seconds, " bytes", 40)
    add("index on disk, a message; no recipient twice",
        [r for r in sizes if r.row == "index unique"], lambda r: r.seconds, " bytes", 40)
    add("peak memory of a scan less 64 MiB, a message",
        [r for r in runs if r.row == "scale" and r.what == "scan"],
        lambda r: max(r.peak_kib * 1024 - (64 << 20), 0) / r.count, " bytes", 200, targets.HUGE)
    add("parse, index and write, of a warm scan's samples", own_work(runs), lambda r: r.seconds,
        " %", 15)
    early = [r for r in runs if r.what == "triage" and r.variant != "final verdict"]
    add("first verdict while a cold scan runs", early, lambda r: r.seconds, " s", 1, targets.LARGE)
    add("rounds in which that was not the final account", early,
        lambda r: 100 * (r.variant != "the account of the final verdict"), " %", 0, targets.LARGE)
    return lines


def own_work(runs):
    """A run for each profile: the share of all but the kernel and io, libraries included."""
    found = {}
    for r in runs:
        if r.row == "profile" and r.what not in ("kernel", "io"):
            one = found.setdefault((r.fs, r.count), copy.copy(r))
            if one.what != "own work":
                one.what = "own work"
            else:
                one.seconds += r.seconds
    return list(found.values())


def all_medians(runs):
    groups = {}
    for r in runs:
        if r.row not in ("profile", "timeline") and r.what != "bytes":
            groups.setdefault((r.row, r.fs, r.count, r.cache, r.what, r.variant), []).append(r)
    lines = []
    for key in sorted(groups):
        seconds = [r.seconds for r in groups[key]]
        items = max(groups[key][0].items, 1)
        lines.append([key[0], key[1], "{:,}".format(key[2]), key[3], key[4], key[5],
                      "%.4f" % statistics.median(seconds),
                      "%.4f-%.4f" % (min(seconds), max(seconds)),
                      "%.2f" % (statistics.median(seconds) / items * 1e6), str(len(seconds)),
                      "%d %%" % max(r.others for r in groups[key])])
    return lines


def write(name, text):
    os.makedirs("docs/bench", exist_ok=True)
    with open("docs/bench/" + name, "w", encoding="utf-8") as out:
        out.write(text)
    print("![%s](docs/bench/%s)\n" % (name[:-4].replace("-", " "), name))


def rate(runs):
    return statistics.median(r.count / r.seconds for r in runs)


def draw_throughput(runs):
    bars = [("scan, auto", "scan", "auto"), ("scan, ring refused", "scan", "refused"), ("bare floor", "floor", None),
            ("64 threads", "reader", "threads 64 by inode"), ("plain walk", "walk", "naive"),
            ("rg -F -l", "rg", "rg -F -l"), ("grep -rlF", "grep", "grep -rlF")]
    for cache in ("warm", "cold"):
        groups = []
        for fs in ("ext4", "ext4 image", "xfs", "btrfs", "tmpfs"):
            counts = sorted({r.count for r in runs if r.row == cache and r.fs == fs})
            for count in counts:
                values = {}
                for name, what, variant in bars:
                    some = results.pick(runs, cache, cache, what, variant, fs, count)
                    if some:
                        values[name] = rate(some)
                groups.append(("%s %s" % (fs, plots.short(count)), values))
        if groups:
            names = [b[0] for b in bars if any(b[0] in values for _, values in groups)]
            write("throughput-%s.svg" % cache,
                  plots.bars("Messages a second, %s" % cache, groups, names))


def draw_scale(runs):
    series = []
    for name, cache, what in (("scan, warm", "warm", "scan"), ("bare floor, warm", "warm", "floor"),
                              ("scan, cold", "cold", "scan")):
        points = {}
        for r in results.pick(runs, "scale", cache, what):
            points.setdefault(r.count, []).append(r.seconds / r.count * 1e6)
        if points:
            series.append((name, [(c, statistics.median(points[c])) for c in sorted(points)]))
    if series:
        write("scale.svg", plots.lines("Microseconds a message", "messages", series))


def draw_timeline(runs):
    timeline = [r for r in runs if r.row == "timeline"]
    if not timeline:
        return
    fs, count = max((r.fs, r.count) for r in timeline)
    series = [("scan", [(0.0, 0.0)] + sorted((r.seconds, float(r.items)) for r in timeline
                                             if (r.fs, r.count) == (fs, count)))]
    for name, what, variant in (("64 threads", "reader", "threads 64 by inode"),
                                ("rg -F -l", "rg", "rg -F -l"), ("plain walk", "walk", "naive"),
                                ("grep -rlF", "grep", "grep -rlF")):
        some = results.pick(runs, "cold", "cold", what, variant, fs, count)
        if some:
            series.append((name + " (mean)", [(0.0, 0.0), (statistics.median(r.seconds for r in some),
                                                 float(count))]))
    write("cold-timeline.svg", plots.lines("Messages done, cold, %s" % fs, "seconds", series))


def profile(runs):
    print("## Where a warm scan's processor time goes\n")
    samples = [r for r in runs if r.row == "profile"]
    if not samples:
        print("Not measured.\n")
    for fs, count in sorted({(r.fs, r.count) for r in samples}):
        print("%s, %s messages:\n" % (fs, "{:,}".format(count)))
        table([[r.what, "%.1f %%" % r.seconds] for r in samples if (r.fs, r.count) == (fs, count)],
              ["part", "share of samples"])


def main():
    runs, headers = results.load("bench/results/*.csv")
    print(METHOD)
    used = sorted({r.source for r in runs})
    for path in used:
        print("- %s: %s" % (os.path.basename(path),
                            "; ".join("%s: %s" % pair for pair in headers[path].items())))
    print("\n## Targets\n\nA ratio below 1 of a rival to us means that the rival is faster.\n")
    head = ["what", "file system", "messages", "asked", "measured", "spread", "rounds", "met"]
    table([line for t in targets.TARGETS for line in compare(t, runs)] + absolute(runs), head)
    with open("bench/report/bounds.md", encoding="utf-8") as bounds:
        print(bounds.read())
    print("## Plots\n")
    draw_throughput(runs)
    draw_scale(runs)
    draw_timeline(runs)
    profile(runs)
    print("## Everything measured\n\nothers: the most that other programs took of the processors in "
          "a round that counted; loop devices' own threads are among them.\n")
    table(all_medians(runs), ["row", "file system", "messages", "cache", "program", "variant",
                              "median s", "min-max s", "µs an item", "rounds", "others"])


if __name__ == "__main__":
    main()
