"""What may be asked for: the bounds of every field of a `StoryRequest`, in one place for command line and server."""

from __future__ import annotations

import math
import re
import unicodedata
from pathlib import Path
from typing import get_args

import msgspec

from engine.errors import BadRequest
from engine.formats import load_format
from engine.shots import same_name
from engine.types import ASPECT_RATIOS, Quality, StoryRequest

MAX_PROMPT = 5000
MAX_TITLE = 200
MAX_STYLE = 200
SECONDS = (5.0, 600.0)
MAX_SHOTS = 200
MAX_REFERENCES = 50
MAX_SEED = 2**63 - 1
LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
"""The form of a BCP 47 language tag, https://www.rfc-editor.org/rfc/rfc5646; the plan knows which can be spoken."""


def check_request(request: StoryRequest, formats: Path | None = None) -> StoryRequest:
    """`request` with its texts trimmed and, where no length was asked for, the format's own.
    `formats` is the folder of the user's own formats.

    Raises `BadRequest` naming the field and what it accepts. What depends on installed models (profile, locale,
    voice, licences) is checked by the plan.
    """
    fmt = load_format(request.content_type, formats)
    prompt = _text("prompt", request.prompt, MAX_PROMPT)
    title = None if request.title is None else _text("title", request.title, MAX_TITLE)
    style = None if request.style is None else _text("style", request.style, MAX_STYLE)
    negative = _text("negative", request.negative_prompt, MAX_PROMPT) if request.negative_prompt.strip() else ""
    if not LOCALE.fullmatch(request.locale):
        raise BadRequest("locale", f"{request.locale!r} is not a language tag such as en, en-GB or pt-BR")
    if request.aspect_ratio not in ASPECT_RATIOS:
        raise BadRequest("aspect", f"{request.aspect_ratio!r} is not one of {', '.join(ASPECT_RATIOS)}")
    if request.quality not in get_args(Quality):
        raise BadRequest("quality", f"{request.quality!r} is not one of {', '.join(get_args(Quality))}")
    seconds = request.target_seconds
    if seconds is None and request.script is None:
        seconds = fmt.pacing.default_seconds
    if seconds is not None:
        if not math.isfinite(seconds) or not SECONDS[0] <= seconds <= SECONDS[1]:
            raise BadRequest("seconds", f"{seconds:g} is not a length from {SECONDS[0]:g} to {SECONDS[1]:g} seconds")
        allowed = fmt.pacing.allowed_seconds
        if allowed and seconds not in allowed:
            choices = " or ".join(f"{value:g}" for value in allowed)
            raise BadRequest("seconds", f"a film of the format {fmt.name} lasts {choices} seconds, not {seconds:g}")
    if request.shots is not None and not 1 <= request.shots <= MAX_SHOTS:
        raise BadRequest("shots", f"{request.shots} is not a number from 1 to {MAX_SHOTS}")
    if not 0 <= request.seed <= MAX_SEED:
        raise BadRequest("seed", f"{request.seed} is not a number from 0 to 2^63-1")
    _check_references(request.references)
    _check_music(request)
    lexicon = request.lexicon
    if lexicon:
        from engine.speaking.lexicon import check_lexicon  # ICU, which a request without one need not wait for

        lexicon = check_lexicon(lexicon)
    return msgspec.structs.replace(
        request,
        lexicon=lexicon,
        prompt=prompt,
        title=title,
        style=style,
        negative_prompt=negative,
        target_seconds=seconds,
    )


def _check_music(request: StoryRequest) -> None:
    if request.music_file is None:
        return
    if not request.music:
        raise BadRequest("music", "a track is named and no music is wanted: leave one of the two out")
    from engine.own_track import check_track  # PyAV, which a request without a track need not wait for

    check_track(request.music_file)


def _check_references(references: dict[str, Path]) -> None:
    if not references:
        return
    from engine.references import read_reference  # Pillow, which a request without pictures need not wait for

    if len(references) > MAX_REFERENCES:
        raise BadRequest("references", f"there are {len(references)} pictures, {MAX_REFERENCES} at most are accepted")
    known: dict[str, str] = {}
    for name, picture in references.items():
        _text("references", name, MAX_TITLE)
        other = known.setdefault(same_name(name), name)
        if other is not name:
            raise BadRequest("references", f"{other!r} and {name!r} are the same name: give each one picture")
        read_reference(picture)


def _text(field: str, value: str, longest: int) -> str:
    value = value.strip()
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadRequest(field, "it holds half a character (a lone surrogate): type it again") from error
    if "\0" in value:
        raise BadRequest(field, "it holds a NUL character: remove it")
    if not value or not any(_visible(c) for c in value):
        raise BadRequest(field, f"it is empty: say in 1 to {longest} characters what you want")
    if len(value) > longest:
        raise BadRequest(field, f"it has {len(value)} characters, {longest} at most are accepted: shorten it")
    return value


def _visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ"
