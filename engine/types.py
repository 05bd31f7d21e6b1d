"""The nouns that flow from stage to stage: frozen structs, no behaviour beyond what their fields imply.

Seconds are floats, sizes pixels, sample rates hertz, frame counts integers, paths absolute. Structs that a user reads
or writes as JSON (`Script` and its parts) spell their fields in camelCase, as the HTTP contract does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

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


Check = Literal[
    "decodes", "length", "frames", "black", "flat", "frozen", "same", "narration", "silence", "loudness", "peaks",
    "sound", "captions", "chapters",
]  # fmt: skip
CHECKS: tuple[Check, ...] = get_args(Check)


class Look(Frozen, frozen=True):
    """What is seen of a picture or a film, `rate` samples a second (0: one picture), each series one value a sample.

    `light`: the luma that a hundredth of the pixels passes, 0–255. `spread`: standard deviation of luma and colour
    together, 0–255. `void`: share of whole rows or columns that are black. `moved`: per mille of the picture that
    looks otherwise than a second before (or than the first sample, where it lasts no second), from the sample `lag` on.
    `frames` were decoded, none of them spoiled unless `spoiled`. `thumbnail`: luma of the middle sample, 32×32.
    """

    frames: int
    rate: float
    light: tuple[int, ...]
    spread: tuple[int, ...]
    void: tuple[float, ...]
    moved: tuple[int, ...]
    lag: int
    thumbnail: bytes
    spoiled: bool = False


class Finding(Camel, frozen=True):
    """Something a viewer would complain about. `shot` counts from 0, None for the whole film or a card; `at` is film
    time in seconds; `measured` and `limit` are in the check's own unit, None where there is nothing to count."""

    check: Check
    sentence: str
    shot: int | None = None
    at: float | None = None
    measured: float | None = None
    limit: float | None = None


class Review(Camel, frozen=True):
    """What was looked at, and what was found; `passed` if that is nothing. `figures` are the film's own: seconds,
    loudness, peak and the like."""

    passed: bool
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...] = ()
    figures: dict[str, float] = {}


# ---- artefacts ------------------------------------------------------------------------------------------------------


class Word(Frozen, frozen=True):
    """A word as written, and when it is heard, in seconds from the start of its recording."""

    text: str
    start: float
    end: float


class Voice(Frozen, frozen=True):
    """One shot's narration: mono WAV. `audio` None, no words and 0 seconds when nothing is said."""

    audio: Path | None
    seconds: float
    words: tuple[Word, ...] = ()
    voice: str = ""


class Timing(Frozen, frozen=True):
    """When a shot plays: `start` in the film; inside it `lead` seconds of silence, the speech, `tail` seconds more.

    `frames` at the plan's fps is what picture and sound both keep to: start and speech are multiples of a frame away
    from nothing, so rounding never accumulates (start = frames before ÷ fps).
    """

    start: float
    lead: float
    speech: float
    tail: float
    frames: int


class Pauses(Frozen, frozen=True):
    """How a film was fitted to `seconds`: the voice's `speed` (1: its own pace), how far the format's pauses were
    stretched (see `engine.timing.Silence`), and how long the end card stayed. Whoever edits a line keeps these, or
    every other shot would be a little longer or shorter too and be made again."""

    seconds: float
    speed: float
    stretch: float
    end_seconds: float


class MusicSection(Frozen, frozen=True):
    """What the music does from `start` on, in seconds of the film: begin, rise, play out, fall back, end."""

    name: SectionName
    start: float


class Music(Frozen, frozen=True):
    """The bed under the film: stereo WAV; None when there is none."""

    audio: Path | None
    seconds: float


class Track(Frozen, frozen=True):
    """What was heard of a track: `seconds` of it; its `beats` in seconds, none if it has none to speak of; `loop`: from
    where to where it can go round in whole bars, None if it cannot."""

    seconds: float
    beats: tuple[float, ...] = ()
    loop: tuple[float, float] | None = None


class Still(Frozen, frozen=True):
    """One shot's picture, PNG, RGB. `layers`: the same picture taken apart, far to near, RGBA PNGs (the farthest
    opaque), each larger than the film by the same overscan, for true parallax; empty if the artist paints flat.
    `look` is the stage's, not the artist's."""

    image: Path
    layers: tuple[Path, ...] = ()
    look: Look | None = None


class Clip(Frozen, frozen=True):
    """One shot in motion: silent H.264 MP4 of exactly `frames` frames at `fps`."""

    video: Path
    frames: int
    fps: int
    look: Look | None = None


class Segment(Frozen, frozen=True):
    """A piece of the finished picture, captions and titles burned in; all of a film share codec parameters. `shot`: the
    same shot with nothing drawn over it and its narration as sound; None for cards. `parameters`: a digest of the
    encoder's parameter sets, of which a stream copy carries only the first piece's; `strip`: three moments side by side
    (JPEG), for the review's contact sheet."""

    video: Path
    frames: int
    shot: Path | None = None
    parameters: str = ""
    look: Look | None = None
    strip: Path | None = None


class Cut(Frozen, frozen=True):
    """A segment, and whether it was kept from before."""

    segment: Segment
    reused: bool


class FilmFiles(Frozen, frozen=True):
    """What joining made: the film, its captions (None when nothing is said or captions are off), and the shots as films
    of their own; `transcript` is None when nothing is said, and `pieces` are what was joined."""

    video: Path
    seconds: float
    srt: Path | None
    vtt: Path | None
    shots: tuple[Path, ...] = ()
    pieces: tuple[Segment, ...] = ()
    transcript: Path | None = None


class Film(Frozen, frozen=True):
    """The finished story. `shots` are the clips with their narration as sound; `record` is its story.json; `srt`,
    `vtt` and `transcript` are None when nothing is said; `pauses` is None where no length was to be kept."""

    story_id: str
    title: str
    video: Path
    seconds: float
    width: int
    height: int
    fps: int
    plan: Plan
    script: Script
    voices: tuple[Voice, ...]
    timings: tuple[Timing, ...]
    stills: tuple[Still, ...]
    clips: tuple[Clip, ...]
    shots: tuple[Path, ...]
    srt: Path | None
    vtt: Path | None
    record: Path
    stage_seconds: dict[str, float]
    pauses: Pauses | None = None
    review: Review | None = None
    warnings: tuple[str, ...] = ()
    transcript: Path | None = None


class Told(Frozen, frozen=True):
    """What is filmed, known once every line is spoken: the `script` after lines were split and shots left out, and for
    each of its shots the voice and when it plays, in frames of `plan.fps`."""

    plan: Plan
    script: Script
    voices: tuple[Voice, ...]
    timings: tuple[Timing, ...]


Made = Script | Voice | Told | Music | Still | Clip | Segment | FilmFiles | Film
"""What a listener may publish as soon as it exists."""


class Event(Frozen, frozen=True):
    """Something happened. `done` of `total` within `stage`; `shot` counts from 0; `kind` says how to read `message`.

    `made`: a `shot` event carries its stage's artefact, made or reused, whose files stay as they are from then on;
    `script`, once in a story, carries `Told`; `done` the `Film`; `failed` the error's `code`. Events of `script` before
    that one carry the script as it was written, which may yet be split or shortened.
    """

    kind: Literal["stage", "shot", "step", "script", "decision", "warning", "done", "failed"]
    stage: Stage
    story: int = 0
    shot: int | None = None
    done: int = 0
    total: int = 0
    message: str = ""
    code: str = ""
    reused: bool = False
    made: Made | None = None


ready(StoryRequest, Film, Told, FilmFiles, Cut, Music, MusicSection, Track)
