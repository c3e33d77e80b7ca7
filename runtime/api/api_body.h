/* api_body.h - JSON bodies of requests: a large one is read on a helper thread while other requests are looked at. */
#ifndef BR_API_BODY_H
#define BR_API_BODY_H
#include "api.h"

/* The body of an authenticated call is large and not read yet: true, it is on its way, and the request is looked at again when it is there. */
bool api_body_far(ApiCall *c);
Val api_body(const ApiCall *c, Err *e); /* as json_parse */
#endif
