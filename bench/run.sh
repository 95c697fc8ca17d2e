#!/bin/bash
# Measures on this machine, programs side by side and in turns, and writes one results file.
#
# usage: bench/run.sh [options] FOLDER            (bench/all.sh runs every row)
#   --rows LIST       warm,cold,inplace,refresh,query,output,index,profile,timeline,delete,scale;
#                     also micro, purge, half (every second file cached), plans (the choice of a
#                     plan), flat (one folder), triage (the early verdict), postfix, nice (a real
#                     server), coldfast: cold with no slow rival
#   --count N         messages (200000)
#   --rounds R        of warm rows (5)     --cold-rounds R  of cold rows (3)
#   --slow-rounds R   of cold rows, with the rivals that take minutes (as many)
#   --budget SECONDS  after that long no further round of a row begins (none)
#   --on LIST         ext4,xfs,btrfs,tmpfs: a file system of its own in an image in FOLDER, loop
#                     with direct I/O; here: FOLDER as it is (here)
#   --scale LIST      counts of the row scale (200000,1000000,2000000,5000000)
#   --unique          recipients that are all different
#   --into FILE       adds to this results file
#   --prepare         only makes the spools that the rows need
#
# Spools stay in FOLDER as postfix-COUNT and are used again; the row refresh changes 3 % of one.
# Needs root: caches are dropped before each cold run, which slows down all others on the machine. A
# run that others disturbed (more than 15 % of the processors) is repeated up to three times, the
# quietest counts, and its share is in the results. The rows postfix and nice run a real server, by
# the scripts in SPR_REAL_SERVERS (../shared/mta).
set -euo pipefail
cd "$(dirname "$0")/.."
rows=warm,cold,inplace,refresh,query,output,index,profile,timeline,delete,scale
count=200000 rounds=5 cold_rounds=3 slow_rounds= budget=1000000 systems=here
scale=200000,1000000,2000000,5000000 unique= results= prepare_only=
[ $# -gt 0 ] || set -- --help
command="bench/run.sh ${*:1:$#-1}"
while [ $# -gt 1 ]; do
    case $1 in
    --rows) rows=$2 ;;
    --count) count=$2 ;;
    --rounds) rounds=$2 ;;
    --cold-rounds) cold_rounds=$2 ;;
    --slow-rounds) slow_rounds=$2 ;;
    --budget) budget=$2 ;;
    --on) systems=$2 ;;
    --scale) scale=$2 ;;
    --into) results=$2 ;;
    --unique | --prepare)
        if [ "$1" = --unique ]; then unique=--unique; else prepare_only=yes; fi
        shift
        continue
        ;;
    *) break ;;
    esac
    shift 2
done
if [ $# != 1 ] || [ "${1#-}" != "$1" ]; then
    sed -n '2,28s/^# \{0,1\}//p' "$0"
    exit 2
fi
mkdir -p "$1" bench/results
folder=$(realpath "$1")
slow_rounds=${slow_rounds:-$cold_rounds}
. tools/packages.sh
. bench/suite/lib.sh
for part in read refresh query change scale profile server nice; do
    . "bench/suite/$part.sh"
done
install_packages "${build_packages[@]}" ripgrep grep findutils sqlite3 eatmydata xfsprogs btrfs-progs
cmake --preset release -DSPR_TESTS=OFF > /dev/null
cmake --build build/release > "$folder/build.log"
if [ -n "$prepare_only" ]; then
    at=$folder
    for row in ${rows//,/ }; do
        if declare -F "need_$row" > /dev/null; then
            echo "== $row needs $(date +%H:%M:%S)" >&2
            "need_$row"
        fi
    done
    exit
fi
trap 'server_down; leave_system' EXIT

results=${results:-bench/results/$(date +%Y-%m-%d-%H%M)-$(git rev-parse --short HEAD).csv}
write_header >> "$results"
for system in ${systems//,/ }; do
    enter_system "$system"
    for row in ${rows//,/ }; do
        echo "== $system $row $count $(date +%H:%M:%S)" >&2
        "row_$row"
    done
    leave_system
done
echo "$results"
