/* tables.h - every table of builtins, in the order of registration. stdlib.h declares them and stdlib_register adds them;
 * this list is the only place that names them all. */
#define STDLIB_TABLES(TABLE) \
  TABLE(rows_math)           \
  TABLE(rows_numbers)        \
  TABLE(rows_jmath)          \
  TABLE(rows_jnum)           \
  TABLE(rows_preds)          \
  TABLE(rows_types)          \
  TABLE(rows_multi)          \
  TABLE(rows_data)           \
  TABLE(rows_build)          \
  TABLE(rows_transient)      \
  TABLE(rows_names)          \
  TABLE(rows_strings)        \
  TABLE(rows_patterns)       \
  TABLE(rows_format)         \
  TABLE(rows_output)         \
  TABLE(rows_jstring)        \
  TABLE(rows_state)          \
  TABLE(rows_errors)         \
  TABLE(rows_reduce)         \
  TABLE(rows_hof)            \
  TABLE(rows_sort)           \
  TABLE(rows_cells)          \
  TABLE(rows_lazy)           \
  TABLE(rows_host)           \
  TABLE(rows_reading)        \
  TABLE(rows_hostfns)        \
  TABLE(rows_arrays)         \
  TABLE(rows_refs)           \
  TABLE(rows_streams)
