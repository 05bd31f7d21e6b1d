"""Cues stay near their words, and move no further than reading them demands."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cue_times import BRIDGE, SHORTEST, durations, place_cues, starts

TIMES = st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 4)), min_size=1, max_size=8)


def test_cues_with_room_begin_with_their_words():
    assert starts([0.5, 3.0, 6.0], [1, 1, 1], 9) == [0.5, 3.0, 6.0]


def test_two_cues_that_need_a_second_more_share_the_shift():
    assert starts([2.0, 3.0], [2.0, 2.0], 10) == [1.5, 3.5]


def test_a_cue_at_the_end_of_its_shot_begins_early_enough_to_be_read():
    assert starts([9.5], [2.0], 10) == [8.0]


def test_a_cue_that_is_in_nobodys_way_is_not_shifted_by_those_that_are():
    assert starts([0.2, 4.0, 4.5], [1, 2, 2], 10)[0] == 0.2


@given(TIMES, st.floats(0, 5))
def test_the_largest_shift_is_the_least_that_there_can_be(cues: list[tuple[float, float]], room: float):
    wishes, stays = sorted(start for start, _ in cues), [stay for _, stay in cues]
    seconds = sum(stays) + room
    placed = starts(wishes, stays, seconds)
    before = [sum(stays[:number]) for number in range(len(stays))]
    free = [wish - owed for wish, owed in zip(wishes, before, strict=True)]
    pairs = [(a - b) / 2 for number, a in enumerate(free) for b in free[number:]]
    needed = max(*pairs, *(-start for start in free), *(start - room for start in free), 0.0)
    assert max(abs(a - b) for a, b in zip(placed, wishes, strict=True)) == pytest.approx(needed, abs=1e-6)
    ends = [*placed[1:], seconds]
    assert all(end - start >= stay - 1e-9 for start, end, stay in zip(placed, ends, stays, strict=True))


def test_short_texts_stay_as_long_as_guidelines_ask_if_there_is_time():
    assert durations([0.2, 2.0], 5) == pytest.approx([SHORTEST, 2.0])
    assert durations([0.2, 2.0], 2.4) == pytest.approx([0.4, 2.0])


def test_too_short_a_shot_is_shared_so_that_all_are_read_equally_fast():
    assert durations([1.0, 3.0], 2) == [0.5, 1.5]


@given(TIMES)
def test_between_two_cues_is_no_gap_that_flickers(cues: list[tuple[float, float]]):
    spans = [(start, start + 0.3) for start, _ in sorted(cues)]
    placed = place_cues(spans, [stay for _, stay in cues], 60)
    assert all(b[0] == a[1] or b[0] - a[1] >= BRIDGE - 1e-9 for a, b in pairwise(placed))
    assert place_cues([], [], 5) == []
