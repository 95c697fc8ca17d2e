"""The table of targets: what is compared with what, and which ratio is asked for."""

AT_LEAST, AT_MOST = "at least", "at most"


class Target:
    """over / under is the ratio; each is (row, cache, what, variant; variant None: its best), over
    may be a list of them: the best. fs: file systems where it is asked for, and no other counts;
    counts: numbers of messages where it is asked for, others are told as well unless only."""

    def __init__(self, title, sense, limit, over, under, fs=(), counts=(), only=False):
        self.title, self.sense, self.limit = title, sense, limit
        self.over, self.under = over if isinstance(over, list) else [over], under
        self.fs, self.counts, self.only = fs, counts, only


def scan(row, cache, variant="auto"):
    return (row, cache, "scan", variant)


SMALL, LARGE, HUGE = 200000, 1000000, 5000000
EXT4, DISKS, ALL = ("ext4",), ("xfs", "btrfs"), ("ext4", "xfs", "btrfs", "tmpfs")
ON_DISK = ("ext4", "xfs", "btrfs")
READER = "threads 64 by inode"
GREP, RG = "grep -rlF", "rg -F -l"
POSTFIX, NICE = "postfix", "nice"


def cold(what, variant):
    return ("cold", "cold", what, variant)


def warm(what, variant):
    return ("warm", "warm", what, variant)


def held(cache):
    """A scan that is held to one plan of reading, whichever is best."""
    return [("plans", cache, "plan", plan) for plan in ("warm", "past-cache", "through-cache")]


def asked(what, variant):
    return ("query", "warm", what, variant)


def refresh(what, variant):
    return ("refresh", "warm", what, variant)


def change(what, variant):
    return ("delete", "warm", what, variant)


def purge(what, variant):
    return ("purge", "warm", what, variant)


