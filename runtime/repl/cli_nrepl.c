#include "cli_nrepl.h"
#include "nrepl.h"
#include "runtime/base/sock.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_FILE ".nrepl-port"

static Nrepl *server;
static volatile sig_atomic_t have_file;

/* --- .nrepl-port ----------------------------------------------------------------------------------------------------------- */
static int port_in_file(void) {
  char text[16] = {0};
  int fd = open(PORT_FILE, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 ? atoi(text) : 0;
}

/* Does anything listen there, on this machine? */
static bool alive(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = port > 0 && port < 65536 ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
  if (fd < 0) return false;
  bool yes = !connect(fd, (struct sockaddr *)&a, sizeof a);
  close(fd);
  return yes;
}

static bool write_new(const char *path, int port) {
  char text[16];
  int n = snprintf(text, sizeof text, "%d", port), fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  bool ok = write(fd, text, (size_t)n) == n;
  return !close(fd) && ok;
}

static void port_file_write(int port) {
  char path[64];
  int other = port_in_file();
  if (other && other != port && alive(other)) {
    cli_say(PORT_FILE " names port %d, where a server is alive: it is left as it is", other);
    return;
  }
  snprintf(path, sizeof path, PORT_FILE ".%ld", (long)getpid());
  if (write_new(path, port) && !rename(path, PORT_FILE)) {
    have_file = 1;
    return;
  }
  cli_say("cannot write " PORT_FILE ": %s", strerror(errno));
  unlink(path);
}

static void port_file_remove(void) {
  if (have_file && port_in_file() == nrepl_port(server)) unlink(PORT_FILE);
  have_file = 0;
}

/* --- signals --------------------------------------------------------------------------------------------------------------- */
static void remove_and_die(int sig) {
  if (have_file) unlink(PORT_FILE);
  signal(sig, SIG_DFL);
  raise(sig);
}

static sigset_t ending(void) {
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGINT);
  sigaddset(&s, SIGTERM);
  sigaddset(&s, SIGHUP);
  return s;
}

static void take_signals(bool terminal) {
  sigset_t s = ending();
  struct sigaction a = {.sa_handler = remove_and_die};
  sigemptyset(&a.sa_mask);
  if (!terminal) {
    pthread_sigmask(SIG_BLOCK, &s, NULL);
    return;
  }
  sigaction(SIGTERM, &a, NULL);
  sigaction(SIGHUP, &a, NULL);
}

int cli_nrepl_serve(void) {
  sigset_t s = ending();
  int sig = 0;
  while (sigwait(&s, &sig)) continue;
  return sig;
}

/* --- start and stop -------------------------------------------------------------------------------------------------------- */
static void announce(void) {
  const char *host = nrepl_host(server);
  bool six = strchr(host, ':') != NULL;
  printf("nREPL server started on port %d on host %s - nrepl://%s%s%s:%d\n", nrepl_port(server), host, six ? "[" : "", host, six ? "]" : "",
         nrepl_port(server));
  cli_out_flush();
}

int cli_nrepl_start(const Cli *cli, const char *host_port, ReplSession *of, bool terminal) {
  Err e = {0};
  take_signals(terminal);
  server = nrepl_start(host_port, of, &e);
  if (!server && !strcmp(e.code, "validation")) return cli_usage(cli, "--nrepl: %s", e.msg);
  if (!server) {
    cli_say("%s", e.msg);
    return EXIT_FAILED;
  }
  port_file_write(nrepl_port(server));
  announce();
  return EXIT_OK;
}

void cli_nrepl_stop(void) {
  if (!server) return;
  port_file_remove();
  nrepl_stop(server);
  server = NULL;
}
