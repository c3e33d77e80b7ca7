#!/bin/sh
# bench.sh BIN BUILD_DIR: the figures, `make bench`. Language figures by measure.py, durable ones by BUILD_DIR/bench_durable
# (built by make, as is bench_spawn). A missed bar is printed as MISS and does not fail; a wrong result does.
#   BENCH_RUNS=5 runs of each program, BENCH_CLOJURE=0 without the JVM, BENCH_PARKED=100000, BENCH_CRASH=10000,
#   BENCH_DIR=directory for databases (default BUILD_DIR/bench-data): its disk is what is measured
set -eu
[ $# -eq 2 ] || { echo "usage: bench.sh BIN BUILD_DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
data=${BENCH_DIR:-$2/bench-data}
mkdir -p "$data"
python=/usr/bin/python3
[ -x "$python" ] || python=python3
status=0
"$python" "$here/measure.py" "$1" "$2/bench_spawn" "$data" || status=1
echo
echo "durable, each step acknowledged after fsync (synchronous=FULL), effects counted by another process through a pipe"
"$2/bench_durable" "$data" || status=1
exit $status
