"""Credits: none is spent twice, none given back twice, and the balance is the sum of the ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from server.accounts import credits, users
from server.accounts.models import Credit, User
from server.errors import BadInput, Conflict, NotFound, TooFewCredits
from server.ids import cuid
from server.place import Place
from tests.server.people import add_user, at_once, place_on

pytest_plugins = ["tests.server.databases"]


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    with place_on(database_url, tmp_path) as place:
        yield place


def books_agree(place: Place, user_id: str) -> bool:
    with place.db.reading() as session:
        total = session.scalar(select(func.sum(Credit.amount)).where(Credit.user_id == user_id)) or 0
        return total == credits.balance(session, user_id)


def balance(place: Place, user_id: str) -> int:
    with place.db.reading() as session:
        return credits.balance(session, user_id)


def test_of_a_hundred_who_spend_the_last_credits_at_once_one_does(place: Place) -> None:
    user_id = add_user(place, credits=25)
    outcomes: list[str] = []

    def spend() -> None:
        try:
            with place.db.writing() as session:
                credits.debit(session, user_id, cuid(), 25)
            outcomes.append("paid")
        except TooFewCredits:
            outcomes.append("too few")

    at_once([spend] * 100)
    assert sorted(outcomes) == ["paid"] + ["too few"] * 99
    assert balance(place, user_id) == 0
    assert books_agree(place, user_id)


def test_too_few_credits_are_told_and_nothing_is_taken(place: Place) -> None:
    user_id = add_user(place, credits=24)
    with pytest.raises(TooFewCredits, match="costs 25 credits and 24 are left"), place.db.writing() as session:
        credits.debit(session, user_id, cuid(), 25)
    assert balance(place, user_id) == 24


def test_a_job_pays_once(place: Place) -> None:
    user_id, job_id = add_user(place, credits=100), cuid()
    with place.db.writing() as session:
        credits.debit(session, user_id, job_id, 25)
    with pytest.raises(IntegrityError), place.db.writing() as session:
        credits.debit(session, user_id, job_id, 25)
    assert balance(place, user_id) == 75
    assert books_agree(place, user_id)


def test_a_debit_goes_with_the_transaction_that_it_is_part_of(place: Place) -> None:
    user_id = add_user(place, credits=100)
    with pytest.raises(RuntimeError), place.db.writing() as session:
        credits.debit(session, user_id, cuid(), 25)
        raise RuntimeError
    assert balance(place, user_id) == 100
    assert books_agree(place, user_id)


def test_a_job_is_refunded_exactly_once_however_many_try(place: Place) -> None:
    user_id, job_id = add_user(place, credits=25), cuid()
    with place.db.writing() as session:
        credits.debit(session, user_id, job_id, 25)
    given: list[bool] = []

    def give_back() -> None:
        with place.db.writing() as session:
            given.append(credits.refund(session, user_id, job_id, 25))

    at_once([give_back] * 10)
    assert sorted(given) == [False] * 9 + [True]
    assert balance(place, user_id) == 25
    assert books_agree(place, user_id)


def test_a_second_refund_leaves_the_rest_of_its_transaction_alone(place: Place) -> None:
    user_id, job_id = add_user(place, credits=50), cuid()
    with place.db.writing() as session:
        credits.debit(session, user_id, job_id, 25)
        assert credits.refund(session, user_id, job_id, 25)
    with place.db.writing() as session:
        assert not credits.refund(session, user_id, job_id, 25)
        credits.grant(session, user_id, 7)
    assert balance(place, user_id) == 57


def test_entries_come_newest_first_in_pages(place: Place) -> None:
    user_id, other = add_user(place, credits=1), add_user(place, "grace@example.com")
    for amount in (2, 3, 4):
        with place.db.writing() as session:
            users.grant(session, user_id, amount)
    with place.db.reading() as session:
        first, total = credits.entries(session, user_id, 1, 3)
        second, _ = credits.entries(session, user_id, 2, 3)
        beyond, _ = credits.entries(session, user_id, 3, 3)
    times = [entry.created_at for entry in first + second]
    assert total == 4
    assert times == sorted(times, reverse=True)
    assert {entry.amount for entry in first + second} == {1, 2, 3, 4}
    assert beyond == []
    assert other not in {entry.user_id for entry in first + second}


@pytest.mark.parametrize("amount", [0, -5, 1_000_000_001])
def test_a_grant_is_between_one_and_a_thousand_million(place: Place, amount: int) -> None:
    user_id = add_user(place)
    with pytest.raises(BadInput, match="credits:"), place.db.writing() as session:
        users.grant(session, user_id, amount)


def test_a_balance_does_not_grow_past_what_can_be_kept(place: Place) -> None:
    user_id = add_user(place, credits=1)
    with pytest.raises(Conflict), place.db.writing() as session:
        users.grant(session, user_id, 1_000_000_000)
    assert balance(place, user_id) == 1


def test_a_granted_user_shows_the_new_balance(place: Place) -> None:
    user_id = add_user(place, credits=10)
    with place.db.writing() as session:
        assert users.grant(session, user_id, 5).balance == 15
        assert session.get_one(User, user_id).balance == 15


def test_nobody_has_no_balance(place: Place) -> None:
    with place.db.reading() as session, pytest.raises(NotFound):
        credits.balance(session, "cnobody")
