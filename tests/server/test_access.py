"""The door: who may call what, with a key or as a logged-in person, and what is refused by default."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from engine.errors import BadSetting
from server.accounts import keys, users
from server.accounts.models import SCOPES
from server.api.access import COOKIE, access_layers
from server.api.addresses import client_address, parse_proxies
from server.db.database import sqlite_url
from server.place import Place
from tests.server.front import app_at, bearer, client_of, log_in, look, public
from tests.server.people import add_key, add_user, place_on

pytest_plugins = ["tests.server.databases"]

Client = TestClient[Litestar]

OPERATIONS = {
    "stories:generate": ("POST", "/make"),
    "stories:read": ("GET", "/look"),
    "assets:read": ("GET", "/assets"),
    "credits": ("GET", "/credits"),
    "session": ("GET", "/api-keys"),
    "admin": ("GET", "/users"),
}
GOOD = dict.fromkeys(OPERATIONS, 200) | {"stories:generate": 201}
NOTE = {"text": "a fox"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with place_on(sqlite_url(tmp_path / "data" / "app.db"), tmp_path, limits_login="1000/s") as place:
        yield place


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    with client_of(place) as client:
        yield client


def call(client: Client, access: str, **headers: str) -> int:
    method, path = OPERATIONS[access]
    return client.request(method, path, headers=headers, json=NOTE if method == "POST" else None).status_code


def refused(answer, status: int, code: str) -> bool:
    error = answer.json()["error"]
    return (answer.status_code, error["code"], error["status"]) == (status, code, status)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("access", OPERATIONS)
def test_a_key_opens_what_its_scope_names_and_nothing_else(
    place: Place, client: Client, scope: str, access: str
) -> None:
    key = add_key(place, add_user(place, admin=True), scope)
    needed = "stories:read" if access == "credits" else access
    assert call(client, access, **bearer(key)) == (
        (201 if access == "stories:generate" else 200) if scope == needed else 403
    )


@pytest.mark.parametrize(("admin", "access"), [(admin, access) for admin in (True, False) for access in OPERATIONS])
def test_a_session_may_do_all_that_its_user_may(place: Place, client: Client, admin: bool, access: str) -> None:
    add_user(place, admin=admin)
    log_in(client)
    allowed = admin or access != "admin"
    assert call(client, access) == (GOOD[access] if allowed else 403)


@pytest.mark.parametrize("access", OPERATIONS)
def test_nobody_is_let_in_without_key_or_session(client: Client, access: str) -> None:
    assert call(client, access) == 401


@pytest.mark.parametrize("path", ["/undeclared", "/misspelt"])
def test_what_declares_no_access_is_denied_to_everybody(place: Place, client: Client, path: str) -> None:
    key = add_key(place, add_user(place, admin=True))
    assert refused(client.get(path), 403, "forbidden")
    assert refused(client.get(path, headers=bearer(key)), 403, "forbidden")
    log_in(client)
    assert refused(client.get(path), 403, "forbidden")


def test_without_the_middleware_the_guard_denies_and_without_the_guard_the_middleware(place: Place) -> None:
    middleware, guards, dependencies = access_layers(place)
    for layers in ({"middleware": middleware}, {"guards": guards}):
        app = Litestar([public, look], dependencies=dependencies, openapi_config=None, **layers)
        with TestClient(app) as client:
            assert client.get("/open").status_code >= 400
            assert client.get("/look").status_code >= 400


def test_what_is_public_and_what_is_not_there_need_no_key(client: Client) -> None:
    assert client.get("/open").status_code == 200
    assert client.get("/open", headers={"Authorization": "Bearer nonsense"}).status_code == 200
    assert client.get("/nowhere").status_code == 404
    assert client.delete("/look").status_code == 405
    options = client.options("/look")
    assert options.status_code == 204
    assert "GET" in options.headers["allow"]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "sk_live_x",
        "Bearer sk_live_" + "a" * 55,
        "Bearer a b c",
        "Bearer \xff\xfe",
    ],
)
def test_a_header_that_is_no_key_is_a_clean_401(client: Client, value: str) -> None:
    answer = client.get("/look", headers={"Authorization": value.encode("latin-1")})
    assert refused(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_two_authorization_headers_are_refused_whichever_is_right(place: Place, client: Client) -> None:
    good = f"Bearer {add_key(place, add_user(place))}"
    for pair in ([good, "Bearer x"], ["Bearer x", good], [good, good]):
        answer = client.get("/look", headers=[("Authorization", value) for value in pair])
        assert refused(answer, 401, "unauthorized")


def test_the_scheme_is_read_in_any_case_with_any_room_around_the_key(place: Place, client: Client) -> None:
    key = add_key(place, add_user(place))
    assert client.get("/look", headers={"Authorization": f"bearer   {key} "}).status_code == 200


def test_a_wrong_key_is_refused_though_there_is_a_session(place: Place, client: Client) -> None:
    add_user(place)
    log_in(client)
    assert client.get("/look", headers=bearer("sk_live_wrong")).status_code == 401


def test_a_revoked_key_and_a_disabled_owners_key_stop_at_once(place: Place, client: Client) -> None:
    user_id = add_user(place)
    with place.db.writing() as session:
        row, first = keys.create_key(session, user_id, "first", None)
    second = add_key(place, user_id)
    assert client.get("/look", headers=bearer(first)).status_code == 200
    with place.db.writing() as session:
        keys.revoke_key(session, user_id, row.id)
    assert refused(client.get("/look", headers=bearer(first)), 401, "unauthorized")
    with place.db.writing() as session:
        users.disable(session, user_id)
    assert refused(client.get("/look", headers=bearer(second)), 401, "unauthorized")


def test_of_two_session_cookies_neither_counts(place: Place, client: Client) -> None:
    add_user(place)
    log_in(client)
    token = client.cookies[COOKIE]
    client.cookies.clear()
    assert client.get("/look", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 200
    assert client.get("/look", headers={"Cookie": f"{COOKIE}=planted; {COOKIE}={token}"}).status_code == 401


# ---- limits at the door ---------------------------------------------------------------------------------------------


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Place]:
    rates = {"limits_read": "3/hour", "limits_generate": "2/hour", "limits_login": "2/hour"}
    with place_on(sqlite_url(tmp_path / "data" / "app.db"), tmp_path, **rates) as place:
        yield place


def test_answers_tell_the_limit_and_refused_ones_how_long_to_wait(narrow: Place) -> None:
    key = add_key(narrow, add_user(narrow))
    with client_of(narrow) as client:
        answers = [client.get("/look", headers=bearer(key)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"3"}
    assert all(0 < int(answer.headers["ratelimit-reset"]) <= 3600 for answer in answers)
    assert refused(answers[3], 429, "rate_limited")
    assert 1 <= int(answers[3].headers["retry-after"]) <= 1200


def test_calls_refused_for_other_reasons_count_too(narrow: Place) -> None:
    user_id = add_user(narrow)
    key, lesser = add_key(narrow, user_id), add_key(narrow, user_id, "stories:read")
    with client_of(narrow) as client:
        wrong_body = [client.post("/make", json={"txt": 1}, headers=bearer(key)) for _ in range(3)]
        wrong_scope = [client.get("/assets", headers=bearer(lesser)) for _ in range(4)]
    assert [answer.status_code for answer in wrong_body] == [400, 400, 429]
    assert [answer.status_code for answer in wrong_scope] == [403, 403, 403, 429]
    assert all("ratelimit-remaining" in answer.headers for answer in wrong_body + wrong_scope)


def test_making_and_reading_have_limits_of_their_own_and_so_has_each_key(narrow: Place) -> None:
    user_id = add_user(narrow)
    first, second = add_key(narrow, user_id), add_key(narrow, user_id)
    with client_of(narrow) as client:
        made = [client.post("/make", json=NOTE, headers=bearer(first)).status_code for _ in range(3)]
        assert made == [201, 201, 429]
        assert client.get("/look", headers=bearer(first)).status_code == 200
        assert client.delete("/gone", headers=bearer(first)).headers["ratelimit-limit"] == "3"
        assert client.post("/make", json=NOTE, headers=bearer(second)).status_code == 201


def test_logins_are_limited_by_address_and_nothing_else(narrow: Place) -> None:
    add_user(narrow)
    with client_of(narrow) as client:
        tries = [
            client.post("/session", json={"email": f"{n}@example.com", "password": "wrong-password"}) for n in range(3)
        ]
        assert [answer.status_code for answer in tries] == [401, 401, 429]
        assert tries[0].headers["ratelimit-remaining"] == "1"
        forged = client.post("/session", json={}, headers={"X-Forwarded-For": "203.0.113.9"})
        assert forged.status_code == 429
    app = app_at(narrow)

    async def from_elsewhere(scope, receive, send) -> None:
        await app({**scope, "client": ("203.0.113.7", 4711)}, receive, send)

    with TestClient(from_elsewhere) as elsewhere:
        assert elsewhere.post("/api/v1/session", json={}).status_code == 400


def test_strangers_take_nothing_from_anybodys_limit(narrow: Place) -> None:
    key = add_key(narrow, add_user(narrow))
    with client_of(narrow) as client:
        assert {client.get("/look", headers=bearer(key[:-1] + "!")).status_code for _ in range(9)} == {401}
        assert client.get("/look", headers=bearer(key)).status_code == 200


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"limits_read": "many"}, "REELHOUSE_LIMITS_READ"), ({"trusted_proxies": ("nginx",)}, "TRUSTED_PROXIES")],
)
def test_settings_that_say_nothing_are_refused_at_the_start(tmp_path: Path, settings, told: str) -> None:
    url = sqlite_url(tmp_path / "data" / "app.db")
    with place_on(url, tmp_path, **settings) as place, pytest.raises(BadSetting, match=told):
        access_layers(place)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"),  # nobody we trust: what it forwards is its own word
        ("10.0.0.7", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.7", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),  # the first hop was written by the client
        ("10.0.0.7", ["6.6.6.6", "198.51.100.1, 10.0.0.9"], "198.51.100.1"),
        ("10.0.0.7", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.7", ["[2001:db8::1]:4711"], "2001:db8::/64"),
        ("10.0.0.7", ["nonsense"], "10.0.0.7"),
        ("10.0.0.7", [], "10.0.0.7"),
        ("::ffff:10.0.0.7", ["198.51.100.1"], "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        (None, ["198.51.100.1"], "local"),
    ],
)
def test_a_clients_address_is_the_nearest_that_is_no_trusted_proxy(
    peer: str | None, forwarded: list[str], address: str
) -> None:
    assert client_address(peer, forwarded, parse_proxies(("10.0.0.0/8",))) == address
