#!/bin/sh
# Handler of word-count jobs: the number of words of one document. jq reads the payload; the exit status alone would do for a failure, `fail` says more.
set -eu
text=$(jq -r '.text // empty' "$BREYTA_JOB_PAYLOAD_FILE")
if [ -z "$text" ]; then
  breyta jobs worker fail --code empty --message "the document is empty"
  exit 0
fi
words=$(printf '%s' "$text" | wc -w)
breyta jobs worker finish --summary "$words words" --output "words=$words" --metric "bytes=${#text}"
