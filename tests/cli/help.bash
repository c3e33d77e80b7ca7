# Shared by the bats files: a directory of its own, breyta-run on PATH, and the flows the tests use.
setup() {
  ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  BIN=${BREYTA_RUN:-build/breyta-run}
  [[ $BIN = /* ]] || BIN=$ROOT/$BIN
  [ -x "$BIN" ] || { echo "no $BIN: run make first" >&2; return 1; }
  DIR=$(mktemp -d)
  mkdir "$DIR/bin"
  ln -s "$BIN" "$DIR/bin/breyta-run"
  PATH=$DIR/bin:$PATH
  cd "$DIR" || return 1
  export XDG_CONFIG_HOME=$DIR/config # the key of stored secrets
  unset BREYTA_SECRETS_KEY
}
teardown() {
  [ ! -f "$DIR/pid" ] || kill -KILL "$(cat "$DIR/pid")" 2>/dev/null || :
  chmod -R u+w "$DIR" 2>/dev/null
  rm -rf "$DIR"
}
# flow NAME BODY [FUNCTIONS]: NAME.edn with that body
flow() {
  cat > "$1.edn" <<EOF
{:slug :$1
 :name "$1"
 :concurrency {:type :singleton :on-new-version :supersede}
 :invocations {:default {:label "Run" :inputs []}}
 :interfaces {:manual [{:id :run :invocation :default}]}
 :functions [${3:-}]
 :flow (quote $2)}
EOF
}
# Standard output to $out, standard error to $err, exit status to $st.
br() {
  st=0
  timeout 30 breyta-run "$@" >"$DIR/.out" 2>"$DIR/.err" </dev/null || st=$?
  out=$(cat "$DIR/.out") err=$(cat "$DIR/.err")
}
want() { # want STATUS STDOUT
  [ "$st" = "$1" ] && [ "$out" = "$2" ] && return
  printf 'status %s, wanted %s\nstdout: %s\nwanted: %s\nstderr: %s\n' "$st" "$1" "$out" "$2" "$err" >&2
  return 1
}
says() { # standard error contains
  [[ $err = *"$1"* ]] && return
  printf 'stderr lacks: %s\nstderr: %s\n' "$1" "$err" >&2
  return 1
}
# until COMMAND...: waits for it to succeed, at most 20 s
until_ok() {
  local n=0
  until "$@"; do
    [ $((n += 1)) -lt 400 ] || { echo "never: $*" >&2; return 1; }
    read -rt 0.05 <> <(:) || :
  done
}
