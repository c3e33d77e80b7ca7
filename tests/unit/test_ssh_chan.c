/* Unit tests of the turns that sessions and channels take (ssh_io.c, ssh_chan.c): libssh2 is played here, through the table of ssh_lib.h,
 * so that the other side says what it says at one very moment. With a real server: tests/cli/ssh*.bats.
 *
 * The other side's "packets" are two bytes: a channel's number and what is there for it ('o' output, 'x' the end). As with libssh2,
 * whoever reads takes all packets off the socket, those of other channels, too. */
#include "runtime/ssh/ssh_int.h"
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { CHANNELS = 2, MS = 5000 };

struct _LIBSSH2_CHANNEL { int n, output; bool over; };
struct _LIBSSH2_SESSION { void *abstract; int fd, error; ssize_t (*recv)(int, void *, size_t, int, void **); int nchannels; LIBSSH2_CHANNEL channels[CHANNELS]; };

static int peer; /* the other side's end of the socket */
static struct { int reader, ends; } when; /* in the reading of channel `reader` the packets of the end of channel `ends` arrive; -1 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER;
static int nbegun;

static void say(int channel, char what) {
  char packet[2] = {(char)channel, what};
  assert_int_equal(send(peer, packet, 2, MSG_NOSIGNAL), 2);
}

/* ---- libssh2 ---- */

