"""What one lane makes another takes, and each learns of the other's failure."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from engine.errors import Cancelled, StorageFull
from engine.handoff import Handoff


def test_things_arrive_in_order_and_the_end_is_told() -> None:
    handoff: Handoff[int] = Handoff()
    with ThreadPoolExecutor(1) as lane:
        taking = lane.submit(list, handoff)
        with handoff:
            made = list(handoff.passing(range(5), to=taking))
        assert taking.result(timeout=10) == made == [0, 1, 2, 3, 4]


def test_the_taking_side_stops_when_the_making_side_fails() -> None:
    handoff: Handoff[int] = Handoff()

    def fail():
        yield 1
        raise StorageFull("full")

    with ThreadPoolExecutor(1) as lane:
        taking = lane.submit(list, handoff)
        with pytest.raises(StorageFull), handoff:
            list(handoff.passing(fail(), to=taking))
        with pytest.raises(Cancelled):
            taking.result(timeout=10)


def test_the_making_side_stops_at_the_next_thing_when_the_taking_side_has_failed() -> None:
    handoff: Handoff[int] = Handoff()
    failed: Future[None] = Future()
    failed.set_exception(StorageFull("full"))
    made = []
    with pytest.raises(StorageFull), handoff:
        for thing in handoff.passing(range(5), to=failed):
            made.append(thing)
    assert made == []
