/* client_config.h - where the server is and who calls, from the command line, the environment and files (spec/http-api.md, A6).
 *
 *   url        --api, BREYTA_API_URL, the profile's, config.json's apiUrl, else http://127.0.0.1:8080
 *   workspace  --workspace, BREYTA_WORKSPACE, the profile's, config.json's workspaceId
 *   key        --api-key, --api-key-file, BREYTA_API_KEY, --token, BREYTA_TOKEN, the profile's, the one that `breyta auth login` stored for
 * that url
 *   ca_file    --ca-file, BREYTA_CA_FILE, the profile's, config.json's caFile
 *
 * The files lie in $XDG_CONFIG_HOME/breyta (~/.config/breyta): config.json {"apiUrl","workspaceId","caFile","devProfiles":{name:{
 * "apiUrl","workspaceId","token","caFile"}},"devActive":name} and auth.json {"tokens":{url:{"token","updatedAt"}}}, mode 0600, elsewhere by
 * BREYTA_AUTH_STORE. They are those of the stock client, caFile is ours; keys that we do not know are kept. Files are replaced whole. */
#ifndef BR_CLIENT_CONFIG_H
#define BR_CLIENT_CONFIG_H
#include "client.h"

#define CLIENT_DEFAULT_URL "http://127.0.0.1:8080"

/* What the command line said; NULL: nothing. */
typedef struct ClientSaid {
  const char *api, *workspace, *api_key, *api_key_file, *token, *profile, *ca_file;
} ClientSaid;
/* false: a file is damaged, a profile unknown, a URL none: e says which. */
bool client_config(const ClientSaid *said, ClientConfig *out, Err *e);
/* The files as values; {} when there is none. */
bool client_config_read(Val *out, Err *e);
bool client_config_write(Val v, Err *e);
bool client_auth_read(const char *store, Val *out, Err *e); /* store: NULL = where it belongs */
bool client_auth_write(const char *store, Val v, Err *e);
#endif
