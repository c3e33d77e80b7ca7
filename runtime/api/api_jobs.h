/* api_jobs.h - jobs over the API, between its files: api_jobs.c (submitting, looking, cancelling, limits) and api_jobs_worker.c (claims and
 * what workers do with their jobs). http-api.md B is the contract.
 *
 * A change is answered when it is durable, and shares its sync with others (api_pending.c). Claims are answered as long polls are, also those
 * that do not wait. Their answers are not kept beside the job: the job itself knows by which X-Breyta-Operation-ID it was claimed, and while
 * its lease lives who asks under that again gets it again. */
#ifndef BR_API_JOBS_H
#define BR_API_JOBS_H
#include "api.h"
#include "runtime/jobs/jobs.h"

Val api_job_map(const JobRow *j, unsigned show);  /* {:job {..}}, as the API has it */
/* A text without control characters. */
bool api_job_text(ApiCall *c, const char *name, const char *s);
/* The answer that the call has goes out when the change is durable; b is its batch. */
void api_jobs_commit(ApiCall *c, struct JobWork *w, Batch *b);
/* The same with the job as it is after the change. */
void api_job_changed(ApiCall *c, const JobRow *was, struct JobWork *w, Batch *b);
#endif