static LIBSSH2_SESSION *f_init(LIBSSH2_ALLOC_FUNC((*a)), LIBSSH2_FREE_FUNC((*b)), LIBSSH2_REALLOC_FUNC((*c)), void *abstract) {
  (void)a, (void)b, (void)c;
  LIBSSH2_SESSION *s = calloc(1, sizeof *s);
  s->abstract = abstract;
  return s;
}
static int f_handshake(LIBSSH2_SESSION *s, libssh2_socket_t fd) { return s->fd = fd, 0; }
static int f_free(LIBSSH2_SESSION *s) { return free(s), 0; }
static void f_blocking(LIBSSH2_SESSION *s, int on) { (void)s, (void)on; }
static int f_error(LIBSSH2_SESSION *s, char **text, int *n, int own) {
  static char none[] = "";
  (void)own;
  *text = none;
  *n = 0;
  return s->error;
}
static int f_errno(LIBSSH2_SESSION *s) { return s->error; }
static int f_pref(LIBSSH2_SESSION *s, int what, const char *list) { return (void)s, (void)what, (void)list, 0; }
static const char host_key[] = "\0\0\0\013ssh-ed25519\0\0\0\040abcdefghijklmnopqrstuvwxyz012345";
static const char *f_hostkey(LIBSSH2_SESSION *s, size_t *n, int *kind) { return (void)s, (void)kind, *n = sizeof host_key - 1, host_key; }
static int f_directions(LIBSSH2_SESSION *s) { return (void)s, LIBSSH2_SESSION_BLOCK_INBOUND; }
static int f_disconnect(LIBSSH2_SESSION *s, int a, const char *b, const char *c) { return (void)s, (void)a, (void)b, (void)c, 0; }
static const char *f_banner(LIBSSH2_SESSION *s) { return (void)s, "SSH-2.0-played"; }
static void **f_abstract(LIBSSH2_SESSION *s) { return &s->abstract; }
static void *f_callback(LIBSSH2_SESSION *s, int kind, void *f) {
  assert_int_equal(kind, LIBSSH2_CALLBACK_RECV);
  *(void **)&s->recv = f;
  return NULL;
}
static char *f_methods(LIBSSH2_SESSION *s, const char *user, unsigned n) { return (void)s, (void)user, (void)n, NULL; }
static int f_in(LIBSSH2_SESSION *s) { return (void)s, 1; }
static LIBSSH2_CHANNEL *f_open(LIBSSH2_SESSION *s, const char *a, unsigned b, unsigned c, unsigned d, const char *e, unsigned f) {
  (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
  assert_true(s->nchannels < CHANNELS);
  LIBSSH2_CHANNEL *ch = &s->channels[s->nchannels];
  *ch = (LIBSSH2_CHANNEL){.n = s->nchannels++};
  return ch;
}
static int f_startup(LIBSSH2_CHANNEL *c, const char *a, unsigned b, const char *d, unsigned e) { return (void)c, (void)a, (void)b, (void)d, (void)e, 0; }
static ssize_t f_write(LIBSSH2_CHANNEL *c, int stream, const char *p, size_t n) { return (void)c, (void)stream, (void)p, (ssize_t)n; }
static int f_send_eof(LIBSSH2_CHANNEL *c) {
  (void)c;
  pthread_mutex_lock(&lock);
  nbegun++;
  pthread_cond_broadcast(&begun);
  pthread_mutex_unlock(&lock);
  return 0;
}

static LIBSSH2_SESSION *session_of(LIBSSH2_CHANNEL *c) { return (LIBSSH2_SESSION *)((char *)(c - c->n) - offsetof(LIBSSH2_SESSION, channels)); }

static void take_packets(LIBSSH2_SESSION *s) {
  char p[64];
  for (ssize_t k; (k = s->recv(s->fd, p, sizeof p, 0, &s->abstract)) > 0;)
    for (ssize_t i = 0; i < k; i += 2) {
      LIBSSH2_CHANNEL *c = &s->channels[(int)p[i]];
      if (p[i + 1] == 'o') c->output++;
      else c->over = true;
    }
}

static ssize_t f_read(LIBSSH2_CHANNEL *c, int stream, char *p, size_t n) {
  LIBSSH2_SESSION *s = session_of(c);
  (void)n;
  if (stream) return c->over ? 0 : LIBSSH2_ERROR_EAGAIN;
  take_packets(s);
  pthread_mutex_lock(&lock);
  bool now = when.reader == c->n && c->output;
  int ends = when.ends;
  if (now) when.reader = -1;
  pthread_mutex_unlock(&lock);
  if (now) { /* this very call takes them */
    say(ends, 'o');
    say(ends, 'x');
    struct pollfd in = {s->fd, POLLIN, 0};
    assert_int_equal(poll(&in, 1, MS), 1);
    take_packets(s);
  }
  if (c->output) return c->output--, *p = (char)('a' + c->n), 1;
  return c->over ? 0 : LIBSSH2_ERROR_EAGAIN;
}
static int f_eof(LIBSSH2_CHANNEL *c) { return c->over && !c->output; }
static int f_nothing(LIBSSH2_CHANNEL *c) { return (void)c, 0; }
static int f_status(LIBSSH2_CHANNEL *c) { return 3 + c->n; }
static int f_signal(LIBSSH2_CHANNEL *c, char **a, size_t *b, char **d, size_t *e, char **f, size_t *g) {
  return (void)c, (void)a, (void)b, (void)d, (void)e, (void)f, (void)g, 0;
}

static void play(void) {
  Err e = {0};
  assert_true(ssh_lib_load(&e)); /* once: what is put over it stays */
  ssh_lib.p_libssh2_session_init_ex = f_init;
  ssh_lib.p_libssh2_session_handshake = f_handshake;
  ssh_lib.p_libssh2_session_free = f_free;
  ssh_lib.p_libssh2_session_set_blocking = f_blocking;
  ssh_lib.p_libssh2_session_last_error = f_error;
  ssh_lib.p_libssh2_session_last_errno = f_errno;
  ssh_lib.p_libssh2_session_method_pref = f_pref;
  ssh_lib.p_libssh2_session_hostkey = f_hostkey;
  ssh_lib.p_libssh2_session_block_directions = f_directions;
  ssh_lib.p_libssh2_session_disconnect_ex = f_disconnect;
  ssh_lib.p_libssh2_session_banner_get = f_banner;
  ssh_lib.p_libssh2_session_abstract = f_abstract;
  ssh_lib.p_libssh2_session_callback_set = f_callback;
  ssh_lib.p_libssh2_userauth_list = f_methods;
  ssh_lib.p_libssh2_userauth_authenticated = f_in;
  ssh_lib.p_libssh2_channel_open_ex = f_open;
  ssh_lib.p_libssh2_channel_process_startup = f_startup;
  ssh_lib.p_libssh2_channel_write_ex = f_write;
  ssh_lib.p_libssh2_channel_send_eof = f_send_eof;
  ssh_lib.p_libssh2_channel_read_ex = f_read;
  ssh_lib.p_libssh2_channel_eof = f_eof;
  ssh_lib.p_libssh2_channel_wait_closed = f_nothing;
  ssh_lib.p_libssh2_channel_close = f_nothing;
  ssh_lib.p_libssh2_channel_free = f_nothing;
  ssh_lib.p_libssh2_channel_get_exit_status = f_status;
  ssh_lib.p_libssh2_channel_get_exit_signal = f_signal;
}

/* ---- a client ---- */

static int listening(int *port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
  *port = ntohs(a.sin_port);
  return fd;
}

static uint64_t start(SshClient *c, int port) {
  SshJob j;
  Err e = {0};
  Buf line = {0};
  ssh_job_init(&j);
  buf_fmt(&line, "[127.0.0.1]:%d ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1\n", port);
  j.target.nhops = 1;
  j.target.hops[0] = (SshHop){.host = strdup("127.0.0.1"), .user = strdup("me"), .port = port, .known = buf_cstr(&line)};
  j.timeout_ms = MS;
  j.command = strdup("true");
  uint64_t id = ssh_send(c, &j, &e);
  assert_true(id);
  return id;
}

static void until_begun(int n) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += MS / 1000;
  pthread_mutex_lock(&lock);
  while (nbegun < n) assert_int_equal(pthread_cond_timedwait(&begun, &lock, &until), 0);
  pthread_mutex_unlock(&lock);
}

