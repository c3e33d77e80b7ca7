/* agent_progress.h - how far the one is who will answer a wait: POST /<workspace>/progress/<wait-key>, with the credentials that the
 * wait's answer needs.
 *
 * The body is JSON, {"message" s, "percent" n, "logTail" s, "logBytes" n, "seq" n}, all of them optional, or a text. The last PROGRESS_KEPT
 * of a wait are kept, among the outcomes: they are gone a day later, or with an agent's wait, whose result has them as :progress. {} says
 * nothing, and is not kept: it asks whether anybody still waits.
 *
 *   200 durable     400 no JSON     401 the credentials are missing or wrong     410 the wait is over, or (code cancelled)
 *   its run was ended without any step that could have ended the agent: the agent is to end
 *   425 nobody waits for that key yet     429 the last one was just now     503 it cannot be verified or stored
 * Engine thread, or for reading a process beside it. */
#ifndef BR_AGENT_PROGRESS_H
#define BR_AGENT_PROGRESS_H
#include "runtime/engine/engine.h"
#include "runtime/net/listener.h"

enum { PROGRESS_KEPT = 20, PROGRESS_EVERY_MS = 100, PROGRESS_MESSAGE = 1000, PROGRESS_TAIL = 4000 };

typedef struct ProgressReply {
  int status; /* 200 and no batch: nothing is to be stored */
  const char *code; /* of an error */
  char msg[480];
  Batch *batch;     /* status 200: to be committed before the reply leaves */
} ProgressReply;
void agent_progress_request(Engine *e, const ListenRequest *r, ProgressReply *out);

/* Oldest first: a vector of {:at ms :seq n :percent n :message s :log-bytes n :log-tail s}; empty when there is none. */
Val agent_progress_list(Store *s, const char *workspace, const char *key);
/* The same for a result: times as texts, and no ends of logs. */
Val agent_progress_told(Store *s, const char *workspace, const char *key);
void agent_progress_drop(Store *s, Batch *b, const char *workspace, const char *key);
/* Lines for a person: "progress 40% copying (12s ago)", the last three. */
void agent_progress_say(Store *s, const char *workspace, const char *key, Buf *b);
#endif
