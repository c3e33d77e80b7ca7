/* client_rows_agent.c - rows: machines where agents run. They print scripts, or are breyta-agent, and ask no server. */
#include "runtime/agent/agent_provision.h"
#include "runtime/net/agent_script.h"
#include "runtime/cli/cli.h"
#include "runtime/ssh/ssh_shell.h"
#include "client_rows.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int print_text(Buf *b) {
  cli_out(b->p, b->n);
  cli_out_flush();
  buf_free(b);
  return EXIT_OK;
}

static int install_script(ClientRun *r) {
  Buf b = {0};
  (void)r;
  agent_script_install(&b);
  return print_text(&b);
}

static const char *or_none(const char *s) { return s ? s : ""; }

static int print_plan(ClientRun *r, const char *what) {
  ClientGiven egress = strcmp(what, "provision") ? (ClientGiven){0} : client_list(r, "egress-allow");
  bool keys = strcmp(what, "deprovision") != 0, all = !strcmp(what, "provision");
  Buf key = {0}, b = {0};
  Err err = {0};
  if (keys && !client_read(r, client_text(r, "public-key"), &key, "public-key")) return EXIT_FAILED;
  AgentPlan p = {.what = what, .user = client_text(r, "user"), .keys = keys ? buf_cstr(&key) : NULL, .memory = or_none(all ? client_text(r, "memory") : NULL),
                 .cpu = or_none(all ? client_text(r, "cpu") : NULL), .tasks = or_none(all ? client_text(r, "tasks") : NULL), .egress = egress.a, .negress = egress.n,
                 .report = all ? client_text(r, "report-url") : NULL, .host = all ? client_text(r, "host") : NULL};
  bool ok = agent_plan_check(&p, &err), cloud = all && !strcmp(client_text(r, "print"), "cloud-init");
  if (ok) (cloud ? agent_plan_cloud_init : agent_plan_script)(&p, &b);
  buf_free(&key);
  return ok ? print_text(&b) : client_usage(r, "%s", err.msg);
}

static int provision(ClientRun *r) { return print_plan(r, "provision"); }
static int rotate_key(ClientRun *r) { return print_plan(r, "rotate-key"); }
static int deprovision(ClientRun *r) { return print_plan(r, "deprovision"); }

/* ---- breyta-agent on this machine ---- */

/* Its standard input is its own text (agent_script_begin). */
static bool bring_text(void) {
  size_t n;
  const char *text = agent_script(&n);
  int fd = memfd_create("breyta-agent", 0);
  return fd >= 0 && cli_write_all(fd, text, n) && !lseek(fd, 0, SEEK_SET) && dup2(fd, 0) == 0;
}

/* Its arguments as they were given: flags, what is positional, and the command behind --. */
static void hand_over(Buf *sh, const ClientRun *r) {
  for (int want_flag = 1; want_flag >= 0; want_flag--)
    for (int i = 0; r->command->params[i].name; i++) {
      const ClientParam *p = &r->command->params[i];
      if (client_positional(p) == want_flag || !r->given[i].n) continue;
      if (want_flag) buf_fmt(sh, " --%s", p->name);
      buf_ch(sh, ' ');
      ssh_shell_quote(sh, r->given[i].a[r->given[i].n - 1]);
    }
  if (r->rest_at) buf_c(sh, " --");
  for (int i = r->rest_at; i && i < r->argc; i++) {
    buf_ch(sh, ' ');
    ssh_shell_quote(sh, r->argv[i]);
  }
}

static int become(ClientRun *r) {
  Buf sh = {0};
  agent_script_begin(&sh);
  buf_c(&sh, strrchr(r->command->name, ' ') + 1);
  hand_over(&sh, r);
  if (bring_text()) execlp("sh", "sh", "-c", buf_cstr(&sh), "breyta-agent", (char *)NULL);
  return client_fail(r, "failed", "breyta-agent cannot be started: %s", strerror(errno));
}

static int run(ClientRun *r) {
  return r->rest_at && r->rest_at < r->argc ? become(r) : client_usage(r, "run what? The command stands behind --: breyta agent run -- CMD...");
}