static SshEvent *next(SshClient *c) {
  struct pollfd fd = {ssh_fd(c), POLLIN, 0};
  assert_int_equal(poll(&fd, 1, 2 * MS), 1);
  SshEvent *v = ssh_next(c);
  assert_non_null(v);
  return v;
}

/* Two commands run on one connection. While the reader's output is read, the end of the other arrives, and nothing after it: the socket
 * never becomes readable again. */
static void together(int reader) {
  SshClient *c;
  Err e = {0};
  int port, fd = listening(&port), other = 1 - reader;
  play();
  nbegun = 0;
  when.reader = -1;
  assert_non_null(c = ssh_client_new(&e));
  uint64_t ids[CHANNELS] = {start(c, port)};
  assert_true((peer = accept(fd, NULL, NULL)) >= 0);
  until_begun(1);
  ids[1] = start(c, port);
  until_begun(2);
  pthread_mutex_lock(&lock);
  when.reader = reader;
  when.ends = other;
  pthread_mutex_unlock(&lock);
  say(reader, 'o');
  SshEvent *v = next(c); /* else it is a timeout */
  assert_int_equal(v->kind, SSH_ENDED);
  assert_int_equal(v->id, ids[other]);
  assert_string_equal(v->answer->msg, "");
  assert_int_equal(v->answer->err, SSH_OK);
  assert_int_equal(v->answer->exit, 3 + other);
  assert_int_equal(v->answer->out.n, 1);
  assert_int_equal(v->answer->out.p[0], 'a' + other);
  ssh_event_free(v);
  say(reader, 'x');
  v = next(c);
  assert_int_equal(v->id, ids[reader]);
  assert_int_equal(v->answer->err, SSH_OK);
  assert_int_equal(v->answer->exit, 3 + reader);
  assert_int_equal(v->answer->out.p[0], 'a' + reader);
  ssh_event_free(v);
  ssh_client_free(c);
  close(peer);
  close(fd);
}

static void test_end_read_by_older(void **state) { (void)state, together(0); }
static void test_end_read_by_newer(void **state) { (void)state, together(1); }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_end_read_by_older), cmocka_unit_test(test_end_read_by_newer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
