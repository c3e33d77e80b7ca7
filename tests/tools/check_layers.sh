#!/bin/bash
# Includes only ever point down (runtime > stdlib > eval > reader), every third-party header has one home, every folder has
# its README. Prints what is wrong and `N passed, N failed`.
cd "$(dirname "$0")/../.." || exit 2
passed=0 failed=0
bad() { echo "FAIL $1"; failed=$((failed + 1)); }
ok() { passed=$((passed + 1)); }

upward() { # layer, layers it must not name
  local hits
  hits=$(grep -nE "#include \"($2)/" "$1"/*.c "$1"/*.h)
  if [ -n "$hits" ]; then bad "$1 includes from above: $hits"; else ok; fi
}
upward reader 'eval|stdlib|runtime'
upward eval 'stdlib|runtime'
upward stdlib 'runtime'
# runtime/ has three storeys: what knows no flows, flows and runs, and the doors to them.
ground='base net store table template'
middle='flow engine http ssh db llm wait jobs resource agent steps'
doors='trigger api flowtest cli repl client worker server'
any() { echo "runtime/($(echo "$*" | tr ' ' '|'))"; }
for d in $ground; do upward runtime/$d "$(any $middle $doors)"; done
for d in $middle; do upward runtime/$d "$(any $doors)"; done
[ "$(echo $ground $middle $doors | tr ' ' '\n' | sort)" = "$(ls -d runtime/*/ | cut -d/ -f2 | sort)" ] && ok || bad "a folder of runtime/ has no storey here"

home() { # header, the files that may include it
  local hits
  hits=$(grep -lE "#include <$1>" reader/*.[ch] eval/*.[ch] stdlib/*.[ch] runtime/*/*.[ch] | sort | tr '\n' ' ')
  case " $2 " in *" ${hits% } "*) ok ;; *) [ "$hits" = "$(echo $2 | tr ' ' '\n' | sort | tr '\n' ' ')" ] && ok || bad "<$1> is included in: $hits" ;; esac
}
home gc/gc.h reader/mem.c
home gmp.h reader/big.c
home pcre2.h reader/regex.c
home jansson.h runtime/base/json.c
home curl/curl.h runtime/net/http_client.c
home microhttpd.h runtime/net/listener_mhd.h
home histedit.h runtime/repl/repl_term.c
home libxml/parser.h runtime/base/xml_read.c
home yaml.h runtime/base/yaml_read.c
home openssl/evp.h 'runtime/base/hash.c runtime/base/seal.c' # digests; AES-GCM
home openssl/x509.h runtime/base/tls_cert.c
home postgresql/libpq-fe.h runtime/db/db_pg.c
home mariadb/mysql.h runtime/db/db_mysql.c
home libssh2.h runtime/ssh/ssh_lib.h
home libssh2_sftp.h runtime/ssh/ssh_lib.h
home sqlite3.h 'runtime/db/db_sqlite.c runtime/store/store_sqlite.h' # a user's database; the store

for d in reader eval stdlib runtime tests flows-examples; do [ -f $d/README.md ] && ok || bad "$d/README.md is missing"; done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
