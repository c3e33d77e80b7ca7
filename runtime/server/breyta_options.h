/* breyta_options.h - commands and options of the program breyta, once: parsing, usage and --help are made from these tables
 * (breyta_cli.c), man pages and completions (breyta_doc.c). A new command: a row and a function breyta_<id>; a new option: a row, its value
 * is o->id.
 *
 *   COMMAND(id, name, arguments, summary, description)
 *   OPTION(id, name, argument, default, commands, help)
 *     argument   NULL: a flag, its value is "yes"; ends in ...: may be given more than once, its value has one a line
 *     commands   a name of enum BreytaOn. Those of serve may also stand in the --config file (breyta_config.h) */
#ifndef BR_BREYTA_OPTIONS_H
#define BR_BREYTA_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>

#define BREYTA_COMMANDS(COMMAND)                                                                                                     \
  COMMAND(serve, "serve", "[OPTIONS]", "run the server: flows, versions and runs over HTTP, from one file",                         \
          "Serves the API until SIGTERM or SIGINT: then no more is accepted, steps under way get --drain seconds to end, and the rest "\
          "stays where it is durable; a second signal ends it at once. Killed at any moment, the next start goes on with every run. The "\
          "first start prints the three lines that a client needs, the key among them, once.")                                      \
  COMMAND(backup, "backup", "--to DIR [OPTIONS]", "copy everything that is kept, also beside a running server",                      \
          "Copies the database as it is at one moment and the blobs that it names, checks the copy, and syncs it to the disk; DIR appears "\
          "when it is whole. `breyta serve --data DIR` goes on from there. The key that seals secrets is not copied: keep a copy of it "\
          "elsewhere. Blobs in an object storage stay there.")                                                                      \
  COMMAND(doctor, "doctor", "[OPTIONS]", "look for what is wrong, or soon will be",                                                   \
          "Looks at the folder, the database, its integrity and format, free space, the time that syncing takes, the clock, the port, "\
          "blobs, runs, limits of the system, the certificate and the public address, beside a running server too, and changes nothing. "\
          "Exits 1 when something has to be mended.")

enum BreytaCmd {
#define BREYTA_CMD(id, name, args, summary, text) BREYTA_CMD_##id,
  BREYTA_COMMANDS(BREYTA_CMD)
#undef BREYTA_CMD
};
enum BreytaOn {
#define BREYTA_BIT(id, name, args, summary, text) BREYTA_ON_##id = 1 << BREYTA_CMD_##id,
  BREYTA_COMMANDS(BREYTA_BIT)
#undef BREYTA_BIT
  BREYTA_ON_data = BREYTA_ON_serve | BREYTA_ON_backup | BREYTA_ON_doctor,
  BREYTA_ON_listening = BREYTA_ON_serve | BREYTA_ON_doctor,
  BREYTA_ON_looking = BREYTA_ON_backup | BREYTA_ON_doctor
};

#define BREYTA_OPTIONS(OPTION)                                                                                                       \
  OPTION(config, "config", "FILE", NULL, data,                                                                                        \
         "options of the server from a file, by their names: JSON, or EDN when it ends in .edn; what the command line says comes first")\
  OPTION(data, "data", "DIR", "breyta-data", data, "where everything is kept (DIR/breyta.db and blobs); made when it is missing")    \
  OPTION(workspace, "workspace", "NAME", "ws-local", serve, "the workspace that is made at the first start; there may be more")                                                         \
  OPTION(secrets_key, "secrets-key", "FILE", NULL, serve,                                                                            \
         "the key that seals secrets, instead of BREYTA_SECRETS_KEY or DIR/secrets.key; made when it is missing")                    \
  OPTION(listen, "listen", "HOST:PORT", "127.0.0.1:8080", listening, "address of the API; port 0 takes a free one")                      \
  OPTION(blobs, "blobs", "URL|disk", NULL, serve,                                                                                     \
         "where results kept by :persist go, remembered in DIR: s3://BUCKET/PREFIX?endpoint=URL&region=NAME&cache=1G, or disk: in DIR")  \
  OPTION(keep_history, "keep-history", "AGE", NULL, serve,                                                                           \
         "histories of runs that ended longer ago than this may be dropped, such as 30d; without it they are kept")                  \
  OPTION(history_above, "history-above", "SIZE", NULL, serve,                                                                        \
         "while the database holds more than this, such as 10GB, the oldest histories of runs that are over are dropped")            \
  OPTION(public_url, "public-url", "URL", NULL, listening, "how others reach this server, for links and callbacks")                     \
  OPTION(tls_cert, "tls-cert", "FILE", NULL, listening, "speak TLS with this certificate (PEM, with its chain); needs --tls-key")         \
  OPTION(tls_key, "tls-key", "FILE", NULL, listening, "the certificate's private key (PEM, not encrypted)")             \
  OPTION(log, "log", "json|text|off", NULL, serve,                                                                                    \
         "a line for each event on standard error: runs, failed steps, retries, answers, refused keys; text at a terminal, else json")  \
  OPTION(trust_proxy, "trust-proxy", "ADDRESS|NETWORK...", NULL, serve,                                                               \
         "believe X-Forwarded-For, -Proto and -Host of requests from here: loopback, 10.0.0.0/8, fd00::/8 ...")                        \
  OPTION(drain, "drain", "SECONDS", "10", serve, "how long steps under way may take to end when the server is stopped")                \
  OPTION(workers, "workers", "N", NULL, serve,                                                                                         \
         "threads that wait for databases, blobs, files and names, for each of these; runs themselves take turns on one thread")       \
  OPTION(limit, "limit", "NAME=N...", NULL, serve, "another value for a limit (`breyta-run help limits`)")                             \
  OPTION(profile, "profile", "local|hosted", "local", serve, "hosted: also the limits that only meter a hosted plan")                  \
  OPTION(to, "to", "DIR|FILE.db", NULL, backup, "where the copy goes: a folder for --data, or a database with its blobs beside it")    \
  OPTION(quick, "quick", NULL, NULL, doctor, "do not read every page of the database and every blob")                                  \
  OPTION(format, "format", "text|json", "text", looking, "how the result is printed; json: one object")

typedef struct BreytaOptions {
#define BREYTA_FIELD(id, name, arg, dflt, cmd, help) const char *id;
  BREYTA_OPTIONS(BREYTA_FIELD)
#undef BREYTA_FIELD
} BreytaOptions;

int breyta_main(int argc, char **argv);
int breyta_serve(const BreytaOptions *o);  /* server.c */
int breyta_backup(const BreytaOptions *o); /* backup.c */
int breyta_doctor(const BreytaOptions *o); /* doctor.c */

/* The tables as the generic parts see them. */
typedef struct BreytaCommand {
  const char *name, *args, *summary, *text;
  int (*run)(const BreytaOptions *o);
} BreytaCommand;
typedef struct BreytaOption {
  const char *name, *arg, *dflt, *help;
  int on; /* bits of enum BreytaOn */
  size_t field;
} BreytaOption;
extern const BreytaCommand breyta_commands[];
extern const BreytaOption breyta_options[];
extern const int breyta_ncommands, breyta_noptions;
bool breyta_repeats(const BreytaOption *o);
/* One more value of a repeated option, else in place of what was there. */
void breyta_option_set(BreytaOptions *o, const BreytaOption *option, const char *value);
#endif
