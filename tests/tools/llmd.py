#!/usr/bin/env python3
"""Local server that speaks two languages of model servers, for tests. Standard library only.

    llmd.py [--port 0] [--log FILE] [--script FILE]

Prints `PORT n` on its first line of output once it listens, then serves until SIGTERM or SIGINT.

    POST .../chat/completions   OpenAI's chat completions (also Azure's paths), as JSON or, with "stream": true, as events
    POST .../responses          OpenAI's responses, likewise
    POST .../messages           Anthropic's messages, likewise

What it answers stands in the script, a JSON array of rules that is read anew for every request. The first rule that fits is used:
    "when"   text that the last message of the conversation contains      "turn"  answers of the model so far (0, 1 ..)
    "model"  the request's model                                          "times" how often the rule may be used
and says: "content" text, "calls" [{"name" "arguments" (map, or text as it is)}], "finish" reason, "refusal" text, "usage" [in, out],
"status" with "error" and "retry_after" (seconds), "raw" body text, "cut": ends the stream (or the body) in the middle, "slow" ms
between the events, "wait" ms before the answer, "as": the name of the model in the answer. Without a rule it says what the last message
was: "You said: ..". With --log each request is one line of JSON {"n" "path" "query" "headers" "body"}, on disk before the answer.
"""
import argparse
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class State:
    def __init__(self, log, script):
        self.lock = threading.Lock()
        self.script = script
        self.used = {}
        self.n = 0
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if log else None

    def record(self, path, query, headers, body):
        with self.lock:
            self.n += 1
            if self.log is not None:
                line = json.dumps({"n": self.n, "path": path, "query": query, "headers": headers, "body": body})
                os.write(self.log, (line + "\n").encode())
                os.fsync(self.log)

    def rule(self, model, turn, last):
        with self.lock:
            rules = json.load(open(self.script)) if self.script else []
            for i, r in enumerate(rules):
                if r.get("when", "") not in last or r.get("turn", turn) != turn or r.get("model", model) != model:
                    continue
                if "times" in r and self.used.get(i, 0) >= r["times"]:
                    continue
                self.used[i] = self.used.get(i, 0) + 1
                return r
        return {"content": "You said: " + last}


def text_of(content):
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(p.get("text") or text_of(p.get("content", "")) for p in parts if isinstance(p, dict))


def words(text):
    out, word = [], ""
    for c in text:
        word += c
        if c == " ":
            out.append(word)
            word = ""
    return out + [word] if word else out


def arguments(call):
    a = call.get("arguments", {})
    return a if isinstance(a, str) else json.dumps(a)


class OpenAI:
    def whole(self, rule, model):
        calls = [{"id": f"call_{i}", "type": "function", "function": {"name": c["name"], "arguments": arguments(c)}} for i, c in enumerate(rule.get("calls", []))]
        message = {"role": "assistant", "content": rule.get("content"), "refusal": rule.get("refusal")}
        if calls:
            message["tool_calls"] = calls
        finish = rule.get("finish") or ("tool_calls" if calls else "stop")
        return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
                "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": self.usage(rule)}

    def usage(self, rule):
        i, o = rule.get("usage", [10, 5])
        return {"prompt_tokens": i, "completion_tokens": o, "total_tokens": i + o, "prompt_tokens_details": {"cached_tokens": rule.get("cached", 0)}}

    def events(self, rule, model, body):
        whole = self.whole(rule, model)
        choice = whole["choices"][0]

        def chunk(delta, finish=None):
            return None, {"id": whole["id"], "object": "chat.completion.chunk", "model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

        yield chunk({"role": "assistant", "content": ""})
        for w in words(rule.get("content") or ""):
            yield chunk({"content": w})
        if rule.get("refusal"):
            yield chunk({"refusal": rule["refusal"]})
        for i, c in enumerate(choice["message"].get("tool_calls", [])):
            args = c["function"]["arguments"]
            yield chunk({"tool_calls": [{"index": i, "id": c["id"], "type": "function", "function": {"name": c["function"]["name"], "arguments": ""}}]})
            for part in (args[: len(args) // 2], args[len(args) // 2 :]):
                yield chunk({"tool_calls": [{"index": i, "function": {"arguments": part}}]})
        yield chunk({}, choice["finish_reason"])
        if (body.get("stream_options") or {}).get("include_usage"):
            yield None, {"id": whole["id"], "model": model, "choices": [], "usage": whole["usage"]}
        yield None, "[DONE]"

    def error(self, rule):
        return {"error": {"message": rule.get("error", "refused by the script"), "type": "test_error"}}


class Anthropic:
    def parts(self, rule, body):
        parts = [{"type": "text", "text": rule["content"]}] if rule.get("content") else []
        answer = [t for t in body.get("tools", []) if "final answer" in t.get("description", "")]
        if answer and rule.get("content") and not rule.get("calls"):  # a forced tool: the text is its input
            try:
                parts = [{"type": "tool_use", "id": "toolu_a", "name": answer[0]["name"], "input": json.loads(rule["content"])}]
            except ValueError:
                pass
        for i, c in enumerate(rule.get("calls", [])):
            parts.append({"type": "tool_use", "id": f"toolu_{i}", "name": c["name"], "input": c.get("arguments", {})})
        return parts

    def stop(self, rule, parts):
        names = {"length": "max_tokens", "tool_calls": "tool_use", "stop": "end_turn"}
        if rule.get("refusal"):
            return "refusal"
        finish = rule.get("finish") or ("tool_calls" if any(p["type"] == "tool_use" for p in parts) else "stop")
        return names.get(finish, finish)

    def whole(self, rule, model, body=None):
        parts = self.parts(rule, body or {})
        i, o = rule.get("usage", [10, 5])
        cached = rule.get("cached", 0)
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": parts, "stop_reason": self.stop(rule, parts),
                "usage": {"input_tokens": i - cached, "cache_read_input_tokens": cached, "output_tokens": o}}

    def events(self, rule, model, body):
        whole = self.whole(rule, model, body)
        head = dict(whole, content=[], stop_reason=None, usage=dict(whole["usage"], output_tokens=1))
        yield "message_start", {"type": "message_start", "message": head}
        yield "ping", {"type": "ping"}
        for i, p in enumerate(whole["content"]):
            use = p["type"] == "tool_use"
            block = dict(p, input={}) if use else {"type": "text", "text": ""}
            yield "content_block_start", {"type": "content_block_start", "index": i, "content_block": block}
            text = json.dumps(p["input"]) if use else p["text"]
            for w in words(text):
                delta = {"type": "input_json_delta", "partial_json": w} if use else {"type": "text_delta", "text": w}
                yield "content_block_delta", {"type": "content_block_delta", "index": i, "delta": delta}
            yield "content_block_stop", {"type": "content_block_stop", "index": i}
        yield "message_delta", {"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"]}, "usage": {"output_tokens": whole["usage"]["output_tokens"]}}
        yield "message_stop", {"type": "message_stop"}

    def error(self, rule):
        return {"type": "error", "error": {"type": "test_error", "message": rule.get("error", "refused by the script")}}


