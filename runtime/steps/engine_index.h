/* engine_index.h - what the engine puts into the search index (store.h), in the batch of what it describes.
 *
 *   resources  every persisted blob: its filename, step and flow; with :search-index (or :auto-search-index? of :http) also the :text,
 *              :tags and :source-label of that map, and the first INDEX_CONTENT_MAX bytes of a content that is text
 *   tables     (target resources, type table) their name and columns, with the write that brings a new one (table_meta.c)
 *   runs       when they are over: id, flow, status, and the beginning of the result or error
 *   flows      when a run that is no child brings their source, whenever it is another source than the last: slug, name, description, tags, and every :title :label :name :description in them
 * Connections are not kept: they are looked through when somebody searches. Engine thread only. */
#ifndef BR_ENGINE_INDEX_H
#define BR_ENGINE_INDEX_H
#include "runtime/engine/engine_int.h"
#include "runtime/resource/resource.h"

enum { INDEX_CONTENT_MAX = 64 << 10, INDEX_RESULT_MAX = 1024 }; /* bytes */

/* hints: the map of :search-index, or nil; content: the blob's is to be indexed. */
void index_resource(const StepCall *c, const Resource *r, Val hints, bool content);
void index_run(Batch *b, const RunRow *row, enum RunStatus st, Val outcome); /* of row: workspace, id and slug */
/* A flow whose run is durable becomes findable: a batch of its own, which nothing waits for. What fails is tried again by the next
 * process that starts the flow. */
void index_flow(Engine *e, const char *workspace, const FlowDef *f);
/* The same of a source that is pushed, in its batch. map, body: the definition and its code. */
void index_flow_put(Batch *b, const char *workspace, const char *slug, const char *name, Val map, Val body);
/* Nothing is ready: a few of the entries that wait are put into the index. */
void index_idle(Engine *e);
/* Every :title :label :name :description in a definition and its code, one a line. */
void index_flow_words(Buf *b, Val def);
/* The text of a resource, cut to so many bytes at the end of a character; false: it is no text, or cannot be read. *cut: there is more. */
bool index_text(Engine *e, const Resource *r, size_t most, Blob *out, bool *cut);
/* What comes behind res://v1/ws/W/ in a URI: its path for :path-prefix. */
const char *index_path(const char *uri);
#endif
