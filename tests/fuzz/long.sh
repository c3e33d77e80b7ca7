#!/bin/bash
# Fuzzes each target for FUZZ_SECONDS (600) under AddressSanitizer, one after the other; TARGETS="eval read" picks some.
# With clang: libFuzzer, guided by coverage; what it learns stays in build-fuzz/corpus. Without: the mutations of fuzz_main.c.
# These builds never free a Clojure value, so a process ends when it has grown to FUZZ_MB and another goes on.
# Closes with `N passed, N failed`; an input that crashed is kept in build-fuzz/found.
set -u
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-600} mb=${FUZZ_MB:-4000} targets=${TARGETS:-$(ls tests/fuzz/fuzz_*.c | sed "s#.*fuzz_##; s#\.c##" | grep -v "^main$")} B=build-fuzz
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:handle_abort=1 UBSAN_OPTIONS=print_stacktrace=1
mkdir -p "$B/found" "$B/logs"
passed=0 failed=0

libfuzzer() { clang --version >/dev/null 2>&1 && echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return p && n > 9; }' |
  clang -fsanitize=fuzzer,address -x c - -o "$B/probe" 2>/dev/null; }

build() { # switches...
  make -s -j"$(nproc)" GC=none SAN=address B=$B "$@" $(for t in $targets; do echo "$B/t/fuzz_$t"; done) >"$B/logs/build.log" 2>&1 ||
    { tail -20 "$B/logs/build.log"; echo "0 passed, 1 failed: the fuzz targets do not build"; exit 1; }
}

guided() { # target seconds: 0 = nothing found
  local log="$B/logs/$1.log" corpus="$B/corpus/$1" end=$((SECONDS + $2)) rc=0
  mkdir -p "$corpus"
  : >"$log"
  while [ $SECONDS -lt $end ]; do
    nice -n 10 "$B/t/fuzz_$1" -max_total_time=$((end - SECONDS)) -rss_limit_mb="$mb" -malloc_limit_mb=1500 -timeout=60 -detect_leaks=0 -max_len=4000 -print_final_stats=1 \
      -artifact_prefix="$B/found/$1-" "$corpus" "tests/fuzz/corpus/$1" >>"$log" 2>&1
    rc=$?
    if [ $rc = 71 ] && ! grep -q 'malloc(' "$log"; then rm -f "$B/found/$1-oom-"*; rc=0; continue; fi # it has grown: go on
    [ $rc = 0 ] || break
  done
  echo "$(grep -a 'number_of_executed_units' "$log" | awk '{s += $2} END {print s + 0}') inputs"
  return $rc
}

blind() {
  local log="$B/logs/$1.log" end=$((SECONDS + $2)) seed=1 rc=0
  : >"$log"
  while [ $SECONDS -lt $end ]; do
    nice -n 10 timeout $((end - SECONDS)) "$B/t/fuzz_$1" -n 2000 -s $seed -o "$B/found/$1-last" "tests/fuzz/corpus/$1" >>"$log" 2>&1
    rc=$?
    [ $rc = 124 ] && rc=0
    [ $rc = 0 ] || break
    seed=$((seed + 1))
  done
  [ $rc = 0 ] && rm -f "$B/found/$1-last"
  echo "$((seed * 2000)) inputs"
  return $rc
}

if libfuzzer; then how=guided; build CC="${CLANG:-clang}" FUZZER=1 WARN=-w; else how=blind; build; fi
for t in $targets; do
  start=$SECONDS
  said=$($how "$t" "$seconds") && ok=1 || ok=0
  passed=$((passed + ok)) failed=$((failed + 1 - ok))
  printf '%-10s %s %6ds, %s, %s\n' "$t" "$([ $ok = 1 ] && echo 'nothing found' || echo FOUND)" $((SECONDS - start)) "$how" "$said"
  if [ $ok = 0 ]; then
    grep -aE 'ERROR|runtime error|SUMMARY|fuzz_|Test unit written' "$B/logs/$t.log" | tail -8 | cut -c1-300 | sed 's/^/  /'
    echo "  log: $B/logs/$t.log, inputs: $B/found"
  fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
