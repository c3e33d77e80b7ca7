/* api_body.h - JSON bodies of requests: a large one is read on a helper thread while other requests are looked at. */
#ifndef BR_API_BODY_H
#define BR_API_BODY_H
#include "api.h"

typedef struct ApiBody { Val value; Err err; char hash[65]; } ApiBody; /* value ABSENT: *err. hash: SHA-256 of the bytes */

/* The body of an authenticated call is large and not read yet: true, it is on its way, and the request is looked at again when it is there. */
bool api_body_far(ApiCall *c);
Val api_body(const ApiCall *c, Err *e); /* as json_parse */
/* api.c: the request from its beginning, with its body read. */
void api_request_read(Api *a, const ListenRequest *r, const ApiBody *read);
#endif
