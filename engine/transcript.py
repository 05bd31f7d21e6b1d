"""The film as a text to read: title, speakers, and what is said, in paragraphs by act and scene with times. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.fonts import printable
from engine.formats import Format
from engine.made import Timing
from engine.sdh import narrator_name
from engine.shots import acts, same_name, scene_of
from engine.types import Script
from engine.typeset import joined


def transcript(title: str, script: Script, fmt: Format, timings: Sequence[Timing], locale: str) -> str:
    """Plain text, "" where nothing is said. A paragraph is what one speaker says in one scene, with the minutes and
    seconds at which its first shot begins. Speakers are named where there are several.
    """
    if not any(shot.narration.strip() for shot in script.shots):
        return ""
    speakers = dict.fromkeys(_speaker(shot.speaker, locale) for shot in script.shots if shot.narration.strip())
    lines = [printable(title), ""]
    if len(speakers) > 1:
        roles = {same_name(character.name): printable(character.role) for character in script.characters}
        named = [f"{name} ({role})" if (role := roles.get(same_name(name))) else name for name in speakers]
        lines += [f"Speakers: {', '.join(named)}", ""]
    for heading, paragraphs in _parts(script, fmt, timings, locale):
        lines += [heading, ""] if heading else []
        for start, speaker, text in paragraphs:
            lines += [f"[{_clock(start)}] " + (f"{speaker}: " if len(speakers) > 1 else "") + text, ""]
    return "\n".join(lines)


Paragraph = tuple[float, str, str]


def _parts(
    script: Script, fmt: Format, timings: Sequence[Timing], locale: str
) -> Iterator[tuple[str, list[Paragraph]]]:
    """Heading and paragraphs of each stretch of shots that share act and scene, and in which something is said."""
    names = {number: act.name for act in acts(script, fmt) for number in act.shots}
    before, heading, paragraphs = None, "", []
    for number, (shot, timing) in enumerate(zip(script.shots, timings, strict=True)):
        here = (names[number], shot.scene)
        if here != before:
            if paragraphs:
                yield heading, paragraphs
            scene = scene_of(shot, script)
            place = printable(scene.description) if scene else ""
            told = [part for part in (printable(names[number]), place) if part]
            told = [part for part in told[:1] if before is None or before[0] != here[0] or len(told) == 1] + told[1:]
            heading, paragraphs = " – ".join(part[:1].upper() + part[1:] for part in told), []
            before = here
        text, speaker = printable(shot.narration), _speaker(shot.speaker, locale)
        if text and paragraphs and paragraphs[-1][1] == speaker:
            start, _, said = paragraphs[-1]
            paragraphs[-1] = (start, speaker, joined([said, text]))
        elif text:
            paragraphs.append((timing.start, speaker, text))
    if paragraphs:
        yield heading, paragraphs


def _speaker(speaker: str | None, locale: str) -> str:
    return printable(speaker or "") or narrator_name(locale)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
