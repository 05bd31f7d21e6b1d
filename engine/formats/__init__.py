"""The six content types as data: beats, pacing, camera, overlays, captions, music. Reads its own YAML, nothing else.

They must differ to the eye and the ear; a further one is a further file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from engine.errors import BadRequest
from engine.types import CameraMove, Frozen

FOLDER = Path(__file__).resolve().parent


class Beat(Frozen, frozen=True):
    """One step of the telling. `purpose` is told to the writer; `weight` is its share of the words; `framing` and
    `camera` are what its shots look like; `act` is the part of the film that it belongs to ("": it is one by itself,
    under its own name), see `engine.shots.acts`."""

    name: str
    purpose: str
    weight: float = 1.0
    framing: Literal["wide", "medium", "close"] = "medium"
    camera: CameraMove = "push_in"
    act: str = ""


class Pacing(Frozen, frozen=True):
    """Seconds a shot should last, the silence before and after its speech, and how far the voice may be sped up or
    slowed down to keep the requested length (1: its own pace)."""

    shot_seconds: float
    pause: tuple[float, float]
    speed: tuple[float, float]
    default_seconds: float = 30
    allowed_seconds: tuple[float, ...] = ()


class Overlays(Frozen, frozen=True):
    """Cards in seconds (0: none) and what is drawn over the picture. `lower_third` says whom it names."""

    title_seconds: float
    end_seconds: float
    lower_third: Literal["none", "speaker", "scene", "headline"] = "none"
    chapter_cards: bool = False
    accent: str = "#e8b04a"
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
    `narration` False: the music is the clock and lines are captions, not speech."""

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


def format_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def load_format(name: str) -> Format:
    """The format of that name. Raises `BadRequest` listing the known ones."""
    if name not in format_names():
        raise BadRequest("format", f"{name!r} is not one of {', '.join(format_names())}")
    raw: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return msgspec.convert({"name": name, **raw}, Format)
