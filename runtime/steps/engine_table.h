/* engine_table.h - between the files of tables for runs: engine_table.c (steps, at once) and engine_table_far.c (work on big tables, on
 * helper threads). Engine thread. */
#ifndef BR_ENGINE_TABLE_H
#define BR_ENGINE_TABLE_H
#include "runtime/store/blobs.h"
#include "runtime/engine/engine_int.h"
#include "runtime/table/table.h"

/* Is the :table step, the :load of a :function, or what :persist keeps as a table, work on many rows? Then it has begun, and ends later. */
bool table_far_begin(StepCall *c);
void table_far_start(StepCall *c);       /* what its run has written is durable */
void table_far_stop(const StepCall *c);  /* nobody wants its result any more */
void table_far_gone(const Engine *e);
void table_here(StepCall *c);             /* a :table step, at once */
void table_leave(Run *r);                 /* what a step has changed goes to the store, when the run goes on */
int table_csv_file(Run *r, Val ref, Err *e); /* the file that the :csv of its step refers to; -1 */
/* engine_persist.c: the rows of c->keeping, the result that :persist is to keep as a table. */
Val persist_rows(const StepCall *c);
void persist_rows_here(StepCall *c);             /* written at once */
void persist_rows_kept(StepCall *c, Val handle); /* they are in the batch of the run: the step ends */
/* Where an export that is kept as a blob goes; NULL in *out: it is not one. false: the map it fails with. */
bool table_export_writer(StepCall *c, BlobWriter **out, Val *error);
#endif
