#!/bin/bash
# Every C file looks as clang-format 14 writes it.  usage: format.sh REPOSITORY
set -euo pipefail
cd "$1"
tool=$(command -v clang-format-14 || command -v clang-format) || { echo "clang-format is missing"; exit 1; }
mapfile -t files < <(find bench core formats io tests tools -name '*.[ch]' | sort)
[ "${#files[@]}" -gt 0 ]
"$tool" --dry-run -Werror "${files[@]}"
echo "${#files[@]} files are formatted"
