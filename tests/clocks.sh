#!/bin/bash
# Runs the suites that know the time with a wall clock that stands a few minutes before an awkward moment, so that the moment comes while they run:
# what works only at the time of day at which it was written fails here. CLOCKS="2030-01-31T23:55 ..." (UTC) picks other moments, GROUPS_OF_TESTS
# other groups of tests/run.sh. Closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 2
B=${B:-build} passed=0 failed=0
# the end of a year; of a leap day; the clocks of Europe are put forward; a Saturday's last hour (MariaDB knows no time after 2038)
moments=${CLOCKS:-2026-12-31T23:56 2028-02-29T23:57 2027-03-28T00:57 2037-05-30T23:40}
groups=${GROUPS_OF_TESTS:-unit cli repl api flows}
mkdir -p "$B/logs"
${CC:-cc} -O2 -Wall -D_GNU_SOURCE -fPIC -shared -o "$B/clock_shift.so" tests/tools/clock_shift.c -ldl || exit 2
for moment in $moments; do
  at=$(date -u -d "$moment" +%s) || exit 2
  for group in $groups; do
    log=$B/logs/clocks-$moment-$group.log start=$SECONDS
    CLOCK_SHIFT=$((at - $(date +%s))) LD_PRELOAD=$PWD/$B/clock_shift.so tests/run.sh "$group" >"$log" 2>&1
    rc=$?
    read -r p f < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p' "$log" | tail -1)
    p=${p:-0} f=${f:-0}
    [ $rc -ne 0 ] && [ "$f" = 0 ] && f=1
    [ $((p + f)) = 0 ] && f=1
    passed=$((passed + p)) failed=$((failed + f))
    printf '%s %-6s %6d passed %4d failed  %4ds\n' "$moment" "$group" "$p" "$f" $((SECONDS - start))
    [ "$f" = 0 ] || grep -A25 -E ' [1-9][0-9]* failed ' "$log" | cut -c1-300 | sed 's/^/  /'
  done
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
