#!/bin/bash
# Measures on this machine, programs side by side and in turns, and writes one results file.
#
# usage: bench/run.sh [options] FOLDER
#   --rows LIST    warm,cold,inplace,refresh,query,output,index,profile,timeline,delete,scale,postfix
#                  flat (all but the last two). coldfast: cold without the slow rivals
#   --count N      messages (200000)
#   --rounds R     of warm rows (5)     --cold-rounds R  of cold rows (3)
#   --on LIST      ext4,xfs,btrfs,tmpfs: a file system of its own in an image in FOLDER, loop with
#                  direct I/O; here: FOLDER as it is (here)
#   --scale LIST   counts of the row scale (50000,200000,1000000)
#   --unique       recipients that are all different
#
# Spools stay in FOLDER as postfix-COUNT and are used again; the row refresh changes 3 % of one.
# Needs root: caches are dropped before each cold run, which slows down all others on the machine. A
# run that others disturbed (more than 15 % of the processors) is repeated up to three times, the
# quietest counts, and its share is in the results. The row postfix runs the tools of a real server,
# by the scripts in SPR_REAL_SERVERS (../shared/mta).
set -euo pipefail
cd "$(dirname "$0")/.."
rows=warm,cold,inplace,refresh,query,output,index,profile,timeline,delete,scale
count=200000 rounds=5 cold_rounds=3 systems=here scale=50000,200000,1000000 unique=
while [ $# -gt 1 ]; do
    case $1 in
    --rows) rows=$2 ;;
    --count) count=$2 ;;
    --rounds) rounds=$2 ;;
    --cold-rounds) cold_rounds=$2 ;;
    --on) systems=$2 ;;
    --scale) scale=$2 ;;
    --unique)
        unique=--unique
        shift
        continue
        ;;
    *) break ;;
    esac
    shift 2
done
if [ $# != 1 ] || [ "${1#-}" != "$1" ]; then
    sed -n '2,22s/^# \{0,1\}//p' "$0"
    exit 2
fi
mkdir -p "$1" bench/results
folder=$(realpath "$1")
. tools/packages.sh
. bench/suite/lib.sh
for part in read query change scale profile server; do
    . "bench/suite/$part.sh"
done
install_packages "${build_packages[@]}" ripgrep grep findutils sqlite3 eatmydata
cmake --preset release -DSPR_TESTS=OFF > /dev/null
cmake --build build/release > "$folder/build.log"
trap leave_system EXIT

results=bench/results/$(date +%Y-%m-%d-%H%M)-$(git rev-parse --short HEAD).csv
write_header > "$results"
for system in ${systems//,/ }; do
    enter_system "$system"
    for row in ${rows//,/ }; do
        echo "== $system $row $(date +%H:%M:%S)" >&2
        "row_$row"
    done
    leave_system
done
echo "$results"
