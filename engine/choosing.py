"""Which lines of a script are filmed, so that the measured speech fills the requested time. Pure; knows lengths and
beats, not words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from operator import add

import msgspec

from engine.formats import Pacing
from engine.silence import silence_of
from engine.types import Frozen

RUNGS = (6.0, 3.0, 1.0, 0.0, 1.0, 3.0)
NATURAL = 3
"""What each rung of a `Form`'s lengths costs: only `NATURAL` costs nothing."""

STRAIN = 0.2
"""What a unit of `RUNGS` weighs beside the costs below, for each line that is no spare one."""

SPARE_KEPT = 0.1
CUT, DROPPED, BARE = 2.5, 4.0, 12.0
"""The costs of filming a line that may be spared, of cutting a line's tail, of dropping one that was to be filmed, and
of a beat of which nothing is left. What a spare line loses counts little (`SPARED`)."""

SPARED = 0.2
MISSED = 200.0
"""The cost of missing the whole length; of a share of it, that share."""

BUCKETS = 600
"""Of two choices so far whose lengths differ by less than this part of the whole, the cheaper one is followed. Even in
the longest film a line is longer than that, or dropping it would seem to cost no time."""

ENOUGH, TOO_MUCH = 0.97, 1.25
"""A choice is given up that with all lines still to come cannot fill the one share of the time any more, or fills the
other at its shortest."""

GOLDEN = 0.618
"""Spare lines cost a little more or less by this ratio, so that those which are kept are spread over the film."""


class Form(Frozen, frozen=True):
    """A way to say a line. `lengths`: frames that its shots then last, see `lengths_of`; `cut`: its tail is dropped."""

    lengths: tuple[int, ...]
    cut: bool = False


class Line(Frozen, frozen=True):
    """`forms`, the whole line first; `beat` is what it plays, `spare` whether it was written to be left out; `kept`
    that it is filmed in any case."""

    forms: tuple[Form, ...]
    beat: str = ""
    spare: bool = False
    kept: bool = False


class _Path(Frozen, frozen=True):
    """Lines chosen so far: what they cost, how long they are, the last one's form (None: dropped), those before."""

    cost: float
    lengths: tuple[int, ...]
    form: int | None = None
    before: _Path | None = None

    def forms(self) -> tuple[int | None, ...]:
        path, found = self, []
        while path.before is not None:
            found.append(path.form)
            path = path.before
        return tuple(reversed(found))


def lengths_of(
    parts: Sequence[tuple[float, float]], pacing: Pacing, fps: int, longest: int | None = None
) -> tuple[int, ...]:
    """Frames that shots last, from the shortest bearable to the longest: spoken fastest, with the least silence and
    with the format's least; at the voice's own pace, with the format's least, natural and most; slowest, with the most.

    `parts`: for each shot the seconds of its speech at the voice's own pace, and those that it takes to read.
    `longest`: frames of the animator's longest clip.
    """
    slowest, fastest = pacing.speed
    rungs = ((fastest, 0), (fastest, 1), (1.0, 1), (1.0, 2), (1.0, 3), (slowest, 3))
    totals = [0] * len(rungs)
    for seconds, shown in parts:
        for rung, (speed, point) in enumerate(rungs):
            line = math.ceil(seconds / speed * fps - 1e-6)
            totals[rung] += line + silence_of(line, pacing, fps, shown=shown, longest=longest).points[point]
    return tuple(totals)


def choose_lines(lines: Sequence[Line], wanted: int, give: range = range(1)) -> tuple[int | None, ...]:
    """For each line the form in which it is filmed, None if it is left out, so that all last about `wanted` frames.

    Order is kept. Whatever fits is taken at the least cost: spare lines go first; then the voice hurries, a tail is
    cut, a line is dropped of whose beat another stays. If nothing fits, the nearest is taken. `give`: frames that the
    film after the lines can be longer or (negative) shorter.

    Dynamic programming over the lines: of the choices of about one length (`BUCKETS`) the cheapest is followed.
    """
    weight = STRAIN * sum(not line.spare for line in lines)
    size = max(1.0, wanted / BUCKETS)
    left = sum(line.forms[0].lengths[-1] for line in lines)
    least, most = min(ENOUGH * (wanted - give[-1]), left), TOO_MUCH * (wanted - give[0])
    paths = {(0, False): _Path(cost=0.0, lengths=(0,) * len(RUNGS))}
    number = 0
    for _, group in groupby(lines, key=lambda line: line.beat):
        needed = False
        for line in group:
            needed = needed or not line.spare
            number += line.spare
            left -= line.forms[0].lengths[-1]
            prices = _prices(line, number)
            found: dict[tuple[int, bool], _Path] = {}
            for (_, filmed), path in paths.items():
                for form, price in prices:
                    lengths = path.lengths
                    if form is not None:
                        lengths = tuple(map(add, lengths, line.forms[form].lengths))
                    if lengths[-1] + left < least:
                        continue
                    key = (round(lengths[NATURAL] / size), filmed or form is not None)
                    if key not in found or path.cost + price < found[key].cost:
                        found[key] = _Path(cost=path.cost + price, lengths=lengths, form=form, before=path)
            paths = {key: path for key, path in found.items() if path.lengths[0] <= most} or found
        paths = _of_the_next_beat(paths, needed)
    return min(paths.values(), key=lambda path: path.cost + _strain(path.lengths, wanted, give, weight)).forms()


def _prices(line: Line, number: int) -> list[tuple[int | None, float]]:
    """What each form of a line costs, and leaving it out, if that may be; `number` counts the spare lines."""
    kept = SPARE_KEPT * (1 + 0.2 * (GOLDEN * number % 1)) if line.spare else 0.0
    cut = CUT * (SPARED if line.spare else 1.0)
    prices: list[tuple[int | None, float]] = [(i, kept + cut * form.cut) for i, form in enumerate(line.forms)]
    return prices if line.kept else [(None, 0.0 if line.spare else DROPPED), *prices]


def _of_the_next_beat(paths: dict[tuple[int, bool], _Path], needed: bool) -> dict[tuple[int, bool], _Path]:
    """`paths` at the end of a beat: who filmed nothing of it pays for that, where it was to be filmed."""
    found: dict[tuple[int, bool], _Path] = {}
    for (bucket, filmed), path in paths.items():
        after = path if filmed or not needed else msgspec.structs.replace(path, cost=path.cost + BARE)
        key = (bucket, False)
        if key not in found or after.cost < found[key].cost:
            found[key] = after
    return found


def _strain(lengths: Sequence[int], wanted: int, give: range, weight: float) -> float:
    """What it costs to last `wanted` frames with lines of these lengths: linear between the rungs; beyond them a rung
    more as far as the film's end gives, then by the share that is missed."""
    if wanted < lengths[0] or wanted > lengths[-1]:
        over = max(lengths[0] - wanted, wanted - lengths[-1])
        given = -give[0] if wanted < lengths[0] else give[-1]
        rung = RUNGS[0 if wanted < lengths[0] else -1] + RUNGS[1] * min(1.0, over / max(1, given))
        return weight * rung + MISSED * max(0, over - given) / max(1, wanted)
    rung = max(i for i in range(len(RUNGS) - 1) if lengths[i] <= wanted)
    low, high = lengths[rung], lengths[rung + 1]
    share = (wanted - low) / (high - low) if high > low else 0.0
    return weight * (RUNGS[rung] + share * (RUNGS[rung + 1] - RUNGS[rung]))
