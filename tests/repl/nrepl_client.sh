#!/bin/bash
# Debian's nREPL client (libnrepl-clojure) against breyta-run's server; BREYTA_RUN is the program.
jars=/usr/share/java/clojure.jar:/usr/share/java/nrepl.jar
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${BREYTA_RUN:-build/breyta-run}")
for need in /usr/share/java/clojure.jar:clojure /usr/share/java/nrepl.jar:libnrepl-clojure; do
  [ -e "${need%%:*}" ] || { echo "FAIL ${need%%:*} is missing: apt-get install ${need##*:}, or make deps"; echo "0 passed, 1 failed"; exit 1; }
done
command -v java >/dev/null || { echo "FAIL no java: apt-get install clojure, or make deps"; echo "0 passed, 1 failed"; exit 1; }
dir=$(mktemp -d)
cd "$dir" || exit 2
coproc SERVER { exec "$program" repl --nrepl 0 </dev/null; }
pid=$SERVER_PID
trap 'kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
IFS= read -r -t 60 line <&"${SERVER[0]}" || { echo "FAIL the server said nothing"; exit 1; }
java -cp "$jars" clojure.main "$here/nrepl_client.clj" "$(cat .nrepl-port)"
