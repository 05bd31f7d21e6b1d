"""Who may not, and paths, methods and parameters that are none, on every operation: refused, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.accounts import keys
from server.accounts.models import SCOPES
from server.place import Place
from server.settings import Settings
from tests.server.conftest import Api, Person
from tests.server.operations import (
    Belongings,
    Operation,
    belongings_of,
    is_error,
    make_admin,
    needed_scope,
    operations,
    rows,
    send,
    session_of,
    with_settings,
)
from tests.server.people import add_key

GENERATE, PLAN = "/api/v1/stories/generate", "/api/v1/stories/plan"
ENSURE = "/api/v1/series-assets/ensure-character-image"
JSON = {"Content-Type": "application/json"}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return with_settings(settings, limits_login="9000/s")


@pytest.fixture
def every(client: Api) -> list[Operation]:
    return list(operations(client.app))


@pytest.fixture
def things(place: Place, user: Person, tmp_path: Path) -> Belongings:
    return belongings_of(place, user, tmp_path)


# ---- who may --------------------------------------------------------------------------------------------------------


def test_each_scope_on_each_operation(
    place: Place, client: Api, user: Person, things: Belongings, every: list[Operation]
) -> None:
    make_admin(place, user.id)
    bearers = {scope: {"Authorization": f"Bearer {add_key(place, user.id, scope)}"} for scope in SCOPES}
    wrong = []
    for operation in every:
        needed, path = needed_scope(operation.access), things.fill(operation.path)
        if operation.access == "public":
            continue
        for scope, bearer in bearers.items():
            answer = send(client, operation, path, bearer)
            if is_error(answer, 403) is (scope == needed) or answer.status_code in (401, 500):
                wrong.append(f"{operation} with {scope}: {answer.status_code}")
        allowed = send(client, operation, path, session_of(place, user.id))
        if allowed.status_code in (401, 403, 500):
            wrong.append(f"{operation} with a session: {allowed.status_code}")
    assert wrong == []


def test_strangers_revoked_keys_and_plain_users_on_each_operation(
    place: Place, client: Api, user: Person, stranger: Person, things: Belongings, every: list[Operation]
) -> None:
    with place.db.writing() as session:
        row, revoked = keys.create_key(session, user.id, "old", None)
        keys.revoke_key(session, user.id, row.id)
    before = rows(place)
    nobodies = {
        "nobody": {},
        "revoked": {"Authorization": f"Bearer {revoked}"},
        "no such session": {"Cookie": "reelhouse_session=chosen-by-the-client"},
        "basic": {"Authorization": "Basic YTpi"},
    }
    wrong = []
    for operation in every:
        for who, headers in nobodies.items() if operation.access != "public" else ():
            if not is_error(answer := send(client, operation, things.fill(operation.path), headers), 401):
                wrong.append(f"{operation} as {who}: {answer.status_code}")
        if operation.access == "admin":
            answer = send(client, operation, things.fill(operation.path), session_of(place, stranger.id))
            if not is_error(answer, 403):
                wrong.append(f"{operation} as a plain user: {answer.status_code}")
    assert wrong == []
    assert rows(place) == before


def test_what_is_somebody_elses_is_not_there_for_any_operation(
    place: Place, client: Api, stranger: Person, things: Belongings, every: list[Operation]
) -> None:
    before = rows(place)
    wrong = []
    for operation in every:
        if not operation.parameters or operation.access in ("public", "admin"):
            continue
        answer = send(client, operation, things.fill(operation.path), session_of(place, stranger.id))
        if not is_error(answer, 404):
            wrong.append(f"{operation}: {answer.status_code} {answer.text[:80]}")
    assert wrong == []
    assert rows(place) == before


def test_an_id_of_somebody_elses_in_a_body_is_not_there(
    api: Api, place: Place, stranger: Person, tmp_path: Path
) -> None:
    theirs = belongings_of(place, stranger, tmp_path).ids
    before = rows(place)
    for path in (GENERATE, PLAN):
        assert is_error(api.post(path, json={"prompt": "x", "seriesId": theirs["series_id"]}), 404)
    picture = {"seriesId": theirs["series_id"], "characterName": "Vix", "imageUrl": "data:image/png;base64,AAAA"}
    assert is_error(api.post(ENSURE, json=picture), 404)
    assert rows(place) == before


# ---- paths, methods, parameters -------------------------------------------------------------------------------------

TRAVERSALS = [
    "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fapp.db", "..%5c..%5capp.db", "%252e%252e%252f", "....%2f%2f",
    "%2fetc%2fpasswd", "x" * 5000, "%ff%fe", "%ed%a0%80", "%E2%80%AE", "c" + "0" * 24, "'%20OR%201=1--", "%3Cscript%3E",
    "null", "-1", "%0d%0aSet-Cookie:%20a=b", "%F0%9F%A6%8A", "*", "~root",
]  # fmt: skip


def test_no_path_part_of_any_operation_leads_elsewhere(
    place: Place, client: Api, admin: Person, things: Belongings, every: list[Operation]
) -> None:
    before = rows(place)
    mine = session_of(place, admin.id)
    wrong = []
    for operation in every:
        for name in operation.parameters:
            for value in TRAVERSALS:
                answer = send(client, operation, things.fill(operation.path, **{name: value}), mine)
                # A slash in a part makes another path of it, on which there may be other methods.
                if not is_error(answer, 404, *([405] if "%2f" in value else [])):
                    wrong.append(f"{operation} {name}={value[:40]}: {answer.status_code} {answer.text[:60]}")
            for value in ("%00", "a%00.mp4"):
                answer = send(client, operation, things.fill(operation.path, **{name: value}), mine)
                if not is_error(answer, 400):
                    wrong.append(f"{operation} {name}={value}: {answer.status_code}")
    assert wrong == []
    assert rows(place) == before


def test_wrong_methods_on_every_path(client: Api, user: Person, things: Belongings, every: list[Operation]) -> None:
    taken: dict[str, set[str]] = {}
    for operation in every:
        taken.setdefault(operation.path, set()).add(operation.method)
    wrong = []
    for path, methods in taken.items():
        for method in METHODS - methods:
            answer = client.request(method, things.fill(path), headers=user.bearer)
            told = set(answer.headers.get("Allow", "").replace(" ", "").split(","))
            if answer.status_code != 405 or told != methods | {"OPTIONS"}:
                wrong.append(f"{method} {path}: {answer.status_code} {told}")
            elif method != "HEAD" and not is_error(answer, 405):
                wrong.append(f"{method} {path}: {answer.text}")
    assert wrong == []


PAGES = ["page=0", "page=-1", "page=", "page=x", "page=1.5", "page=NaN", "page=" + "9" * 300, "page=%00", "page=null",
         "limit=0", "limit=101", "limit=-1", "limit=all", "limit=1e9", "limit=Infinity",
         "limit=%F0%9F%A6%8A"]  # fmt: skip


def test_pages_out_of_bounds_on_every_list(place: Place, client: Api, admin: Person, every: list[Operation]) -> None:
    paged = ["/api/v1/stories", "/api/v1/series", "/api/v1/credits", "/api/v1/users"]
    assert set(paged) <= {operation.path for operation in every}
    wrong = [
        f"{path}?{query}: {answer.status_code}"
        for path in paged
        for query in PAGES
        if not is_error(answer := client.get(f"{path}?{query}", headers=session_of(place, admin.id)), 400)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "status", ["nonsense", "", "null", "COMPLETED", "queued", "%ff", "completed,failed", "x" * 5000]
)
@pytest.mark.one_server
def test_a_status_that_no_story_has_is_told_which_there_are(api: Api, status: str) -> None:
    answer = api.get(f"/api/v1/stories?status={status}")
    assert is_error(answer, 400)
    assert "rendering_video" in answer.json()["error"]["message"]


@pytest.mark.parametrize("value", ["null", "yes", "", "2", "tru"])
@pytest.mark.one_server
def test_what_is_no_dry_run_makes_nothing(api: Api, place: Place, things: Belongings, value: str) -> None:
    before = rows(place)
    path = things.fill("/api/v1/stories/{story_id}/shots/{clip_id}")
    assert is_error(api.patch(f"{path}?dryRun={value}", json={"narration": "Other words."}), 400)
    assert rows(place) == before


HOSTS = ["localhost:80@evil.example", "localhost:x", "localhost:1:2", "[::1]x", "[::1", "::1]", "localhost:999999",
         "user@localhost", "localhost/x", "", "localhost,evil.example"]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.one_server
def test_a_host_with_more_than_a_name_and_a_port_is_refused(api: Api, host: str) -> None:
    assert is_error(api.get("/api/v1/stories", headers={"Host": host}), 400)


@pytest.mark.one_server
def test_a_body_whose_length_is_told_in_two_ways_is_refused(api: Api) -> None:
    headers = {**JSON, "Content-Length": "15", "Transfer-Encoding": "chunked"}
    assert is_error(api.post(GENERATE, content=b'{"prompt": "x"}', headers=headers), 400)
