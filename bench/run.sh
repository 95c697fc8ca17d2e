#!/bin/bash
# Measures on this machine and this disk, side by side and in turns, and writes one results file.
#
# usage: bench/run.sh [MESSAGES [ROUNDS [FOLDER]]]      (200000 5 build/bench)
#
# Each round runs every program once, so that a disturbance hits all of them. Warm: everything is read
# once before. Cold: the page cache is dropped before each program, which needs root and disturbs
# others on the machine; without the right it is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
messages=${1:-200000} rounds=${2:-5} folder=${3:-build/bench}
cmake --preset release -DSPR_TESTS=OFF > /dev/null
cmake --build build/release > /dev/null
bin=build/release/bench
rm -rf "$folder"
mkdir -p "$folder" bench/results
spool=$folder/spool
$bin/mkspool --count "$messages" --size 1000 "$spool" > "$folder/truth.json"

results=bench/results/$(date +%Y-%m-%d)-$(git rev-parse --short HEAD).csv
{
    echo "# date: $(date +%Y-%m-%d)"
    echo "# commit: $(git rev-parse --short HEAD)"
    echo "# machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)," \
        "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
    echo "# kernel: $(uname -r)"
    echo "# file system: $(findmnt -no FSTYPE -T "$spool"), queue depth 1"
    echo "# command: bench/run.sh $messages $rounds"
    echo "# spool: $messages Postfix messages, $(find "$spool" -type f -printf '%s\n' |
        awk '{ n += $1 } END { printf "%.0f MB", n / 1e6 }')"
    echo "cache,round,what,variant,seconds,items"
} > "$results"

cache=warm round=0
note() { sed "s/^/$cache,$round,/" >> "$results"; }
timed() { # timed WHAT VARIANT COMMAND…: the wall time of a foreign program
    local what=$1 variant=$2 start end matches
    shift 2
    start=$(date +%s.%N)
    matches=$("$@" | wc -l)
    end=$(date +%s.%N)
    awk -v a="$start" -v b="$end" -v w="$what" -v v="$variant" -v m="$matches" \
        'BEGIN { printf "%s,%s,%.6f,%d\n", w, v, b - a, m }' | note
}
prepare() {
    if [ "$cache" = cold ]; then
        sync
        echo 3 > /proc/sys/vm/drop_caches
    fi
}
pattern=mallory@customer.test
measure_round() {
    for engine in uring threads; do
        rm -rf "$folder/index"
        prepare
        $bin/scan "$spool" "$folder/index" $engine 2> "$folder/index-size" | note
    done
    prepare
    $bin/walk "$spool" 2> /dev/null | note
    prepare
    timed grep "grep -rlF" grep -rlF "$pattern" "$spool"
    if command -v rg > /dev/null; then
        prepare
        timed rg "rg -lF" rg -uuu -lF "$pattern" "$spool"
    fi
}

find "$spool" -type f -exec cat {} + > /dev/null
for round in $(seq "$rounds"); do
    measure_round
    $bin/query "$folder/index" account:$pattern to:@budget1.test 'from:*winner*' | note
done
if echo 1 > /proc/sys/vm/drop_caches 2> /dev/null; then
    cache=cold
    for round in $(seq 3); do
        measure_round
    done
    cache=warm
fi
for round in 1 2 3; do
    rm -rf "$spool" "$folder/index"
    $bin/mkspool --count "$messages" --size 1000 "$spool" > "$folder/truth.json"
    $bin/scan "$spool" "$folder/index" auto > /dev/null 2> "$folder/index-size"
    $bin/batch "$spool" "$folder/index" account:$pattern | note
done
sed 's/^/# /' "$folder/index-size" >> "$results"
rm -rf "$folder"
echo "$results"
