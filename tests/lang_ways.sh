#!/bin/bash
# Runs every language test (tests/lang, the examples of all builtins and of the prelude) in the five ways: plain; stopped at
# every step, written to a snapshot and restored; collecting garbage all the time; with stacks that move at every push;
# without direct evaluation. WAYS="plain gc" picks some. Says the time of each; closes with `N passed, N failed`.
set -u
cd "$(dirname "$0")/.."
ways=${WAYS:-plain suspend gc stack nodirect} passed=0 failed=0
export LC_ALL=C.UTF-8
for way in $ways; do
  b=build stress= args="--suspend 0"
  case $way in
    plain) ;;
    suspend) args="--suspend 1" ;;
    *) stress=$way b=build-$way ;;
  esac
  make -s CC="${CC:-cc}" STRESS=$stress B=$b "$b/t/lang_runner" >/dev/null || { echo "$way: it does not build"; failed=$((failed + 1)); continue; }
  start=$SECONDS log=$b/logs/lang-$way.log
  mkdir -p "$b/logs"
  "$b/t/lang_runner" $args tests/lang/*.clj >"$log" 2>&1
  rc=$?
  read -r p f < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p' "$log" | tail -1)
  p=${p:-0} f=${f:-0}
  [ $rc -ne 0 ] && [ "$f" = 0 ] && f=1
  [ $((p + f)) = 0 ] && f=1
  passed=$((passed + p)) failed=$((failed + f))
  printf '%-10s %6d passed %4d failed  %4ds\n' "$way" "$p" "$f" $((SECONDS - start))
  [ "$f" = 0 ] || tail -20 "$log" | cut -c1-300 | sed 's/^/  /'
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
