"""Logging in and out, what a page must send with a write, and the operations of accounts as people call them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from server.accounts import setup
from server.api.access import COOKIE
from server.db.database import sqlite_url
from server.place import Place
from tests.server.front import SAME_ORIGIN, bearer, client_of, log_in
from tests.server.people import PASSWORD, add_key, add_user, place_on

pytest_plugins = ["tests.server.databases"]

Client = TestClient[Litestar]
ORIGIN = "http://testserver.local"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with place_on(sqlite_url(tmp_path / "data" / "app.db"), tmp_path, limits_login="1000/s") as place:
        yield place


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    with client_of(place) as client:
        yield client


# ---- logging in and out ---------------------------------------------------------------------------------------------


def test_a_login_answers_the_user_and_a_cookie_that_scripts_cannot_read(place: Place, client: Client) -> None:
    user_id = add_user(place, admin=True)
    answer = client.post("/session", json={"email": "ADA@example.com", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["user"] == {"id": user_id, "email": "ada@example.com", "role": "admin"}
    assert set(answer.json()) == {"user", "csrfToken"}
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=")
    assert {"httponly", "samesite=lax", "path=/", "max-age=604800"} <= {part.strip() for part in cookie.split(";")}
    assert "secure" not in cookie
    assert client.get("/session").json() == answer.json()


def test_under_https_the_cookie_is_for_https_only(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "data" / "app.db")
    with place_on(url, tmp_path, public_url="https://films.example.com") as place, client_of(place) as client:
        add_user(place)
        answer = client.post("/session", json={"email": "ada@example.com", "password": PASSWORD})
    assert "secure" in answer.headers["set-cookie"].lower()


def test_a_session_id_that_was_there_before_the_login_is_worth_nothing_after_it(place: Place, client: Client) -> None:
    add_user(place)
    client.cookies.set(COOKIE, "attackers-choice")
    log_in(client)
    for planted in ("attackers-choice", ""):
        with client_of(place) as attacker:
            attacker.cookies.set(COOKIE, planted)
            assert attacker.get("/session").status_code == 401


def test_each_login_gives_another_id_and_ends_the_one_before(place: Place, client: Client) -> None:
    add_user(place)
    csrf = log_in(client)
    first = client.cookies[COOKIE]
    assert log_in(client) != csrf
    assert client.cookies[COOKIE] != first
    with client_of(place) as other:
        other.cookies.set(COOKIE, first)
        assert other.get("/session").status_code == 401


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(place: Place, client: Client) -> None:
    add_user(place)
    answers = [
        client.post("/session", json={"email": email, "password": "wrong-password"})
        for email in ("ada@example.com", "nobody@example.com", "no address")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_after_logging_out_the_cookie_is_worth_nothing(place: Place, client: Client) -> None:
    add_user(place)
    log_in(client)
    kept = client.cookies[COOKIE]
    answer = client.delete("/session")
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    client.cookies.set(COOKIE, kept)
    assert client.get("/session").status_code == 401


def test_a_key_has_no_session(place: Place, client: Client) -> None:
    key = add_key(place, add_user(place))
    for method in ("GET", "DELETE"):
        assert client.request(method, "/session", headers=bearer(key)).status_code == 403


# ---- writes from pages ----------------------------------------------------------------------------------------------

GOOD, WRONG, NONE = "good", "wrong", "none"


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        ({}, NONE, 201),  # no browser
        ({}, GOOD, 201),
        ({"Origin": ORIGIN}, GOOD, 201),
        ({"Origin": ORIGIN}, NONE, 403),
        ({"Origin": ORIGIN}, WRONG, 403),
        ({"Sec-Fetch-Site": "same-origin"}, GOOD, 201),
        ({"Sec-Fetch-Site": "same-origin"}, NONE, 403),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}, GOOD, 201),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}, GOOD, 403),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"}, GOOD, 403),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "none"}, GOOD, 403),
        ({"Origin": ""}, GOOD, 403),
        ({"Origin": "null"}, GOOD, 403),
        ({"Origin": "http://evil.example"}, GOOD, 403),
        ({"Origin": "http://testserver.local.evil.example"}, GOOD, 403),
        ({"Origin": "http://testserver.local:8080"}, GOOD, 403),
        ({"Origin": "http://sub.testserver.local"}, GOOD, 403),
        ({"Origin": "https://testserver.local"}, GOOD, 201),  # a proxy speaks https for us
        ({"Origin": "HTTP://TESTSERVER.LOCAL"}, GOOD, 201),
    ],
)
def test_a_write_by_cookie_needs_our_page_and_its_token_where_a_browser_sent_it(
    place: Place, client: Client, headers: dict[str, str], token: str, status: int
) -> None:
    add_user(place)
    csrf = log_in(client)
    if token != NONE:
        headers = headers | {"X-CSRF-Token": csrf if token == GOOD else csrf[:-1] + "!"}
    assert client.post("/make", json={"text": "x"}, headers=headers).status_code == status
    assert client.get("/look", headers=headers).status_code == 200


def test_the_token_of_another_session_will_not_do(place: Place, client: Client) -> None:
    add_user(place)
    add_user(place, "grace@example.com")
    log_in(client)
    with client_of(place) as other:
        theirs = log_in(other, "grace@example.com")
    assert client.post("/make", json={"text": "x"}, headers=SAME_ORIGIN | {"X-CSRF-Token": theirs}).status_code == 403


def test_the_configured_public_address_is_our_origin_too(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "data" / "app.db")
    with place_on(url, tmp_path, public_url="https://films.example.com/") as place, client_of(place) as client:
        add_user(place)
        token = client.post("/session", json={"email": "ada@example.com", "password": PASSWORD})
        cookie = token.headers["set-cookie"].partition(";")[0]
        headers = {"Cookie": cookie, "X-CSRF-Token": token.json()["csrfToken"]}
        ours = client.post("/make", json={"text": "x"}, headers=headers | {"Origin": "https://films.example.com"})
        lesser = client.post("/make", json={"text": "x"}, headers=headers | {"Origin": "http://films.example.com"})
    assert (ours.status_code, lesser.status_code) == (201, 403)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_write_by_cookie_takes_json_only(place: Place, client: Client, kind: str) -> None:
    add_user(place)
    log_in(client)
    answer = client.post("/make", content=b'{"text": "x"}', headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_media_type"
    assert client.delete("/gone").status_code == 200


def test_a_key_needs_neither_origin_nor_token(place: Place, client: Client) -> None:
    key = add_key(place, add_user(place))
    headers = bearer(key) | {"Origin": "https://a-web-app.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/make", json={"text": "x"}, headers=headers).status_code == 201


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_nobody_is_logged_in_by_a_foreign_page(place: Place, client: Client, origin: str) -> None:
    add_user(place)
    credentials = {"email": "ada@example.com", "password": PASSWORD}
    answer = client.post("/session", json=credentials, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert client.post("/session", json=credentials, headers=SAME_ORIGIN).status_code == 200


# ---- the first admin ------------------------------------------------------------------------------------------------


def test_the_first_admin_sets_up_and_is_logged_in(place: Place, client: Client) -> None:
    token = setup.make_token(place)
    wrong = client.post("/setup", json={"token": "wrong", "email": "ada@example.com", "password": PASSWORD})
    assert wrong.status_code == 403
    answer = client.post("/setup", json={"token": token, "email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 201
    assert answer.json()["user"]["role"] == "admin"
    assert client.get("/session").json() == answer.json()
    again = client.post("/setup", json={"token": token, "email": "eve@example.com", "password": PASSWORD})
    assert again.status_code == 404


# ---- keys, users, credits -------------------------------------------------------------------------------------------


def test_keys_are_made_listed_used_and_revoked(place: Place, client: Client) -> None:
    add_user(place)
    log_in(client)
    made = client.post("/api-keys", json={"name": "My integration"})
    assert made.status_code == 201
    new = made.json()
    assert list(new) == ["id", "key", "name", "keyPrefix", "scopes"]
    assert new["id"].startswith("key_")
    assert new["keyPrefix"] == new["key"][:12]
    assert new["scopes"] == ["stories:generate", "stories:read", "assets:read"]
    [listed] = client.get("/api-keys").json()["data"]
    assert listed.pop("createdAt").endswith("Z")
    assert listed == {k: new[k] for k in ("id", "name", "keyPrefix", "scopes")} | {"revokedAt": None}
    assert client.get("/look", headers=bearer(new["key"])).status_code == 200
    for _ in range(2):
        answer = client.delete(f"/api-keys/{new['id']}")
        assert (answer.status_code, answer.json()) == (200, {"id": new["id"], "revoked": True})
    assert client.get("/look", headers=bearer(new["key"])).status_code == 401
    assert client.get("/api-keys").json()["data"][0]["revokedAt"].endswith("Z")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["everything"]}, "scopes"),
        ({"name": "x", "scopes": "stories:read"}, "scopes"),
        ({"name": "x", "owner": "me"}, "owner"),
    ],
)
def test_a_key_that_is_asked_for_wrongly_names_the_field(place: Place, client: Client, body: dict, field: str) -> None:
    add_user(place)
    log_in(client)
    answer = client.post("/api-keys", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field


def test_null_counts_as_absent(place: Place, client: Client) -> None:
    add_user(place)
    log_in(client)
    assert len(client.post("/api-keys", json={"name": "x", "scopes": None}).json()["scopes"]) == 3


def test_somebody_elses_key_is_not_found(place: Place, client: Client) -> None:
    add_user(place)
    add_user(place, "grace@example.com")
    log_in(client)
    theirs = client.post("/api-keys", json={"name": "x"}).json()
    log_in(client, "grace@example.com")
    assert client.delete(f"/api-keys/{theirs['id']}").status_code == 404
    assert client.get("/api-keys").json() == {"data": []}
    assert client.get("/look", headers=bearer(theirs["key"])).status_code == 200


def test_an_admin_makes_grants_disables_and_resets(place: Place, client: Client) -> None:
    add_user(place, admin=True)
    log_in(client)
    made = client.post("/users", json={"email": "Grace@Example.com", "password": PASSWORD})
    assert made.status_code == 201
    grace = made.json()
    assert list(grace) == ["id", "email", "role", "balance", "disabledAt", "createdAt"]
    assert (grace["email"], grace["role"], grace["balance"]) == ("grace@example.com", "user", 1000)
    change = f"/users/{grace['id']}"
    assert client.patch(change, json={"grant": 25}).json()["balance"] == 1025
    assert client.patch(change, json={"disabled": True, "grant": None}).json()["disabledAt"].endswith("Z")
    with client_of(place) as other:
        wanted = {"email": "grace@example.com", "password": "another good one"}
        assert other.post("/session", json=wanted).status_code == 401
        assert client.patch(change, json={"disabled": False, "password": "another good one"}).status_code == 200
        assert other.post("/session", json=wanted).status_code == 200
    page = client.get("/users", params={"limit": 1, "page": 2}).json()
    assert [user["email"] for user in page["data"]] == ["grace@example.com"]
    assert page["pagination"] == {"page": 2, "limit": 1, "total": 2, "totalPages": 2}
    assert client.post("/users", json={"email": "grace@example.com", "password": PASSWORD}).status_code == 409
    assert client.patch("/users/cnobody", json={"grant": 1}).status_code == 404
    for wrong in ({"grant": 0}, {"grant": -5}, {"password": "short"}, {"balance": 5}):
        assert client.patch(change, json=wrong).status_code == 400


def test_all_of_a_change_happens_or_nothing(place: Place, client: Client) -> None:
    me = add_user(place, admin=True)
    log_in(client)
    assert client.patch(f"/users/{me}", json={"grant": 5, "disabled": True}).status_code == 409
    assert client.get("/credits").json()["balance"] == 1000


def test_credits_are_told_to_their_owner(place: Place, client: Client) -> None:
    user_id = add_user(place, credits=40)
    key = add_key(place, user_id, "stories:read")
    answer = client.get("/credits", headers=bearer(key)).json()
    assert list(answer) == ["balance", "data", "pagination"]
    assert answer["balance"] == 40
    [entry] = answer["data"]
    assert (entry["amount"], entry["reason"], entry["jobId"]) == (40, "grant", None)
    assert answer["pagination"] == {"page": 1, "limit": 20, "total": 1, "totalPages": 1}
    for wrong in ({"page": 0}, {"limit": 101}, {"limit": "x"}):
        assert client.get("/credits", headers=bearer(key), params=wrong).status_code == 400
