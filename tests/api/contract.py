"""What a test asks of the server against what the server says about itself (/api/openapi.json): every answer has the form that its operation
promises, and what was accepted is what the schema allows. And which operations a suite has asked, with success and refused: a file of
$API_CASES, which cover.py reads. server.py calls `seen` for each request."""
import atexit
import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

TYPES = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}


def is_type(v, t):
    if t == "integer":
        return isinstance(v, int) and not isinstance(v, bool)
    if t == "number":
        return isinstance(v, (int, float)) and not isinstance(v, bool)
    return isinstance(v, TYPES[t])


def problems(schema, v, root, at="$"):
    """JSON Schema, as far as our description uses it; a word of it that is not known here is a problem, too."""
    known = {"$ref", "type", "description", "title", "properties", "required", "items", "enum", "const", "pattern", "maxLength", "minLength", "minimum",
             "maximum", "anyOf", "oneOf", "x-scope", "x-mutates"}
    for word in set(schema) - known:
        yield f"{at}: the schema says {word}, which contract.py does not know"
    if "$ref" in schema:
        target = root
        for key in schema["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        yield from problems(target, v, root, at)
    for words in ("anyOf", "oneOf"):
        if words in schema:
            fit = [s for s in schema[words] if not list(problems(s, v, root, at))]
            if not fit or (words == "oneOf" and len(fit) > 1):
                yield f"{at}: {len(fit)} of {words} fit {str(v)[:100]}"
    if "type" in schema and not is_type(v, schema["type"]):
        yield f"{at}: {str(v)[:100]!r} is no {schema['type']}"
        return
    if "const" in schema and v != schema["const"] or "enum" in schema and v not in schema["enum"]:
        yield f"{at}: {str(v)[:100]!r} is none of {schema.get('enum', schema.get('const'))}"
    if isinstance(v, str):
        if len(v) > schema.get("maxLength", len(v)) or len(v) < schema.get("minLength", 0) or not re.search(schema.get("pattern", ""), v):
            yield f"{at}: {v[:100]!r} is not as {schema} says"
    if is_type(v, "number") and not schema.get("minimum", v) <= v <= schema.get("maximum", v):
        yield f"{at}: {v} is not within {schema.get('minimum')} and {schema.get('maximum')}"
    if isinstance(v, dict):
        for k in schema.get("required", []):
            if k not in v:
                yield f"{at}: {k} is missing"
        for k, s in schema.get("properties", {}).items():
            if v.get(k) is not None:  # null: as if it were not there
                yield from problems(s, v[k], root, f"{at}.{k}")
    if isinstance(v, list) and "items" in schema:
        for i, x in enumerate(v):
            yield from problems(schema["items"], x, root, f"{at}[{i}]")


class Contract:
    def __init__(self, description):
        self.d = description
        self.schemas = description["components"]["schemas"]
        self.commands = [r["$ref"].rsplit("/", 1)[1] for r in self.schemas["Command"]["oneOf"]]
        self.routes = []
        for path, methods in description["paths"].items():
            strict = re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path))
            loose = strict.removesuffix("[^/]+") + ".+" if path.endswith("}") else strict  # the last name may stand for several segments
            for method, op in methods.items():
                self.routes.append((method.upper(), re.compile(strict), re.compile(loose), op))
        self.routes.sort(key=lambda r: (r[1].pattern.count("[^/]+"), -len(r[1].pattern)))  # what is spelled out comes first

    def operation(self, method, path):
        for i in (1, 2):
            for route in self.routes:
                if route[0] == method and route[i].fullmatch(path):
                    return route[3]
        return None

    def fits(self, schema, v, what):
        wrong = list(problems(schema, v, self.d))
        assert not wrong, f"{what} is not as /api/openapi.json says: {wrong[:3]}"

    def answer(self, op, status, kind, body, what):
        content = op["responses"]["2XX" if status < 400 else "default"]["content"]
        if status in (202, 204) and not body:
            return
        assert kind in content or "*/*" in content, f"{what}: an answer of {kind}, and the description knows {list(content)}"
        schema = content.get(kind, {}).get("schema")
        if schema is not None and kind == "application/json":
            self.fits(schema, json.loads(body), what)
        if status >= 400 and kind == "application/json":
            e = json.loads(body).get("error")
            assert isinstance(e, dict) and e["code"] and e["message"], f"{what}: {body[:300]}"

    def request(self, op, query, body, what):
        for p in op.get("parameters", []):
            text = dict(query).get(p["name"]) if p["in"] == "query" else None
            if text:
                t = p["schema"].get("type")
                value = text == "true" if t == "boolean" else int(text) if t == "integer" or t is None and text.isdigit() else text
                self.fits(p["schema"], value, f"{what}: {p['name']}")
        schema = op.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        value = json.loads(body) if schema and body else None
        if value is not None:  # null is no body
            self.fits(schema, value, what)


def command_of(body):
    try:
        v = json.loads(body)
        return v["command"] if isinstance(v["command"], str) else None
    except (ValueError, TypeError, KeyError):
        return None


contract = None
asked = {}  # name -> {"ok", "refused"}


def remember(name, status):
    asked.setdefault(name, set()).add("ok" if status < 400 else "refused")


def seen(s, method, target, body, status, kind, answer):
    """One request to the server s and its answer, bytes; kind: its Content-Type."""
    global contract
    if contract is None:
        contract = Contract(s.description())
    url = urlsplit(target)
    op = contract.operation(method, url.path)
    if op is None:
        return
    name, kind = op["operationId"], (kind or "").split(";")[0].strip()
    what = f"{method} {target[:200]} ({status})"
    remember(name, status)
    if name in ("commands", "commands.global") and command_of(body) in contract.commands:
        name = command_of(body)
        what += " " + name
        remember(name, status)
    if method == "HEAD":
        return
    contract.answer(op, status, kind, answer, what)
    if status < 400:
        if name in contract.schemas:
            contract.fits(contract.schemas[name], json.loads(body), what)
        else:
            contract.request(op, parse_qsl(url.query), body, what)


def write():
    folder = os.environ.get("API_CASES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        text = json.dumps({k: sorted(v) for k, v in sorted(asked.items())}, indent=1)
        Path(folder, Path(sys.argv[0]).stem + ".json").write_text(text + "\n")


atexit.register(write)
