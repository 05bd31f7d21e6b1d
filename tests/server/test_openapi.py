"""The documentation: complete, true to what is served, and changed on purpose only.

`python -m tests.server.test_openapi` writes the snapshot anew; its difference is a change of the contract.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.routes import HTTPRoute

from server.api.openapi import _answers, _taken, describe
from server.app import create_app
from server.place import Place, open_place
from server.settings import Settings
from tests.server.conftest import Api, Person

SNAPSHOT = Path(__file__).with_name("openapi.json")
RENEW = "if this change of the contract is meant, run: .venv/bin/python -m tests.server.test_openapi"


def spelled(document: dict[str, Any]) -> str:
    return json.dumps(document | {"info": document["info"] | {"version": "0"}}, indent=1, ensure_ascii=False) + "\n"


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


@pytest.mark.one_server
def test_the_document_is_the_one_that_was_agreed_on(client: Api) -> None:
    answer = client.get("/openapi.json")
    assert answer.headers["content-type"].startswith("application/json")
    assert spelled(answer.json()) == SNAPSHOT.read_text(encoding="utf-8"), RENEW


@pytest.mark.one_server
def test_every_operation_is_described_with_examples_and_errors(client: Api) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for name, operation in operations(document):
        assert operation["summary"], name
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        contents = [content for body in bodies for content in body.get("content", {}).values()]
        assert all("example" in content for content in contents), name
        assert {"400", "500", "503"} <= operation["responses"].keys(), name
        if operation["security"]:
            assert {"401", "403", "429"} <= operation["responses"].keys(), name
        declared = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", name)), name


@pytest.mark.one_server
def test_every_reference_leads_somewhere(client: Api) -> None:
    document = client.get("/openapi.json").json()
    for reference in set(re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(document))):
        found = document
        for part in reference.split("/"):
            found = found[part]


def test_every_route_that_is_served_is_described_or_hidden_on_purpose(place: Place) -> None:
    server = create_app(place)
    described = {name.lower() for name, _ in operations(describe(server))}
    hidden = set()
    for route in server.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            for method in handler.http_methods - {"OPTIONS"}:
                path = re.sub(r"_(\w)", lambda match: match[1], route.path_format)
                if f"{method} {path}".lower() not in described:
                    hidden.add(f"{method} {route.path_format}")
    assert hidden == {
        "GET /",
        "GET /docs",
        "GET /openapi.json",
        "GET /web/{name}",
        "GET /media/{name}",
        "HEAD /media/{name}",
    }


@pytest.mark.one_server
def test_every_route_says_whom_it_is_for(place: Place) -> None:
    for route in create_app(place).routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            if handler.http_methods != {"OPTIONS"}:
                assert handler.opt.get("access"), route.path


def test_every_example_is_what_the_operation_takes_and_answers(place: Place) -> None:
    server = create_app(place)
    document = describe(server)
    by_id = {operation["operationId"]: operation for _, operation in operations(document)}
    for route in server.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            function = getattr(handler.fn, "func", handler.fn)
            name = handler.operation_id or re.sub(r"_(\w)", lambda m: m[1].upper(), function.__name__)
            if not isinstance(name, str) or name not in by_id or handler.http_methods == {"OPTIONS"}:
                continue
            for kind in _taken(handler):
                msgspec.convert(by_id[name]["requestBody"]["content"]["application/json"]["example"], kind)
            for status, kind in _answers(handler).items():
                if isinstance(kind, type) and issubclass(kind, bytes | type(None)):
                    continue
                content = by_id[name]["responses"][str(status)]["content"]["application/json"]
                msgspec.convert(content["example"], kind)


@pytest.mark.parametrize("path", ["/", "/docs", "/web/docs.js", "/web/studio.js", "/web/style.css"])
@pytest.mark.one_server
def test_the_pages_load_nothing_from_elsewhere(client: Api, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert not re.search(r"""(src|href|url|import|fetch|from)\s*[=(]?\s*["'(]?\s*(https?:)?//""", answer.text)
    assert not re.search(r"""<script(?![^>]*src=)|<style|\sstyle=|\son\w+=""", answer.text), "the policy refuses these"


def test_the_first_page_offers_the_setup_while_there_is_no_user(client: Api, people: Callable[..., Person]) -> None:
    assert 'data-setup="yes"' in client.get("/").text
    people("ada@example.com")
    assert 'data-setup="no"' in client.get("/").text


def test_a_page_that_is_not_there(client: Api) -> None:
    for name in ("pages.py", "..%2fpages.py", "nothing.js"):
        assert client.get(f"/web/{name}").status_code == 404


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    opened = open_place(Settings(home=folder / "home", data=folder / "data"))
    SNAPSHOT.write_text(spelled(describe(create_app(opened))), encoding="utf-8")
    print(f"{SNAPSHOT} is written")
