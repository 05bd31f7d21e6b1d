"""Bodies that no operation takes, sent to every operation that takes one: the contract's error, nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from server.api.bodies import MOST_NAMED
from server.app import create_app
from server.place import Place
from server.settings import Settings
from tests.server.conftest import ORIGIN, Api, Person
from tests.server.operations import (
    Belongings,
    Operation,
    belongings_of,
    is_error,
    operations,
    rows,
    session_of,
    with_settings,
)

GENERATE, PLAN = "/api/v1/stories/generate", "/api/v1/stories/plan"
ENSURE = "/api/v1/series-assets/ensure-character-image"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_settings(settings, limits_login="9000/s")


@pytest.fixture
def every(client: Api) -> list[Operation]:
    return list(operations(client.app))


@pytest.fixture
def things(place: Place, user: Person, tmp_path: Path) -> Belongings:
    return belongings_of(place, user, tmp_path)


# ---- bodies ---------------------------------------------------------------------------------------------------------

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "deep": b"[" * 100_000,
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "deep in a field": b'{"x":' * 100_000,
    "deep with nulls": b'{"x":null,"y":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a list": b"[1, 2]",
    "a text": b'"x"',
    "null": b"null",
    "300 digits": b"9" * 300,
    "NaN": b'{"x": NaN}',
    "infinity": b'{"x": -Infinity}',
    "a surrogate": b'{"x": "\\ud800"}',
    "a surrogate as a name": b'{"\\udfff": 1}',
    "NUL": b'{"\\u0000": "\\u0000"}',
    "no UTF-8": b'{"x": "\xc3\x28"}',
    "a form": b"prompt=x&title=y",
    "multipart": b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n--x--\r\n',
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "pickle": b"\x80\x04\x95\x00",
    "unknown": b'{"nobodyKnowsThis": 1}',
    "__proto__": b'{"__proto__": {"role": "admin"}, "constructor": 1}',
}
KINDS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
         "application/json; charset=utf-16", "text/json", "*/*"]  # fmt: skip


def test_malformed_bodies_on_every_operation_that_takes_one(
    place: Place, client: Api, admin: Person, things: Belongings, every: list[Operation]
) -> None:
    before, mine, wrong = rows(place), session_of(place, admin.id), []
    for operation in every:
        if operation.body is None:
            continue
        path, headers = things.fill(operation.path), {**mine, **JSON}
        for name, body in BODIES.items():
            client.cookies.clear()
            answer = client.request(operation.method, path, content=body, headers=headers)
            if not is_error(answer, 400):
                wrong.append(f"{operation} {name}: {answer.status_code} {answer.text[:100]}")
        for kind in KINDS:
            answer = client.request(
                operation.method,
                path,
                content=json.dumps(operation.body).encode(),
                headers={**mine, "Content-Type": kind},
            )
            if not is_error(answer, 415):
                wrong.append(f"{operation} {kind}: {answer.status_code} {answer.text[:100]}")
    assert wrong == []
    assert rows(place) == before


@pytest.mark.parametrize("announced", [True, False])
def test_twenty_megabytes_are_not_read_to_their_end(
    client: Api, admin: Person, place: Place, things: Belongings, every: list[Operation], announced: bool
) -> None:
    read = 0

    def parts() -> Iterator[bytes]:
        nonlocal read
        for _ in range(20):
            read += 1_000_000
            yield b" " * 1_000_000

    mine, wrong = session_of(place, admin.id), []
    for operation in every:
        if operation.body is None or operation.path == ENSURE:
            continue
        read = 0
        length = {"Content-Length": "20000000"} if announced else {}
        answer = client.request(
            operation.method, things.fill(operation.path), content=parts(), headers={**mine, **JSON, **length}
        )
        if not is_error(answer, 413):
            wrong.append(f"{operation}: {answer.status_code} {answer.text[:100]}")
    assert wrong == []


@pytest.mark.one_server
def test_a_missing_body_is_said_to_be(api: Api) -> None:
    for content in (b"", None):
        answer = api.post(PLAN, content=content, headers=JSON)
        assert is_error(answer, 400)
        assert answer.json()["error"]["details"] == [{"field": "body", "message": "it is missing"}]


@pytest.mark.parametrize(
    "kind", ["application/json; odata=verbose", "application/json;", "application/json; v=1; charset=UTF-8"]
)
@pytest.mark.one_server
def test_other_parameters_of_the_type_do_no_harm(api: Api, kind: str) -> None:
    assert api.post(PLAN, content=b'{"prompt": "x"}', headers={"Content-Type": kind}).status_code == 200


@pytest.mark.one_server
def test_a_compressed_body_is_not_unpacked(api: Api) -> None:
    for encoding in ("gzip", "deflate", "br", "gzip, identity"):
        answer = api.post(PLAN, content=b"\x1f\x8b\x08", headers={**JSON, "Content-Encoding": encoding})
        assert is_error(answer, 415)


@pytest.mark.one_server
def test_an_answer_is_not_larger_than_what_it_refuses(api: Api) -> None:
    answer = api.post(PLAN, json={"prompt": "x", **{f"f{number}": 1 for number in range(50_000)}})
    assert is_error(answer, 400)
    assert len(answer.json()["error"]["details"]) == MOST_NAMED
    for body in ({"prompt": "x", "k" * 900_000: 1}, {"prompt": "x", "use": "u" * 900_000}):
        answer = api.post(PLAN, json=body)
        assert is_error(answer, 400)
        assert len(answer.content) < 2000


@pytest.mark.parametrize(
    ("body", "field", "choice"),
    [
        ({"aspectRatio": "2:1"}, "aspectRatio", "21:9"),
        ({"contentType": "opera"}, "contentType", "ad_spot"),
        ({"captions": "big"}, "captions", "sidecar"),
        ({"use": "evil"}, "use", "personal"),
        ({"script": {"title": "t", "shots": [{}, {"camera": "fly"}]}}, "script.shots[1].camera", "push_in"),
    ],
)
@pytest.mark.one_server
def test_one_of_several_words_is_told_which(api: Api, body: dict[str, Any], field: str, choice: str) -> None:
    answer = api.post(PLAN, json={"prompt": "x"} | body)
    assert is_error(answer, 400)
    (detail,) = answer.json()["error"]["details"]
    assert detail["field"] == field
    assert "is not one of" in detail["message"] and choice in detail["message"]


@pytest.mark.one_server
def test_a_whole_number_may_be_spelt_with_a_fraction_of_nothing(api: Api) -> None:
    assert api.post(PLAN, content=b'{"prompt": "x", "seed": 7.0}', headers=JSON).json()["seed"] == 7
    for spelt in (b"7.5", b"-1.0", b"1e300", b'"7"'):
        answer = api.post(PLAN, content=b'{"prompt": "x", "seed": ' + spelt + b"}", headers=JSON)
        assert is_error(answer, 400)
        assert answer.json()["error"]["details"][0]["field"] == "seed"


@pytest.mark.one_server
def test_null_is_absent_at_every_depth_and_by_any_name(api: Api) -> None:
    script = {"title": "t", "logline": None, "characters": None, "shots": [{"visual": "x", "beat": None, "more": None}]}
    answer = api.post(PLAN, json={"prompt": "x", "script": script, "callbackUrl": None})
    assert answer.status_code == 200, answer.text
    assert is_error(api.post(PLAN, json={"prompt": None}), 400)
    assert is_error(api.post(PLAN, json={"prompt": "x", "music": None, "title": 5}), 400)


SCRIPTS: dict[str, Any] = {
    "no title": {"shots": [{"visual": "x"}]},
    "a title that is too long": {"title": "t" * 201, "shots": [{"visual": "x"}]},
    "no shots": {"title": "t", "shots": []},
    "201 shots": {"title": "t", "shots": [{"visual": "x"}] * 201},
    "a scene that is not there": {"title": "t", "shots": [{"scene": 1, "visual": "x"}]},
    "a negative scene": {"title": "t", "shots": [{"scene": -1, "visual": "x"}]},
    "a scene of 6000 digits": {"title": "t", "shots": [{"scene": "DIGITS", "visual": "x"}]},
    "nothing to see or hear": {"title": "t", "shots": [{"visual": " "}]},
    "a speaker that is not there": {
        "title": "t",
        "characters": [{"name": "A"}],
        "shots": [{"visual": "x", "speaker": "B"}],
    },
    "a long line": {"title": "t", "shots": [{"narration": "x" * 1001}]},
    "a NUL": {"title": "t", "shots": [{"visual": "a\0b"}]},
    "a path": {"title": "t", "shots": [{"visual": "x", "image": "/etc/passwd"}]},
}


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.one_server
def test_an_own_script_that_no_film_can_be_made_of(api: Api, place: Place, name: str) -> None:
    before = rows(place)
    body = json.dumps({"prompt": "x", "script": SCRIPTS[name]}).replace('"DIGITS"', "9" * 6000)
    for path in (PLAN, GENERATE):
        assert is_error(api.post(path, content=body.encode(), headers=JSON), 400)
    assert rows(place) == before


# ---- what is left of it ---------------------------------------------------------------------------------------------


@pytest.mark.one_server
def test_a_deleted_series_leaves_its_jobs_and_stories_without_one(api: Api, place: Place, user: Person) -> None:
    series = api.post("/api/v1/series", json={"title": "The wood"}).json()["id"]
    job = api.post(GENERATE, json={"prompt": "x", "seriesId": series}).json()["jobId"]
    api.post(f"/api/v1/stories/jobs/{job}/cancel")
    assert api.delete(f"/api/v1/series/{series}").status_code == 200
    assert api.post(f"/api/v1/stories/jobs/{job}/retry").status_code == 202


@pytest.mark.one_server
def test_a_job_that_is_over_tells_no_time_left(api: Api, job: str) -> None:
    told = api.post(f"/api/v1/stories/jobs/{job}/cancel").json()
    assert (told["status"], told["etaSeconds"]) == ("failed", None)


@pytest.mark.one_server
def test_the_first_answer_is_given_again_though_the_webhook_has_gone(api: Api, place: Place, user: Person) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"prompt": "x", "webhookUrl": "https://8.8.8.8/hook"}
    first = api.post(GENERATE, json=body, headers=headers)
    assert first.status_code == 202
    strict = place._replace(settings=with_settings(place.settings, offline="strict"))
    with TestClient(create_app(strict), base_url=ORIGIN) as offline:
        offline.headers.update(user.bearer)
        again = offline.post(GENERATE, json=body, headers=headers)
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
        assert again.json() == first.json()
        assert is_error(offline.post(GENERATE, json=body, headers={"Idempotency-Key": "k2"}), 400)
        assert is_error(offline.post(GENERATE, json=body | {"prompt": "y"}, headers=headers), 422)


def test_no_type_is_told_twice(
    api: Api, things: Belongings, every: list[Operation], place: Place, admin: Person
) -> None:
    for operation in every:
        if operation.method == "GET" and not operation.path.endswith("/events"):
            answer = api.get(things.fill(operation.path), headers=session_of(place, admin.id))
            assert answer.headers["Content-Type"].count("charset") <= 1, operation
