load help
# A process ends while helper threads may still be inside OpenSSL (a key exchange of SSH, TLS): its own taking down at exit would be under
# their feet. See hash_stay in runtime/base/hash.h.

setup_file() {
  export LATE=$(mktemp -d)
  # a handler that is registered before the first use of OpenSSL runs behind everything that OpenSSL does at exit
  cat > "$LATE/late.c" <<'C'
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
static void late(void) {
  int (*init)(uint64_t, const void *) = (int (*)(uint64_t, const void *))dlsym(RTLD_DEFAULT, "OPENSSL_init_crypto");
  if (!init) (void)!write(2, "OpenSSL is missing\n", 19);
  else if (init(0, NULL)) (void)!write(2, "OpenSSL is there\n", 17);
  else (void)!write(2, "OpenSSL was taken down\n", 23);
}
__attribute__((constructor)) static void early(void) { atexit(late); }
C
  cc -shared -fPIC -o "$LATE/late.so" "$LATE/late.c" -ldl
}
teardown_file() { rm -rf "$LATE"; }

# Not under a sanitizer, which must be the first library.
at_exit() { LD_PRELOAD=$LATE/late.so "$@" 2> err.txt > /dev/null < /dev/null; }
sanitized() { nm -D "$BIN" | grep -q '__asan_init\|__tsan_init'; }

@test "OpenSSL outlives exit: helper threads may still be in it" {
  sanitized && skip "a sanitizer is first"
  echo '#include <openssl/crypto.h>
  int main(void) { return !OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL); }' > other.c # another program's is not there: the test can tell
  cc -o other other.c -lcrypto
  at_exit ./other
  grep -qx 'OpenSSL was taken down' err.txt
  flow t '(str "x")'
  at_exit breyta-run t.edn
  grep -qx 'OpenSSL is there' err.txt
  at_exit "$(dirname "$(readlink -f "$BIN")")/breyta" agent install-script # it has the hash of its text
  grep -qx 'OpenSSL is there' err.txt
}
