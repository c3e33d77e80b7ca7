/* breyta_options.h - commands and options of the program breyta, once: parsing, usage and --help are made from these tables
 * (breyta_cli.c). A new command: a row and a function breyta_<id>; a new option: a row, its value is o->id.
 *
 *   COMMAND(id, name, arguments, summary)
 *   OPTION(id, name, argument, default, command, help) */
#ifndef BR_BREYTA_OPTIONS_H
#define BR_BREYTA_OPTIONS_H

#define BREYTA_COMMANDS(COMMAND) COMMAND(serve, "serve", "[OPTIONS]", "run the server: flows, versions and runs over HTTP, from one file")

#define BREYTA_OPTIONS(OPTION)                                                                                                       \
  OPTION(data, "data", "DIR", "breyta-data", serve, "where everything is kept (DIR/breyta.db and blobs); made when it is missing")    \
  OPTION(workspace, "workspace", "NAME", "ws-local", serve, "the workspace that is made at the first start; there may be more")                                                         \
  OPTION(secrets_key, "secrets-key", "FILE", NULL, serve,                                                                            \
         "the key that seals secrets, instead of BREYTA_SECRETS_KEY or DIR/secrets.key; made when it is missing")                    \
  OPTION(listen, "listen", "HOST:PORT", "127.0.0.1:8080", serve, "address of the API; port 0 takes a free one")                      \
  OPTION(blobs, "blobs", "URL|disk", NULL, serve,                                                                                     \
         "where results kept by :persist go, remembered in DIR: s3://BUCKET/PREFIX?endpoint=URL&region=NAME&cache=1G, or disk: in DIR")  \
  OPTION(keep_history, "keep-history", "AGE", NULL, serve,                                                                           \
         "histories of runs that ended longer ago than this may be dropped, such as 30d; without it they are kept")                  \
  OPTION(history_above, "history-above", "SIZE", NULL, serve,                                                                        \
         "while the database holds more than this, such as 10GB, the oldest histories of runs that are over are dropped")            \
  OPTION(public_url, "public-url", "URL", NULL, serve, "how others reach this server, for links and callbacks")                     \
  OPTION(tls_cert, "tls-cert", "FILE", NULL, serve, "speak TLS with this certificate (PEM, with its chain); needs --tls-key")         \
  OPTION(tls_key, "tls-key", "FILE", NULL, serve, "the certificate's private key (PEM, not encrypted)")               \
  OPTION(log, "log", "json|text|off", NULL, serve,                                                                                    \
         "a line for each event on standard error: runs, failed steps, retries, answers, refused keys; text at a terminal, else json")

typedef struct BreytaOptions {
#define BREYTA_FIELD(id, name, arg, dflt, cmd, help) const char *id;
  BREYTA_OPTIONS(BREYTA_FIELD)
#undef BREYTA_FIELD
} BreytaOptions;

int breyta_main(int argc, char **argv);
int breyta_serve(const BreytaOptions *o); /* server.c */
#endif
