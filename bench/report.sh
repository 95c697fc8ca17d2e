#!/bin/bash
# Writes BENCHMARKS.md from every committed results file.  usage: bench/report.sh
set -euo pipefail
cd "$(dirname "$0")/.."

medians() { # cache,what,variant: median, least and most seconds, items, rounds
    grep -v '^#' "$1" | tail -n +2 | sort -t, -k1,1 -k3,3 -k4,4 -k5,5n | awk -F, '
        function flush() {
            if (n == 0) return
            m = n % 2 ? s[(n + 1) / 2] : (s[n / 2] + s[n / 2 + 1]) / 2
            printf "%s\t%s\t%s\t%.6f\t%.6f\t%.6f\t%s\t%d\n", c, w, v, m, s[1], s[n], items, n
            n = 0
        }
        { key = $1 FS $3 FS $4 }
        key != last { flush(); last = key; c = $1; w = $3; v = $4 }
        { s[++n] = $5; items = $6 }
        END { flush() }'
}

table() { # table FILE: one row a measured thing, beside the same thing with grep
    medians "$1" | awk -F'\t' '
        { line[NR] = $0; if ($2 == "grep") grep[$1] = $4 }
        END {
            print "| cache | what | variant | median s | min–max s | items | per second | rounds | grep -r takes |"
            print "|---|---|---|---|---|---|---|---|---|"
            for (i = 1; i <= NR; i++) {
                split(line[i], f, "\t")
                ratio = ""
                if (f[2] ~ /^(scan|walk|rg)$/ && grep[f[1]] > 0) ratio = sprintf("%.1f × as long", grep[f[1]] / f[4])
                printf "| %s | %s | %s | %.4f | %.4f–%.4f | %s | %.0f | %d | %s |\n",
                    f[1], f[2], f[3], f[4], f[5], f[6], f[7], (f[4] > 0 ? f[7] / f[4] : 0), f[8], ratio
            }
        }'
}

{
    echo "# Benchmarks"
    echo
    echo "Written by bench/report.sh from bench/results/*.csv; measured by bench/run.sh with programs of"
    echo "bench/. Medians over the rounds, programs in turns. The figures hold for the machine and disk"
    echo "named; only the ratios say something about others."
    for file in bench/results/*.csv; do
        [ -e "$file" ] || continue
        echo
        echo "## $(sed -n 's/^# date: //p' "$file"), commit $(sed -n 's/^# commit: //p' "$file")"
        echo
        grep '^#' "$file" | grep -vE '^# (date|commit):' | sed 's/^# /- /'
        echo
        table "$file"
    done
    echo
    echo "scan: full scan into a new index, every envelope parsed and indexed. refresh: the same again when"
    echo "nothing changed, each file's time and size looked at. walk: a naive C program that opens each file and"
    echo "reads 4 KiB. grep and rg: list the files that name the hacked account, no index. count, read: one query"
    echo "on the index. plan, delete, undo, purge: one job over all messages of the hacked account, journalled."
} > BENCHMARKS.md
echo BENCHMARKS.md
