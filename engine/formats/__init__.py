"""Content types as data: beats, pacing, camera, overlays, captions, music. Reads their YAML, nothing else.

They must differ to the eye and the ear; a further one is a further file, here or in a folder of the user's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from engine.errors import BadRequest
from engine.types import CameraMove, Frozen, ready

FOLDER = Path(__file__).resolve().parent
OWN = "formats"
"""The folder of a user's own formats, in the home of the program."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
MAX_BYTES = 100_000
SPEED = (0.94, 1.06)
"""Of a voice, 1 being its own pace: what goes further is heard as hurried or drawn out."""


class Beat(Frozen, frozen=True):
    """One step of the telling. `purpose` is told to the writer; `weight` is its share of the words; `framing` and
    `camera` are what its shots look like; `act` is the part of the film that it belongs to ("": it is one by itself,
    under its own name), see `engine.shots.acts`; `title` what a chapter that begins with it is called; `shows` who is
    seen: the story's cast, the host who speaks to the camera, or what the film is about; `openers` how its lines may
    begin where a small writer has no openers of its own for the format, as in prompts/small_steps.yaml."""

    name: str
    purpose: str
    weight: float = 1.0
    framing: Literal["wide", "medium", "close"] = "medium"
    camera: CameraMove = "push_in"
    act: str = ""
    title: str = ""
    shows: Literal["cast", "host", "subject"] = "cast"
    openers: tuple[str, ...] = ()


class Pacing(Frozen, frozen=True):
    """Seconds a shot should last, the silence before and after its speech, and how far the voice may be sped up or
    slowed down to keep the requested length (1: its own pace). `pauses` scales
    those at commas and full stops (1: even prose).
    """

    shot_seconds: float
    pause: tuple[float, float]
    speed: tuple[float, float] = SPEED
    pauses: float = 1.0
    default_seconds: float = 30
    allowed_seconds: tuple[float, ...] = ()


class Overlays(Frozen, frozen=True):
    """Cards in seconds (0: none) and what is drawn over the picture.

    `lower_third` says whom it names; `quotes`: what people say is shown large; `data`: numbers are drawn as bars or a
    line; `end_card` has `end_line`, or product and call to action. `accent` and `plate` are colours, #rrggbb, which a
    film turns towards its pictures' own.
    """

    title_seconds: float
    end_seconds: float
    lower_third: Literal["none", "speaker", "scene", "headline"] = "none"
    chapter_cards: bool = False
    quotes: bool = False
    data: bool = False
    end_card: Literal["line", "product"] = "line"
    accent: str = "#e8b04a"
    plate: str = "#0b0e14"
    end_line: str = ""


class CaptionStyle(Frozen, frozen=True):
    """`look`: plain outlined text, a box behind it, or big words that light up as they are said. `max_chars` a line."""

    look: Literal["outline", "box", "pop"]
    max_lines: int = 2
    max_chars: int = 42
    uppercase: bool = False


class MusicStyle(Frozen, frozen=True):
    """`tempo` in beats a minute; `level` of the bed under silence, `ducked` under speech, in dB relative to speech."""

    mood: Literal["calm", "wonder", "tense", "bright", "pulse", "warm"]
    tempo: float
    level: float
    ducked: float


class Format(Frozen, frozen=True):
    """`tone` and `facts` steer the writer; `look` goes into every picture's prompt; `voices` is how many may speak;
    `narration` False: the music is the clock and lines are captions, not speech. `line_words` is the most words that a
    line has (0: as many as its time takes); of `line_every` shots one has a line. `one_set`: all is in one scene, the
    format's own."""

    name: str
    title: str
    tone: str
    look: str
    voices: int
    beats: tuple[Beat, ...]
    pacing: Pacing
    overlays: Overlays
    captions: CaptionStyle
    music: MusicStyle
    narration: bool = True
    first_person: bool = False
    supplied_facts_only: bool = False
    line_words: int = 0
    line_every: int = 1
    one_set: bool = False


ready(Format)


def format_names(own: Path | None = None) -> tuple[str, ...]:
    """The formats that come along and those in the folder `own`, if there is one."""
    folders = (FOLDER, own) if own is not None else (FOLDER,)
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.yaml")}))


def load_format(name: str, own: Path | None = None) -> Format:
    """The format of that name; `own` is the folder of the user's own formats.

    Raises `BadRequest` listing the known ones, or naming file and field of one that cannot be used.
    """
    if name not in format_names(own):
        raise BadRequest("format", f"{name!r} is not one of {', '.join(format_names(own))}")
    mine = own / f"{name}.yaml" if own is not None else None
    if mine is None or not mine.is_file():
        return _that_comes_along(name)
    if (FOLDER / mine.name).is_file():
        raise BadRequest("format", f"{mine} has the name of a format that comes along: give it another")
    if not NAME.fullmatch(name):
        raise BadRequest("format", f"{mine}: name it in small letters, digits and _, as travel_film.yaml")
    return read_format(mine)


