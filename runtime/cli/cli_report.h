/* cli_report.h - what `breyta-run test` says: one line a case for people, TAP 13, JUnit XML or JSON. Plain text in, plain text
 * out; no values, so that the process that starts the workers needs no collector. */
#ifndef BR_CLI_REPORT_H
#define BR_CLI_REPORT_H
#include "reader/text.h"

enum ReportFormat { REPORT_TEXT, REPORT_TAP, REPORT_JUNIT, REPORT_JSON, REPORT_FORMATS };
extern const char *const report_formats[REPORT_FORMATS + 1];
enum ReportVerdict { REPORT_PASSED, REPORT_FAILED, REPORT_SKIPPED, REPORT_BROKEN }; /* BROKEN: its process died or took too long */

typedef struct ReportCase {
  const char *name;
  enum ReportVerdict verdict;
  int64_t us, virtual_ms; /* time taken; time of the flow's clock */
  const char *text;       /* paragraphs of failures, lines behind the first indented; or why it was skipped */
  const char *note;
} ReportCase;

typedef struct Report Report;
Report *report_new(enum ReportFormat format, bool colour);
void report_file(Report *r, const char *path);
void report_case(Report *r, const ReportCase *c); /* of the last file; copied */
/* The file cannot be run: what its diagnostics say. */
void report_invalid(Report *r, const char *text);
/* Closes the report. 0 all passed, 1 some failed, 2 a file was invalid. */
int report_end(Report *r);
int report_failures(const Report *r);
int report_cases(const Report *r);
#endif
