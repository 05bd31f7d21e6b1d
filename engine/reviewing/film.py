"""The film as one file: its length, its frames, its chapters. Knows what the file says of itself, not what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from engine.findings import Finding
from engine.media import MediaFacts

LENGTH_TOLERANCE = 0.03
"""A film may miss the requested length by this share; formats of exact lengths by a frame."""
CHAPTER_GAP = 0.05
"""Chapters' times are whole milliseconds; the film's end is a whole frame."""


def judge_length(seconds: float, target: float | None, fps: float, *, exact: bool) -> Iterator[Finding]:
    """`target`: what was asked for, None if nothing was; `exact`: to the frame, as advertisements are."""
    if target is None:
        return
    allowed = 1 / fps + 1e-6 if exact else LENGTH_TOLERANCE * target
    if abs(seconds - target) > allowed:
        word = "much" if seconds > target else "little"
        yield Finding(
            check="length",
            measured=round(seconds, 3),
            limit=target,
            sentence=f"the film lasts {seconds:.1f} s where {target:g} s were asked for: "
            f"the script has too {word} to say",
        )


def judge_frames(facts: MediaFacts, frames: int) -> Iterator[Finding]:
    """`frames`: as many as were cut."""
    if facts.frames != frames:
        yield Finding(
            check="frames",
            measured=facts.frames,
            limit=frames,
            sentence=f"the film has {facts.frames} frames where {frames} were cut",
        )
    if facts.audio_codec is None:
        yield Finding(check="sound", sentence="the film has no sound track")


def judge_chapters(facts: MediaFacts) -> Iterator[Finding]:
    """They are named, in order, without gaps, from the film's start to its end."""
    chapters, end = facts.chapters, facts.seconds
    if not chapters:
        yield Finding(check="chapters", sentence="the film has no chapters")
        return
    for number, (start, until, title) in enumerate(chapters, start=1):
        if not title.strip():
            yield _fault(f"chapter {number} has no name", start)
        if until <= start:
            yield _fault(f"chapter {number} ends before it begins", start)
    for number, (before, after) in enumerate(pairwise(chapters), start=2):
        if abs(after[0] - before[1]) > CHAPTER_GAP:
            word = "begins before the one before it ends" if after[0] < before[1] else "leaves a gap before it"
            yield _fault(f"chapter {number} {word}", after[0])
    if chapters[0][0] > CHAPTER_GAP:
        yield _fault("the first chapter does not begin with the film", chapters[0][0])
    if abs(chapters[-1][1] - end) > CHAPTER_GAP + 1 / (facts.fps or 1):
        yield _fault("the last chapter does not end with the film", chapters[-1][1])


def _fault(sentence: str, at: float) -> Finding:
    return Finding(check="chapters", at=round(at, 3), sentence=sentence)