class Responses(OpenAI):
    def whole(self, rule, model):
        calls = [{"type": "function_call", "id": f"fc_{i}", "call_id": f"call_{i}", "name": c["name"], "arguments": arguments(c)} for i, c in enumerate(rule.get("calls", []))]
        part = {"type": "refusal", "refusal": rule["refusal"]} if rule.get("refusal") else {"type": "output_text", "text": rule.get("content") or "", "annotations": []}
        output = [{"type": "reasoning", "id": "rs_1", "summary": []}] + calls
        if rule.get("content") or rule.get("refusal"):
            output.append({"type": "message", "id": "m_1", "role": "assistant", "content": [part]})
        i, o = rule.get("usage", [10, 5])
        cut = rule.get("finish") == "length"
        return {"id": "resp_1", "object": "response", "model": model, "status": "incomplete" if cut else "completed", "error": None,
                "incomplete_details": {"reason": "max_output_tokens"} if cut else None, "output": output,
                "usage": {"input_tokens": i, "output_tokens": o, "total_tokens": i + o, "input_tokens_details": {"cached_tokens": rule.get("cached", 0)}}}

    def events(self, rule, model, body):
        whole = self.whole(rule, model)
        yield "response.created", {"type": "response.created", "response": dict(whole, output=[], status="in_progress", usage=None)}
        for w in words(rule.get("content") or ""):
            yield "response.output_text.delta", {"type": "response.output_text.delta", "delta": w}
        name = "response." + whole["status"]
        yield name, {"type": name, "response": whole}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def answer(self, status, data, headers=()):
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def chunk(self, text):
        raw = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))
        self.wfile.flush()

    def stream(self, wire, rule, model, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        events = list(wire.events(rule, model, body))
        for i, (name, data) in enumerate(events):
            if rule.get("cut") and i == len(events) // 2:
                break
            if rule.get("slow"):
                time.sleep(rule["slow"] / 1000)
            text = data if isinstance(data, str) else json.dumps(data)
            self.chunk((f"event: {name}\n" if name else "") + f"data: {text}\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self):
        state = self.server.state
        url = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        headers = {k.lower(): v for k, v in self.headers.items()}
        state.record(url.path, parse_qs(url.query), headers, body)
        kinds = [("/messages", Anthropic), ("/responses", Responses), ("/chat/completions", OpenAI)]
        wire = next((kind() for end, kind in kinds if url.path.endswith(end)), OpenAI())
        if not url.path.endswith(tuple(end for end, _ in kinds)):
            return self.answer(404, {"error": {"message": "no such path " + url.path}})
        messages = body.get("messages") or body.get("input") or [{}]
        turn = sum(1 for m in messages if m.get("role") == "assistant" or m.get("type") == "function_call")
        rule = state.rule(body.get("model"), turn, text_of(messages[-1].get("content") or messages[-1].get("output")))
        if "wait" in rule:
            time.sleep(rule["wait"] / 1000)
        model = rule.get("as", body.get("model", "?"))
        if "status" in rule:
            after = [("Retry-After", str(rule["retry_after"]))] if "retry_after" in rule else []
            return self.answer(rule["status"], wire.error(rule), after)
        if "raw" in rule:
            return self.answer(200, rule["raw"].encode())
        if body.get("stream"):
            return self.stream(wire, rule, model, body)
        whole = wire.whole(rule, model, body) if isinstance(wire, Anthropic) else wire.whole(rule, model)
        raw = json.dumps(whole).encode()
        return self.answer(200, raw[: len(raw) // 2] if rule.get("cut") else raw)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--log")
    p.add_argument("--script")
    a = p.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", a.port), Handler)
    server.daemon_threads = True
    server.state = State(a.log, a.script)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    print(f"PORT {server.server_address[1]}", flush=True)
    sys.stdout.close()
    server.serve_forever()


if __name__ == "__main__":
    main()
