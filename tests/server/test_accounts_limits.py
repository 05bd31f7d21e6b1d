"""Rate limits: buckets that all processes share, on each database; and what stands in for them on a full disk."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from engine.errors import BadSetting
from server.accounts import limits
from server.accounts.limit_models import Bucket
from server.accounts.rates import Rate, parse_rate
from server.accounts.spare_buckets import take_spare
from server.clock import HOUR, MINUTE, SECOND, now
from server.errors import RateLimited
from server.place import Place
from server.settings import Settings
from tests.server.people import at_once, place_on

pytest_plugins = ["tests.server.databases"]


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    """10 generations a minute, 60 reads an hour, 3 logins an hour."""
    with place_on(database_url, tmp_path, limits_read="60/hour", limits_login="3/hour") as place:
        yield place


def taken(place: Place, kind: limits.Kind, bucket: str, tries: int) -> int:
    """How many of so many tries were allowed."""
    allowed = 0
    for _ in range(tries):
        try:
            limits.take(place, kind, bucket)
            allowed += 1
        except RateLimited:
            pass
    return allowed


def age(place: Place, millis: int) -> None:
    """Let time pass: all buckets were filled so much earlier."""
    with place.limits.writing() as session:
        session.execute(update(Bucket).values(filled_at=Bucket.filled_at - millis))


@pytest.mark.parametrize(
    ("spelt", "rate"),
    [
        ("10/min", Rate(10, 60)),
        ("5/s", Rate(5, 1)),
        ("1000/hour", Rate(1000, 3600)),
        (" 7 / Minute ", Rate(7, 60)),
        ("1/day", Rate(1, 86400)),
    ],
)
def test_rates_are_spelt_as_people_do(spelt: str, rate: Rate) -> None:
    assert parse_rate(spelt, "REELHOUSE_LIMITS_READ") == rate


@pytest.mark.parametrize(
    "spelt", ["", "10", "10/", "/min", "ten/min", "-1/min", "0/min", "1.5/s", "10/week", "10/min x", "1e9/s"]
)
def test_what_is_no_rate_is_refused_with_the_settings_name(spelt: str) -> None:
    with pytest.raises(BadSetting, match=r"REELHOUSE_LIMITS_GENERATE is .* such as 10/min"):
        limits.rate_of(Settings(limits_generate=spelt), "generate")


def test_a_bucket_gives_what_it_holds_and_then_says_how_long_to_wait(place: Place) -> None:
    seen = [limits.take(place, "login", "a") for _ in range(3)]
    assert [one.remaining for one in seen] == [2, 1, 0]
    assert {one.limit for one in seen} == {3}
    assert seen[0].reset == 1200
    with pytest.raises(limits.Limited) as refused:
        limits.take(place, "login", "a")
    assert 1190 < (refused.value.retry_after or 0) <= 1200
    assert refused.value.remaining.remaining == 0
    assert 3590 < refused.value.remaining.reset <= 3600


def test_a_bucket_fills_evenly_and_never_over_its_brim(place: Place) -> None:
    assert taken(place, "login", "a", 5) == 3
    age(place, 20 * MINUTE)
    assert taken(place, "login", "a", 5) == 1
    age(place, 10 * HOUR)
    assert taken(place, "login", "a", 9) == 3


def test_refused_calls_do_not_put_the_next_one_off(place: Place) -> None:
    taken(place, "login", "a", 3)
    assert taken(place, "login", "a", 50) == 0
    age(place, 20 * MINUTE + SECOND)
    assert taken(place, "login", "a", 1) == 1


def test_buckets_of_others_and_of_other_kinds_are_other_buckets(place: Place) -> None:
    assert taken(place, "login", "a", 5) == 3
    assert taken(place, "login", "b", 5) == 3
    assert taken(place, "generate", "a", 12) == 10


def test_the_wait_is_a_whole_second_at_least(database_url: str, tmp_path: Path) -> None:
    with place_on(database_url, tmp_path, limits_read="900000/hour") as place:
        limits.take(place, "read", "a")
        with place.limits.writing() as session:
            session.execute(update(Bucket).values(tokens=0.0, filled_at=now() + 5 * SECOND))
        with pytest.raises(limits.Limited) as refused:
            limits.take(place, "read", "a")
        assert refused.value.retry_after == 1


def test_threads_together_get_no_more_than_there_is(place: Place) -> None:
    allowed: list[int] = []
    at_once([lambda: allowed.append(taken(place, "login", "a", 5))] * 8)
    assert sum(allowed) == 3


def take_elsewhere(database_url: str, folder: Path, allowed: "multiprocessing.Queue[int]") -> None:
    with place_on(database_url, folder, limits_read="60/hour") as place:
        allowed.put(taken(place, "read", "a", 50))


def test_two_processes_share_one_limit(place: Place, database_url: str, tmp_path: Path) -> None:
    method = multiprocessing.get_context("spawn")
    allowed: multiprocessing.Queue[int] = method.Queue()
    processes = [method.Process(target=take_elsewhere, args=(database_url, tmp_path, allowed)) for _ in range(2)]
    for process in processes:
        process.start()
    counts = [allowed.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    # 60 an hour is one more each minute that the processes took to start
    assert 60 <= sum(counts) <= 62


def test_a_clock_that_was_far_ahead_does_not_stop_a_bucket_from_filling(place: Place) -> None:
    taken(place, "login", "a", 3)
    age(place, -30 * 24 * HOUR)
    assert taken(place, "login", "a", 1) == 0
    with place.limits.writing() as session:
        session.execute(update(Bucket).values(tokens=1.0))
    assert taken(place, "login", "a", 1) == 1
    with place.limits.reading() as session:
        assert session.scalars(select(Bucket.filled_at)).one() <= now()


def test_a_clock_that_is_a_little_behind_gains_nothing(place: Place) -> None:
    limits.take(place, "login", "a")
    ahead = now() + 20 * SECOND
    with place.limits.writing() as session:
        session.execute(update(Bucket).values(filled_at=ahead))
    limits.take(place, "login", "a")
    with place.limits.reading() as session:
        assert session.scalars(select(Bucket.filled_at)).one() == ahead


def test_buckets_that_have_filled_up_are_removed(place: Place) -> None:
    limits.take(place, "login", "old")
    age(place, 2 * HOUR)
    limits.take(place, "login", "new")
    limits.forget_full(place)
    with place.limits.reading() as session:
        assert session.scalars(select(Bucket.name)).all() == ["login:new"]


def test_a_bucket_of_a_long_name_is_a_bucket(place: Place) -> None:
    assert taken(place, "login", "x" * 500, 5) == 3


def test_without_its_table_this_process_limits_on_its_own(tmp_path: Path) -> None:
    with place_on(f"sqlite:///{tmp_path}/data/app.db", tmp_path, limits_login="3/hour") as place:
        with place.limits.writing() as session:
            session.execute(text("DROP TABLE buckets"))
        assert taken(place, "login", str(tmp_path), 10) == 3


def test_a_spare_bucket_fills_as_the_others_do() -> None:
    moments = [0, 0, 0, 500, 1000, 1500, 100_000, 100_000, 100_000]
    allowed = [take_spare("test:evenly", 2.0, moment, 0.001)[1] for moment in moments]
    assert allowed == [True, True, False, False, True, False, True, True, False]
