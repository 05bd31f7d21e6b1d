"""What is asked for, planned and written: frozen structs, no behaviour beyond what their fields imply. What is made of
them is in `engine.made`.

Seconds are floats, sizes pixels, sample rates hertz, frame counts integers, paths absolute. Structs that a user reads
or writes as JSON (`Script` and its parts) spell their fields in camelCase, as the HTTP contract does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

Role = Literal["writer", "artist", "animator", "narrator", "composer"]
ROLES: tuple[Role, ...] = ("writer", "narrator", "composer", "artist", "animator")

AspectRatio = Literal["16:9", "9:16", "1:1", "4:3", "3:4", "4:5", "21:9"]
ASPECT_RATIOS: tuple[str, ...] = ("16:9", "9:16", "1:1", "4:3", "3:4", "4:5", "21:9")

CameraMove = Literal["hold", "push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"]
CAMERA_MOVES: tuple[str, ...] = ("hold", "push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down")

CaptionMode = Literal["burned", "sidecar", "both", "none"]
SectionName = Literal["intro", "build", "drop", "breakdown", "outro"]
Use = Literal["commercial", "personal"]
Quality = Literal["draft", "standard", "high"]
Stage = Literal["plan", "script", "voices", "music", "stills", "clips", "segments", "film", "review"]
STAGES: tuple[Stage, ...] = ("plan", "script", "voices", "music", "stills", "clips", "segments", "film", "review")


class Frozen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything that flows."""


def ready(*kinds: Any) -> None:
    """For structs that several threads may be the first to read: msgspec 0.22 looks at a type's fields at its first
    reading, and crashes the process if a second thread comes meanwhile."""
    for kind in kinds:
        msgspec.json.Decoder(kind)


class Camel(Frozen, frozen=True, rename="camel"):
    """Base of what users read and write as JSON."""


class Character(Camel, frozen=True):
    """`voice` names a voice of the narrator model (`Catalog` lists them); None lets the plan choose one."""

    name: str
    role: str = ""
    description: str = ""
    voice: str | None = None


class Scene(Camel, frozen=True):
    """A place at a time. `time_of_day`, `weather`, `lighting` are free words; artists know the usual ones."""

    description: str
    time_of_day: str = ""
    weather: str = ""
    lighting: str = ""


class Item(Camel, frozen=True):
    name: str
    description: str = ""
    significance: str = ""


class Shot(Camel, frozen=True):
    """One picture and what is said over it.

    `scene` is an index into `Script.scenes`; `speaker` a character's name, None for the narrator; `narration` whatever
    is spoken ("" for nothing); `visual` what is seen; `beat` the format's beat that this shot plays.
    """

    scene: int = 0
    speaker: str | None = None
    narration: str = ""
    visual: str = ""
    camera: CameraMove | None = None
    beat: str = ""


class Script(Camel, frozen=True):
    """What the writer hands on, and what `--script FILE` takes in its place."""

    title: str
    logline: str = ""
    characters: tuple[Character, ...] = ()
    scenes: tuple[Scene, ...] = ()
    items: tuple[Item, ...] = ()
    shots: tuple[Shot, ...] = ()


class StoryRequest(Frozen, frozen=True):
    """What somebody asks for. `target_seconds` None: as long as an own script is, else the default of the format.

    `music_file`: a track of the user's own, in place of a composer's. `quality`: draft moves a camera over stills, high
    takes the profile's long schedules. `sdh`: captions are for the hard of hearing, and tell besides who speaks and
    what else is heard. `references`: pictures, PNG or JPEG or WebP, that characters of these names must look like
    wherever they are seen; `cast`: the voices that they have had. `lexicon`: see `engine.speaking.lexicon`.
    """

    prompt: str
    title: str | None = None
    content_type: str = "cinematic_story"
    aspect_ratio: AspectRatio = "16:9"
    locale: str = "en"
    target_seconds: float | None = None
    shots: int | None = None
    style: str | None = None
    negative_prompt: str = ""
    script: Script | None = None
    seed: int = 0
    profile: str = "auto"
    voice: str | None = None
    music: bool = True
    music_file: Path | None = None
    captions: CaptionMode = "burned"
    sdh: bool = False
    use: Use = "commercial"
    quality: Quality = "standard"
    references: dict[str, Path] = {}
    cast: dict[str, str] = {}
    lexicon: dict[str, str] = {}


class PlannedShot(Frozen, frozen=True):
    """`words` is what the narration may count, so that the film keeps its length; `purpose` tells the writer why. A
    `spare` one is written as well, and filmed only if the others, once they are spoken, leave room for it."""

    beat: str
    purpose: str
    words: int
    camera: CameraMove
    spare: bool = False


class Plan(Frozen, frozen=True):
    """Everything decided before any model is opened; a pure function of request, catalog, format and machine.

    `title_seconds` and `end_seconds` are the cards' lengths (0: no card). `max_clip_seconds` is the animator's longest
    clip, None if it has no limit. `still_size` and `clip_size` are what artist and animator are asked for where that is
    not the film's size: what they make is enlarged. `decisions` are sentences: what was chosen and why. A writer's
    script has a line for each of `shots`, in that order; its film has those that were chosen.
    """

    format: str
    profile: str
    models: dict[Role, str]
    width: int
    height: int
    fps: int
    aspect_ratio: str
    locale: str
    seed: int
    target_seconds: float | None
    title_seconds: float
    end_seconds: float
    shots: tuple[PlannedShot, ...]
    max_clip_seconds: float | None = None
    still_size: tuple[int, int] | None = None
    clip_size: tuple[int, int] | None = None
    decisions: tuple[str, ...] = ()


ready(StoryRequest)
