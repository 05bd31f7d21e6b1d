"""Every error has the contract's shape, from whatever layer it comes, and bad input is told from a fault of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import get
from litestar.testing import TestClient
from sqlalchemy.exc import OperationalError

from engine.errors import LicenceRefused, StorageFull
from server.app import Server, create_app
from server.errors import Unavailable
from server.place import Place
from tests.server.conftest import ORIGIN, Api, Person

GENERATE = "/api/v1/stories/generate"
JSON = {"Content-Type": "application/json"}


def error_of(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    (name, error), *rest = answer.json().items()
    assert (name, rest) == ("error", [])
    assert (error["code"], error["status"]) == (code, status)
    assert error["message"]
    assert error.keys() <= {"code", "message", "status", "details"}
    return error


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/v1/nothing", "/api/v2/stories", "/media/nothing", "/api/v1/stories/a/b/c"]
)
@pytest.mark.one_server
def test_an_unknown_path(api: Api, path: str) -> None:
    error_of(api.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"])
@pytest.mark.one_server
def test_a_wrong_method_is_told_the_right_ones(api: Api, method: str) -> None:
    answer = api.request(method, GENERATE)
    error_of(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.one_server
def test_options_and_405_name_every_method_of_a_path(api: Api) -> None:
    assert api.options("/api/v1/api-keys").headers["Allow"] == "GET, OPTIONS, POST"
    assert set(api.put("/api/v1/api-keys").headers["Allow"].split(", ")) == {"GET", "OPTIONS", "POST"}
    assert api.options("/api/v1/stories/x").headers["Allow"] == "DELETE, GET, OPTIONS"


@pytest.mark.one_server
def test_no_key_a_wrong_key_and_a_key_without_the_scope(client: Api, page: Api, user: Person) -> None:
    made = page.post("/api/v1/api-keys", json={"name": "reader", "scopes": ["stories:read"]}).json()
    page.cookies.clear()
    answer = page.get("/api/v1/stories")
    error_of(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    error_of(page.get("/api/v1/stories", headers={"Authorization": "Bearer sk_live_nothing"}), 401, "unauthorized")
    reader = {"Authorization": f"Bearer {made['key']}"}
    assert page.get("/api/v1/stories", headers=reader).status_code == 200
    error_of(page.post(GENERATE, json={"prompt": "x"}, headers=reader), 403, "forbidden")
    error_of(page.get("/api/v1/api-keys", headers=reader), 403, "forbidden")
    error_of(page.get("/api/v1/webhooks", headers=reader), 403, "forbidden")


MALFORMED = {
    "nothing": b"",
    "no JSON": b"prompt=x",
    "half an object": b'{"prompt": "x"',
    "deep lists": b"[" * 100_000,
    "deep lists in a field": b'{"prompt": "x", "script": ' + b"[" * 100_000,
    "deep lists in an unknown field": b'{"prompt": "x", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000,
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "NaN": b'{"prompt": "x", "targetSeconds": NaN}',
    "infinity": b'{"prompt": "x", "targetSeconds": Infinity}',
    "a number that is too large": b'{"prompt": "x", "targetSeconds": 1e999}',
    "300 digits": b'{"prompt": "x", "seed": ' + b"9" * 300 + b"}",
    "6000 digits": b'{"prompt": "x", "seed": ' + b"9" * 6000 + b"}",
    "300 digits of seconds": b'{"prompt": "x", "targetSeconds": ' + b"9" * 300 + b"}",
    "a lone surrogate": b'{"prompt": "a \\ud800 b"}',
    "a lone low surrogate": b'{"prompt": "a \\udc00 b"}',
    "a lone surrogate in an own script": b'{"prompt": "x", "script": {"title": "\\ud800", "shots": [{"visual": "x"}]}}',
    "an escaped NUL": b'{"prompt": "a\\u0000b"}',
    "a NUL": b'{"prompt": "a\x00b"}',
    "no UTF-8": b'{"prompt": "\xff\xfe"}',
    "UTF-16": '{"prompt": "x"}'.encode("utf-16"),
    "a mark of order": b"\xef\xbb\xbf" + b'{"prompt": 1}',
    "two documents": b'{"prompt": "x"} {"prompt": "x"}',
    "a comment": b'{"prompt": "x" /* no */}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.one_server
def test_a_malformed_body_is_the_clients_fault(api: Api, body: bytes) -> None:
    error_of(api.post(GENERATE, content=body, headers=JSON), 400, "bad_request")
    assert api.get("/api/v1/stories").status_code == 200


@pytest.mark.one_server
def test_a_backslash_before_u0000_is_no_nul(api: Api) -> None:
    assert api.post(GENERATE, content=b'{"prompt": "a \\\\u0000 b"}', headers=JSON).status_code == 202


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "",
     None, "application/json; charset=latin-1", "application/jsonp"],
)  # fmt: skip
@pytest.mark.one_server
def test_only_json_is_taken(api: Api, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    error_of(api.post(GENERATE, content=b'{"prompt": "x"}', headers=headers), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
@pytest.mark.one_server
def test_json_by_any_of_its_names(api: Api, kind: str) -> None:
    assert api.post(GENERATE, content=b'{"prompt": "x"}', headers={"Content-Type": kind}).status_code == 202


@pytest.mark.one_server
def test_a_body_may_have_a_megabyte(api: Api) -> None:
    error_of(api.post(GENERATE, json={"prompt": "x" * 1_000_001}), 413, "payload_too_large")


@pytest.mark.one_server
def test_a_body_without_announced_length_has_the_same_limit(api: Api) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"prompt": "'
        for _ in range(20):
            yield b"x" * 100_000

    error_of(api.post(GENERATE, content=chunks(), headers=JSON), 413, "payload_too_large")


@pytest.mark.one_server
def test_the_two_that_take_pictures_take_more(api: Api) -> None:
    body = {"seriesId": "c" + "0" * 24, "characterName": "Vix", "imageUrl": "data:image/png;base64," + "A" * 1_500_000}
    error_of(api.post("/api/v1/series-assets/ensure-character-image", json=body), 400, "bad_request")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil", "169.254.169.254", "[::2]:80"],
)
@pytest.mark.one_server
def test_a_foreign_host_is_refused(api: Api, host: str) -> None:
    for path in ("/api/v1/stories", "/", "/health/live", "/media/x", "/nothing"):
        error_of(api.get(path, headers={"Host": host}), 400, "bad_request")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:9", "[::1]", "[::1]:8000", "localhost."])
@pytest.mark.one_server
def test_this_machine_is_no_foreign_host(api: Api, host: str) -> None:
    assert api.get("/api/v1/stories", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("name", ["Authorization", "Host", "Content-Type", "Idempotency-Key"])
@pytest.mark.one_server
def test_a_header_that_is_sent_twice_is_refused(place: Place, key: str, name: str) -> None:
    sent = {"Authorization": f"Bearer {key}", "Host": "localhost", "Idempotency-Key": "k", **JSON}
    once = [(one.lower().encode(), value.encode()) for one, value in sent.items()]
    twice = [*once, (name.lower().encode(), sent[name].encode())]
    server = create_app(place)
    assert asyncio.run(status_of(server, once)) == 202
    assert asyncio.run(status_of(server, twice)) == 400


async def status_of(server: Server, headers: list[tuple[bytes, bytes]]) -> int:
    """What a generate request with exactly these headers is answered; clients join those that are alike."""
    heard: list[Any] = []
    told = [{"type": "http.request", "body": b'{"prompt": "x"}', "more_body": False}]

    async def receive() -> Any:
        return told.pop() if told else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        heard.append(message)

    scope = {
        "type": "http", "method": "POST", "path": GENERATE, "raw_path": GENERATE.encode(), "query_string": b"",
        "headers": headers, "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9),
        "http_version": "1.1", "asgi": {"version": "3.0"}, "root_path": "", "state": {},
    }  # fmt: skip
    await server(scope, receive, send)  # type: ignore[arg-type]
    return heard[0]["status"]


@pytest.mark.parametrize(
    "path", ["/api/v1/stories/%00", "/api/v1/stories/a%00b/clips", "/media/%00", "/api/v1/stories?status=%00"]
)
@pytest.mark.one_server
def test_a_nul_in_the_address_is_refused(api: Api, path: str) -> None:
    error_of(api.get(path), 400, "bad_request")


@pytest.mark.parametrize(
    "path",
    ["/api/v1/stories/..%2f..%2fetc%2fpasswd", "/media/..%2f..%2fapp.db", "/media/%2e%2e/app.db",
     "/api/v1/stories/jobs/%ed%a0%80", "/api/v1/stories/" + "x" * 5000, "/media/....//app.db"],
)  # fmt: skip
@pytest.mark.one_server
def test_an_odd_path_leads_nowhere(api: Api, path: str) -> None:
    error_of(api.get(path), 404, "not_found")


@pytest.mark.one_server
def test_every_answer_names_its_request(api: Api) -> None:
    assert api.get("/api/v1/stories", headers={"X-Request-ID": "mine-1"}).headers["X-Request-ID"] == "mine-1"
    made = api.get("/nothing", headers={"X-Request-ID": 'x" y'}).headers["X-Request-ID"]
    assert made.isalnum()
    assert api.get("/nothing").headers["X-Request-ID"] != made


@pytest.mark.one_server
def test_every_answer_has_the_headers_of_security(api: Api) -> None:
    for path in ("/api/v1/stories", "/nothing", "/health/live", "/docs", "/"):
        headers = api.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
    assert api.get("/api/v1/stories").headers["Cache-Control"] == "no-store"


class Broken(Exception):
    pass


FAULTS: dict[str, tuple[Exception, int, str]] = {
    "unforeseen": (Broken("the password is hunter2"), 500, "internal_error"),
    "database": (OperationalError("SELECT hunter2", {}, Exception("database is locked")), 503, "unavailable"),
    "disk": (StorageFull("The disk is full."), 503, "unavailable"),
    "leaving": (Unavailable("Shutting down.", retry_after=7), 503, "unavailable"),
    "licence": (LicenceRefused("model x is licensed y: say --use personal if so"), 400, "bad_request"),
    "recursion": (RecursionError(), 500, "internal_error"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.one_server
def test_a_fault_is_told_without_its_inside(place: Place, name: str) -> None:
    fault, status, code = FAULTS[name]

    @get("/fault", opt={"access": "public"}, sync_to_thread=True)
    def fail() -> None:
        raise fault

    server = create_app(place)
    server.register(fail)
    with TestClient(server, base_url=ORIGIN, raise_server_exceptions=False) as client:
        answer = client.get("/fault")
    error_of(answer, status, code)
    assert "hunter2" not in answer.text
    assert "--use" not in answer.text
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_an_unforeseen_fault_is_logged_once_with_its_request(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    from server.logs import configure

    @get("/fault", opt={"access": "public"}, sync_to_thread=True)
    def fail() -> None:
        raise Broken("sk_live_0123456789abcdef and whsec_abcdef")

    configure(place.folders.logs / "server.log")
    server = create_app(place)
    server.register(fail)
    with TestClient(server, base_url=ORIGIN, raise_server_exceptions=False) as client:
        client.get("/fault", headers={"X-Request-ID": "the-one"})
    lines = [json.loads(line) for line in (place.folders.logs / "server.log").read_text().splitlines()]
    told = [line for line in lines if line["event"] == "unhandled"]
    assert [line["request_id"] for line in told] == ["the-one"]
    assert "Broken" in told[0]["exception"]
    assert "sk_live_0123456789abcdef" not in str(lines)
    assert "whsec_abcdef" not in str(lines)
