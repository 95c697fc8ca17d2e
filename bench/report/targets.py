"""The table of targets: what is compared with what, and which ratio is asked for."""

AT_LEAST, AT_MOST = "at least", "at most"


class Target:
    """over and under: (row, cache, what, variant; variant None: its best). count: 0 is any."""

    def __init__(self, title, sense, limit, over, under, count=0, fs=None):
        self.title, self.sense, self.limit = title, sense, limit
        self.over, self.under, self.count, self.fs = over, under, count, fs


def scan(row, cache, variant="auto"):
    return (row, cache, "scan", variant)


SMALL, LARGE = 200000, 1000000
READER = "threads 64 by inode"
DISKS = ("xfs", "btrfs")
GREP, RG = "grep -rlF", "rg -F -l"
POSTFIX = "postfix"

TARGETS = [
    Target("cold, grep -rlF / scan", AT_LEAST, 8, ("cold", "cold", "grep", GREP), scan("cold", "cold"), SMALL, ("ext4",)),
    Target("cold, grep -rlF / scan", AT_LEAST, 6.5, ("cold", "cold", "grep", GREP), scan("cold", "cold"), LARGE, ("ext4",)),
    Target("cold, rg -F -l / scan", AT_LEAST, 5, ("cold", "cold", "rg", RG), scan("cold", "cold"), SMALL, ("ext4",)),
    Target("cold, rg -F -l / scan", AT_LEAST, 4.5, ("cold", "cold", "rg", RG), scan("cold", "cold"), LARGE, ("ext4",)),
    Target("cold, rg -j32 / scan", None, 0, ("cold", "cold", "rg", "rg -F -l -j32"), scan("cold", "cold")),
    Target("cold, 64 threads in inode order / scan", AT_LEAST, 1.5, ("cold", "cold", "reader", READER), scan("cold", "cold"), 0, ("ext4",)),
    Target("cold, inode order not disk order, 64 threads by creation / scan", AT_LEAST, 1.25, ("inplace", "cold", "reader", "threads 64 by name"), scan("inplace", "cold")),
    Target("cold, inode order not disk order, 64 threads by inode / scan", None, 0, ("inplace", "cold", "reader", READER), scan("inplace", "cold")),
    Target("cold, plain walk / scan with index", AT_LEAST, 7, ("cold", "cold", "walk", "naive"), scan("cold", "cold"), 0, ("ext4",)),
    Target("warm, plain walk / scan with index", AT_LEAST, 1.7, ("warm", "warm", "walk", "naive"), scan("warm", "warm"), 0, ("ext4",)),
    Target("cold, XFS and btrfs: 64 threads / scan", AT_LEAST, 1.6, ("cold", "cold", "reader", READER), scan("cold", "cold"), 0, DISKS),
    Target("warm, grep -rlF / scan", AT_LEAST, 4, ("warm", "warm", "grep", GREP), scan("warm", "warm"), LARGE, ("ext4",)),
    Target("warm, grep -rlF / scan", AT_LEAST, 3.2, ("warm", "warm", "grep", GREP), scan("warm", "warm"), SMALL, ("ext4",)),
    Target("warm, rg -F -l / scan", AT_LEAST, 2, ("warm", "warm", "rg", RG), scan("warm", "warm"), LARGE, ("ext4",)),
    Target("warm, rg -F -l / scan", AT_LEAST, 1.7, ("warm", "warm", "rg", RG), scan("warm", "warm"), SMALL, ("ext4",)),
    Target("warm, one flat folder (IMail): scan / floor", None, 0, scan("flat", "warm"), ("flat", "warm", "floor", None)),
    Target("cold, one flat folder (IMail): 64 threads / scan", None, 0, ("flat", "cold", "reader", READER), scan("flat", "cold")),
    Target("warm, scan / floor", AT_MOST, 1.25, scan("warm", "warm"), ("warm", "warm", "floor", None)),
    Target("cold, ring refused / with ring", AT_MOST, 1.2, scan("cold", "cold", "refused"), scan("cold", "cold")),
    Target("warm, ring refused / with ring", AT_MOST, 1.05, scan("warm", "warm", "refused"), scan("warm", "warm")),
    Target("list all, warm: postqueue -j / scan and query, text", AT_LEAST, 12, (POSTFIX, "warm", "postqueue", "-j"), (POSTFIX, "warm", "query", "text; no index before")),
    Target("list all, cold: postqueue -j / scan and query, text", AT_LEAST, 20, (POSTFIX, "cold", "postqueue", "-j"), (POSTFIX, "cold", "query", "text; no index before")),
    Target("list all, warm: postqueue -j / scan and query, JSON", None, 0, (POSTFIX, "warm", "postqueue", "-j"), (POSTFIX, "warm", "query", "json; no index before")),
    Target("account of each: postcat -qe / scan and query, a message", AT_LEAST, 1000, (POSTFIX, "warm", "postcat", "-qe; one by one"), (POSTFIX, "warm", "query", "text; no index before")),
    Target("one account counted: grep -rlF / query", AT_LEAST, 500, ("query", "warm", "grep", "account"), ("query", "warm", "query", "account; counted")),
    Target("one small account listed: grep -rlF / query", AT_LEAST, 500, ("query", "warm", "grep", "account"), ("query", "warm", "query", "small account; all")),
    Target("recipient domain: rg / query", AT_LEAST, 20, ("query", "warm", "rg", "domain"), ("query", "warm", "query", "domain")),
    Target("glob: rg / query", AT_LEAST, 20, ("query", "warm", "rg", "glob"), ("query", "warm", "query", "glob")),
    Target("regular expression: rg / query", AT_LEAST, 20, ("query", "warm", "rg", "regex"), ("query", "warm", "query", "regex")),
    Target("refresh, unchanged / bare statx", AT_MOST, 1.15, ("refresh", "warm", "refresh", "unchanged"), ("refresh", "warm", "stat", None)),
    Target("refresh, unchanged / full scan", AT_MOST, 0.5, ("refresh", "warm", "refresh", "unchanged"), ("refresh", "warm", "scan", "full")),
    Target("refresh --quick / bare enumeration", AT_MOST, 1.3, ("refresh", "warm", "refresh", "quick"), ("refresh", "warm", "list", None)),
    Target("find | wc -l / refresh --quick", AT_LEAST, 3.5, ("refresh", "warm", "find", "find | wc -l"), ("refresh", "warm", "refresh", "quick")),
    Target("refresh after 3 % / unchanged", AT_MOST, 1.3, ("refresh", "warm", "refresh", "after 3 %"), ("refresh", "warm", "refresh", "unchanged after it")),
    Target("postsuper -d - / delete, a message", AT_LEAST, 8, (POSTFIX, "warm", "postsuper", "-d -"), (POSTFIX, "warm", "delete", "half")),
    Target("bare renames at their best / delete, a message", AT_LEAST, 0.65, ("delete", "warm", "bare rename", None), ("delete", "warm", "delete", "journalled")),
    Target("bare unlinks at their best / purge, a message", AT_LEAST, 0.9, ("delete", "warm", "bare unlink", None), ("delete", "warm", "purge", "journalled")),
    Target("delete with syncs / without", AT_MOST, 1.1, ("delete", "warm", "delete", "journalled"), ("delete", "warm", "delete", "no syncs")),
    Target("JSON of all / text", AT_MOST, 3, ("output", "warm", "query", "json"), ("output", "warm", "query", "text")),
    Target("CSV of all / text", AT_MOST, 3, ("output", "warm", "query", "csv"), ("output", "warm", "query", "text")),
    Target("SQLite / index, bytes", None, 0, ("index", "warm", "bytes", "SQLite"), ("index", "warm", "bytes", "spoolray")),
    Target("raw addresses / index, bytes", None, 0, ("index", "warm", "bytes", "raw addresses"), ("index", "warm", "bytes", "spoolray")),
]
