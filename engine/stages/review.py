"""The review: what a viewer would complain about, found by measuring what was made; it mends nothing.

Pictures were measured when they were made, sound when it was mixed; here all of it is judged, together with what can
only be seen of the whole film. `engine.reviewing` has a file for each kind of thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from PIL import Image

from engine.artifacts import Store, content_key, write_atomically
from engine.findings import CHECKS, Check, Finding, Review
from engine.formats import Format
from engine.made import Clip, Cut, FilmFiles, Segment, Still, Timing, Voice
from engine.media import MediaFacts, probe
from engine.progress import Control
from engine.reviewing.film import judge_chapters, judge_frames, judge_length
from engine.reviewing.pictures import judge_card, judge_neighbours, judge_picture, judge_shot
from engine.reviewing.report import DOCUMENT, PAGE, SHEET, Strip, contact_sheet, open_strip, page
from engine.reviewing.sound import Heard, judge_lines, judge_sound
from engine.reviewing.words import judge_captions, letters_a_second, read_captions, words_said
from engine.shots import camera_of, shot_seeds
from engine.types import Frozen, Plan, Script, Stage

NAME: Stage = "review"
STAGE_VERSION = 2


Strips = list[Image.Image]
"""What the contact sheet shows of each piece."""


def watch(cuts: Iterable[Cut], strips: Strips) -> Iterator[Cut]:
    """Pass `cuts` on. What the contact sheet shows of each is opened while the next is still being made."""
    for cut in cuts:
        if cut.segment.strip is not None:
            strips.append(open_strip(cut.segment.strip))
        yield cut


class Sheet(Frozen, frozen=True):
    picture: Path


def review_film(
    title: str,
    plan: Plan,
    script: Script,
    fmt: Format,
    voices: Sequence[Voice],
    timings: Sequence[Timing],
    stills: Sequence[Still],
    clips: Sequence[Clip],
    files: FilmFiles,
    heard: Heard,
    strips: Strips,
    *,
    music: bool,
    store: Store,
    control: Control,
) -> Review:
    """Judge the film, warn of each finding, and write review.json, review.html and review.jpg into the work folder.

    `strips`: what `watch` opened of the pieces.
    `music`: there is a bed. What was reviewed is not judged again. Raises `StorageFull`, `StorageUnwritable`.
    """
    total = len(timings)
    control.emit("stage", NAME, total=total)
    moves = [
        camera_of(shot, fmt, seed) != "hold" for shot, seed in zip(script.shots, shot_seeds(plan, script), strict=True)
    ]
    sounds = music or any(voice.audio for voice in voices)
    key = content_key(
        stage=NAME,
        version=STAGE_VERSION,
        looks=[[one.look for one in made] for made in (stills, clips, files.pieces)],
        heard=heard,
        film=files.video,
        captions=files.srt,
        script=script,
        words=[voice.words for voice in voices],
        timings=timings,
        wanted=(plan.target_seconds, fmt.pacing.allowed_seconds, fmt.narration, moves, sounds),
    )
    review = store.find(NAME, key, Review)
    if review is None:
        facts = probe(files.video)
        findings = [
            *_pictures(plan, stills, clips, files.pieces, timings, moves),
            *judge_length(files.seconds, plan.target_seconds, plan.fps, exact=bool(fmt.pacing.allowed_seconds)),
            *judge_frames(facts, sum(segment.frames for segment in files.pieces)),
            *judge_chapters(facts),
            *judge_sound(heard, facts.seconds, sounds=sounds),
            *judge_lines(heard, [fmt.narration and bool(shot.narration.strip()) for shot in script.shots]),
        ]
        figures = _figures(facts, heard)
        checks: tuple[Check, ...] = tuple(check for check in CHECKS if check != "captions" or files.srt is not None)
        if files.srt is not None:
            captions = read_captions(files.srt)
            findings += judge_captions(captions, facts.seconds, words_said(script, voices, timings, plan.fps))
            figures["charactersASecond"] = round(max(map(letters_a_second, captions), default=0.0), 1)
        found = Review(passed=not findings, checks=checks, findings=tuple(findings), figures=figures)
        review = store.keep(NAME, key, Review, lambda folder: found)
    _write(store.folder, title, review, _sheet(files.pieces, strips, _names(plan, len(files.pieces)), store))
    for finding in review.findings:
        control.emit("warning", NAME, shot=finding.shot, message=_sentence(finding))
    for shot in range(total):
        control.emit("shot", NAME, shot=shot, done=shot + 1, total=total)
    return review


def _pictures(
    plan: Plan,
    stills: Sequence[Still],
    clips: Sequence[Clip],
    segments: Sequence[Segment],
    timings: Sequence[Timing],
    moves: Sequence[bool],
) -> Iterator[Finding]:
    """Each fault of a shot once, though its still, its clip and its segment all show it."""
    starts = [timing.start for timing in timings]
    opening = bool(round(plan.title_seconds * plan.fps))
    shots = segments[opening : opening + len(timings)]
    for number, (still, clip, segment, start) in enumerate(zip(stills, clips, shots, starts, strict=True)):
        told = set()
        for finding in (
            *(judge_picture(still.look, number, start) if still.look else ()),
            *(judge_shot(clip.look, number, start, moves=moves[number]) if clip.look else ()),
            # Captions move over a picture that stands still, so that is seen of the clip alone.
            *(judge_shot(segment.look, number, start, moves=False) if segment.look else ()),
        ):
            if finding.check not in told:
                told.add(finding.check)
                yield finding
    yield from judge_neighbours([still.look for still in stills], starts)
    at = 0
    for name, segment in zip(_names(plan, len(segments)), segments, strict=True):
        if segment.look is not None and name.endswith("card"):
            yield from judge_card(segment.look, name, at / plan.fps)
        at += segment.frames


def _names(plan: Plan, pieces: int) -> list[str]:
    """What the pieces of a film are called, in their order."""
    opening = ["title card"] if round(plan.title_seconds * plan.fps) else []
    closing = ["end card"] if round(plan.end_seconds * plan.fps) else []
    shots = pieces - len(opening) - len(closing)
    return [*opening, *(f"shot {number + 1}" for number in range(shots)), *closing]


def _figures(facts: MediaFacts, heard: Heard) -> dict[str, float]:
    return {
        "seconds": round(facts.seconds, 3),
        "frames": facts.frames,
        "chapters": len(facts.chapters),
        "loudnessLufs": heard.lufs,
        "truePeakDbtp": heard.peak,
        "longestPauseSeconds": max((line.pause for line in heard.lines), default=0.0),
    }


def _write(folder: Path, title: str, review: Review, sheet: Sheet | None) -> None:
    document = msgspec.json.format(msgspec.json.encode(review), indent=2)
    for name, content in (
        (DOCUMENT, document),
        (PAGE, page(title, review).encode("utf-8", "backslashreplace")),
        (SHEET, sheet.picture.read_bytes() if sheet is not None else b""),
    ):
        path = folder / name
        if content and not (path.is_file() and path.read_bytes() == content):
            write_atomically(path, content)


def _sentence(finding: Finding) -> str:
    return finding.sentence if finding.at is None else f"{finding.sentence} (at {finding.at:.1f} s)"


def _sheet(pieces: Sequence[Segment], strips: Strips, names: Sequence[str], store: Store) -> Sheet | None:
    """Three moments of every piece in one picture."""
    shown = [(name, piece.strip) for name, piece in zip(names, pieces, strict=True) if piece.strip is not None]
    if not shown:
        return None
    key = content_key(stage="sheet", version=STAGE_VERSION, strips=shown)

    def make(folder: Path) -> Sheet:
        named = [Strip(name, strip) for (name, _), strip in zip(shown, strips, strict=True)]
        contact_sheet(named, folder / SHEET)
        return Sheet(picture=folder / SHEET)

    return store.find(NAME, key, Sheet) or store.keep(NAME, key, Sheet, make)
