#!/usr/bin/env python3
"""/cli/auth, the page that `auth login` of a client opens in a browser: a key goes in, and to the client's own address on loopback. See server.py."""
import html.parser
import time
import urllib.parse

from server import run_tests

BACK = "http://127.0.0.1:39999/callback"


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.inputs, self.forms, self.links, self.refresh, self.text = [], [], [], None, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "input":
            self.inputs.append((a.get("name"), a.get("type")))
        if tag == "form":
            self.forms.append((a.get("method"), a.get("action")))
        if tag == "a":
            self.links.append(a["href"])
        if tag == "meta" and a.get("http-equiv") == "refresh":
            self.refresh = a["content"]

    def handle_data(self, data):
        self.text += data


def page(s, uri, key=None, state="a b&c=\"<d>"):
    path = "/cli/auth?" + urllib.parse.urlencode({"redirect_uri": uri, "state": state})
    if key is None:
        status, headers, data = s.raw("GET", path, key=False)
    else:
        status, headers, data = s.raw("POST", path, urllib.parse.urlencode({"key": key}), {"Content-Type": "application/x-www-form-urlencoded"}, key=False)
    assert headers["Content-Type"] == "text/html; charset=utf-8" and headers["Cache-Control"] == "no-store", headers
    assert headers["X-Frame-Options"] == "DENY" and "form-action 'self'" in headers["Content-Security-Policy"], headers
    return status, Page(data.decode())


def test_a_key_goes_in_and_to_the_client(s):
    status, asks = page(s, BACK)
    assert status == 200 and asks.forms == [("post", None)] and asks.inputs == [("key", "password")], vars(asks)
    for uri in (BACK, "http://localhost:1/", "http://[::1]:65535/x?y=1"):
        status, done = page(s, uri, s.key)
        assert status == 200 and done.refresh == f"0;url={done.links[0]}", vars(done)
        assert done.links[0].startswith(uri), done.links
        q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(done.links[0]).query))
        assert (q["state"], q["token"], q["refresh_token"]) == ("a b&c=\"<d>", s.key, s.key) and int(q["expires_in"]) > 900, q
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    person = s.ok("service_accounts.create", {"name": "a person"}).data["serviceAccount"]["serviceAccountId"]
    key = s.ok("service_accounts.keys.create", {"serviceAccountId": person, "expiresAt": ends}).data["key"]["apiKey"]
    q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page(s, BACK, key)[1].links[0]).query))
    assert q["token"] == key and 86000 < int(q["expires_in"]) <= 86400, q


def test_wrong_keys(s):
    for key in ("", "secret", s.key[:-1], s.key + "x", "bsa_sak-none_" + "0" * 40):
        status, asks = page(s, BACK, key)
        assert status == 401 and "unknown, has expired" in asks.text and asks.inputs == [("key", "password")] and not asks.links, (key, vars(asks))
    path = "/cli/auth?redirect_uri=" + urllib.parse.quote(BACK)
    for body in (b"", b"kez=1", b"{", b"key=%ff", b"[]", b"key=1&key=2"):
        status, _, data = s.raw("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"}, key=False)
        assert status == 400 and b"no field key" in data, (body, status, data)


def test_no_key_goes_elsewhere(s):
    for uri in ("", "http://evil.example/", "https://127.0.0.1:5/", "http://127.0.0.1/", "http://127.0.0.1:5@evil.example/", "http://127.0.0.1:evil.example/",
                "http://127.0.0.1:123456/", "http://127.0.0.1.evil.example:80/", "http://localhost:80.evil.example/", "javascript:alert(1)",
                "http://127.0.0.1:80/\r\nSet-Cookie: a=b", "http://127.0.0.1:80\\@evil.example/", "http://127.0.0.1:80/#", "//127.0.0.1:80/", "http://127.0.0.1:80/" + "a" * 1000):
        for key in (None, s.key):
            status, no = page(s, uri, key)
            assert status == 400 and "Not logged in" in no.text and not no.forms and not no.links and not no.refresh, (uri, vars(no))
    for method in ("PUT", "DELETE", "PATCH"):
        status, headers, data = s.raw(method, "/cli/auth?redirect_uri=" + urllib.parse.quote(BACK), key=False)
        assert status == 405 and headers["Allow"] == "GET, POST", (method, data)


if __name__ == "__main__":
    run_tests(dict(globals()))
