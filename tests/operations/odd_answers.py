"""Answers that no client hopes for: of proxies, sign-in pages, and services on bad days."""

import json
from collections.abc import Callable
from typing import Any

import httpx

AZURE = "https://management.azure.com"
PAGE = "<!DOCTYPE html><html><title>Sign in</title></html>"
NOT_UTF_8 = b'{"id": "\xff\xfe"}'
DEEP = b"[" * 100_000 + b"]" * 100_000


def _json(status: int, body: Any, **headers: str) -> Callable[[], httpx.Response]:
    # An answer is made anew for each request: one that was read cannot be sent again.
    return lambda: httpx.Response(status, content=json.dumps(body), headers=_typed(headers))


def _raw(status: int, content: bytes | str = b"", **headers: str) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, content=content, headers=_typed(headers))


def _typed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _busy(retry_after: str) -> Callable[[], httpx.Response]:
    error = {"error": {"code": "TooManyRequests", "message": "Slow down."}}
    return _json(429, error, Retry_After=retry_after, Date="Thu, 26 Nov 2026 12:00:00 GMT")


NO_OBJECT: dict[str, Callable[[], httpx.Response]] = {
    "200 truncated JSON": _raw(200, '{"id": "/subscriptions/s/resour'),
    "200 HTML": _raw(200, PAGE, Content_Type="text/html; charset=utf-8"),
    "200 HTML that says it is JSON": _raw(200, PAGE, Content_Type="application/json"),
    "200 empty": _raw(200),
    "200 blanks": _raw(200, " \r\n "),
    "200 null": _json(200, None),
    "200 text": _json(200, "text"),
    "200 number": _json(200, 1),
    "200 list": _json(200, []),
    "200 not UTF-8": _raw(200, NOT_UTF_8),
    "200 100000 levels deep": _raw(200, DEEP),
    "200 {}": _json(200, {}),
    "200 id null": _json(200, {"id": None, "value": None, "properties": None}),
    "200 id number": _json(200, {"id": 5, "value": 5, "properties": 5}),
    "200 id object": _json(200, {"id": {}, "value": {}, "properties": {}}),
    "200 an error in place of the object": _json(200, {"error": {"code": "X", "message": "No."}}),
    "200 a list of texts": _json(200, {"value": ["text"], "properties": []}),
    "200 a list of empty objects": _json(200, {"value": [{}], "properties": [{}]}),
    "201": _json(201, {"id": "x"}),
    "202": _raw(202),
    "204": _raw(204),
    "206": _json(206, {"id": "x"}),
    "302 to a sign-in page": _raw(302, PAGE, Location="https://login.contoso.com/?next=x"),
    "304": _raw(304),
    "400 a message that is no text": _json(400, {"error": {"code": "Bad", "message": [1, 2]}}),
    "401 empty": _raw(401),
    "403 text": _raw(403, "Forbidden by the proxy\nof the house"),
    "404 empty": _raw(404),
    "404 HTML": _raw(404, PAGE, Content_Type="text/html"),
    "404 {}": _json(404, {}),
    "404 list": _json(404, []),
    '404 "error": "text"': _json(404, {"error": "text"}),
    '404 "error": null': _json(404, {"error": None}),
    '404 "error": [ResourceNotFound]': _json(404, {"error": ["ResourceNotFound"]}),
    "404 a code that is a number": _json(404, {"error": {"code": 404}}),
    "404 a code that is a list": _json(404, {"error": {"code": ["ResourceNotFound"]}}),
    "404 of Azure's policy": _json(404, {"error": {"code": "SubscriptionNotFound"}}),
    "407": _raw(407, PAGE),
    "429 Retry-After soon": _busy("soon"),
    "429 Retry-After empty": _busy(""),
    "429 Retry-After not a number": _busy("nan"),
    "429 Retry-After for ever": _busy("inf"),
    "429 Retry-After in the past": _busy("-5"),
    "429 Retry-After a day": _busy("86400"),
    "429 Retry-After tomorrow": _busy("Fri, 27 Nov 2026 12:00:00 GMT"),
    "429 Retry-After yesterday": _busy("Wed, 25 Nov 2026 12:00:00 GMT"),
    "429 Retry-After on no day": _busy("Thu, 99 Nov 2026 12:00:00 GMT"),
    "500 HTML": _raw(500, PAGE),
    "502 empty": _raw(502),
    "503 truncated JSON": _raw(503, '{"error": {"code": "Ser'),
    "999": _raw(999, "x"),
}
"""By what they are, answers to any question that are no answer to it."""

LINKS = {
    "another host": "https://contoso.com/next",
    "a host that begins alike": f"{AZURE}.contoso.com/next",
    "a host behind the user's name": "https://management.azure.com@contoso.com/next",
    "http": "http://management.azure.com/next",
    "another port": f"{AZURE}:8443/next",
    "no host": "/next",
    "no address": "http://[",
}
"""By what they are, links to a next page that nobody must follow."""
