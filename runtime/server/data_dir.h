/* data_dir.h - what backup and doctor share about a folder of `breyta serve --data`: its database, and the blobs that it names. */
#ifndef BR_DATA_DIR_H
#define BR_DATA_DIR_H
#include "runtime/resource/resource.h"

/* DIR/breyta.db; malloc'ed. */
char *data_db(const char *dir);
/* Every resource whose bytes are a blob, oldest name first; f gives false to stop (with *err set: failed). The store may be read-only. */
typedef bool (*DataBlobFn)(void *ctx, const Resource *r, Err *err);
bool data_blobs(Store *s, DataBlobFn f, void *ctx, Err *err);
/* So many runs are in one of these states (bits 1<<RunStatus); -1: *err. */
int64_t data_runs(Store *s, unsigned mask, Err *err);
/* Prints a map as one JSON object, or as text: a line for each entry. */
void data_print(Val m, bool json);
#endif
