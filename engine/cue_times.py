"""When cues are shown: as near to their words as the time that their reading takes allows. Knows numbers only.

All times are seconds from the start of the shot, in which every cue stays. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

SHORTEST = 5 / 6
"""Seconds that a cue stays, however short its text: 20 frames of 24, as Netflix's general requirements ask."""

LINGER, BRIDGE = 0.25, 0.35
"""Seconds that a cue stays after its last word; gaps shorter than `BRIDGE` are closed, because they flicker."""


def durations(needs: Sequence[float], seconds: float) -> list[float]:
    """How long each cue must stay: what its reading needs, and `SHORTEST`, as far as `seconds` suffice for that.

    Where not even the reading of all fits, all are given the same share of what they need: one reading speed.
    """
    owed, wished = sum(needs), [max(need, SHORTEST) for need in needs]
    if owed > seconds:
        return [need * seconds / owed for need in needs]
    more = sum(wished) - owed
    share = 1.0 if more <= seconds - owed else (seconds - owed) / more
    return [need + share * (wish - need) for need, wish in zip(needs, wished, strict=True)]


def starts(wishes: Sequence[float], stays: Sequence[float], seconds: float) -> list[float]:
    """When cues start that stay at least `stays` one after the other, so that the largest shift from `wishes` is the
    least there is; a cue that is in nobody's way is not shifted at all. `stays` together are at most `seconds`.

    Less what the cues before it need, each start may only grow: isotonic regression in the maximum norm, whose exact
    answer lies half-way between the largest wish before and the smallest after (Stout, "Isotonic regression via
    partitioning", Algorithmica 66, 2013, section 2). Clipped to the shot, it stays the best one.
    """
    before = [0.0, *accumulate(stays)]
    room = max(0.0, seconds - before[-1])
    free = [wish - owed for wish, owed in zip(wishes, before, strict=False)]
    largest = list(accumulate(free, max))
    smallest = list(accumulate(reversed(free), min))[::-1]
    placed = [min(max((low + high) / 2, 0.0), room) for low, high in zip(largest, smallest, strict=True)]
    return [start + owed for start, owed in zip(placed, before, strict=False)]


def place_cues(
    spans: Sequence[tuple[float, float]], needs: Sequence[float], seconds: float
) -> list[tuple[float, float]]:
    """Start and end of each cue whose words are heard in `spans` and whose reading takes `needs`, in a shot that lasts
    `seconds`. No two overlap; between two there is no gap, or one of at least `BRIDGE`."""
    stays = durations(needs, seconds)
    begun = starts([start for start, _ in spans], stays, seconds)
    placed = []
    for start, stay, (_, heard), until in zip(begun, stays, spans, [*begun, seconds][1:], strict=True):
        end = min(max(heard + LINGER, start + stay), until)
        placed.append((start, until if until - end < BRIDGE else end))
    return placed
