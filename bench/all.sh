#!/bin/bash
# Measures every row of BENCHMARKS.md, the most important first, into one results file.
#
# usage: bench/all.sh [--minutes M] [--list | --prepare] FOLDER
#   --minutes M   leaves out what would not end within M minutes (50)
#   --list        only says what is measured and how long that takes
#   --prepare     only makes the spools and the root of the real server, which takes eight minutes and
#                 50 GB of FOLDER; without it they are made when they are needed
#
# Seconds are those of a quiet machine with 2 cores and a virtual disk. See bench/run.sh for the
# rest; afterwards run bench/report.sh, and remove FOLDER.
set -euo pipefail
cd "$(dirname "$0")/.."

# SECONDS, then what bench/run.sh is told; the budget is for each row and state of the cache. The last
# one takes long, and 15 GB.
parts() {
    cat << 'EOF'
140 --rows warm,query,output,index,profile --count 200000 --rounds 5 --budget 60
300 --rows cold --count 200000 --cold-rounds 5 --budget 280
300 --rows warm --count 1000000 --rounds 5 --budget 260
500 --rows cold --count 1000000 --cold-rounds 5 --slow-rounds 1 --budget 460
190 --rows query --count 1000000 --rounds 5 --budget 160
330 --rows triage,timeline,output,refresh --count 1000000 --rounds 5 --cold-rounds 5 --budget 110
200 --rows postfix --cold-rounds 5 --budget 70
300 --rows delete,purge --count 100000 --cold-rounds 5 --budget 120
300 --rows warm,coldfast --count 100000 --rounds 5 --cold-rounds 5 --budget 50 --on xfs,btrfs,tmpfs
100 --rows plans --count 200000 --cold-rounds 5 --budget 50
250 --rows plans --count 50000 --cold-rounds 5 --budget 40 --on xfs,btrfs,tmpfs
80 --rows inplace --count 200000 --cold-rounds 5 --budget 70
400 --rows scale --cold-rounds 3 --budget 50
150 --rows nice --cold-rounds 5 --budget 120
80 --rows half --count 200000 --cold-rounds 5 --budget 70
40 --rows index --count 200000 --unique
30 --rows micro --count 200000 --rounds 5 --budget 30
150 --rows delete,purge --count 20000 --cold-rounds 5 --budget 40 --on xfs,btrfs
130 --rows flat --count 500000 --rounds 5 --cold-rounds 5 --budget 50
420 --rows delete --count 1000000 --cold-rounds 1 --budget 1
EOF
}

[ $# -gt 0 ] || set -- --help
minutes=50 task=measure
while [ $# -gt 1 ]; do
    case $1 in
    --minutes)
        minutes=$2
        shift
        ;;
    --list | --prepare) task=${1#--} ;;
    *) break ;;
    esac
    shift
done
if [ $# != 1 ] || [ "${1#-}" != "$1" ]; then
    sed -n '2,13s/^# \{0,1\}//p' "$0"
    exit 2
fi
folder=$1
echo "expected: $(parts | awk '{ s += $1 } END { printf "%.0f", s / 60 }') minutes, at most $minutes" >&2

results=bench/results/$(date +%Y-%m-%d-%H%M)-$(git rev-parse --short HEAD).csv
while read -r seconds options; do
    if [ "$task" = list ]; then
        echo "$seconds s: $options"
    elif [ "$task" = prepare ]; then
        # shellcheck disable=SC2086
        [[ $options == *--on* ]] || bench/run.sh $options --prepare "$folder" < /dev/null
    elif [ $((SECONDS + seconds)) -gt $((minutes * 60)) ]; then
        echo "left out, as it takes $seconds s: $options" >&2
    else
        # one part that fails takes no other with it
        # shellcheck disable=SC2086
        bench/run.sh $options --into "$results" "$folder" < /dev/null > /dev/null ||
            echo "failed: $options" >&2
    fi
done < <(parts)
if [ "$task" = measure ]; then
    echo "$results after $((SECONDS / 60)) minutes"
fi
