/* client_resources.h - files and tables: commands that are more than one request, or whose answer goes into a file
 * (client_rows_resources.c). Each returns an exit status. */
#ifndef BR_CLIENT_RESOURCES_H
#define BR_CLIENT_RESOURCES_H
#include "client_cli.h"

int client_resource_read(ClientRun *r);
int client_resource_upload(ClientRun *r);
int client_resource_download(ClientRun *r);
int client_table_query(ClientRun *r);
int client_table_export(ClientRun *r);
int client_table_import(ClientRun *r);
int client_table_verify(ClientRun *r);

/* Sends a file by the upload protocol (spec/http-api.md, H2). name, type: NULL = of the path. *out:
 * {"uri","content-type","size-bytes","filename"}. false: told and printed. */
typedef struct ClientUpload {
  const char *path, *name, *type, *folder;
  bool replace;
} ClientUpload;
bool client_upload(ClientRun *r, const ClientUpload *u, Val *out);
/* By the name's ending; application/octet-stream for what is unknown. */
const char *client_content_type(const char *name);
#endif
