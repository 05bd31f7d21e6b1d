"""A writer's lines once they are spoken: those that fill the film's time, as one script. Opens no model."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

import msgspec

from engine.choosing import Form, Line, choose_lines, lengths_of
from engine.formats import Format
from engine.made import Voice
from engine.reading import reading_seconds
from engine.timing import end_card_gives
from engine.types import Frozen, Item, Plan, Script, Shot
from engine.writing.tails import without_tail
from engine.writing.views import BACK

SHOT_NUMBER = re.compile(r"(?<=\bshot )\d+\b")
"""How an item's significance names a shot of the script."""

AFTER_SOUND = 0.08
"""Seconds for which a line lasts on after its last word, where its length is reckoned before it is spoken."""


class Take(Frozen, frozen=True):
    """A spoken line, and whether it was kept from before."""

    voice: Voice
    reused: bool


class Recorded(Frozen, frozen=True):
    """A line of the script as it is spoken: one shot, or several where it is longer than a clip, and their takes."""

    shots: tuple[Shot, ...]
    takes: tuple[Take, ...]


def fill_time(
    lines: Sequence[Recorded], plan: Plan, fmt: Format, speak: Callable[[Shot], Take]
) -> tuple[list[Recorded], str]:
    """Of `lines`, one per shot of `plan`, those that fill `plan.target_seconds` (see `choose_lines`), and what was
    chosen in a sentence, "" if all are filmed as they are.

    A plan without shots has no spare lines. `speak` speaks a line whose tail is dropped, at the voice's own pace.
    """
    spare = [shot.spare for shot in plan.shots] or [False] * len(lines)
    written = [
        (line, spared)
        for line, spared in zip(lines, spare, strict=True)
        if not spared or any(take.voice.seconds for take in line.takes)
    ]
    if plan.target_seconds is None:
        return [line for line, spared in written if not spared], ""
    spoken = [[line, *_shortened(line, plan)] for line, _ in written]
    heard = {(i, 0) for i in range(len(spoken))}
    core = [i for i, (_, spared) in enumerate(written) if not spared]
    longest = None if plan.max_clip_seconds is None else math.floor(plan.max_clip_seconds * plan.fps + 1e-6)
    wanted = round((plan.target_seconds - plan.title_seconds - plan.end_seconds) * plan.fps)
    give = end_card_gives(round(plan.end_seconds * plan.fps))
    while True:
        table = [
            Line(
                forms=tuple(
                    Form(lengths=lengths_of(_parts(form), fmt.pacing, plan.fps, longest), cut=number > 0)
                    for number, form in enumerate(forms)
                ),
                beat=line.shots[0].beat,
                spare=spared,
                kept=i in (core[0], core[-1]),
            )
            for i, ((line, spared), forms) in enumerate(zip(written, spoken, strict=True))
        ]
        chosen = choose_lines(table, wanted, give)
        unheard = [(i, form) for i, form in enumerate(chosen) if form is not None and (i, form) not in heard]
        if not unheard:
            break
        for i, form in unheard:  # its length was reckoned: measured, it may be another one that fits
            shot = spoken[i][form].shots[0]
            spoken[i][form] = Recorded(shots=(shot,), takes=(speak(shot),))
        heard.update(unheard)
    filmed = [spoken[i][form] for i, form in enumerate(chosen) if form is not None]
    cut = sum(1 for form in chosen if form)
    return filmed, _in_words(len(lines), len(filmed), cut, plan.target_seconds)


def _shortened(line: Recorded, plan: Plan) -> list[Recorded]:
    """`line` without its tail, in every way in which it stays a sentence; lengths are reckoned from its words."""
    if len(line.shots) != 1:
        return []
    shot, take = line.shots[0], line.takes[0]
    words = take.voice.words
    forms = []
    for text in without_tail(" ".join(shot.narration.split()), plan.locale):
        count = len(text.split())
        if 0 < count < len(words):
            voice = Voice(audio=None, seconds=words[count - 1].end + AFTER_SOUND)
            shorter = msgspec.structs.replace(shot, narration=text)
            forms.append(Recorded(shots=(shorter,), takes=(Take(voice=voice, reused=False),)))
    return forms


def _parts(line: Recorded) -> list[tuple[float, float]]:
    return [
        (take.voice.seconds, reading_seconds(shot.narration)) for shot, take in zip(line.shots, line.takes, strict=True)
    ]


def _in_words(written: int, filmed: int, cut: int, seconds: float) -> str:
    if written == filmed and not cut:
        return ""
    shorter = "" if not cut else ", 1 of them without its end" if cut == 1 else f", {cut} of them without their end"
    are = "is" if filmed == 1 else "are"
    return f"{filmed} of {written} lines {are} filmed{shorter}: spoken, they fill {seconds:g} s."


def script_of(script: Script, lines: Sequence[Recorded]) -> Script:
    """`script` of these lines: scenes and items that only other lines had are gone, and of two neighbours that have
    come to have the same camera move the second one moves back."""
    played = sorted({shot.scene for line in lines for shot in line.shots if 0 <= shot.scene < len(script.scenes)})
    number = {scene: i for i, scene in enumerate(played)}
    shots: list[Shot] = []
    for line in lines:
        camera = line.shots[0].camera
        if shots and camera is not None and shots[-1].camera == camera:
            camera = BACK.get(camera, camera)
        shots += [
            msgspec.structs.replace(shot, scene=number.get(shot.scene, shot.scene), camera=camera)
            for shot in line.shots
        ]
    return msgspec.structs.replace(
        script,
        scenes=tuple(script.scenes[i] for i in played),
        items=_items_of(script, lines),
        shots=tuple(shots),
    )


def _items_of(script: Script, lines: Sequence[Recorded]) -> tuple[Item, ...]:
    """The items whose shots are filmed, with these shots' new numbers; one at least, as of every written script."""
    numbers: dict[int, int] = {}
    at = number = 0
    for line in lines:
        start = line.shots[0].narration.rstrip(".")
        at = next((i for i in range(at, len(script.shots)) if script.shots[i].narration.startswith(start)), at)
        numbers[at + 1] = number + 1
        at, number = at + 1, number + len(line.shots)
    items = []
    for item in script.items:
        told = [int(old) for old in SHOT_NUMBER.findall(item.significance)]
        if told and told[0] not in numbers:
            continue
        last = {old: max((n for n in numbers if n <= old), default=old) for old in told}
        renumbered = SHOT_NUMBER.sub(lambda match, last=last: str(numbers[last[int(match.group())]]), item.significance)
        items.append(msgspec.structs.replace(item, significance=renumbered))
    return tuple(items) or tuple(msgspec.structs.replace(item, significance="") for item in script.items[:1])
