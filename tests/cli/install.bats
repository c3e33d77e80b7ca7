#!/usr/bin/env bats
# What `make install` brings beside the library (embed.bats): programs, man pages, completions, the systemd unit, all out of the tables.
load help

setup_file() {
  cd "$BATS_TEST_DIRNAME/../.."
  export INSTALLED=$BATS_FILE_TMPDIR/root P=/opt/breyta
  b=$(dirname "${BREYTA_RUN:-build/breyta-run}"); b=${b#"$PWD"/}
  [[ $b != build-* ]] || skip "the library is built from the ordinary build"
  timeout 1500 make -s B="$b" install DESTDIR="$INSTALLED" PREFIX=$P LIBDIR=$P/lib >"$BATS_FILE_TMPDIR/log" 2>&1 || { cat "$BATS_FILE_TMPDIR/log"; return 1; }
}

# Options that `PROGRAM [COMMAND] --help` names.
options() { "$INSTALLED$P/bin/$1" ${2:+"$2"} --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u; }
commands() { "$INSTALLED$P/bin/breyta" --help | sed -n '/^Asking a server/q; s/^  breyta \([a-z]*\) .*/\1/p'; }

@test "nothing is written outside DESTDIR and PREFIX, and the programs run from there" {
  [ "$(ls "$INSTALLED")" = opt ]
  [ "$(ls "$INSTALLED/opt")" = breyta ]
  "$INSTALLED$P/bin/breyta" --version | grep -q '^breyta [0-9]'
  "$INSTALLED$P/bin/breyta-run" --version | grep -q '^breyta-run [0-9]'
}

@test "man pages have every command and option, and no troff mistakes" {
  man1=$INSTALLED$P/share/man/man1 man8=$INSTALLED$P/share/man/man8
  for page in "$man1/breyta.1" "$man1/breyta-run.1" "$man8/breyta-serve.8"; do
    [ -s "$page" ]
    if command -v groff; then groff -man -ww -Tutf8 "$page" 2> warnings > /dev/null; [ ! -s warnings ] || { cat warnings; false; }; fi
    if command -v mandoc; then mandoc -T lint -W error "$page"; fi
  done
  for c in $(commands); do
    grep -q "^.SS breyta $c" "$man1/breyta.1"
    for o in $(options breyta "$c"); do
      page=$man1/breyta.1
      [ "$c" != serve ] || page=$man8/breyta-serve.8
      grep -qF -- "\\-\\-$(echo "${o#--}" | sed 's/-/\\-/g')" "$page" || { echo "$c $o is not in $page"; false; }
    done
  done
}

@test "man pages name the variables of the environment that the programs read" {
  man1=$INSTALLED$P/share/man/man1/breyta.1 man8=$INSTALLED$P/share/man/man8/breyta-serve.8
  cd "$BATS_TEST_DIRNAME/../.."
  read=$(grep -rhoE 'env\("BREYTA_[A-Z_]+"' runtime/client runtime/worker | grep -oE 'BREYTA_[A-Z_]+' | sort -u)
  [ "$(wc -l <<< "$read")" -ge 10 ]
  for v in $read; do grep -q "$v" "$man1" || { echo "$v" >&2; false; }; done
  for v in $(grep -rhoE '"(OTEL_EXPORTER|OTEL_SERVICE|AWS)_[A-Z_]+"' runtime/net runtime/store | tr -d '"' | grep -v -e AWS_DEFAULT_REGION -e _S3 | sort -u); do
    grep -q "$v" "$man8" || { echo "$v" >&2; false; }
  done
  grep -q BREYTA_SECRETS_KEY "$man8"
  grep -q BREYTA_ALLOW_PRIVATE_HOSTS "$man8"
}

@test "completions for three shells have every command and option" {
  share=$INSTALLED$P/share
  for f in bash-completion/completions/breyta zsh/site-functions/_breyta fish/vendor_completions.d/breyta.fish; do
    for c in $(commands); do grep -qw -- "$c" "$share/$f"; done
    for o in $(for c in $(commands); do options breyta "$c"; done | sort -u); do
      grep -qE -- "(-l |--)${o#--}\b" "$share/$f" || { echo "$o is not in $f"; false; }
    done
  done
  for o in $(options breyta-run); do
    grep -q -- "--$(echo "${o#--}")\b" "$share/zsh/site-functions/_breyta-run"
    grep -q -- "-l ${o#--}\b" "$share/fish/vendor_completions.d/breyta-run.fish"
  done
}

@test "the bash completions complete" {
  for f in breyta breyta-run; do bash -n "$INSTALLED$P/share/bash-completion/completions/$f"; done
  cat > ask.sh <<EOF
for f in $INSTALLED$P/share/bash-completion/completions/*; do source "\$f"; done
COMP_WORDS=("\$@") COMP_CWORD=\$((\$# - 1))
if [[ \$1 = breyta-run ]]; then _breyta_run; else _breyta; fi
printf '%s\n' "\${COMPREPLY[@]}"
EOF
  [ "$(bash ask.sh breyta ba)" = backup ]
  [ "$(bash ask.sh breyta serve --dr)" = --drain ]
  [ "$(bash ask.sh breyta service-a)" = service-accounts ]
  [ "$(bash ask.sh "$INSTALLED$P/bin/breyta" flows versions pub)" = publish ]
  [ "$(bash ask.sh breyta backup --format j)" = json ]
  [ "$(bash ask.sh breyta backup --dr)" = "" ]
  # two commands of breyta-run have a --format, each with values of its own
  [ "$(bash ask.sh breyta-run test --format j | tr '\n' ' ')" = "junit json " ]
  [ "$(bash ask.sh breyta-run runs --format j)" = json ]
  [ "$(bash ask.sh breyta-run help diag)" = diagnostics ]
  touch some.edn
  [ "$(bash ask.sh breyta serve --config som)" = some.edn ]
}

@test "completions of the client's commands ask the program" {
  bin=$INSTALLED$P/bin/breyta
  for shell in bash zsh fish; do "$bin" --completion $shell | grep -qw service-accounts; done
  [ "$("$bin" --complete flows vers | cut -f1)" = versions ]
  [ "$("$bin" --complete flows versions di | cut -f1)" = diff ]
  [ "$("$bin" --complete --api x runs list --stat | cut -f1)" = --status ]
  [ "$("$bin" --complete runs list --status fa | cut -f1)" = failed ]
  [ -z "$("$bin" --complete flows push --file fl)" ]
  command -v fish || skip "no fish"
  [ "$(PATH=$INSTALLED$P/bin:$PATH fish -c "source $INSTALLED$P/share/fish/vendor_completions.d/breyta.fish; complete -C 'breyta flows versions pub'" | cut -f1)" = publish ]
}

@test "the page of man has each of the client's commands" {
  bin=$INSTALLED$P/bin/breyta
  "$bin" commands | jq -r '.data.items[] | select(.hidden | not) | .name' > names
  [ "$(wc -l < names)" -gt 150 ]
  while read -r name; do grep -qF -- ".SS breyta $(echo "$name" | sed 's/-/\\-/g')" "$INSTALLED$P/share/man/man1/breyta.1" || { echo "$name"; false; }; done < names
}

@test "zsh and fish read their completions" {
  share=$INSTALLED$P/share
  command -v zsh || command -v fish || skip "neither is installed"
  if command -v zsh; then for f in _breyta _breyta-run; do zsh -n "$share/zsh/site-functions/$f"; done; fi
  if command -v fish; then for f in breyta breyta-run; do fish --no-execute "$share/fish/vendor_completions.d/$f.fish"; done; fi
}

@test "the systemd unit is valid, and locked down" {
  unit=$INSTALLED$P/lib/systemd/system/breyta.service
  grep -q "^ExecStart=$P/bin/breyta serve " "$unit"
  for line in DynamicUser=yes ProtectSystem=strict StateDirectory=breyta NoNewPrivileges=yes Restart=on-failure LimitNOFILE=65536; do grep -qx "$line" "$unit"; done
  # Each option in it is one of serve's.
  for o in $(grep '^ExecStart=' "$unit" | grep -oE -- ' --[a-z-]+'); do options breyta serve | grep -qx -- "$o"; done
  command -v systemd-analyze || skip "no systemd-analyze"
  sed "s|$P/bin|$INSTALLED$P/bin|; /^Documentation=/d" "$unit" > breyta.service
  systemd-analyze verify ./breyta.service
  level=$(systemd-analyze security --offline=true ./breyta.service | grep -oE 'Overall exposure level.*: [0-9.]+' | grep -oE '[0-9]+' | head -1)
  [ "$level" -le 2 ]
}

@test "what is asked of the hidden commands wrongly is told" {
  run "$INSTALLED$P/bin/breyta" --man nothing
  [ "$status" = 2 ]
  [[ $output == *breyta-serve* ]]
  run "$INSTALLED$P/bin/breyta" --completion tcsh
  [ "$status" = 2 ]
  run breyta-run --completion-for tcsh
  [ "$status" = 2 ]
  [[ $output == *fish* ]]
}
