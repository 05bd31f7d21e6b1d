"""What the stages make, from a word that is spoken to the film: frozen structs. Knows nothing of how.

Seconds are floats, sizes pixels, sample rates hertz, frame counts integers, paths absolute.
"""

from __future__ import annotations

from pathlib import Path

from engine.findings import Look, Review
from engine.types import Frozen, Plan, Script, SectionName, ready


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

ready(Film, Told, FilmFiles, Cut, Music, MusicSection, Track)
