#!/bin/bash
# Runs the suites and closes with `N passed, N failed`. B = build directory; an argument picks suites by name (crash, fuzz,
# lang, unit, cli, repl, api, flows). Each suite's output goes to $B/logs/NAME.log; failures are printed. Exit status 1 when any failed.
# Crash suites need a processor and nothing else: they run beside the others.
set -u
cd "$(dirname "$0")/.."
B=${B:-build}
only=${1:-}
export BREYTA_RUN=$PWD/$B/breyta-run BIN=$PWD/$B/breyta-run LC_ALL=C.UTF-8
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:abort_on_error=0} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
mkdir -p "$B/logs"
counts=$B/logs/counts.$$
: >"$counts"

# Counts of a log: a closing line `N passed, N failed`, cmocka's lines, or TAP.
count() {
  local line
  line=$(grep -aE '^([A-Za-z_-]+: )?[0-9]+ passed, [0-9]+ failed' "$1" | tail -1)
  if [ -n "$line" ]; then echo "$line" | sed -E 's/^[^0-9]*([0-9]+) passed, ([0-9]+) failed.*/\1 \2/'; return; fi
  if grep -qaE '^\[ +RUN +\]' "$1"; then echo "$(grep -acE '^\[ +OK \]' "$1") $(grep -aE '^\[  FAILED  \] [A-Za-z_]+' "$1" | sort -u | wc -l)"; return; fi
  echo "$(grep -acE '^ok ' "$1") $(grep -acE '^not ok ' "$1")"
}

suite() { # name group command...
  local name=$1 group=$2 log="$B/logs/$1.log" start=$SECONDS p f rc line
  shift 2
  [ -z "$only" ] || [ "$only" = "$group" ] || return 0
  timeout "${SUITE_TIMEOUT:-700}" "$@" >"$log" 2>&1 </dev/null
  rc=$?
  read -r p f < <(count "$log")
  if [ $rc -ne 0 ] && [ "$f" = 0 ]; then f=1; fi            # it crashed, or could not run
  if [ $((p + f)) = 0 ]; then f=1; fi                       # a suite that tests nothing is broken
  echo "$p $f" >>"$counts"
  line=$(printf '%-24s %6d passed %4d failed  %4ds' "$name" "$p" "$f" $((SECONDS - start)))
  if [ "$f" = 0 ]; then echo "$line"; return; fi
  line="$line
  --- end of $log (exit status $rc)
$({ grep -aE '^not ok|FAIL|ERROR|runtime error|Sanitizer|mismatch|violation' "$log" | head -20; tail -15 "$log"; } | cut -c1-300 | sed 's/^/  /')"
  echo "$line" # at once: nobody writes between its lines
}

lost() { # lane: it ended before its suites did, so their counts are missing
  echo "$1 died"
  echo "0 1" >>"$counts"
}

{
  suite crash-store crash "$B/t/crash_store"
  suite equality crash "$B/t/equality"
  suite crash-flows crash "$B/t/crash_flows"
  suite crash-forks crash "$B/t/crash_forks"
  suite crash-faults crash "$B/t/crash_faults"
  : # what failed is counted; a lane that dies is not
} &
beside=$!

suite layers check tests/tools/check_layers.sh
suite bats-lines check python3 tests/tools/check_bats.py
suite deviations check python3 tests/compat/compat.py readme
for t in tests/unit/test_*.c; do
  n=$(basename "$t" .c)
  suite "$n" unit "$B/t/$n"
done
[ "${STRESS:-}" = nodirect ] || suite conformance lang python3 tests/conformance/bin/run.py --no-optional --show 5 --known tests/conformance/known.txt -- "$B/breyta-run" eval --batch
if [ -x "$B/t/lang_runner" ] && ls tests/lang/*.clj >/dev/null 2>&1; then
  suite language lang "$B/t/lang_runner" tests/lang/*.clj
  suite language-suspended lang "$B/t/lang_runner" --suspend "${SUSPEND_K:-7}" tests/lang/*.clj
fi
# A target and how many mutations of its corpus; `make fuzz` does FUZZ_N of each.
while read -r target n; do
  suite "fuzz-$target" fuzz "$B/t/fuzz_$target" -n "${FUZZ_N:-$n}" -s 1 "tests/fuzz/corpus/$target"
done <<END
read 20000
snapshot 2000
eval 1000
bencode 20000
response 20000
sql 20000
template 20000
schema 20000
csv 20000
body 20000
testfile 4000
seal 4000
webhook 4000
include 5000
known_hosts 20000
rows 5000
END
suite repl-terminal repl python3 tests/repl/repl_pty.py
suite repl-flows repl python3 tests/repl/repl_flow.py
for t in tests/cli/*.bats; do suite "cli-$(basename "$t" .bats)" cli bats --tap "$t"; done
[ -x tests/cli/kill9.sh ] && suite kill9 cli tests/cli/kill9.sh
suite options cli env BREYTA_RUN="$BIN" python3 tests/cli/options.py
suite canary cli env BREYTA_RUN="$BIN" python3 tests/cli/canary.py
suite nrepl repl env NREPL_SLOW="${SAN:+8}" tests/repl/nrepl.py
suite nrepl-client repl tests/repl/nrepl_client.sh
# Two at a time, each by whoever is free: they wait for clocks and disks more than they compute.
api_lane() {
  local t n
  for t in tests/api/test_*.py; do
    n=$(basename "$t" .py | cut -c6-)
    mkdir "$claims/$n" 2>/dev/null && suite "api-$n" api env BREYTA="$PWD/$B/breyta" API_CASES="$PWD/$B/api-cases" python3 "$t"
  done
  :
}
claims=$B/logs/claims.$$
mkdir "$claims"
api_lane &
other_lane=$!
api_lane
wait "$other_lane" || lost "an API lane"
rm -r "$claims"
suite api-cover api env BREYTA="$PWD/$B/breyta" python3 tests/api/cover.py "$PWD/$B/api-cases"
suite chaos-jobs api env BREYTA="$PWD/$B/breyta" python3 tests/chaos/chaos_jobs.py --quick
suite examples flows tests/flows/examples.sh
suite worker-examples flows env BREYTA="$PWD/$B/breyta" tests/flows/workers.sh
suite flow-tests flows "$BIN" test --format tap flows-examples
wait "$beside" || lost "the crash lane"
read -r passed failed < <(awk '{p += $1; f += $2} END {print p + 0, f + 0}' "$counts")
rm -f "$counts"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
