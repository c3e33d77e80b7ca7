/* flowdef_table.c - static checks of :table steps: what each :op needs, and pages whose size is known before anything runs. */
#include "flowdef_int.h"
#include "runtime/table/table.h"

static bool there(Val cfg, const char *name) { return !same(map_get(cfg, kw_c(name), ABSENT), ABSENT); }

static void needs(Check *c, Val cfg, At at, const char *op, const char *name, const char *what) {
  if (!there(cfg, name)) diag_add(c, DIAG_flow_step_option_missing, at, NULL, "a :table step with :op :%s needs :%s: %s", op, name, what);
}

static void check_limit(Check *c, Val page, At at) {
  Val limit = map_get_kw(page, "limit");
  At where = at_field(c, at, "limit");
  if (is_nil(limit))
    diag_add(c, DIAG_flow_step_option_missing, at, "{:mode :offset :limit 100}", ":page of a :table query needs :limit");
  else if (!is_literal(limit))
    diag_add(c, DIAG_flow_step_option_invalid, where, "write the number itself",
             ":page :limit of a :table query must be a literal, not an expression: %s", val_text(limit));
  else if (!is_fix(limit) || fix_of(limit) < 1 || fix_of(limit) > TABLE_MAX_PAGE)
    diag_add(c, DIAG_flow_step_option_invalid, where, NULL, ":page :limit of a :table query must be an integer from 1 to %d, got %s",
             TABLE_MAX_PAGE, val_text(limit));
}

static void check_mode(Check *c, Val cfg, Val page, At at) {
  Val mode = map_get_kw(page, "mode");
  if (is_literal(mode) && !is_nil(mode) && !kw_is(mode, "offset") && !kw_is(mode, "cursor"))
    diag_add(c, DIAG_flow_step_option_invalid, at_field(c, at, "mode"), NULL, ":page :mode must be :offset or :cursor, got %s",
             val_text(mode));
  if (kw_is(mode, "cursor") && is_nil(map_get_kw(cfg, "sort")))
    diag_add(c, DIAG_flow_step_option_missing, at, "add :sort [[:field :asc]]", ":page :mode :cursor needs :sort");
}

static void check_query(Check *c, Val cfg, At at) {
  Val page = map_get_kw(cfg, "page");
  At where = at_field(c, at, "page");
  needs(c, cfg, at, "query", "page", "{:mode :offset :limit n}");
  if (is_map(page)) {
    check_limit(c, page, where);
    check_mode(c, cfg, page, where);
  } else if (there(cfg, "page") && !is_literal(page))
    diag_add(c, DIAG_flow_step_option_invalid, where, "write the map with its :limit here",
             ":page of a :table query must be a map with a literal :limit, not an expression: %s", val_text(page));
}

static void check_one_row(Check *c, Val cfg, At at, const char *op) {
  bool id = there(cfg, "row-id"), key = there(cfg, "key");
  if (!id && !key) diag_add(c, DIAG_flow_step_option_missing, at, NULL, "a :table step with :op :%s needs :row-id or :key", op);
  if (id && key) diag_add(c, DIAG_flow_step_option_conflict, at, NULL, "a :table step takes one of :row-id and :key, not both");
}

void check_table(Check *c, Val cfg, At at) {
  Val v = map_get_kw(cfg, "op");
  if (!is_kw(v)) return;
  const char *op = kw_text(v);
  if (!strcmp(op, "materialize-join")) {
    needs(c, cfg, at, op, "left", "a table");
    needs(c, cfg, at, op, "right", "a table");
    needs(c, cfg, at, op, "on", "[[:left-field :right-field]]");
    needs(c, cfg, at, op, "into", "{:table name}");
    return;
  }
  if (table_op_known(op)) needs(c, cfg, at, op, "table", "address, handle or name of a table");
  if (!strcmp(op, "query")) check_query(c, cfg, at);
  if (!strcmp(op, "get-row")) check_one_row(c, cfg, at, op);
  if (!strncmp(op, "update-cell", 11)) {
    check_one_row(c, cfg, at, op);
    needs(c, cfg, at, op, "column", "the column to change");
    if (!strcmp(op, "update-cell")) needs(c, cfg, at, op, "value", "what the cell is to hold");
  }
  if (!strcmp(op, "set-column")) needs(c, cfg, at, op, "column", "the column to change");
  if (!strcmp(op, "import-csv")) needs(c, cfg, at, op, "csv", "text with a header row, or a reference to a blob with one");
}
