# What building and checking need on Debian 12, and how it gets there. Sourced, not run.

build_packages=(gcc libc6-dev cmake ninja-build pkg-config liburing-dev libxxhash-dev libzstd-dev
    libpcre2-dev libidn2-dev)
check_packages=(libjansson-dev g++ clang libclang-rt-14-dev llvm-14 clang-format-14 libcriterion-dev python3 jq zstd
    util-linux procps strace valgrind git groff-base e2fsprogs xfsprogs btrfs-progs)

# install_packages NAME…: installs those that are missing, as root or with sudo.
install_packages() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$name" 2> /dev/null | grep -qx installed || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo > /dev/null || {
            echo "Missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
            return 1
        }
        as_root=(sudo)
    fi
    echo "Installing: ${missing[*]}"
    "${as_root[@]}" apt-get update -q > /dev/null
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}" > /dev/null
}
