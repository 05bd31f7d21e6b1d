"""What silence the shots of a film may have, and how a film's silence is dealt to them. Pure; knows frames."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.formats import Pacing
from engine.types import Frozen

LINGER = 3.0
"""Seconds of silence on one side of a line that a shot bears at most when somebody's own script is short for its
length. Of a writer's lines there are enough: there silence ends at the format's most."""

NATURAL = 0.35
"""Where between the least and the most pause of a format a film lies that need not keep any length."""

STRETCH_STEPS = 1 / 16, 1 / 256
"""Pauses change in steps of the stretch (see `Silence.at`), smaller ones in a film of so many shots that the end card
could not give or take what the first leave over."""


class Silence(Frozen, frozen=True):
    """What a shot may have of it, in frames: the least; the format's least, natural and most; all that it bears."""

    points: tuple[int, ...]

    def at(self, stretch: float) -> float:
        """Frames at `stretch` 0 (the least) to 4 (all it bears), linear between the points."""
        low = min(int(stretch), 3)
        return self.points[low] + (stretch - low) * (self.points[low + 1] - self.points[low])


def natural_silence(pacing: Pacing) -> float:
    """Seconds of silence that a spoken shot has, before and after its line together, where no length is to be kept."""
    low, high = pacing.pause
    return 2 * (low + NATURAL * (high - low))


def silence_of(
    line: int, pacing: Pacing, fps: int, *, shown: float = 0.0, longest: int | None = None, linger: bool = False
) -> Silence:
    """What a shot with a line of so many frames may have; a silent shot lasts about the format's length of a shot.

    `shown`: seconds that the shot lasts at least, so that its line can be read; `longest`: frames that it lasts at
    most; `linger`: whether it may be more silent than the format's shots are.
    """
    low, high = pacing.pause
    least = 0
    if line:
        most = max(2 * high, 2 * LINGER) if linger else 2 * high
        seconds = (min(0.1, 2 * low), 2 * low, natural_silence(pacing), 2 * high, most)
        least = math.ceil(shown * fps - 1e-6) - line
    else:
        seconds = tuple(pacing.shot_seconds * factor for factor in (0.3, 0.6, 1.0, 1.6, 2.5))
    points = [max(least, round(s * fps)) for s in seconds]
    return Silence(points=tuple(points if longest is None else [min(p, max(0, longest - line)) for p in points]))


def steady_stretch(room: Sequence[Silence], frames: int, spare: range) -> float | None:
    """The step whose silence comes nearest to `frames`, None if what it leaves over is not in `spare`.

    In steps, because each shot's length then follows from its own line and this one number: when a line is edited and
    the number kept, the others stay as long as they were, and need not be made again. The nearest, so that the end card
    can then give as well as take.
    """

    def over(stretch: float) -> int:
        return frames - sum(round(shot.at(stretch)) for shot in room)

    for size in STRETCH_STEPS:
        steps = [number * size for number in range(round(4 / size) + 1)]
        best = min(steps, key=lambda stretch: (abs(over(stretch)), abs(stretch - 2)))
        if over(best) in spare:
            return best
    return None


def share(room: Sequence[Silence], frames: int) -> list[int]:
    """`frames` of silence dealt to the shots by one common stretch, as far as they bear it; whole, and exact."""
    least, most = sum(r.points[0] for r in room), sum(r.points[4] for r in room)
    if frames <= least or not room:
        return [r.points[0] for r in room]
    if frames >= most:
        return [r.points[4] for r in room]
    low, high = 0.0, 4.0
    for _ in range(50):
        middle = (low + high) / 2
        if sum(r.at(middle) for r in room) > frames:
            high = middle
        else:
            low = middle
    shares = [r.at(low) for r in room]
    dealt = [math.floor(s + 1e-9) for s in shares]
    order = sorted(range(len(room)), key=lambda i: (dealt[i] - shares[i], i))
    left = frames - sum(dealt)
    while left > 0:
        for i in order:
            if left and dealt[i] < room[i].points[4]:
                dealt[i] += 1
                left -= 1
    return dealt
