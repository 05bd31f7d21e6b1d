"""Users, passwords, keys, sessions, the first admin: what the rooms promise, on each database."""

import hashlib
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest
from sqlalchemy import select, update

from server.accounts import keys, logins, passwords, users
from server.accounts.models import SCOPES, ApiKey, Credit, User
from server.errors import BadInput, Conflict, NotFound, Unauthorized
from server.place import Place
from tests.server.people import PASSWORD, add_key, add_user, at_once, place_on

pytest_plugins = ["tests.server.databases"]


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    with place_on(database_url, tmp_path) as place:
        yield place


def logged_in(place: Place, email: str = "ada@example.com", password: str = PASSWORD, former: str | None = None) -> str:
    return logins.log_in(place, email, password, former).token


# ---- passwords ------------------------------------------------------------------------------------------------------


def test_a_password_is_kept_as_argon2id_and_no_two_hashes_of_it_are_alike() -> None:
    first, second = passwords.hash_password(PASSWORD), passwords.hash_password(PASSWORD)
    assert first.startswith("$argon2id$")
    assert first != second
    assert passwords.verify_password(first, PASSWORD)
    assert not passwords.verify_password(first, PASSWORD + " ")


@pytest.mark.parametrize("text", ["пароль-пароль", "🦊🦊🦊🦊🦊🦊🦊🦊", "密码密码密码密码", "a b\tc\nd e f", "x" * 1024])
def test_a_password_may_be_of_any_characters(text: str) -> None:
    assert passwords.verify_password(passwords.hash_password(text), text)


def test_passwords_are_hashed_as_rfc_9106_advises() -> None:
    program = "from server.accounts.passwords import hash_password; print(hash_password('x' * 8))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_one_character_in_two_spellings_is_one_password() -> None:
    assert passwords.verify_password(
        passwords.hash_password("cr\u00e8me-br\u00fbl\u00e9e"), "cre\u0300me-bru\u0302le\u0301e"
    )


@pytest.mark.parametrize("text", ["", "seven77", "x" * 1025, "with\0inside", "lone\ud800surrogate"])
def test_a_password_out_of_bounds_is_refused_when_set_and_wrong_when_tried(text: str) -> None:
    with pytest.raises(BadInput, match="password: 8 to 1024"):
        passwords.hash_password(text)
    assert not passwords.verify_password(passwords.hash_password(PASSWORD), text)


def test_an_unknown_user_costs_a_whole_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    honest = passwords._matches
    monkeypatch.setattr(passwords, "_matches", lambda kept, spelt: compared.append(kept) or honest(kept, spelt))
    assert not passwords.verify_password(None, PASSWORD)
    assert not passwords.verify_password(None, "nobody's password")
    assert len(compared) == 2
    assert all(kept.startswith("$argon2id$") for kept in compared)


def test_a_hash_with_parameters_of_yesterday_is_renewed_at_login(place: Place) -> None:
    user_id = add_user(place)
    old = argon2.PasswordHasher(time_cost=2, memory_cost=512).hash(PASSWORD)
    with place.db.writing() as session:
        session.execute(update(User).where(User.id == user_id).values(password_hash=old))
    logged_in(place)
    with place.db.reading() as session:
        kept = users.user_of(session, user_id).password_hash
    assert kept != old
    assert not passwords.is_outdated(kept)
    logged_in(place)


# ---- users ----------------------------------------------------------------------------------------------------------


def test_a_new_users_credits_are_a_grant_in_the_ledger(place: Place) -> None:
    user_id = add_user(place, credits=40)
    with place.db.reading() as session:
        rows = session.scalars(select(Credit).where(Credit.user_id == user_id)).all()
        assert [(row.amount, row.reason, row.job_id) for row in rows] == [(40, "grant", None)]
        assert users.user_of(session, user_id).balance == 40


def test_an_address_is_one_however_it_is_written(place: Place) -> None:
    user_id = add_user(place, "  Zo\u0065\u0308@Example.COM ")
    with place.db.reading() as session:
        assert users.find_user(session, "zo\u00eb@example.com").id == user_id
    with pytest.raises(Conflict, match="already"):
        add_user(place, "ZO\u00cb@example.com")


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "@b", "a@b@c", "a b@c", "a\0@b", "a\u202e@b", f"{'a' * 250}@b.cd"]
)
def test_what_is_no_address_is_refused(place: Place, email: str) -> None:
    with pytest.raises(BadInput, match="email:"):
        add_user(place, email)


def test_of_many_who_take_one_address_at_once_one_gets_it(place: Place) -> None:
    results: list[str] = []

    def try_it() -> None:
        try:
            results.append(add_user(place))
        except Conflict:
            results.append("conflict")

    at_once([try_it] * 6)
    assert len(results) == 6
    assert results.count("conflict") == 5


def test_a_disabled_user_has_no_session_no_working_key_and_no_login_until_enabled(place: Place) -> None:
    user_id = add_user(place)
    key, token = add_key(place, user_id), logged_in(place)
    with place.db.writing() as session:
        assert users.disable(session, user_id).disabled_at is not None
    with pytest.raises(Unauthorized):
        logins.find(place.db, token)
    with pytest.raises(Unauthorized):
        logged_in(place)
    with place.db.reading() as session, pytest.raises(Unauthorized):
        keys.caller_of_key(session, key)
    with place.db.writing() as session:
        users.enable(session, user_id)
    with place.db.reading() as session:
        assert keys.caller_of_key(session, key).user_id == user_id
    assert logins.find(place.db, logged_in(place)).caller.user_id == user_id
    with pytest.raises(Unauthorized):
        logins.find(place.db, token)


