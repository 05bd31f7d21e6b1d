"""Reviews a film again from its files, every frame decoded: in its work folder with all that is known of it, or alone.

Reads story.json as any other program would; knows neither the stages nor what they remember.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from engine.errors import BadRequest
from engine.findings import CHECKS, Check, Finding, Look, Review
from engine.made import Timing, Voice, Word
from engine.media import MediaFacts, probe
from engine.reviewing.film import judge_chapters, judge_frames, judge_length
from engine.reviewing.pictures import judge_card, judge_neighbours, judge_picture, judge_shot, look_at, look_at_picture
from engine.reviewing.sound import Heard, hear, judge_lines, judge_sound
from engine.reviewing.words import judge_captions, letters_a_second, read_captions, words_said
from engine.types import Script

RECORD = "story.json"


class KeptShot(msgspec.Struct, rename="camel"):
    start: float
    seconds: float
    lead: float
    moves: bool
    words: tuple[Word, ...]
    still: str
    clip: str
    audio: str | None


class Asked(msgspec.Struct):
    seconds: float | None
    exact: bool


class Kept(msgspec.Struct, rename="camel"):
    """The part of story.json that a review needs."""

    title: str
    film: str
    fps: int
    captions: dict[str, str | None]
    script: Script
    shots: tuple[KeptShot, ...]
    asked: Asked


def review_again(place: Path) -> tuple[str, Review]:
    """Title and review of a work folder, or of a film alone, of which nobody says what is to be seen and said in it.

    Raises `BadRequest` if there is neither, `MediaFailed` for a file that cannot be read at all.
    """
    if place.is_dir():
        try:
            kept = msgspec.json.decode((place / RECORD).read_bytes(), type=Kept)
        except OSError as error:
            raise BadRequest(
                "place", f"{place} holds no {RECORD}: name a film, or a work folder that has one"
            ) from error
        except msgspec.MsgspecError as error:
            raise BadRequest("place", f"{place / RECORD} is of another release: make the film again first") from error
        return kept.title, _review_work(place, kept)
    if not place.is_file():
        raise BadRequest("place", f"{place} is not there: name a film, or the work folder of one")
    return place.stem, _review_alone(place)


def _review_alone(film: Path) -> Review:
    facts, look = probe(film), look_at(film)
    findings = [*judge_card(look, "film", 0.0), *judge_chapters(facts)]
    checks: tuple[Check, ...] = ("decodes", "black", "flat", "frames", "chapters")
    heard = hear(film) if facts.audio_codec else None
    findings += judge_frames(facts, look.frames)
    if heard is not None:
        findings += judge_sound(heard, facts.seconds, sounds=True)
        checks = (*checks, "loudness", "peaks", "sound")
    return _reviewed(checks, findings, facts, heard)


def _review_work(folder: Path, kept: Kept) -> Review:
    film = folder / kept.film
    facts, look = probe(film), look_at(film)
    timings = [
        Timing(start=s.start, lead=s.lead, speech=0.0, tail=0.0, frames=round(s.seconds * kept.fps)) for s in kept.shots
    ]
    voices = [Voice(audio=folder / s.audio if s.audio else None, seconds=s.seconds, words=s.words) for s in kept.shots]
    heard = hear(film, voices, timings) if facts.audio_codec else None
    findings = [
        *_pictures(folder, kept, look, timings),
        *judge_length(facts.seconds, kept.asked.seconds, facts.fps, exact=kept.asked.exact),
        *judge_frames(facts, look.frames),
        *judge_chapters(facts),
    ]
    if heard is not None:
        findings += judge_sound(heard, facts.seconds, sounds=max(heard.level, default=-99) > -99 or bool(heard.lines))
        findings += judge_lines(heard, [voice.audio is not None for voice in voices])
    checks: tuple[Check, ...] = tuple(c for c in CHECKS if c != "captions" or kept.captions.get("srt"))
    fastest = 0.0
    if srt := kept.captions.get("srt"):
        captions = read_captions(folder / srt)
        findings += judge_captions(captions, facts.seconds, words_said(kept.script, voices, timings, kept.fps))
        fastest = max(map(letters_a_second, captions), default=0.0)
    return _reviewed(checks, findings, facts, heard, fastest)


def _pictures(folder: Path, kept: Kept, film: Look, timings: list[Timing]) -> Iterator[Finding]:
    """Stills and clips by themselves; of the film, whatever else is black or empty in it."""
    if film.spoiled:
        yield Finding(check="decodes", sentence="the film does not decode to its end")
    looks = []
    for number, (shot, timing) in enumerate(zip(kept.shots, timings, strict=True)):
        looks.append(look_at_picture(folder / shot.still))
        told = set()
        for finding in (
            *judge_picture(looks[-1], number, timing.start),
            *judge_shot(look_at(folder / shot.clip), number, timing.start, moves=shot.moves),
            *judge_shot(part(film, timing.start, shot.seconds), number, timing.start, moves=False),
        ):
            if finding.check not in told:
                told.add(finding.check)
                yield finding
    yield from judge_neighbours(looks, [timing.start for timing in timings])


def part(look: Look, start: float, seconds: float) -> Look:
    """A stretch of a film, without the samples that its neighbours may reach into."""
    first, last = round(start * look.rate) + 1, round((start + seconds) * look.rate) - 1
    series = {name: getattr(look, name)[first:last] for name in ("light", "spread", "void")}
    return msgspec.structs.replace(look, **series, moved=(), lag=0, spoiled=False)


def _reviewed(
    checks: tuple[Check, ...], findings: list[Finding], facts: MediaFacts, heard: Heard | None, fastest: float = 0.0
) -> Review:
    figures = {"seconds": round(facts.seconds, 3), "frames": facts.frames, "chapters": len(facts.chapters)}
    if heard is not None:
        figures |= {"loudnessLufs": heard.lufs, "truePeakDbtp": heard.peak}
        figures["longestPauseSeconds"] = max((line.pause for line in heard.lines), default=0.0)
    if fastest:
        figures["charactersASecond"] = round(fastest, 1)
    return Review(passed=not findings, checks=checks, findings=tuple(findings), figures=figures)
