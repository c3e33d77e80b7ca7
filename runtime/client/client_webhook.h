/* client_webhook.h - requests as others send them, with their signatures (spec/http-api.md, G2). Each returns an exit status. */
#ifndef BR_CLIENT_WEBHOOK_H
#define BR_CLIENT_WEBHOOK_H
#include "client_cli.h"

int client_webhook_send(ClientRun *r);
int client_webhook_urls(ClientRun *r);
int client_webhook_upload(ClientRun *r); /* files to a webhook of an installation */
#endif
