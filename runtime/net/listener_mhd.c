#include "listener_mhd.h"
#include "runtime/base/metrics.h"
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

ListenerMhd listener_mhd;
static char load_error[200];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local bool serves;
static ssize_t (*tls_send)(void *session, const void *p, size_t n); /* gnutls_record_send, of the library's library */

void listener_mhd_serves(void) { serves = true; }

/* ---- answers to what is no HTTP ---- */

#define REFUSAL(code, message) "{\"ok\":false,\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}"
static const struct { unsigned status; const char *json; } refusals[] = {
    {431, REFUSAL("headers_too_large", "the request line and the headers are over 64 KiB")},
    {414, REFUSAL("headers_too_large", "the path and the query are over 64 KiB")},
    {413, REFUSAL("too_large", "the body, or a chunk of it, is larger than a server can say")},
    {505, REFUSAL("http_version", "HTTP/1.0 and HTTP/1.1 are understood")},
    {400, REFUSAL("bad_request", "this is not HTTP as RFC 9112 has it: look at the request line, the headers, Content-Length and chunks")},
    {0, REFUSAL("internal", "the server could not answer this request")},
};

static const char *refusal(unsigned status) {
  size_t i = 0;
  while (refusals[i].status && refusals[i].status != status) i++;
  return refusals[i].json;
}

/* In place of MHD_queue_response where the library itself calls it. Sent past the library, and the connection closed, as the library does it:
 * what it would send itself has some of its heads twice (0.9.75: the next state follows an error in the headers). */
static enum MHD_Result queue_of_library(struct MHD_Connection *c, unsigned status, struct MHD_Response *page) {
  if (!serves) return L(MHD_queue_response)(c, status, page);
  char text[600], number[8];
  const char *json = refusal(status);
  const union MHD_ConnectionInfo *tls = L(MHD_get_connection_info)(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  const union MHD_ConnectionInfo *fd = L(MHD_get_connection_info)(c, MHD_CONNECTION_INFO_CONNECTION_FD);
  int n = snprintf(text, sizeof text, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
                   L(MHD_get_reason_phrase_for)(status), strlen(json), json);
  snprintf(number, sizeof number, "%u", status);
  metric_count(METRIC_requests_total, "unknown", number);
  if (tls && tls->tls_session) (void)tls_send(tls->tls_session, text, (size_t)n); /* it is closed then, sent or not */
  else if (fd) (void)send(fd->connect_fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
  return MHD_NO;
}

/* ---- the entry of its import table ---- */

typedef struct Imports {
  const ElfW(Sym) * symbols;
  const char *names;
  const ElfW(Rela) * tables[2]; /* of calls through the PLT, and of addresses taken */
  size_t sizes[2];
} Imports;

static Imports imports_of(const struct link_map *m) {
  Imports in = {0};
  for (const ElfW(Dyn) *d = m->l_ld; d->d_tag != DT_NULL; d++) {
    const void *at = (const void *)(d->d_un.d_ptr < m->l_addr ? m->l_addr + d->d_un.d_ptr : d->d_un.d_ptr); /* glibc has added l_addr */
    if (d->d_tag == DT_SYMTAB) in.symbols = at;
    if (d->d_tag == DT_STRTAB) in.names = at;
    if (d->d_tag == DT_JMPREL) in.tables[0] = at;
    if (d->d_tag == DT_RELA) in.tables[1] = at;
    if (d->d_tag == DT_PLTRELSZ) in.sizes[0] = d->d_un.d_val / sizeof(ElfW(Rela));
    if (d->d_tag == DT_RELASZ) in.sizes[1] = d->d_un.d_val / sizeof(ElfW(Rela));
  }
  return in;
}

static void **import_slot(const struct link_map *m, const char *name) {
  Imports in = imports_of(m);
  for (int t = 0; t < 2 && in.symbols && in.names; t++)
    for (size_t i = 0; in.tables[t] && i < in.sizes[t]; i++) {
      const ElfW(Rela) *r = &in.tables[t][i];
      if (!strcmp(in.names + in.symbols[ELF64_R_SYM(r->r_info)].st_name, name)) return (void **)(m->l_addr + r->r_offset);
    }
  return NULL;
}

/* Made read-only after loading (RELRO)? */
static bool sealed(const struct link_map *m, const void *slot) {
  const ElfW(Ehdr) *head = (const void *)m->l_addr;
  const ElfW(Phdr) *part = (const void *)(m->l_addr + head->e_phoff);
  for (size_t i = 0; i < head->e_phnum; i++) {
    uintptr_t at = m->l_addr + part[i].p_vaddr;
    if (part[i].p_type == PT_GNU_RELRO && (uintptr_t)slot >= at && (uintptr_t)slot < at + part[i].p_memsz) return true;
  }
  return false;
}

/* A library without that entry goes on answering with its pages: nothing depends on it. */
static void lead_answers_here(void *so) {
  struct link_map *m;
  if (dlinfo(so, RTLD_DI_LINKMAP, &m)) return;
  void **slot = import_slot(m, "MHD_queue_response");
  if (!slot) return;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  void *at = (void *)((uintptr_t)slot & ~(page - 1));
  bool was = sealed(m, slot);
  if (was && mprotect(at, page, PROT_READ | PROT_WRITE)) return;
  __atomic_store_n(slot, (void *)(uintptr_t)queue_of_library, __ATOMIC_RELEASE);
  if (was) (void)mprotect(at, page, PROT_READ);
}

static void load(void) {
  void *so = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
  if (!so) {
    snprintf(load_error, sizeof load_error, "%s", dlerror());
    return;
  }
#define MHD_LOAD(f)                                                                                                                        \
  *(void **)&listener_mhd.p_##f = dlsym(so, #f);                                                                                           \
  if (!listener_mhd.p_##f) {                                                                                                               \
    snprintf(load_error, sizeof load_error, "libmicrohttpd.so.12 has no " #f);                                                             \
    return;                                                                                                                                \
  }
  MHD_FUNCTIONS(MHD_LOAD)
  *(void **)&tls_send = dlsym(so, "gnutls_record_send");
  if (tls_send) lead_answers_here(so);
}

bool listener_mhd_load(Err *e) {
  pthread_once(&once, load);
  return !*load_error || err_set(e, "listen", "cannot load libmicrohttpd: %s", load_error);
}
