/* flow_tables.h - the tables of builtins that flows have beside the language: one list for registration, docs and tests. */
#ifndef BR_FLOW_TABLES_H
#define BR_FLOW_TABLES_H
#include "eval/builtin.h"
extern const BuiltinRow rows_flow_macros[], rows_flow_fns[], rows_sandbox[], rows_schema[], rows_flow_parts[];
#define FLOW_TABLES(T)  \
  T(rows_flow_macros);  \
  T(rows_flow_fns);     \
  T(rows_sandbox);      \
  T(rows_schema);       \
  T(rows_flow_parts);
#endif
