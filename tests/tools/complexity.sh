#!/bin/bash
# Length of functions: median, 90th percentile and the longest twenty.
cd "$(dirname "$0")/../.." || exit 2
for f in reader/*.c eval/*.c stdlib/*.c runtime/*/*.c; do
  awk -v f="$f" '/^[A-Za-z_].*\) *\{$/ { name=$0; start=NR } /^\}/ && start { print NR-start+1, f ":" start, name; start=0 }' "$f"
done | sort -n > /tmp/breyta-complexity.$$
n=$(wc -l < /tmp/breyta-complexity.$$)
echo "$n functions, median $(sed -n "$((n / 2))p" /tmp/breyta-complexity.$$ | cut -d' ' -f1), 90th percentile $(sed -n "$((n * 9 / 10))p" /tmp/breyta-complexity.$$ | cut -d' ' -f1)"
tail -20 /tmp/breyta-complexity.$$ | cut -c1-140
rm -f /tmp/breyta-complexity.$$