TARGETS = [
    Target("cold, grep -rlF / scan", AT_LEAST, 8, cold("grep", GREP), scan("cold", "cold"), EXT4, (SMALL,), True),
    Target("cold, grep -rlF / scan", AT_LEAST, 6.5, cold("grep", GREP), scan("cold", "cold"), EXT4, (LARGE,), True),
    Target("cold, rg -F -l / scan", AT_LEAST, 5, cold("rg", RG), scan("cold", "cold"), EXT4, (SMALL,), True),
    Target("cold, rg -F -l / scan", AT_LEAST, 4.5, cold("rg", RG), scan("cold", "cold"), EXT4, (LARGE,), True),
    Target("cold, rg -j32 / scan", None, 0, cold("rg", "rg -F -l -j32"), scan("cold", "cold")),
    Target("cold, 64 threads in inode order / scan", AT_LEAST, 1.5, cold("reader", READER), scan("cold", "cold"), EXT4, (SMALL, LARGE)),
    Target("cold, inode order not disk order, 64 threads by creation / scan", AT_LEAST, 1.25, ("inplace", "cold", "reader", "threads 64 by name"), scan("inplace", "cold")),
    Target("cold, inode order not disk order, 64 threads by inode / scan", None, 0, ("inplace", "cold", "reader", READER), scan("inplace", "cold")),
    Target("cold, plain walk / scan with index", AT_LEAST, 7, cold("walk", "naive"), scan("cold", "cold"), EXT4, (SMALL, LARGE)),
    Target("warm, plain walk / scan with index", AT_LEAST, 1.7, warm("walk", "naive"), scan("warm", "warm"), EXT4, (SMALL, LARGE)),
    Target("cold, 64 threads in inode order / scan", AT_LEAST, 1.6, cold("reader", READER), scan("cold", "cold"), DISKS),
    Target("warm, grep -rlF / scan", AT_LEAST, 4, warm("grep", GREP), scan("warm", "warm"), EXT4, (LARGE,), True),
    Target("warm, grep -rlF / scan", AT_LEAST, 3.2, warm("grep", GREP), scan("warm", "warm"), EXT4, (SMALL,), True),
    Target("warm, rg -F -l / scan", AT_LEAST, 2, warm("rg", RG), scan("warm", "warm"), EXT4, (LARGE,), True),
    Target("warm, rg -F -l / scan", AT_LEAST, 1.7, warm("rg", RG), scan("warm", "warm"), EXT4, (SMALL,), True),
    Target("warm, rg -a -F -l / scan", None, 0, warm("rg", "rg -a -F -l"), scan("warm", "warm"), EXT4, (SMALL, LARGE)),
    Target("warm, scan / floor", AT_MOST, 1.25, scan("warm", "warm"), warm("floor", None), ALL),
    Target("half-warm, better of floor and 64 threads / scan", None, 0, [("half", "half", "floor", None), ("half", "half", "reader", READER)], scan("half", "half")),
    Target("half-warm, the better plan / the plan chosen", AT_LEAST, 0.9, held("half"), ("plans", "half", "plan", "auto"), ON_DISK),
    Target("cold, the better plan / the plan chosen", AT_LEAST, 0.9, held("cold"), ("plans", "cold", "plan", "auto"), ON_DISK),
    Target("warm, the better plan / the plan chosen", AT_LEAST, 0.9, held("warm"), ("plans", "warm", "plan", "auto"), ALL),
    Target("warm, one flat folder (IMail): scan / floor", None, 0, scan("flat", "warm"), ("flat", "warm", "floor", None)),
    Target("cold, one flat folder (IMail): 64 threads / scan", None, 0, ("flat", "cold", "reader", READER), scan("flat", "cold")),
    Target("cold, ring refused / with ring", AT_MOST, 1.2, scan("cold", "cold", "refused"), scan("cold", "cold")),
    Target("warm, ring refused / with ring", AT_MOST, 1.05, scan("warm", "warm", "refused"), scan("warm", "warm")),
    Target("half-warm, ring refused / with ring", None, 0, scan("half", "half", "refused"), scan("half", "half")),
    Target("list all, warm: postqueue -j / scan and query, text", AT_LEAST, 12, (POSTFIX, "warm", "postqueue", "-j"), (POSTFIX, "warm", "query", "text; no index before")),
    Target("list all, cold: postqueue -j / scan and query, text", AT_LEAST, 20, (POSTFIX, "cold", "postqueue", "-j"), (POSTFIX, "cold", "query", "text; no index before")),
    Target("list all, warm: postqueue -j / scan and query, JSON", None, 0, (POSTFIX, "warm", "postqueue", "-j"), (POSTFIX, "warm", "query", "json; no index before")),
    Target("account of each: postcat -qe / scan and query, a message", AT_LEAST, 1000, (POSTFIX, "warm", "postcat", "-qe; one by one"), (POSTFIX, "warm", "query", "text; no index before")),
    Target("one account counted: grep -rlF / query", AT_LEAST, 500, asked("grep", "account"), asked("query", "account; counted"), (), (LARGE,)),
    Target("one small account listed: grep -rlF / query", AT_LEAST, 500, asked("grep", "account"), asked("query", "small account; all"), (), (LARGE,)),
    Target("recipient domain: rg / query", AT_LEAST, 20, asked("rg", "domain"), asked("query", "domain"), (), (LARGE,)),
    Target("glob: rg / query", AT_LEAST, 20, asked("rg", "glob"), asked("query", "glob"), (), (LARGE,)),
    Target("regular expression: rg / query", AT_LEAST, 20, asked("rg", "regex"), asked("query", "regex"), (), (LARGE,)),
    Target("refresh, unchanged / bare statx", AT_MOST, 1.15, refresh("refresh", "unchanged"), refresh("stat", None), (), (LARGE,)),
    Target("refresh, unchanged / full scan", AT_MOST, 0.5, refresh("refresh", "unchanged"), refresh("scan", "full"), (), (LARGE,)),
    Target("refresh --quick / bare enumeration", AT_MOST, 1.3, refresh("refresh", "quick"), refresh("list", None), (), (LARGE,)),
    Target("find | wc -l / refresh --quick", AT_LEAST, 3.5, refresh("find", "find | wc -l"), refresh("refresh", "quick"), (), (LARGE,)),
    Target("refresh after 1 % came, 1 % left, 1 % changed / unchanged", AT_MOST, 1.3, refresh("refresh", "after 3 %"), refresh("refresh", "unchanged after it"), (), (LARGE,)),
    Target("postsuper -d - / delete, a message", AT_LEAST, 8, (POSTFIX, "warm", "postsuper", "-d -"), (POSTFIX, "warm", "delete", "half")),
    Target("bare renames at their best / delete, a file", AT_LEAST, 0.65, change("bare rename", None), change("delete", "journalled"), EXT4),
    Target("bare unlinks at their best / purge, a file", AT_LEAST, 0.9, purge("bare unlink", None), purge("purge", "journalled"), EXT4),
    Target("delete with journals and syncs / with neither", AT_MOST, 1.1, purge("delete", "library; all"), purge("delete", "library; no journal or syncs"), ("ext4", "btrfs")),
    Target("delete with journals and syncs / with neither", AT_MOST, 1.15, purge("delete", "library; all"), purge("delete", "library; no journal or syncs"), ("xfs",)),
    Target("delete with syncs / without", None, 0, change("delete", "journalled"), change("delete", "no syncs"), ("ext4", "btrfs", "xfs")),
    Target("deliveries of a busy Postfix: time beside scan --nice / without", AT_MOST, 1.11, (NICE, "cold", "deliveries", "scan --nice"), (NICE, "cold", "deliveries", "no scan")),
    Target("deliveries of a busy Postfix: time beside a scan by default / without", AT_MOST, 1.11, (NICE, "cold", "deliveries", "scan by default"), (NICE, "cold", "deliveries", "no scan")),
    Target("JSON of all / text", AT_MOST, 3, ("output", "warm", "query", "json"), ("output", "warm", "query", "text"), (), (LARGE,)),
    Target("CSV of all / text", AT_MOST, 3, ("output", "warm", "query", "csv"), ("output", "warm", "query", "text"), (), (LARGE,)),
    Target("SQLite / index, bytes", None, 0, ("index", "warm", "bytes", "SQLite"), ("index", "warm", "bytes", "spoolray")),
    Target("raw addresses / index, bytes", None, 0, ("index", "warm", "bytes", "raw addresses"), ("index", "warm", "bytes", "spoolray")),
]
