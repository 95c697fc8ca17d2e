# What the rows of bench/run.sh share. Sourced, not run.
#
# A line of the results: row,fs,count,cache,round,what,variant,seconds,cpu,peak_kib,others,items
bin=build/release/bench ray=build/release/tools/spoolray
pattern=mallory@customer.test
disturbed=15
export LC_ALL=C

write_header() {
    if [ -s "$results" ]; then
        echo "# command: $command"
        return 0
    fi
    echo "# date: $(date +'%Y-%m-%d %H:%M')"
    echo "# commit: $(git rev-parse --short HEAD)"
    echo "# machine: $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)," \
        "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
    echo "# kernel: $(uname -r)"
    echo "# file system: $(findmnt -no FSTYPE,OPTIONS -T "$folder")"
    echo "# rivals: $(grep --version | sed -n 1p); $(rg --version | sed -n 1p);" \
        "find $(find --version | sed -n '1s/.* //p'); sqlite $(sqlite3 --version | cut -d' ' -f1)"
    echo "# settings: LC_ALL=C grep -rlF; rg -F -l --no-ignore --hidden (threads: its default), which takes queue files for binary and finds nothing: with -a where it is asked; rg -j32 beside it when cold"
    echo "# command: $command"
    echo "row,fs,count,cache,round,what,variant,seconds,cpu,peak_kib,others,items"
}

# The file system under test: $at is where spools lie, $index beside them on the same one.
system=here at= image=
enter_system() {
    system=$1 at=$folder
    if [ "$system" = here ]; then
        fs=$(findmnt -no FSTYPE -T "$folder")
    else
        fs=$system at=$folder/on-$system
        [ "$system" != ext4 ] || fs="ext4 image" # not the one that the folder lies on
        mkdir -p "$at"
        if [ "$system" = tmpfs ]; then
            mount -t tmpfs -o size=80%,nr_inodes=0 none "$at"
        else
            image=$folder/$system.img
            rm -f "$image"
            truncate -s $((count * 16 / 1024 / 1024 + 4))G "$image"
            case $system in
            ext4) mkfs.ext4 -q -N $((count * 2 + 100000)) -E nodiscard "$image" ;;
            xfs) mkfs.xfs -q -K "$image" ;;
            btrfs) mkfs.btrfs -q -K "$image" 2> "$folder/mkfs.log" ;;
            esac
            local device
            device=$(losetup --find --show --direct-io=on "$image")
            mount -o noatime "$device" "$at"
        fi
    fi
    index=$at/index
}
leave_system() {
    rm -rf "${at:?}/index" "$at/scratch" 2> /dev/null || true
    [ "$system" = here ] && return
    umount "$at" 2> /dev/null || true
    if [ -n "$image" ]; then
        losetup -j "$image" | cut -d: -f1 | xargs -r losetup -d
        rm -f "$image"
        image=
    fi
    system=here at=$folder
}

# have_spool NAME OPTION…: makes $at/NAME unless it is there; what was left half made is made again.
have_spool() {
    local name=$1
    shift
    spool=$at/$name
    if [ ! -e "$spool" ] || [ -e "$spool.making" ]; then
        rm -rf "$spool"
        $bin/mkspool "$@" "$spool" > "$spool.making"
        mv "$spool.making" "$spool.truth"
        sync
    fi
}
spool_of() { # spool_of COUNT [OPTION…]
    local messages=$1
    shift
    # shellcheck disable=SC2086
    have_spool "postfix-$messages$(printf %s "$unique$*" | tr -d ' ')" --count "$messages" $unique "$@"
}

cache=warm round=0 row=none items= format=postfix

# begin CACHE: rounds with caches in this state follow. next_round MOST: whether one more does; not
# when the budget is spent.
begun=0
begin() { cache=$1 round=0 begun=$SECONDS; }
next_round() {
    [ "$round" -lt "$1" ] || return 1
    [ "$round" = 0 ] || [ $((SECONDS - begun)) -lt "$budget" ] || return 1
    round=$((round + 1))
}

disk_kib() { awk '$1 == "pgpgin" { print $2 }' /proc/vmstat; }
drop_caches() {
    sync
    echo 3 > /proc/sys/vm/drop_caches
}
warm_spool() {
    local before_kib
    before_kib=$(disk_kib)
    $bin/micro/warm "$spool" 4 > /dev/null
    # a pass that had to read from disk left others' pages out: once more
    [ $(($(disk_kib) - before_kib)) -le 1024 ] || $bin/micro/warm "$spool" 4 > /dev/null
}
warmer=warm_spool
prepare() {
    case $cache in
    cold) drop_caches ;;
    half)
        drop_caches
        $bin/micro/warm "$spool" 4 half > /dev/null
        ;;
    warm) $warmer ;;
    esac
}
note() { # note WHAT VARIANT SECONDS CPU PEAK OTHERS ITEMS
    echo "$row${unique:+ unique},$fs,$count,$cache,$round,$1,${2//,/;},$3,$4,$5,$6,$7" >> "$results"
}
# measure WHAT VARIANT COMMAND…: prepares the cache and runs it, up to $tries times if others
# disturbed. before, if set, is a command that runs before each try; wrap goes between timer and
# command (-r).
before= wrap= tries=${SPR_TRIES:-3}
measure() {
    local what=$1 variant=$2 best= try seconds cpu peak others code best_others=1000
    shift 2
    for try in $(seq "$tries"); do
        $before
        prepare
        IFS=, read -r seconds cpu peak others code < <($bin/timed $wrap "$@")
        if [ "$code" != 0 ] && [ "$code,$what" != 1,rg ]; then # 1: nothing was found
            echo "$row: $what $variant ended with $code" >&2
            [ "$code" = 1 ] || return 0
        fi
        if [ "$others" -lt $best_others ]; then
            best="$seconds $cpu $peak $others" best_others=$others
        fi
        # a loop device's own threads count as others
        if [ -n "$image" ] || [ "$best_others" -le $disturbed ]; then
            break
        fi
    done
    # shellcheck disable=SC2086
    note "$what" "$variant" $best "${items:-$count}"
}
# measured ROW-OF-A-PROGRAM: for programs that time themselves; reads "what,variant,seconds,items".
measured() {
    local what variant seconds number # the variant has no comma
    while IFS=, read -r what variant seconds number; do
        note "$what" "$variant" "$seconds" "" "" "" "$number"
    done
}
drop_index() { rm -rf "$index"; }
scan_new() { # scan_new VARIANT [OPTION…]: a first scan into a new index
    local variant=$1
    shift
    before=drop_index
    measure scan "$variant" "$ray" scan -q --spool "$spool" --format "$format" --index "$index" "$@"
    before=
}
