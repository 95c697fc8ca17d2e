#!/bin/bash
# Writes BENCHMARKS.md and docs/bench/*.svg from every committed results file. usage: bench/report.sh
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
python3 bench/report/page.py > build/BENCHMARKS.md
mv build/BENCHMARKS.md BENCHMARKS.md
echo BENCHMARKS.md
