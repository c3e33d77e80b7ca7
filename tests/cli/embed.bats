#!/usr/bin/env bats
# libbreyta as an embedder sees it: installed somewhere, found by pkg-config, compiled outside the tree, shared and static.
load help

setup_file() {
  cd "$BATS_TEST_DIRNAME/../.."
  export ROOT=$PWD INSTALLED=$BATS_FILE_TMPDIR/root P=/opt/breyta
  export PKG_CONFIG_SYSROOT_DIR=$INSTALLED PKG_CONFIG_PATH=$INSTALLED$P/lib/pkgconfig
  b=$(dirname "${BREYTA_RUN:-build/breyta-run}"); b=${b#"$PWD"/}
  [[ $b != build-* ]] || skip "the library is built from the ordinary build"
  timeout 1500 make -s B="$b" install DESTDIR="$INSTALLED" PREFIX=$P LIBDIR=$P/lib >"$BATS_FILE_TMPDIR/log" 2>&1 || { cat "$BATS_FILE_TMPDIR/log"; return 1; }
  # What a machine has that got the archive only.
  cp -r "$INSTALLED" "$INSTALLED-static"
  rm "$INSTALLED-static$P"/lib/libbreyta.so*
}

# shellcheck disable=SC2046
build() { # shared|static, source, program
  local options
  if [ "$1" = static ]; then
    options=$(PKG_CONFIG_SYSROOT_DIR=$INSTALLED-static PKG_CONFIG_PATH=$INSTALLED-static$P/lib/pkgconfig pkg-config --cflags --libs --static breyta)
  else
    options=$(pkg-config --cflags --libs breyta)
  fi
  cc -Wall -Wextra -Werror "$2" $options -pthread -o "$3"
}

each() { # shared|static program arguments...
  local how=$1
  shift
  if [ "$how" = shared ]; then LD_LIBRARY_PATH=$INSTALLED$P/lib timeout 120 "$@"; else timeout 120 "$@"; fi
}

example() {
  cp "$ROOT/flows-examples/embed-c/ex.c" .
  build "$1" ex.c ex
  each "$1" ./ex orders.db > first
  grep -q '"status":"waiting"' first
  grep -q '"parked":true' first
  each "$1" ./ex orders.db yes > second
  grep -q '"status":"completed","value":{"price":36,"ordered":true}' second
  breyta-run runs --db orders.db | grep -q '^order-1 .* completed'
}

library() {
  build "$1" "$ROOT/tests/embed/embed_test.c" et
  mkdir data
  each "$1" ./et data > out 2> err || { cat err; false; }
  [ ! -s out ]
  [ "$(grep -c '^ok ' err)" -ge 35 ]
}

@test "the example has at most 60 lines and runs on the shared library" {
  [ "$(wc -l < "$ROOT/flows-examples/embed-c/ex.c")" -le 60 ]
  example shared
  LD_LIBRARY_PATH=$INSTALLED$P/lib ldd ex | grep -q "libbreyta.so.0 => $INSTALLED$P/lib/libbreyta.so.0"
}

@test "the example runs on the archive alone" {
  example static
  run ldd ex
  [[ $output != *libbreyta* ]]
}

@test "what breyta.h promises, on the shared library" { library shared; }
@test "what breyta.h promises, on the archive" { library static; }

@test "the libraries show what breyta.h declares and nothing else" {
  grep -o 'breyta_[a-z]*(' "$INSTALLED$P/include/breyta.h" | tr -d '(' | sort -u > declared
  [ "$(wc -l < declared)" -ge 14 ]
  nm -D --defined-only "$INSTALLED$P/lib/libbreyta.so.0" | awk '{print $3}' | sort > shown
  diff declared shown
  nm -g --defined-only "$INSTALLED$P/lib/libbreyta.a" | awk 'NF == 3 {print $3}' | sort > shown
  diff declared shown
}

@test "breyta.h stands alone, in C and in C++" {
  printf '#include <breyta.h>\nint main(void) { return !breyta_version(); }\n' > a.c
  cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only $(pkg-config --cflags breyta) a.c
  if command -v c++; then c++ -Wall -Wextra -Werror -fsyntax-only -x c++ $(pkg-config --cflags breyta) a.c; fi
  [ "$(pkg-config --modversion breyta)" = "$(breyta-run --version | awk '{print $2}')" ]
}
