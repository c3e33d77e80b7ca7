/* child_find.h - which file a flow's slug names, for programs without a registry (the shell, flow tests).
 *
 * A slug is looked for in every place given, a folder or a file, and in the folder of the caller's file. Of a folder: SLUG.edn,
 * SLUG/flow.edn and every *.edn in it, but test files (*.test.edn); a file counts when it is a flow whose :slug it is. Errors:
 * flow_not_found (says where it looked), flow_ambiguous (names both files), and for versions: files have none but 0.
 * The thread that uses it owns it. */
#ifndef BR_CHILD_FIND_H
#define BR_CHILD_FIND_H
#include "engine.h"

typedef struct FlowPlaces { char **a; size_t n; } FlowPlaces;
/* false: there is no such file or folder (err). */
bool flow_places_add(FlowPlaces *p, const char *path, Err *err);
void flow_places_free(FlowPlaces *p);
bool flow_places_find(void *places, const FlowWanted *w, FlowSource *out, Err *err); /* EngineOptions.resolve */
#endif
