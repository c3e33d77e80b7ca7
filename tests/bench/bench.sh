#!/bin/sh
# bench.sh [BIN BUILD_DIR]: the figures, `make bench`. Without arguments BUILD_DIR is $B (default build) and BIN is in it; CC and
# LIBS are make's. Language figures by measure.py, durable ones by bench_durable, both helpers compiled here. A missed bar is
# printed as MISS and does not fail; a wrong result does.
#   BENCH_RUNS=5 runs of each program, BENCH_CLOJURE=0 without the JVM, BENCH_CLOJURE_RUNS=1, BENCH_PARKED=100000, BENCH_CRASH=10000, BENCH_ROWS=1000000,
#   BENCH_RESTATE=DIR with @restatedev/restate-server and -sdk from npm, for the server's peer, BENCH_SCHEDULES=10000, BENCH_IDLE=10000,
#   BENCH_DIR=directory for databases (default BUILD_DIR/bench-data): its disk is what is measured
set -eu
case $# in
0) build=${B:-build} bin=${B:-build}/breyta-run ;;
2) bin=$1 build=$2 ;;
*) echo "usage: bench.sh [BIN BUILD_DIR]" >&2; exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
data=${BENCH_DIR:-$build/bench-data}
libs=${LIBS:--l:libgc.a -lgmp -lpcre2-8 -lutf8proc -lsqlite3 -ljansson -lzstd -lcrypto -lpthread -ldl -lm}
flags="-std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror -fno-strict-aliasing"
mkdir -p "$data"
${CC:-gcc} $flags -o "$build/bench_spawn" "$here/bench_spawn.c"
${CC:-gcc} $flags -I"$root" -o "$build/bench_durable" "$here/bench_durable.c" "$here/bench_effect.c" "$build/libbreyta.a" $libs
${CC:-gcc} $flags -I"$root" -o "$build/bench_table" "$here/bench_table.c" "$build/libbreyta.a" $libs
python=/usr/bin/python3
[ -x "$python" ] || python=python3
status=0
"$python" "$here/measure.py" "$bin" "$build/bench_spawn" "$data" || status=1
echo
echo "durable, each step acknowledged after fsync (synchronous=FULL), effects counted by another process through a pipe"
"$build/bench_durable" "$data" || status=1
echo
echo "requests, nginx on loopback answers after 100 ms"
${CC:-gcc} $flags -I"$root" -o "$build/bench_http" "$here/bench_http.c" "$build/libbreyta.a" $libs -lcurl
"$build/bench_http" "$data" || status=1
echo "tables: ${BENCH_ROWS:-1000000} rows, beside SQLite's library alone with the same rows and index"
"$build/bench_table" "$data" "${BENCH_ROWS:-1000000}" || status=1
echo "an engine with mixed work"
${CC:-gcc} $flags -I"$root" -o "$build/bench_mix" "$here/bench_mix.c" "$build/libbreyta.a" $libs
"$build/bench_mix" "$data" || status=1
echo "the server"
${CC:-gcc} $flags -o "$build/bench_load" "$here/bench_load.c"
"$python" "$here/bench_server.py" "${B:-$build}/breyta" "$data" "$build/bench_load" || status=1
echo "jobs"
${CC:-gcc} $flags -o "$build/bench_jobs" "$here/bench_jobs.c" -lpthread
"$python" "$here/bench_jobs.py" "${B:-$build}/breyta" "$build/bench_jobs" "$data" || status=1
echo "a worker and its handlers"
"$python" "$here/bench_worker.py" "${B:-$build}/breyta" "$data" || status=1
echo "commands on other machines, sshd on loopback"
"$python" "$here/bench_ssh.py" "$bin" "$data" || status=1
exit $status
