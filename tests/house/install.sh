#!/bin/bash
# What cmake --install puts where, and that a program builds against it.
# usage: install.sh BUILD-FOLDER C-COMPILER [C++-COMPILER]
set -euo pipefail
build=$1 cc=$2 cxx=${3:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/usr" > "$work/log" || { cat "$work/log"; exit 1; }
for file in bin/spoolray lib/libspoolray.so include/spoolray.h lib/pkgconfig/spoolray.pc; do
    found=$(find "$work/usr" -path "*/${file#lib/}" | head -1)
    [ -n "$found" ] || { echo "$file is not installed"; find "$work/usr"; exit 1; }
done
# One text that both languages accept, built in both ways that a tool builder knows.
cat > "$work/embed.c" <<'END'
#include <spoolray.h>
#include <stdio.h>
int main(void)
{
    struct spr_query *query = NULL;
    struct spr_options options = SPR_OPTIONS_INIT;
    int r = spr_query_compile("account:ann", 0, &query, NULL);
    spr_query_free(query);
    options.flags = SPR_READ_ONLY;
    return r != 0 || options.size == 0 || puts(spr_version()) < 0;
}
END
cp "$work/embed.c" "$work/embed.cc"
folder=$(dirname "$(find "$work/usr" -name spoolray.pc)")
library=$(dirname "$(find "$work/usr" -name libspoolray.so)")
[ "$library" = "$work/usr/lib" ] || { echo "the library is in $library, not in lib/"; exit 1; }
export PKG_CONFIG_PATH=$folder
read -ra asked <<< "$(pkg-config --define-variable=prefix="$work/usr" --cflags --libs spoolray)"
plain=(-I"$work/usr/include" -L"$work/usr/lib" -lspoolray)
build_one() {
    "$@" || { echo "does not build: $*"; exit 1; }
    LD_LIBRARY_PATH=$library "$work/embed" > /dev/null || { echo "does not run: $*"; exit 1; }
    rm "$work/embed"
}
build_one "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$work/embed" "$work/embed.c" "${asked[@]}"
build_one "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror -o "$work/embed" "$work/embed.c" "${plain[@]}"
build_one "$cxx" -std=c++17 -Wall -Wextra -Werror -o "$work/embed" "$work/embed.cc" "${asked[@]}"
build_one "$cxx" -std=c++17 -Wall -Wextra -Werror -o "$work/embed" "$work/embed.cc" "${plain[@]}"
"$work/usr/bin/spoolray" version > /dev/null || { echo "the installed program does not run"; exit 1; }
echo "installed, linked and run"
