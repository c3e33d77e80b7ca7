/* client_rows.h - how rows are written (client_cli.h), for client_rows*.c. */
#ifndef BR_CLIENT_ROWS_H
#define BR_CLIENT_ROWS_H
#include "client_cli.h"

#define PARAMS(...) .params = (const ClientParam[]){__VA_ARGS__, {0}}
#define NO_PARAMS .params = (const ClientParam[]){{0}}
/* A positional word, or a flag whose value is sent as it is. */
#define WORD(name, to, help) {name, CLIENT_TEXT, to, NULL, help, NULL, 0}
#define TEXT(name, to, help) {name, CLIENT_TEXT, to, NULL, help, NULL, 0}
#define FLAG(type, name, to, dflt, help) {name, CLIENT_##type, to, dflt, help, NULL, 0}
#define CHOICE(name, to, dflt, values, help) {name, CLIENT_TEXT, to, dflt, help, values, 0}
#define NEEDED(type, name, to, help) {name, CLIENT_##type, to, NULL, help, NULL, CLIENT_NEEDED}
/* The same value from a file. */
#define FROM_FILE(type, name, to, help) {name, CLIENT_##type, to, NULL, help, NULL, CLIENT_FILE}
#define SLUG WORD("<flow-slug>", "flowSlug", "the flow")
/* The same value from the environment. */
#define FROM_ENV(type, name, to, help) {name, CLIENT_##type, to, NULL, help, "NAME", CLIENT_ENV}

extern const ClientCommand client_rows_flows[], client_rows_runs[], client_rows_access[], client_rows_call[], client_rows_resources[], client_rows_jobs[], client_rows_worker[], client_rows_agent[], client_rows_look[], client_rows_debug[];
#endif
