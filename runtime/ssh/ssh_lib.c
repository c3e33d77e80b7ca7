/* ssh_lib.c - see ssh_lib.h. */
#include "ssh_lib.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

SshLib ssh_lib;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char problem[256];

static void load(void) {
  void *so = dlopen("libssh2.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!so) {
    snprintf(problem, sizeof problem, "%s", dlerror());
    return;
  }
#define LOAD(f)                                                                                        \
  *(void **)&ssh_lib.p_##f = dlsym(so, #f);                                                            \
  if (!ssh_lib.p_##f) {                                                                                \
    snprintf(problem, sizeof problem, "libssh2.so.1 has no " #f "; version 1.9 or newer is needed");   \
    return;                                                                                            \
  }
  SSH_LIB_FUNCTIONS(LOAD)
  if (SSH_CALL(libssh2_init)(0)) snprintf(problem, sizeof problem, "libssh2_init failed");
}

bool ssh_lib_load(Err *e) {
  pthread_once(&once, load);
  return !*problem || err_set(e, "network", "cannot load libssh2 (Debian's package libssh2-1): %s", problem);
}
