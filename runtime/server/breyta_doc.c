/* breyta_doc.c - see breyta_doc.h */
#include "breyta_doc.h"
#include "runtime/cli/cli.h"
#include "runtime/client/client_doc.h"
#include "runtime/base/completion.h"

static bool takes(int cmd, int i) { return breyta_options[i].on >> cmd & 1; }

/* --- help -------------------------------------------------------------------------------------------------------------------------- */
/* add: cli_help_entry or cli_man_entry. */
static void option(Buf *b, const BreytaOption *o, void (*add)(Buf *, const char *, const char *, const char *)) {
  Buf head = {0};
  buf_fmt(&head, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
  add(b, buf_cstr(&head), o->help, o->dflt);
  buf_free(&head);
}

static void command_help(Buf *b, int cmd) {
  const BreytaCommand *c = &breyta_commands[cmd];
  buf_fmt(b, "Usage: breyta %s %s\n\n", c->name, c->args);
  cli_wrap(b, c->text, 0);
  buf_c(b, "\nOptions:\n");
  for (int i = 0; i < breyta_noptions; i++)
    if (takes(cmd, i)) option(b, &breyta_options[i], cli_help_entry);
}

void breyta_help(Buf *b, int cmd) {
  if (cmd >= 0) {
    command_help(b, cmd);
    return;
  }
  buf_c(b, "breyta " BREYTA_VERSION ": a server for flows that survive anything\n\n");
  for (int i = 0; i < breyta_ncommands; i++) buf_fmt(b, "  breyta %-18s%s\n", breyta_commands[i].name, breyta_commands[i].summary);
  buf_c(b, "\nAsking a server; `breyta GROUP` lists a group's commands, `breyta commands` all of them as JSON:\n");
  client_help_groups(b);
  for (int i = 0; i < breyta_ncommands; i++) {
    buf_ch(b, '\n');
    command_help(b, i);
  }
}

/* --- the environment ---------------------------------------------------------------------------------------------------------------- */
typedef struct Variable {
  const char *name, *help;
} Variable;

static const Variable client_variables[] = {
    {"BREYTA_API_URL, BREYTA_WORKSPACE, BREYTA_API_KEY, BREYTA_CA_FILE", "what --api, --workspace, --api-key and --ca-file say when they are given"},
    {"BREYTA_TOKEN", "the same as BREYTA_API_KEY, behind it"},
    {"BREYTA_PROFILE", "what --profile says"},
    {"BREYTA_FLOW_DEPLOY_KEY", "what --deploy-key says"},
    {"BREYTA_AUTH_STORE", "another file in place of auth.json"},
    {"XDG_CONFIG_HOME", "the folder with breyta/config.json and breyta/auth.json (default ~/.config)"},
    {"BREYTA_JOB_DIR, BREYTA_JOB_FILE, BREYTA_JOB_PAYLOAD_FILE, BREYTA_JOB_RESULT_FILE, BREYTA_JOB_CONTEXT_FILE, BREYTA_JOB_ID, BREYTA_JOB_LEASE_TOKEN",
     "which job a handler of `breyta jobs worker run` is for: set by the worker"},
    {"BREYTA_PROGRESS_INTERVAL", "seconds between two reports of `breyta jobs worker agent` (default 5)"}};
static const Variable server_variables[] = {
    {"BREYTA_SECRETS_KEY", "the key that seals secrets, in place of DIR/secrets.key: base64 of 32 bytes"},
    {"BREYTA_ALLOW_PRIVATE_HOSTS", "private hosts and networks that steps may reach, with commas: localhost,10.0.0.0/8"},
    {"AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL, AWS_PROFILE",
     "for --blobs s3://...; else ~/.aws/credentials, or AWS_SHARED_CREDENTIALS_FILE"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_TRACES_HEADERS, OTEL_SERVICE_NAME",
     "where traces go, by OTLP over HTTP; nowhere without an endpoint"}};

static void man_variables(Buf *b, const Variable *v, size_t n) {
  buf_c(b, ".SH ENVIRONMENT\n");
  for (size_t i = 0; i < n; i++) cli_man_entry(b, v[i].name, v[i].help, NULL);
}
#define VARIABLES(b, of) man_variables(b, of, sizeof of / sizeof *of)

/* --- man pages --------------------------------------------------------------------------------------------------------------------- */
static void man_command(Buf *b, int cmd) {
  buf_c(b, "\\&");
  cli_roff(b, breyta_commands[cmd].text);
  buf_ch(b, '\n');
  for (int i = 0; i < breyta_noptions; i++)
    if (takes(cmd, i)) option(b, &breyta_options[i], cli_man_entry);
}

static void man_head(Buf *b, const char *title, int section, const char *manual, const char *name, const char *summary) {
  buf_fmt(b, ".TH %s %d \"\" \"breyta " BREYTA_VERSION "\" \"%s\"\n.SH NAME\n", title, section, manual);
  cli_roff(b, name);
  buf_c(b, " \\- ");
  cli_roff(b, summary);
  buf_c(b, "\n.SH SYNOPSIS\n");
}

static void man_synopsis(Buf *b, int cmd) {
  buf_fmt(b, ".B breyta %s\n", breyta_commands[cmd].name);
  cli_roff(b, breyta_commands[cmd].args);
  buf_ch(b, '\n');
}

static void man_breyta(Buf *b) {
  man_head(b, "BREYTA", 1, "User Commands", "breyta", "a server for flows that survive anything");
  for (int i = 0; i < breyta_ncommands; i++) {
    if (i) buf_c(b, ".br\n");
    man_synopsis(b, i);
  }
  buf_c(b, ".SH COMMANDS\n");
  for (int i = 0; i < breyta_ncommands; i++) {
    buf_fmt(b, ".SS breyta %s\n", breyta_commands[i].name);
    if (i == BREYTA_CMD_serve) buf_c(b, "\\&Runs the server: see\n.BR breyta\\-serve (8).\n");
    else man_command(b, i);
  }
  client_man(b);
  VARIABLES(b, client_variables);
  buf_c(b, ".SH FILES\n.TP\n.I ~/.config/breyta/config.json\n\\&the server, the workspace, profiles\n"
           ".TP\n.I ~/.config/breyta/auth.json\n\\&keys that `breyta auth login` has kept\n");
  buf_c(b, ".SH EXIT STATUS\n.TP\n.B 0\nfine\n.TP\n.B 1\nfailed; standard error says why; bad usage of what asks a server, too\n.TP\n.B 2\nbad usage of serve, backup or doctor\n"
           ".SH SEE ALSO\n.BR breyta\\-serve (8),\n.BR breyta\\-run (1)\n");
}

static void man_serve(Buf *b) {
  man_head(b, "BREYTA\\-SERVE", 8, "System Administration", "breyta-serve", breyta_commands[BREYTA_CMD_serve].summary);
  man_synopsis(b, BREYTA_CMD_serve);
  buf_c(b, ".SH DESCRIPTION\n");
  man_command(b, BREYTA_CMD_serve);
  VARIABLES(b, server_variables);
  buf_c(b, ".SH FILES\n.TP\n.I DIR/breyta.db\nflows, runs and all else that is kept\n.TP\n.I DIR/breyta.db\\-blobs\nlarge results and files\n"
           ".TP\n.I DIR/secrets.key\nthe key that seals secrets: keep a copy elsewhere\n"
           ".SH SIGNALS\n.TP\n.B SIGTERM, SIGINT\nend in good order; the second one at once\n"
           ".SH EXIT STATUS\n.TP\n.B 0\nstopped by a signal, in good order\n.TP\n.B 1\nfailed; standard error says why\n.TP\n.B 2\nbad usage or configuration\n"
           ".SH SEE ALSO\n.BR breyta (1),\n.BR breyta\\-run (1)\n");
}

/* --- completion -------------------------------------------------------------------------------------------------------------------- */
static const char *command_at(int i, const char **summary) {
  *summary = breyta_commands[i].summary;
  return breyta_commands[i].name;
}

static bool option_at(int cmd, int i, const char **name, const char **arg, const char **help) {
  *name = breyta_options[i].name;
  *arg = breyta_options[i].arg;
  *help = breyta_options[i].help;
  return takes(cmd, i);
}

bool breyta_generate(Buf *b, const char *what, const char *name) {
  Completed c = {"breyta", breyta_ncommands, breyta_noptions, command_at, option_at, client_help_group, NULL};
  if (!strcmp(what, "--completion")) return completion_script(b, &c, name);
  if (!strcmp(name, "breyta")) return man_breyta(b), true;
  return !strcmp(name, "breyta-serve") && (man_serve(b), true);
}
