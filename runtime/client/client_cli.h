/* client_cli.h - the command line of the client: one table, from which parsing, requests, help, man page and completions are made.
 *
 * A row (ClientCommand) is a command of one to four words. `call` says what it asks: a command of the API ("runs.get") or a route
 * ("GET waits/{id}", behind /api/). Each parameter (ClientParam) has a name - "<flow-slug>", "[query]", "[files...]" are positional, all
 * others flags - a type, and where its value goes:
 *   to  "a"     an argument of the command; of a route: query of a GET or DELETE, else a key of the JSON body. "page.limit": inside a map
 *       "?a"    the query, whatever the method
 *       "{a}"   the place of that name in the route's path
 *       ""      the whole body
 *       NULL    only the row's function reads it
 * Most rows are no more than that. A row with `run` has behaviour of its own: it gets what was parsed (ClientRun) and may use what the
 * plain rows use (client_send, client_finish). A new command: a row in client_rows_*.c, and a case in tests/api/test_client*.py.
 *
 * Standard output: one JSON object, {"ok","workspaceId","data","meta"}, on one line, or indented with --pretty. Standard error: text for
 * people. Exit status: 0 ok, 1 not ok, bad usage too (http-api.md A8), with the error as JSON. */
#ifndef BR_CLIENT_CLI_H
#define BR_CLIENT_CLI_H
#include "client.h"
#include "client_config.h"

enum ClientType {
  CLIENT_BOOL,     /* --x, --x=false */
  CLIENT_TEXT,
  CLIENT_INT,      /* >= 0 */
  CLIENT_VERSION,  /* a number from 1, or latest */
  CLIENT_DURATION, /* 250ms, 10s, 5m; a bare number is milliseconds. Sent as milliseconds */
  CLIENT_JSON,     /* any JSON */
  CLIENT_OBJECT,   /* a JSON object; repeated: a later one adds to the earlier */
  CLIENT_ARRAY,    /* a JSON array */
  CLIENT_CSV,      /* a,b,c, also repeated: an array of texts */
  CLIENT_LIST,     /* repeated: an array of texts */
  CLIENT_JSONS,    /* repeated: an array of JSON */
  CLIENT_PAIRS,    /* repeated k=v: an object; v is JSON if it can be read as such, else text */
  CLIENT_LABELS,   /* repeated k=v: an object of texts */
  CLIENT_NULL,     /* a flag that sends null: --clear */
  CLIENT_SIGNED    /* a whole number, also below 0 */
};
enum ClientFlag {
  CLIENT_NEEDED = 1,
  CLIENT_FILE = 2,   /* the value is the name of a file, - standard input, and its content counts */
  CLIENT_HIDDEN = 4, /* works, and help does not tell */
  CLIENT_RAW = 8,    /* a file's content is not trimmed (CLIENT_TEXT) */
  CLIENT_ENV = 32    /* the value is the name of an environment variable, and its content counts */
};
typedef struct ClientParam {
  const char *name;
  enum ClientType type;
  const char *to, *dflt, *help; /* dflt "$NAME": what that variable of the environment says, if anything (only for what is sent) */
  const char *arg;     /* what help calls the value; NULL: by its type. With |: the values that may be given */
  unsigned flags;
} ClientParam;

struct ClientRun;
typedef struct ClientCommand {
  const char *name, *alias; /* "flows versions list"; alias: other last words, "ls|get" */
  const char *call;         /* NULL: only `run` */
  const char *summary, *text;
  const char *fixed;        /* JSON object: arguments that are always sent */
  const char *next;         /* meta.nextCommands: "breyta runs show {data.workflowId}", one a line; {x} in the answer, {--flag} as given */
  int64_t timeout_ms;
  int (*run)(struct ClientRun *r);
  const ClientParam *params; /* up to the first without a name */
  unsigned flags;           /* CLIENT_HIDDEN; CLIENT_LOCAL */
} ClientCommand;
enum { CLIENT_LOCAL = 16 /* asks no server by itself: no Client is made before r->run needs one */ };

typedef struct ClientGiven {
  const char **a;
  int n;
} ClientGiven;

typedef struct ClientRun {
  const ClientCommand *command;
  ClientSaid said;
  bool pretty;
  ClientGiven *given; /* one for each parameter of the row */
  ClientConfig where;
  Client *client;     /* NULL until client_of */
  Val args;           /* arguments of the command, or body of the route; nil: none were given */
  Val query;
  Val path;           /* map: what stands in {..} */
  ValVec hints;       /* more nextCommands */
  bool misused;       /* client_usage was called: the exit status is EXIT_FAILED whatever the row's function returns */
  int rest_at;        /* of argv: what follows -- ; 0: nothing */
  int argc;
  char **argv;
} ClientRun;

int client_main(int argc, char **argv);
int client_help(int n, char **words); /* of the command or group that they name */

/* --- for the functions of rows ---------------------------------------------------------------------------------------------------- */
bool client_given(const ClientRun *r, const char *name);
const char *client_text(const ClientRun *r, const char *name); /* as given, else the default, else NULL */
bool client_flag(const ClientRun *r, const char *name);
int64_t client_int(const ClientRun *r, const char *name, int64_t otherwise); /* durations: ms */
ClientGiven client_list(const ClientRun *r, const char *name);
Client *client_of(ClientRun *r); /* NULL: told and printed; the status is EXIT_FAILED */
int64_t client_timeout(const ClientRun *r); /* of a request: --timeout, unless that is how long to wait for a run; else the row's */
/* The row's request, with r->args, r->query and r->path. */
bool client_send(ClientRun *r, ClientAnswer *a);
/* Prints the envelope with the row's hints; the exit status by its "ok". */
int client_finish(ClientRun *r, ClientAnswer *a);
int client_print(ClientRun *r, Val envelope, bool ok);
int client_done(ClientRun *r, Val data);                                                            /* {"ok":true,"data":data} */
int client_fail(ClientRun *r, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));  /* EXIT_FAILED */
int client_usage(ClientRun *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));                   /* EXIT_FAILED */
void client_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));                        /* a line to standard error */
void client_hint(ClientRun *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));         /* one more of meta.nextCommands */
/* A value out of text by its type; what: for the message. false: e says what is wrong. */
bool client_value(enum ClientType type, const char *s, size_t n, const char *what, Val *out, Err *e);
bool client_read(ClientRun *r, const char *path, Buf *b, const char *what); /* a file, - standard input. false: told, EXIT_FAILED */
Val client_pairs(ClientRun *r, const char *name, bool json, bool *ok);

/* --- the table -------------------------------------------------------------------------------------------------------------------- */
const ClientCommand *client_command_at(int i); /* NULL behind the last */
const ClientCommand *client_command_in(char **words, int n, int *used); /* the one that the first words name; NULL: none */
const char *client_group(const char *word); /* "flow" is "flows" */
const ClientCommand *client_command_named(char **words, int n); /* aliases too; NULL */
extern const ClientParam client_globals[];     /* flags that every command takes */
bool client_choice(const ClientParam *p);      /* is it one of a|b|c? */
bool client_positional(const ClientParam *p);
bool client_many(const ClientParam *p);        /* may be given more than once */
const char *client_arg(const ClientParam *p);  /* what help calls the value; NULL: a flag without */
#endif
