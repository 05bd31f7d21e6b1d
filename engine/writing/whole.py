"""A script in one step, for writers that can: JSON held to its schema by grammar, checked, asked for again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from engine.errors import BadScript, WriterFailed
from engine.formats import Format
from engine.own_script import check_script
from engine.types import Plan, Script, Shot, StoryRequest
from engine.writing.pen import Pen

FILE = Path(__file__).resolve().parents[1] / "prompts" / "whole_script.yaml"
ATTEMPTS = 4
TOLERANCE = 0.3
"""The words of all lines may miss the plan by this share; of those that are spoken, fitting ones are filmed."""
TOO_LONG = 0.25
"""By this share the lines that are no spare ones may have too many: they all stay, if they can."""
TOKENS_A_SHOT, TOKENS_BESIDE = 140, 600


def write_whole(request: StoryRequest, plan: Plan, fmt: Format, pen: Pen, known: Sequence[str] = ()) -> Script:
    """The writer's own script; `known` are characters that the prompt names and that keep their names.

    Raises `WriterFailed` after `ATTEMPTS` that could not be used, with the last reason.
    """
    objection = ""
    for attempt in range(ATTEMPTS):
        answer = pen.write(
            _messages(request, plan, fmt, known),
            max_tokens=TOKENS_BESIDE + TOKENS_A_SHOT * len(plan.shots),
            name="script",
            attempt=attempt,
            temperature=0.7,
            schema=script_schema(len(plan.shots)),
        )
        try:
            return _checked(answer.text, answer.whole, plan)
        except BadScript as error:
            objection = error.message
    raise WriterFailed(
        f"The writer gave no usable script in {ATTEMPTS} attempts (the last: {objection}): take another seed, say the "
        "prompt in other words, or give an own script"
    )


def script_schema(count: int) -> dict[str, Any]:
    """The JSON schema of a script of exactly `count` shots."""
    text = {"type": "string", "minLength": 1, "maxLength": 400}

    def objects(fields: dict[str, Any], least: int, most: int) -> dict[str, Any]:
        entry = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
        return {"type": "array", "minItems": least, "maxItems": most, "items": entry}

    fields = {
        "title": {"type": "string", "minLength": 1, "maxLength": 80},
        "logline": text,
        "characters": objects({"name": text, "role": text, "description": text}, 1, 6),
        "scenes": objects({"description": text, "timeOfDay": text, "weather": text, "lighting": text}, 1, 6),
        "items": objects({"name": text, "description": text, "significance": text}, 1, 6),
        "shots": objects(
            {
                "scene": {"type": "integer"},
                "speaker": {"type": ["string", "null"]},
                "narration": text,
                "visual": text,
            },
            count,
            count,
        ),
    }
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _messages(request: StoryRequest, plan: Plan, fmt: Format, known: Sequence[str]) -> tuple[tuple[str, str], ...]:
    words = _prompts()
    beats = "\n".join(
        f"{n}. {shot.beat}: {shot.purpose} (about {shot.words} words{words['spare'] if shot.spare else ''})"
        for n, shot in enumerate(plan.shots, 1)
    )
    ask = words["ask"].format(
        prompt=_plain(request.prompt),
        tone=fmt.tone,
        count=len(plan.shots),
        words=sum(shot.words for shot in plan.shots),
        beats=beats,
        locale=plan.locale,
        voices=fmt.voices,
        facts=words["supplied_facts_only"] if fmt.supplied_facts_only else "",
        person=words["first_person"] if fmt.first_person else "",
        dialogue=words["dialogue"] if fmt.voices > 1 else "",
        known=words["known"].format(names=", ".join(_plain(name) for name in known)) if known else "",
    )
    return ("system", words["system"]), ("user", ask)


def _plain(text: str) -> str:
    return text.replace("{", "(").replace("}", ")")


@cache
def _prompts() -> dict[str, str]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def _checked(text: str, whole: bool, plan: Plan) -> Script:
    if not whole:
        raise BadScript("it was cut off")
    try:
        script = msgspec.json.decode(text.encode(), type=Script)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise BadScript(f"it is no script ({error})") from error
    if len(script.shots) != len(plan.shots):
        raise BadScript(f"it has {len(script.shots)} shots instead of {len(plan.shots)}")
    lines = [" ".join(shot.narration.lower().split()) for shot in script.shots]
    if len(set(lines)) < len(lines):
        raise BadScript("it repeats a line")
    counts = [len(re.findall(r"\w+", line)) for line in lines]
    wanted, said = sum(shot.words for shot in plan.shots), sum(counts)
    if abs(said - wanted) > TOLERANCE * wanted:
        raise BadScript(f"it has {said} words instead of {wanted}")
    core = [(shot.words, count) for shot, count in zip(plan.shots, counts, strict=True) if not shot.spare]
    wanted, said = sum(words for words, _ in core), sum(count for _, count in core)
    if said > (1 + TOO_LONG) * wanted:
        raise BadScript(f"its lines that may not be cut have {said} words instead of {wanted}")
    if not (script.characters and script.scenes and script.items):
        raise BadScript("it lacks a character, a scene or an item")
    names = {character.name for character in script.characters}
    shots = tuple(
        msgspec.structs.replace(
            shot,
            speaker=shot.speaker if shot.speaker in names else None,
            camera=planned.camera,
            beat=planned.beat,
        )
        for shot, planned in zip(script.shots, plan.shots, strict=True)
    )
    return check_script(msgspec.structs.replace(script, shots=_shots_in_place(shots, len(script.scenes))))


def _shots_in_place(shots: tuple[Shot, ...], scenes: int) -> tuple[Shot, ...]:
    return tuple(msgspec.structs.replace(shot, scene=min(max(0, shot.scene), scenes - 1)) for shot in shots)