def test_the_last_admin_cannot_be_disabled(place: Place) -> None:
    first = add_user(place, admin=True)
    with place.db.writing() as session, pytest.raises(Conflict, match="last admin"):
        users.disable(session, first)
    add_user(place, "grace@example.com", admin=True)
    with place.db.writing() as session:
        users.disable(session, first)


def test_a_reset_password_ends_what_the_old_one_began(place: Place) -> None:
    user_id, token = add_user(place), ""
    token = logged_in(place)
    with place.db.writing() as session:
        users.reset_password(session, user_id, passwords.hash_password("another good one"))
    with pytest.raises(Unauthorized):
        logins.find(place.db, token)
    with pytest.raises(Unauthorized):
        logged_in(place)
    logged_in(place, password="another good one")


def test_nobody_is_found_or_changed_who_is_not_there(place: Place) -> None:
    with place.db.writing() as session:
        for change in (users.disable, users.enable):
            with pytest.raises(NotFound):
                change(session, "cnobody")
        with pytest.raises(NotFound):
            users.grant(session, "cnobody", 5)
        with pytest.raises(NotFound):
            users.find_user(session, "nobody@example.com")


# ---- keys -----------------------------------------------------------------------------------------------------------


def test_a_key_has_256_random_bits_and_only_its_hash_is_kept(place: Place) -> None:
    user_id = add_user(place)
    with place.db.writing() as session:
        row, whole = keys.create_key(session, user_id, " Production ", None)
    assert whole.startswith("sk_live_")
    assert set(whole.removeprefix("sk_live_")) <= set(string.ascii_letters + string.digits)
    secret = whole.removeprefix("sk_live_" + row.lookup)
    assert 62 ** len(secret) >= 2**256
    assert row.prefix == whole[:12]
    assert (row.name, row.scopes) == ("Production", list(SCOPES))
    with place.db.reading() as session:
        kept = session.get_one(ApiKey, row.id)
        assert kept.secret_hash == hashlib.sha256(whole.encode()).hexdigest()
        assert not any(secret in str(value) for value in vars(kept).values())


def test_a_key_tells_its_owner_and_scopes(place: Place) -> None:
    user_id = add_user(place)
    key = add_key(place, user_id, "assets:read", "stories:read", "assets:read")
    with place.db.reading() as session:
        caller = keys.caller_of_key(session, key)
    assert (caller.user_id, caller.via, caller.scopes) == (user_id, "key", {"assets:read", "stories:read"})
    assert caller.bucket == caller.key_id


def test_a_wrong_secret_is_compared_in_constant_time_and_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    key = add_key(place, add_user(place))
    compared: list[tuple[str, str]] = []
    honest = keys.hmac.compare_digest
    monkeypatch.setattr(keys.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or honest(a, b))
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    with place.db.reading() as session, pytest.raises(Unauthorized):
        keys.caller_of_key(session, wrong)
    assert len(compared) == 1


@pytest.mark.parametrize(
    "text", ["", "sk_live_", "sk_live_short", "sk_test_" + "a" * 55, "sk_live_" + "a" * 55, "ü" * 63]
)
def test_what_is_no_key_is_refused(place: Place, text: str) -> None:
    with place.db.reading() as session, pytest.raises(Unauthorized):
        keys.caller_of_key(session, text)


def test_a_revoked_key_is_refused_and_revoking_again_changes_nothing(place: Place) -> None:
    user_id = add_user(place)
    with place.db.writing() as session:
        row, whole = keys.create_key(session, user_id, "one", None)
        first = keys.revoke_key(session, user_id, row.id).revoked_at
        assert first is not None
    with place.db.writing() as session:
        assert keys.revoke_key(session, user_id, row.id).revoked_at == first
    with place.db.reading() as session, pytest.raises(Unauthorized):
        keys.caller_of_key(session, whole)


def test_somebody_elses_key_is_not_there(place: Place) -> None:
    ada, grace = add_user(place), add_user(place, "grace@example.com")
    with place.db.writing() as session:
        row, whole = keys.create_key(session, ada, "ada's", None)
        with pytest.raises(NotFound):
            keys.revoke_key(session, grace, row.id)
        assert keys.list_keys(session, grace) == []
        assert keys.caller_of_key(session, whole).user_id == ada


@pytest.mark.parametrize("scopes", [[], ["stories:write"], ["stories:read", ""]])
def test_scopes_are_those_there_are(place: Place, scopes: list[str]) -> None:
    user_id = add_user(place)
    with place.db.writing() as session, pytest.raises(BadInput, match="stories:generate, stories:read, assets:read"):
        keys.create_key(session, user_id, "x", scopes)


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\0b", "a\u202eb", "two\nlines"])
def test_a_keys_name_is_printable(place: Place, name: str) -> None:
    user_id = add_user(place)
    with place.db.writing() as session, pytest.raises(BadInput, match="name:"):
        keys.create_key(session, user_id, name, None)
