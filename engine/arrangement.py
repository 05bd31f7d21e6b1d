"""What the music does in each act of a film: sections from acts, cards and timing. Pure; knows no composer."""

from __future__ import annotations

from collections.abc import Sequence

from engine.made import MusicSection, Timing
from engine.shots import Act
from engine.types import SectionName

NAMED: dict[str, SectionName] = {
    "intro": "intro",
    "verse": "build",
    "chorus": "drop",
    "bridge": "breakdown",
    "outro": "outro",
}
"""Acts that are named as parts of a song are what they say."""

ARC: tuple[SectionName, ...] = ("build", "drop", "breakdown")
"""Other acts rise, play out and fall back in turn, and the last one of more than three plays out."""


def arrange(
    acts: Sequence[Act], timings: Sequence[Timing], title_seconds: float, end_seconds: float, total_seconds: float
) -> tuple[MusicSection, ...]:
    """The sections of a film's music in film time: an intro under the title card, a section for each act from the start
    of its first shot on, an outro under the end card. The composer moves them to its bars."""
    found = [MusicSection(name="intro", start=0.0)] if title_seconds else []
    for number, act in enumerate(acts):
        start = timings[act.shots.start].start if number else title_seconds
        found.append(MusicSection(name=_name(act.name, number, len(acts)), start=start))
    if end_seconds:
        found.append(MusicSection(name="outro", start=total_seconds - end_seconds))
    return tuple(section for i, section in enumerate(found) if not i or section.name != found[i - 1].name)


def _name(act: str, number: int, count: int) -> SectionName:
    if act in NAMED:
        return NAMED[act]
    if count == 1 or (number == count - 1 and count > len(ARC)):
        return "drop"
    return ARC[number % len(ARC)]
