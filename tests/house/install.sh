#!/bin/bash
# What cmake --install puts where, and that a program builds against it.
# usage: install.sh BUILD-FOLDER C-COMPILER
set -euo pipefail
build=$1 cc=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/usr" > "$work/log" || { cat "$work/log"; exit 1; }
for file in bin/spoolray lib/libspoolray.so include/spoolray.h lib/pkgconfig/spoolray.pc; do
    found=$(find "$work/usr" -path "*/${file#lib/}" | head -1)
    [ -n "$found" ] || { echo "$file is not installed"; find "$work/usr"; exit 1; }
done
cat > "$work/embed.c" <<'END'
#include <spoolray.h>
#include <stdio.h>
int main(void)
{
    struct spr_query *query = NULL;
    int r = spr_query_compile("account:ann", 0, &query, NULL);
    spr_query_free(query);
    return r != 0 || puts(spr_version()) < 0;
}
END
folder=$(dirname "$(find "$work/usr" -name spoolray.pc)")
export PKG_CONFIG_PATH=$folder
library=$(dirname "$(find "$work/usr" -name libspoolray.so)")
# shellcheck disable=SC2046
"$cc" -o "$work/embed" "$work/embed.c" $(pkg-config --define-variable=prefix="$work/usr" --cflags --libs spoolray)
LD_LIBRARY_PATH=$library "$work/embed"
"$work/usr/bin/spoolray" version > /dev/null || { echo "the installed program does not run"; exit 1; }
echo "installed, linked and run"
