#!/bin/bash
# Every header compiles alone in C; those that are installed also in C++.
# usage: headers.sh REPOSITORY C-COMPILER
set -euo pipefail
root=$1 cc=$2
cd "$root"
warnings=(-Wall -Wextra -Wpedantic -Werror -D_GNU_SOURCE -I. -fsyntax-only)
count=0
while IFS= read -r header; do
    echo "#include \"$header\"" | "$cc" -std=gnu17 "${warnings[@]}" -x c - \
        || { echo "$header does not compile alone in C"; exit 1; }
    count=$((count + 1))
done < <(find core formats io -name '*.h' | sort)
for header in core/spoolray.h formats/format.h formats/cursor.h; do
    echo "#include \"$header\"" | "$cc" -std=c++17 "${warnings[@]}" -x c++ - \
        || { echo "$header does not compile in C++"; exit 1; }
done
echo "$count headers compile alone in C, three of them in C++"
