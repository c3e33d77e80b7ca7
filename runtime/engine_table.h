/* engine_table.h - between the files of tables for runs: engine_table.c (steps, at once) and engine_table_read.c (reads of big tables, on
 * helper threads). Engine thread. */
#ifndef BR_ENGINE_TABLE_H
#define BR_ENGINE_TABLE_H
#include "blobs.h"
#include "engine_int.h"
#include "table.h"

/* Is the step a read of a big table? Then it has begun, and ends later. */
bool table_read_begin(StepCall *c);
void table_read_start(StepCall *c);       /* what its run has written is durable */
void table_read_stop(const StepCall *c);  /* nobody wants its result any more */
void table_read_gone(const Engine *e);
/* Where an export that is kept as a blob goes; NULL in *out: it is not one. false: the map it fails with. */
bool table_export_writer(StepCall *c, BlobWriter **out, Val *error);
#endif
