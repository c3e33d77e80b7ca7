/* llm.h - one call of a language model: from the config of an :llm step and its connection to an HTTP request, and from the
 * answer to the step's result (spec/flows.md 4.2). No network here: engine_llm.c sends. Registered threads only.
 *
 * LLM_BACKENDS(B): B(name, wire, base URL or NULL, path, doc). A connection chooses by its "backend", a step by :provider. Wire
 * formats: OpenAI's chat completions, its responses (with :previous-response-id or :openai {:responses ..}), Anthropic's messages.
 *
 * Messages are neutral, so that a conversation can go to either: {:role :system|:user|:assistant|:tool :content "text" or parts},
 * an assistant's :tool-calls [{:id :name :arguments {..}}] as results have them, and their answers {:role :tool :tool-call-id ..
 * :content .. :error? true}. Keys a provider knows beyond that go along as they are.
 *
 * Result: {:content "text" :role "assistant" :model "m" :finish-reason :stop|:length|:tool-calls|:content-filter|:refusal|..
 *          :usage {:input-tokens n :output-tokens n :total-tokens n :cached-input-tokens n :reasoning-tokens n}} (:platform-tokens n on a connection with "platform-key")
 * and where there are any :id :tool-calls [{:id :name :arguments}] :parsed (of JSON answers) :refusal :cost. */
#ifndef BR_LLM_H
#define BR_LLM_H
#include "runtime/http/http_build.h"

#define LLM_BACKENDS(B)                                                                                                  \
  B("openai", LLM_OPENAI, "https://api.openai.com/v1", "/chat/completions")                                              \
  B("openai-compatible", LLM_OPENAI, NULL, "/chat/completions")                                                          \
  B("azure", LLM_OPENAI, NULL, "/chat/completions")                                                                      \
  B("anthropic", LLM_ANTHROPIC, "https://api.anthropic.com/v1", "/messages")

#define LLM_DEFAULT_TIMEOUT "300s"
#define LLM_AZURE_API_VERSION "2024-10-21"
#define LLM_STREAM_MAX ((size_t)64 << 20) /* bytes of a streamed answer */
enum { LLM_ANTHROPIC_MAX_TOKENS = 4096 /* that API wants a number */ };

enum LlmWire { LLM_OPENAI, LLM_ANTHROPIC, LLM_RESPONSES };

/* A call looked at: which backend, which model, with what. */
typedef struct LlmSpec {
  Val cfg, config;     /* of the step; of the connection (a map) */
  enum LlmWire wire;
  const char *backend, *base, *path;
  Val base_url, model; /* strings */
  Val auth;            /* as http_auth.h takes it, or nil */
  Val schema;          /* of the answer as the step gave it (schema.h), or nil */
  Val json_schema;     /* what the provider gets of it: an object; wrapped: what was asked for is its :value */
  bool wrapped;
  Val schema_name;     /* string */
  bool json;           /* the answer is to be JSON */
} LlmSpec;

/* nil; or the error map {:type :validation :problems [..] ...}; or a signal. */
Val llm_resolve(Val cfg, Val connection, LlmSpec *s);
/* Of llm_resolve: what :output, :response-format and :json-schema say about the answer. Appends to `problems`; nil or a signal. */
Val llm_output(LlmSpec *s, ValVec *problems);
/* *v, parsed, becomes what the schema means by it. Problems as of schema.h: a vector, empty when it fits. */
Val llm_output_value(const LlmSpec *s, Val *v);
/* The request as the config of an :http step, in *out; nil, the error map or a signal as above. */
Val llm_request(const LlmSpec *s, bool stream, Val *out);

/* true: *out is the result. false: *out is the error map (:invalid-response, :llm-error, :invalid-output, :refused). `body` is the
 * parsed JSON of a 2xx answer, or what llm_stream_body made of a stream. */
bool llm_answer(const LlmSpec *s, Val body, Val *out);
/* An error map of http_result.h with what the provider says put into its message. */
Val llm_error(const LlmSpec *s, Val error);

/* --- streams (server-sent events) ----------------------------------------------------------------------------------- */
/* The text that one event's data adds to the answer; nil when it adds none. */
Val llm_stream_text(enum LlmWire wire, Val event);
/* The complete lines of s[0..n): each `data:` as JSON to f. Returns how many bytes were used. */
size_t llm_stream_lines(const char *s, size_t n, void (*f)(void *ctx, const char *data, size_t n), void *ctx);
/* A whole stream as the body that the same answer would have had without streaming. false: *error is its map. */
bool llm_stream_body(enum LlmWire wire, const char *s, size_t n, Val *body, Val *error);
#endif
