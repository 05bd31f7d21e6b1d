"""Sessions of people, and the first admin: what the rooms promise, on each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from server.accounts import logins, setup, users
from server.accounts.models import Login
from server.accounts.passwords import hash_password
from server.clock import HOUR, MINUTE, now
from server.errors import BadInput, Forbidden, NotFound, Unauthorized
from server.place import Place
from tests.server.people import PASSWORD, add_user, at_once, place_on

pytest_plugins = ["tests.server.databases"]


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    with place_on(database_url, tmp_path) as place:
        yield place


def logged_in(place: Place, email: str = "ada@example.com", password: str = PASSWORD, former: str | None = None) -> str:
    return logins.log_in(place, email, password, former).token


# ---- sessions -------------------------------------------------------------------------------------------------------


def test_a_session_is_new_at_each_login_and_the_one_before_it_ends(place: Place) -> None:
    add_user(place)
    first = logged_in(place)
    second = logged_in(place, former=first)
    assert first != second
    assert logins.find(place.db, second).caller.via == "session"
    with pytest.raises(Unauthorized):
        logins.find(place.db, first)


def test_an_id_that_the_client_chose_never_becomes_a_session(place: Place) -> None:
    add_user(place)
    chosen = "attackers-choice"
    assert logged_in(place, former=chosen) != chosen
    with pytest.raises(Unauthorized):
        logins.find(place.db, chosen)


def test_the_database_does_not_hold_what_the_cookie_does(place: Place) -> None:
    add_user(place)
    token = logged_in(place)
    with place.db.reading() as session:
        row = session.scalars(select(Login)).one()
    assert token not in vars(row).values()


@pytest.mark.parametrize(
    ("created", "seen", "alive"),
    [(11, 11, True), (100, 1, True), (12, 12, False), (168, 1, False)],
    ids=["idle 11 h", "old but used", "idle 12 h", "7 days old"],
)
def test_a_session_ends_when_idle_and_when_old(place: Place, created: int, seen: int, alive: bool) -> None:
    add_user(place)
    token = logged_in(place)
    with place.db.writing() as session:
        session.execute(update(Login).values(created_at=now() - created * HOUR, seen_at=now() - seen * HOUR))
    if alive:
        logins.find(place.db, token)
        with place.db.reading() as session:
            assert session.scalars(select(Login)).one().seen_at > now() - MINUTE
    else:
        with pytest.raises(Unauthorized):
            logins.find(place.db, token)
        logged_in(place)
        with place.db.reading() as session:
            assert len(session.scalars(select(Login)).all()) == 1


def test_looking_a_session_up_writes_seldom(place: Place) -> None:
    add_user(place)
    token = logged_in(place)
    with place.db.reading() as session:
        before = session.scalars(select(Login)).one().seen_at
    for _ in range(5):
        logins.find(place.db, token)
    with place.db.reading() as session:
        assert session.scalars(select(Login)).one().seen_at == before


def test_a_password_that_was_reset_while_it_was_compared_no_longer_counts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = add_user(place)

    def verify_and_meanwhile_reset(kept: str | None, password: str) -> bool:
        with place.db.writing() as session:
            users.reset_password(session, user_id, hash_password("another good one"))
        return True

    monkeypatch.setattr(logins, "verify_password", verify_and_meanwhile_reset)
    with pytest.raises(Unauthorized):
        logged_in(place)


# ---- the first admin ------------------------------------------------------------------------------------------------


def test_the_first_admin_is_made_with_the_token_of_the_console_once(place: Place) -> None:
    assert setup.is_needed(place)
    token = setup.make_token(place)
    begun = setup.create_first_admin(place, token, "ada@example.com", PASSWORD)
    assert (begun.user.role, begun.user.balance) == ("admin", place.settings.credits_grant)
    assert logins.find(place.db, begun.token).caller.role == "admin"
    assert not setup.is_needed(place)
    with pytest.raises(NotFound):
        setup.create_first_admin(place, token, "eve@example.com", PASSWORD)


def test_a_wrong_an_older_or_no_token_makes_nobody(place: Place) -> None:
    with pytest.raises(Forbidden):
        setup.create_first_admin(place, "anything", "eve@example.com", PASSWORD)
    older = setup.make_token(place)
    setup.make_token(place)
    for token in ("", "wrong", older, "ü", "\ud800"):
        with pytest.raises(Forbidden):
            setup.create_first_admin(place, token, "eve@example.com", PASSWORD)
    assert setup.is_needed(place)


def test_a_token_is_not_spent_by_a_mistake(place: Place) -> None:
    token = setup.make_token(place)
    with pytest.raises(BadInput):
        setup.create_first_admin(place, token, "ada", PASSWORD)
    with pytest.raises(BadInput):
        setup.create_first_admin(place, token, "ada@example.com", "        \0")
    setup.create_first_admin(place, token, "ada@example.com", PASSWORD)


def test_the_token_is_kept_as_a_hash_that_its_owner_alone_can_read(place: Place) -> None:
    token = setup.make_token(place)
    file = place.folders.root / setup.FILE_NAME
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_of_many_who_set_up_at_once_one_does(place: Place) -> None:
    token, made = setup.make_token(place), []

    def try_it(number: int) -> None:
        try:
            made.append(setup.create_first_admin(place, token, f"{number}@example.com", PASSWORD).user.id)
        except (Forbidden, NotFound):
            made.append(None)

    at_once([lambda number=number: try_it(number) for number in range(6)])
    assert len([user for user in made if user]) == 1
    assert no_leftovers(place.folders.root)


def no_leftovers(folder: Path) -> bool:
    return not [path for path in folder.iterdir() if setup.FILE_NAME in path.name]
