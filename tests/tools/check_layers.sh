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

home() { # header, the files that may include it
  local hits
  hits=$(grep -lE "#include <$1>" reader/*.[ch] eval/*.[ch] stdlib/*.[ch] runtime/*.[ch] | sort | tr '\n' ' ')
  case " $2 " in *" ${hits% } "*) ok ;; *) [ "$hits" = "$(echo $2 | tr ' ' '\n' | sort | tr '\n' ' ')" ] && ok || bad "<$1> is included in: $hits" ;; esac
}
home gc/gc.h reader/mem.c
home gmp.h reader/big.c
home pcre2.h reader/regex.c
home jansson.h runtime/json.c
home curl/curl.h runtime/http_client.c
home microhttpd.h runtime/listener.c
home histedit.h runtime/repl_term.c
home libxml/parser.h runtime/xml_read.c
home yaml.h runtime/yaml_read.c
home openssl/evp.h 'runtime/hash.c runtime/seal.c' # digests; AES-GCM
home openssl/x509.h runtime/tls_cert.c
home postgresql/libpq-fe.h runtime/db_pg.c
home mariadb/mysql.h runtime/db_mysql.c
home libssh2.h runtime/ssh_lib.h
home libssh2_sftp.h runtime/ssh_lib.h
home sqlite3.h 'runtime/db_sqlite.c runtime/store_sqlite.h' # a user's database; the store

for d in reader eval stdlib runtime tests flows-examples; do [ -f $d/README.md ] && ok || bad "$d/README.md is missing"; done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
