"""Models that close together are collected once, and what they held is given back then."""

from __future__ import annotations

import gc
import weakref

import pytest

from engine.garbage import collect, collected_together


class Knot:
    """Refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.own = self


def test_what_is_closed_alone_is_collected_before_its_memory_is_given_back() -> None:
    knot = Knot()
    held, freed = weakref.ref(knot), list[bool]()
    del knot
    collect(lambda: freed.append(held() is None))
    assert freed == [True]


def test_what_is_closed_together_is_collected_once_at_the_end_and_given_back_after_that() -> None:
    knots = [Knot(), Knot()]
    held, freed = [weakref.ref(knot) for knot in knots], list[bool]()
    knots.clear()

    def give_back() -> None:
        freed.append(not any(one() for one in held))

    gc.disable()
    try:
        with collected_together():
            collect(give_back)
            collect(give_back)
            assert (freed, all(one() for one in held)) == ([], True)
    finally:
        gc.enable()
    assert freed == [True]
    collect(give_back)
    assert freed == [True, True], "afterwards it is at once again"


def test_what_was_closed_before_a_fault_is_collected_all_the_same() -> None:
    freed: list[bool] = []
    with pytest.raises(OSError, match="a model that does not close"), collected_together():
        collect(lambda: freed.append(True))
        raise OSError("a model that does not close")
    assert freed == [True]