@cache
def _that_comes_along(name: str) -> Format:
    return read_format(FOLDER / f"{name}.yaml")


def read_format(file: Path) -> Format:
    """The format in `file`, named after it. Raises `BadRequest` naming the file, the field and what it accepts."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise BadRequest("format", f"{file} is larger than {MAX_BYTES // 1000} kB: it is no format")
        raw: Any = yaml.safe_load(data.decode("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise BadRequest("format", f"{file} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(raw, dict) or "name" in raw:
        raise BadRequest("format", f"{file} must be a mapping of fields, without name: the file's own name is it")
    try:
        fmt = msgspec.convert({**raw, "name": file.stem}, Format)
    except (msgspec.ValidationError, TypeError) as error:
        raise BadRequest("format", f"{file}: {error}") from error
    wrong = next(_objections(fmt), None)
    if wrong is not None:
        raise BadRequest("format", f"{file}: {wrong}")
    return fmt


def _objections(fmt: Format) -> Iterator[str]:
    """What the types of the fields do not say, field by field."""
    for field in ("title", "tone", "look"):
        if not getattr(fmt, field).strip():
            yield f"{field} is empty: it is told to writer or artist"
    if not fmt.beats:
        yield "beats is empty: name at least one"
    names = [beat.name for beat in fmt.beats]
    for number, beat in enumerate(fmt.beats):
        where = f"beats[{number}]"
        if not beat.name.strip() or names.index(beat.name) != number:
            yield f"{where}.name {beat.name!r} is empty or taken: each beat has a name of its own"
        if not beat.purpose.strip():
            yield f"{where}.purpose is empty: the writer must know it"
        if not 0 < beat.weight <= 20:
            yield f"{where}.weight is {beat.weight:g}, not more than 0 and at most 20"
    if not 1 <= fmt.voices <= 10:
        yield f"voices is {fmt.voices}, not 1 to 10"
    if not 0 <= fmt.line_words <= 100:
        yield f"line_words is {fmt.line_words}, not 0 to 100"
    if not 1 <= fmt.line_every <= 10:
        yield f"line_every is {fmt.line_every}, not 1 to 10"
    yield from _of_pacing(fmt.pacing)
    for field in ("title_seconds", "end_seconds"):
        if not 0 <= getattr(fmt.overlays, field) <= 30:
            yield f"overlays.{field} is {getattr(fmt.overlays, field):g}, not 0 to 30"
    if not COLOUR.fullmatch(fmt.overlays.accent):
        yield f"overlays.accent is {fmt.overlays.accent!r}, not a colour such as #e8b04a"
    for field, least, most in (("max_lines", 1, 4), ("max_chars", 8, 80)):
        if not least <= getattr(fmt.captions, field) <= most:
            yield f"captions.{field} is {getattr(fmt.captions, field)}, not {least} to {most}"
    if not 40 <= fmt.music.tempo <= 200:
        yield f"music.tempo is {fmt.music.tempo:g}, not 40 to 200 beats a minute"
    for field in ("level", "ducked"):
        if not -60 <= getattr(fmt.music, field) <= 6:
            yield f"music.{field} is {getattr(fmt.music, field):g}, not -60 to 6 dB"


def _of_pacing(pacing: Pacing) -> Iterator[str]:
    if not 0.5 <= pacing.shot_seconds <= 60:
        yield f"pacing.shot_seconds is {pacing.shot_seconds:g}, not 0.5 to 60"
    least, most = pacing.pause
    if not 0 <= least <= most <= 5:
        yield f"pacing.pause is {least:g} to {most:g}, not from less to more within 0 to 5 seconds"
    slow, fast = pacing.speed
    if not SPEED[0] <= slow <= 1 <= fast <= SPEED[1]:
        yield f"pacing.speed is {slow:g} to {fast:g}, not from slower to faster within {SPEED[0]} to {SPEED[1]}"
    for field, lengths in (("default_seconds", (pacing.default_seconds,)), ("allowed_seconds", pacing.allowed_seconds)):
        if not all(5 <= seconds <= 600 for seconds in lengths):
            yield f"pacing.{field} is {', '.join(f'{s:g}' for s in lengths)}, not within 5 to 600 seconds"
    if pacing.allowed_seconds and pacing.default_seconds not in pacing.allowed_seconds:
        yield f"pacing.default_seconds is {pacing.default_seconds:g}, which is not one of its allowed_seconds"
