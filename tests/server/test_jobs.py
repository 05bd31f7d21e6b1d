"""Jobs in their tables: accepted once, paid once, claimed by one, ended once, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from engine.errors import BadRequest, MediaFailed, ModelCorrupt, StorageFull
from server.accounts.models import Credit, User
from server.clock import now
from server.errors import Conflict, IdempotencyMismatch, NotFound, TooFewCredits, Unavailable
from server.ids import cuid
from server.jobs import accept as accepting
from server.jobs import bells, claims, webhooks
from server.jobs.accept import accept
from server.jobs.claims import ClaimLost, claim_wave, holding, prolong, release, still_held, sweep
from server.jobs.control import cancel, retry
from server.jobs.events import after
from server.jobs.failures import error_of
from server.jobs.models import Idempotency, Job
from server.jobs.outcomes import complete, fail_or_requeue
from server.place import Place
from server.queue import open_queue, unheard
from tests.server.invariants import broken
from tests.server.making import a_place, an_order, job, row, submit
from tests.server.people import a_user

pytest_plugins = ["tests.server.databases"]


@pytest.fixture
def place(tmp_path, database_url):
    place = a_place(tmp_path, database_url=database_url)
    yield place
    place.close()


def balance(place: Place, user_id: str) -> int:
    with place.db.reading() as session:
        return session.get_one(User, user_id).balance


def entries(place: Place, job_id: str) -> list[tuple[str, int]]:
    with place.db.reading() as session:
        rows = session.scalars(select(Credit).where(Credit.job_id == job_id).order_by(Credit.created_at, Credit.id))
        return [(row.reason, row.amount) for row in rows]


def end_attempt(place: Place, claim, error) -> None:
    with holding(place, claim) as (session, held):
        fail_or_requeue(session, held, error)


def test_an_accepted_job_is_queued_paid_and_first_in_line(place):
    ada = a_user(place)
    job_id = submit(place, ada)
    told = job(place, job_id)
    assert (told.status, told.progress, told.queue_position, told.attempt) == ("queued", 0, 1, 1)
    assert balance(place, ada) == 975
    assert entries(place, job_id) == [("debit", -25)]
    assert row(place, job_id).rung_at is not None


def test_too_few_credits_make_no_job(place):
    ada = a_user(place, credits=24)
    with pytest.raises(TooFewCredits):
        submit(place, ada)
    with place.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0
    assert balance(place, ada) == 24


def test_the_last_credit_is_spent_once_however_many_try(place):
    ada = a_user(place, credits=25)

    def one(_: int) -> bool:
        try:
            submit(place, ada)
        except TooFewCredits:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(one, range(100))) == 1
    assert balance(place, ada) == 0


def test_two_hundred_submits_with_one_key_are_one_job_and_one_debit(place):
    ada = a_user(place)
    order = an_order()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: accept(place, ada, order, key="the same"), range(200)))
    assert len({answer.job_id for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert balance(place, ada) == 975


def test_a_key_with_another_body_is_refused_and_a_day_later_it_is_new(place):
    ada = a_user(place)
    first = accept(place, ada, an_order("One."), key="k")
    assert accept(place, ada, an_order("One."), key="k") == (first.job_id, True)
    with pytest.raises(IdempotencyMismatch):
        accept(place, ada, an_order("Two."), key="k")
    with place.db.writing() as session:
        session.execute(update(Idempotency).values(created_at=now() - 25 * 3_600_000))
    assert accept(place, ada, an_order("Two."), key="k").job_id != first.job_id


def test_the_same_key_of_two_users_is_two_jobs(place):
    order = an_order()
    one, two = (accept(place, a_user(place, name), order, key="k").job_id for name in ("ada", "bob"))
    assert one != two


def test_a_series_of_somebody_else_is_not_there(place):
    ada = a_user(place)
    with pytest.raises(NotFound):
        accept(place, ada, an_order()._replace(series_id=cuid()))
    assert balance(place, ada) == 1000


def test_a_full_disk_is_told_at_the_door_and_an_earlier_answer_is_given_all_the_same(place):
    ada = a_user(place)
    first = accept(place, ada, an_order(), key="k")
    large = an_order()._replace(disk_bytes=2**60)
    with pytest.raises(Unavailable) as refused:
        accept(place, ada, large)
    assert refused.value.retry_after
    assert accept(place, ada, large, key="k") == (first.job_id, True)


def test_an_accepted_job_whose_bell_failed_is_rung_for_by_the_sweep(place, monkeypatch):
    ada = a_user(place)
    monkeypatch.setattr(bells, "ring_for", lambda *_: False)
    job_id = submit(place, ada)
    assert row(place, job_id).rung_at is None
    assert sweep(place) == [job_id]
    assert sweep(place) == []


def test_a_bell_that_nobody_heard_is_rung_again(place):
    job_id = submit(place, a_user(place))
    with place.db.writing() as session:
        session.execute(update(Job).values(rung_at=now() - 3_600_000))
    assert sweep(place) == [job_id]


def test_bells_do_not_pile_up_behind_workers_that_are_busy(place):
    ada = a_user(place)
    for _ in range(3):
        submit(place, ada)
    for _ in range(5):
        with place.db.writing() as session:
            session.execute(update(Job).values(rung_at=now() - 3_600_000))
        bells.ring_again(place)
    assert unheard(place) == 3
    open_queue(place).queue.flush()
    with place.db.writing() as session:
        session.execute(update(Job).values(rung_at=now() - 3_600_000))
    bells.ring_again(place)
    assert unheard(place) == 3


def test_a_crash_before_the_bell_is_made_up_for_by_the_sweep(place, monkeypatch):
    monkeypatch.setattr(accepting, "ring", lambda *_: None)
    job_id = submit(place, a_user(place))
    later = now() + round(place.settings.sweep_seconds * 2000) + 1
    monkeypatch.setattr(claims, "now", lambda: later)
    assert sweep(place) == [job_id]


def test_a_job_is_claimed_by_one_worker_only(place):
    ada = a_user(place)
    jobs = {submit(place, ada) for _ in range(6)}
    with ThreadPoolExecutor(6) as pool:
        waves = list(pool.map(lambda name: claim_wave(place, f"w{name}", 2), range(6)))
    claimed = [claim.job_id for wave in waves for claim in wave]
    assert sorted(claimed) == sorted(set(claimed))
    assert set(claimed) <= jobs


def test_owners_take_turns(place):
    ada, bob = a_user(place), a_user(place, "bob")
    of_ada = [submit(place, ada) for _ in range(4)]
    of_bob = [submit(place, bob) for _ in range(2)]
    wave = [claim.job_id for claim in claim_wave(place, "w", 3)]
    assert set(wave) == {of_ada[0], of_bob[0], of_ada[1]}
    assert [claim.job_id for claim in claim_wave(place, "w", 1)] == [of_bob[1]]


def test_who_has_lost_a_claim_changes_nothing(place):
    job_id = submit(place, a_user(place))
    (claim,) = claim_wave(place, "w", 1)
    with place.db.writing() as session:
        session.execute(update(Job).values(lease_until=now() - 1))
    assert sweep(place) == [job_id]
    (newer,) = claim_wave(place, "v", 1)
    with pytest.raises(ClaimLost), holding(place, claim):
        pass
    assert prolong(place, [claim]) == still_held(place, [claim]) == set()
    assert prolong(place, [newer]) == {job_id}
    assert job(place, job_id).attempt == 2


def test_a_job_that_takes_three_workers_down_has_failed_and_is_paid_back(place):
    ada = a_user(place)
    job_id = submit(place, ada)
    for _ in range(3):
        assert claim_wave(place, "w", 1)
        with place.db.writing() as session:
            session.execute(update(Job).values(lease_until=now() - 1))
        sweep(place)
    told = job(place, job_id)
    assert (told.status, told.error_code) == ("failed", "worker_crashed")
    assert told.error and "worker died 3 times" in told.error
    assert balance(place, ada) == 1000
    assert broken(place) == []


def test_giving_a_job_back_spends_no_attempt(place):
    job_id = submit(place, a_user(place))
    (claim,) = claim_wave(place, "w", 1)
    release(place, claim)
    assert (job(place, job_id).status, job(place, job_id).attempt) == ("queued", 1)


@pytest.mark.parametrize("error", [BadRequest("voice", "no"), ModelCorrupt("x"), StorageFull("full")])
def test_what_cannot_go_better_is_not_tried_again(place, error):
    ada = a_user(place)
    job_id = submit(place, ada)
    (claim,) = claim_wave(place, "w", 1)
    end_attempt(place, claim, error)
    told = job(place, job_id)
    assert (told.status, told.error_code, told.attempt) == ("failed", error.code, 1)
    assert entries(place, job_id) == [("debit", -25), ("refund", 25)]
    assert told.error and error.message in told.error


def test_what_may_go_better_is_tried_twice_more(place):
    job_id = submit(place, a_user(place))
    for attempt in (1, 2, 3):
        with place.db.writing() as session:
            session.execute(update(Job).values(not_before=0))
        (claim,) = claim_wave(place, "w", 1)
        assert claim.attempt == attempt
        end_attempt(place, claim, MediaFailed("ffmpeg refused"))
    assert job(place, job_id).error_code == "media_failed"
    assert broken(place) == []


def test_a_failed_attempt_rests_before_the_next(place):
    submit(place, a_user(place))
    (claim,) = claim_wave(place, "w", 1)
    end_attempt(place, claim, MediaFailed("ffmpeg refused"))
    assert claim_wave(place, "w", 1) == []


def test_cancelling_ends_the_job_at_once_pays_back_once_and_says_the_same_again(place):
    ada = a_user(place)
    waiting, working = submit(place, ada), submit(place, ada)
    claims = claim_wave(place, "w", 2)
    for job_id in (waiting, working):
        first, again = cancel(place, ada, job_id), cancel(place, ada, job_id)
        assert (first.status, first.error_code) == (again.status, again.error_code) == ("failed", "cancelled")
        assert entries(place, job_id) == [("debit", -25), ("refund", 25)]
    assert still_held(place, claims) == set()
    assert broken(place) == []


def test_a_job_of_somebody_else_is_not_there(place):
    job_id = submit(place, a_user(place))
    for do in (cancel, retry):
        with pytest.raises(NotFound):
            do(place, a_user(place, do.__name__), job_id)


def test_what_has_completed_can_be_neither_cancelled_nor_retried(place):
    ada = a_user(place)
    job_id = submit(place, ada)
    (claim,) = claim_wave(place, "w", 1)
    with holding(place, claim) as (session, held):
        complete(session, held)
    for do in (cancel, retry):
        with pytest.raises(Conflict):
            do(place, ada, job_id)


def test_a_retry_is_a_new_job_with_its_own_debit_on_the_same_work(place):
    ada = a_user(place)
    job_id = submit(place, ada)
    cancel(place, ada, job_id)
    again = retry(place, ada, job_id).job_id
    assert row(place, again).work_id == row(place, job_id).work_id
    assert job(place, again).retry_of == job_id
    assert balance(place, ada) == 975
    with pytest.raises(Conflict):
        retry(place, ada, job_id)


def test_events_are_told_in_order_and_again_from_where_one_was(place):
    ada = a_user(place)
    job_id = submit(place, ada)
    claim_wave(place, "w", 1)
    cancel(place, ada, job_id)
    with place.db.reading() as session:
        everything = after(session, {job_id: 0})
        rest = after(session, {job_id: everything[0].seq})
    assert [event.kind for event in everything] == ["status", "status", "done"]
    assert [event.seq for event in rest] == [2, 3]


def test_a_webhook_is_owed_exactly_when_the_job_ends(place):
    from server.jobs.models import Delivery

    ada = a_user(place)
    job_id = submit(place, ada, webhook_url="http://example.org/hook")
    cancel(place, ada, job_id)
    with place.db.reading() as session:
        (owed,) = session.scalars(select(Delivery))
    assert owed.kind == "story.failed"
    assert job_id in owed.body and '"errorCode":"cancelled"' in owed.body


def test_a_webhook_behind_one_that_dawdles_is_whoevers_has_time(place):
    ada = a_user(place)
    for _ in range(2):
        cancel(place, ada, submit(place, ada, webhook_url="http://localhost/hook"))
    first, second = webhooks._take(place), webhooks._take(place)
    assert first is not None and second is not None and first.id != second.id
    assert webhooks._take(place) is None


def test_an_error_comes_back_from_its_code():
    assert isinstance(error_of("media_failed", "x"), MediaFailed)
    assert error_of("bad_request", "voice: no").message == "voice: no"
    assert error_of("of another release", "x").message == "x"
