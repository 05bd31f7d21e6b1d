"""Cuts and words on the beats of a track: the music is the clock. Pure; knows beat times, not where they come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from engine.formats import Pacing
from engine.made import Pauses, Timing, Word
from engine.timing import KEPT_UNASKED, TOLERANCE, Fit, RunningTime, missed

WORD_STEPS = (2.0, 1.0, 0.5, 0.25)
"""Beats from word to word, the slowest first."""


def steady_beats(tempo: float, seconds: float) -> tuple[float, ...]:
    """The beats of a track of `tempo` beats a minute that starts with one, up to `seconds` and one more."""
    beat = 60 / tempo
    return tuple(number * beat for number in range(math.ceil(seconds / beat) + 2))


def filled(beats: Sequence[float], seconds: float) -> tuple[float, ...]:
    """`beats`, at least two, without holes from the film's start to `seconds` and one more: where a track is silent for
    a while, begins late or ends early, its beat is counted on."""
    usual = median(b - a for a, b in pairwise(beats))
    known: list[float] = []
    for a, b in pairwise(beats):
        missing = max(1, round((b - a) / usual))
        known += [a + (b - a) * i / missing for i in range(missing)]
    known.append(beats[-1])
    before = [known[0] - usual * i for i in range(math.floor(known[0] / usual + 1e-9), 0, -1)]
    after = max(0, math.ceil((seconds - known[-1]) / usual)) + 1
    return (*before, *known, *(known[-1] + usual * i for i in range(1, after + 1)))


def fit_to_beat(words: Sequence[int], time: RunningTime, *, pacing: Pacing, beats: Sequence[float]) -> Fit:
    """Cut on `beats`, seconds of film time without holes (see `filled`): each shot lasts whole beats.

    Where no length is asked for, that of `time.before` is kept, if the shots at the format's pace come near it.

    `words`: how many each shot shows; one with more of them gets a beat more where beats are left over. The title card
    ends on the beat nearest to its own length, and the end card takes or gives what beats leave over. A cut is at the
    frame nearest to its beat, half a frame from it at most. Beats beyond the last known one are counted on.
    """
    fps, title_seconds, target_seconds, before = time.fps, time.title_seconds, time.target_seconds, time.before
    end = round(time.end_seconds * fps)
    shots, usual = len(words), median(b - a for a, b in pairwise(beats))
    longest = max(b - a for a, b in pairwise(beats))
    able = [i for i, beat in enumerate(beats) if beat > title_seconds / 2] if title_seconds else [0]
    first = min(able or [len(beats) - 1], key=lambda i: abs(beats[i] - title_seconds))
    title = round(beats[first] * fps) if title_seconds else 0
    most = max(1, math.floor((time.max_shot_seconds - 1 / fps) / longest)) if time.max_shot_seconds else None
    natural = shots * max(1, round(pacing.shot_seconds / usual))
    if target_seconds is None and before is not None:
        off = _at(beats, first + natural, usual) + end / fps - before.seconds
        target_seconds = before.seconds if abs(off) <= KEPT_UNASKED * before.seconds else None
    total = natural
    if target_seconds is not None:
        last = target_seconds - end / fps
        reach = range(first + shots, first + shots + math.ceil(max(0.0, last) / usual) + len(beats))
        total = min(reach, key=lambda i: abs(_at(beats, i, usual) - last)) - first
    if most is not None:
        total = min(total, shots * most)
    lengths = [total // shots] * shots
    for i in sorted(range(shots), key=lambda i: (-words[i], i))[: total - sum(lengths)]:
        lengths[i] += 1
    cuts, at = [title], first
    for length in lengths:
        at += length
        cuts.append(round(_at(beats, at, usual) * fps))
    if target_seconds is not None and end:
        left = round(target_seconds * fps) - cuts[-1]
        end = left if left > 0 and abs(left - end) <= usual * fps else end
    timings = tuple(
        Timing(start=a / fps, lead=0.0, speech=(b - a) / fps, tail=0.0, frames=b - a) for a, b in pairwise(cuts)
    )
    seconds = (cuts[-1] + end) / fps
    off = 0.0 if target_seconds is None else seconds - target_seconds
    notes = ()
    if target_seconds is not None and abs(off) > TOLERANCE * target_seconds:
        notes = (missed(target_seconds, off, f"there are too {'few' if off < 0 else 'many'} shots for it"),)
    pauses = None
    if target_seconds is not None:
        pauses = Pauses(seconds=target_seconds, speed=1.0, stretch=2.0, end_seconds=end / fps)
    return Fit(
        timings=timings,
        speed=1.0,
        seconds=seconds,
        title_seconds=title / fps,
        end_seconds=end / fps,
        off=off,
        notes=notes,
        pauses=pauses,
    )


def words_on_beats(line: Sequence[str], timing: Timing, beats: Sequence[float]) -> tuple[Word, ...]:
    """One word every two, one, half or quarter beats of the shot, whichever is the slowest that fits; the last stays.

    Times are the shot's own. A shot that begins between two beats begins to count there.
    """
    if not line:
        return ()
    end = timing.start + timing.speech
    inside = [beat - timing.start for beat in beats if timing.start + 1e-3 < beat < end - 1e-3]
    usual = median(b - a for a, b in pairwise(beats))
    if inside and inside[0] < usual / 2:
        inside = inside[1:]  # the cut was rounded to the frame before its beat: that beat is the cut
    grid = [0.0, *inside, timing.speech]
    steps = [step for step in WORD_STEPS if step * len(line) <= len(grid) - 1 + 1e-9]
    step = steps[0] if steps else (len(grid) - 1) / len(line)
    starts = [_between(grid, number * step) for number in range(len(line))]
    return tuple(
        Word(text=text, start=start, end=ends)
        for text, start, ends in zip(line, starts, [*starts[1:], timing.speech], strict=True)
    )


def _at(beats: Sequence[float], number: int, usual: float) -> float:
    return beats[number] if number < len(beats) else beats[-1] + (number - len(beats) + 1) * usual


def _between(grid: Sequence[float], at: float) -> float:
    low = min(int(at), len(grid) - 2)
    return grid[low] + (at - low) * (grid[low + 1] - grid[low])