#define ID WORD("<id>", NULL, "which one: the key of its wait, or what --id has said")
#define HELPER(word, says, how, ...) {.name = "agent " word, .summary = says, .run = how, .flags = CLIENT_LOCAL, .text = "The same as breyta-agent " word ", which `breyta-agent help` describes.", __VA_ARGS__}
#define USER FLAG(TEXT, "user", NULL, "breyta", "the user for agents over there")
#define KEY {"public-key", CLIENT_TEXT, NULL, NULL, "file with the public keys that are let in, one a line", "FILE", CLIENT_NEEDED}

const ClientCommand client_rows_agent[] = {
    {.name = "agent run", .summary = "run a command on this machine, detached, for a flow that waits", .run = run, .flags = CLIENT_LOCAL,
     .text = "Progress, the end of its output and its result go to BREYTA_CALLBACK_URL and BREYTA_PROGRESS_URL, where these are set; what has the same --id runs once. It is what breyta-agent does, "
             "a script that needs sh and curl alone and that `breyta agent install-script` puts onto machines without breyta; `breyta-agent help` there tells all of it.",
     PARAMS({"id", CLIENT_TEXT, NULL, NULL, "what it is called here; else BREYTA_WAIT_KEY", "ID", 0}, {"dir", CLIENT_TEXT, NULL, NULL, "the folder it runs in; else this one", "DIR", 0})},
    HELPER("list", "the commands that agent run has started here", become, NO_PARAMS),
    HELPER("status", "how one of them stands", become, PARAMS(ID)),
    HELPER("log", "what one of them has written", become, PARAMS(ID)),
    HELPER("stop", "end one of them with all that it has started", become,
           PARAMS(ID, {"grace", CLIENT_INT, NULL, NULL, "how long it may take to end by itself; else 3", "SECONDS", 0})),
    HELPER("rm", "forget one that is over", become, PARAMS(ID)),
    {.name = "agent install-script", .summary = "print a script that installs breyta-agent, the helper of agents on other machines", .run = install_script, .flags = CLIENT_LOCAL, NO_PARAMS,
     .text = "The server has the same at /agent/install.sh: `curl -fsS https://your-server/agent/install.sh | sh` on the other machine. Agents started by :agent steps bring it along by themselves."},
    {.name = "agent provision", .summary = "print what makes a machine ready for agents", .run = provision, .flags = CLIENT_LOCAL,
     .text = "A script for root, or user-data for cloud-init: makes a user who is let in with the given keys alone and may forward nothing, limits what it may take, installs breyta-agent, "
             "and says the machine's host keys as lines for known_hosts, on its output and to --report-url. With --egress-allow the user may connect there and nowhere else. Run again, it changes to the new settings. "
             "Whoever could answer --report-url in the machine's place could stand between you and it, so the address should hold a credential that is good for once: that of a :wait with "
             ":webhook {:auth {:type :api-key :location :query :secret-ref ..}}, with ?token=SECRET behind it, takes one answer. The script has that credential in it: keep it as a secret until it has run. "
             "On a machine in a cloud, user-data can be read by root, and by everybody who may ask its metadata service.",
     PARAMS(CHOICE("print", NULL, "script", "cloud-init|script", "in which form"), KEY, USER,
            {"egress-allow", CLIENT_LIST, NULL, NULL, "what it may connect to, and nothing else", "HOST:PORT", 0},
            FLAG(TEXT, "memory", NULL, "2G", "memory of everything that it runs"), FLAG(TEXT, "cpu", NULL, "200%", "processor time of everything that it runs: 100% is one processor"),
            FLAG(TEXT, "tasks", NULL, "512", "processes and threads of it"), {"report-url", CLIENT_TEXT, NULL, NULL, "where the host keys are posted to, such as the address of a :wait", "URL", 0},
            {"host", CLIENT_TEXT, NULL, NULL, "name or address by which the machine is reached, for known_hosts; else its own name", "NAME", 0})},
    {.name = "agent rotate-key", .summary = "print a script that lets other keys in, and these alone", .run = rotate_key, .flags = CLIENT_LOCAL,
     .text = "For root on the machine. What runs goes on; give flows the new private key before you run it.", PARAMS(KEY, USER)},
    {.name = "agent deprovision", .summary = "print a script that removes the user for agents", .run = deprovision, .flags = CLIENT_LOCAL,
     .text = "For root on the machine: ends everything that the user runs and removes it with its files, its rules and, with the last one, breyta-agent.", PARAMS(USER)},
    {0},
};
