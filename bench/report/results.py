"""Reads the committed result files of bench/run.sh, and says how two programs compare."""
import glob
import statistics

FIELDS = "row,fs,count,cache,round,what,variant,seconds,cpu,peak_kib,others,items".split(",")


class Run:
    """One line of a results file."""

    def __init__(self, values, source):
        line = dict(zip(FIELDS, values))
        self.__dict__.update(line)
        self.source = source
        self.count, self.round = int(line["count"]), int(line["round"])
        self.seconds = float(line["seconds"])
        self.peak_kib = int(line["peak_kib"] or 0)
        self.others = int(line["others"] or 0)
        self.items = int(line["items"] or 0)


def load(pattern):
    """Every run, and the header of every file by its name. A younger file replaces what an older
    one has of the same row, file system and count."""
    runs, headers = {}, {}
    for path in sorted(glob.glob(pattern)):
        header, mine = {}, {}
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                line = line.rstrip("\n")
                if line.startswith("# "):
                    key, _, value = line[2:].partition(": ")
                    header[key] = header[key] + " | " + value if key in header else value
                elif not line.startswith("row,") and line.count(",") == len(FIELDS) - 1:
                    run = Run(line.split(","), path)
                    mine.setdefault((run.row, run.fs, run.count, run.cache), []).append(run)
        runs.update(mine)
        headers[path] = header
    return [run for group in runs.values() for run in group], headers


def pick(runs, row, cache, what, variant=None, fs=None, count=None):
    return [r for r in runs if r.row == row and r.cache == cache and r.what == what
            and (variant is None or r.variant == variant)
            and (fs is None or r.fs == fs) and (count is None or r.count == count)]


def best_variant(runs):
    """Of programs at several settings the one with the least median, for each number of items."""
    ways = sorted({(r.what, r.variant) for r in runs})
    if not ways:
        return []
    return min(([r for r in runs if (r.what, r.variant) == way] for way in ways),
               key=lambda some: statistics.median(each(some)))


def each(runs):
    """Seconds an item: so that different numbers of items compare."""
    return [r.seconds / max(r.items, 1) for r in runs]


def ratio(over, under):
    """The median of over / under with the least and greatest of the rounds, or None. Where both
    have the same rounds, those are compared one by one, as they ran side by side."""
    if not over or not under:
        return None
    a, b = {r.round: s for r, s in zip(over, each(over))}, \
           {r.round: s for r, s in zip(under, each(under))}
    middle = statistics.median(a.values()) / statistics.median(b.values())
    common = [a[k] / b[k] for k in a if k in b] if set(a) == set(b) else \
        [min(a.values()) / max(b.values()), max(a.values()) / min(b.values())]
    return middle, min(common), max(common)
