/* bench_effect.c - see bench_effect.h */
#include "bench_effect.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct Order { uint64_t token, what; } Order;

Tally *tally;
void (*effect_seen)(int64_t run, int64_t step);
uint64_t effect_acks;
static int order_fd = -1, ack_fd = -1, flush_fd = -1;
static Order *orders;
static size_t norders, cap_orders;

static _Noreturn void die(const char *what) {
  perror(what);
  exit(70);
}

void tally_new(void) {
  tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (tally == MAP_FAILED) die("mmap");
  tally_clear();
}

void tally_clear(void) {
  memset(tally, 0, sizeof *tally);
  memset(tally->last, 0xff, sizeof tally->last);
}

/* --- the other process --------------------------------------------------------------------------------------------------------------- */
static void count_order(const Order *o) {
  size_t run = (size_t)(o->what >> 32) % TALLY_RUNS, step = (size_t)(o->what & 0xffffffff);
  __atomic_add_fetch(&tally->orders, 1, __ATOMIC_RELAXED);
  if (step < TALLY_STEPS && tally->count[run][step] < 255) tally->count[run][step]++;
  if ((int64_t)step > tally->last[run]) tally->last[run] = (int32_t)step;
}

static bool write_all(int fd, const void *p, size_t n) {
  for (const char *at = p; n;) {
    ssize_t k = write(fd, at, n);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return false;
    at += k;
    n -= (size_t)k;
  }
  return true;
}

static _Noreturn void serve(int in, int out) {
  static char buf[1 << 16];
  static uint64_t acks[sizeof buf / sizeof(Order)];
  size_t have = 0;
  for (;;) {
    ssize_t n = read(in, buf + have, sizeof buf - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(0);
    have += (size_t)n;
    size_t k = have / sizeof(Order);
    for (size_t i = 0; i < k; i++) {
      Order o;
      memcpy(&o, buf + i * sizeof o, sizeof o);
      count_order(&o);
      acks[i] = o.token;
    }
    have -= k * sizeof(Order);
    memmove(buf, buf + k * sizeof(Order), have);
    if (!write_all(out, acks, k * sizeof *acks)) _exit(0);
  }
}

void effect_server(void) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)) die("pipe");
  fcntl(to[1], F_SETPIPE_SZ, 1 << 20); /* all runs may have an order under way at once */
  fcntl(from[1], F_SETPIPE_SZ, 1 << 20);
  fflush(NULL);
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (!pid) {
    close(to[1]);
    close(from[0]);
    serve(to[0], from[1]);
  }
  close(to[0]);
  close(from[1]);
  order_fd = to[1];
  ack_fd = from[0];
}

/* --- the engine's side ------------------------------------------------------------------------------------------------------------------ */
static void flush_orders(Engine *e, void *ctx) {
  (void)e, (void)ctx;
  uint64_t n;
  if (read(flush_fd, &n, sizeof n) < 0 && errno != EAGAIN) die("eventfd");
  if (!write_all(order_fd, orders, norders * sizeof *orders)) die("effect pipe");
  norders = 0;
}

static void acks_readable(Engine *e, void *ctx) {
  (void)ctx;
  static uint64_t acks[4096];
  size_t have = 0;
  do { /* whole tokens only */
    ssize_t n = read(ack_fd, (char *)acks + have, sizeof acks - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) die("effect process");
    have += (size_t)n;
  } while (have % sizeof *acks);
  for (size_t i = 0; i < have / sizeof *acks; i++) {
    StepCall *c = step_by_token(e, acks[i]);
    effect_acks++;
    if (c) step_done(e, c, NIL);
  }
}

static void effect_start(Engine *e, StepCall *c) {
  Val i = map_get_kw(step_config(c), "i");
  uint64_t run = step_token(c) >> 24, step = is_fix(i) ? (uint64_t)fix_of(i) : 0, one = 1;
  engine_watch(e, flush_fd, flush_orders, NULL);
  engine_watch(e, ack_fd, acks_readable, NULL);
  if (effect_seen) effect_seen((int64_t)run, (int64_t)step);
  if (norders == cap_orders) {
    cap_orders = cap_orders ? cap_orders * 2 : 1024;
    orders = realloc(orders, cap_orders * sizeof *orders);
    if (!orders) die("orders");
  }
  orders[norders++] = (Order){step_token(c), run << 32 | step};
  if (norders == 1 && write(flush_fd, &one, sizeof one) < 0) die("eventfd");
}

void effect_register(void) {
  static const StepKind kind = {.name = "effect", .start = effect_start};
  if (flush_fd < 0) flush_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (flush_fd < 0) die("eventfd");
  engine_register(&kind);
}
