"""What a model of each role does. Files in, files out, no tensors: nothing here needs a model library.

A family module offers `load(spec: ModelSpec, weights: Path | None) -> Model`; `weights` is the verified file or folder
that models.yaml names, None for families that bring everything in their package. Every model

- gives the same bytes for the same job on the same machine (`seed` decides everything random),
- calls `tick()` at each step (diffusion step, token batch, phrase, few frames) and lets what it raises pass,
- writes only the path that it is given, and raises from `engine.errors` (`OutOfMemory` when memory ran out),
- frees its memory in `close()`, which may be called twice.

One that can be made faster for this machine, or for what is coming, is `Tunable` besides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from engine.catalog import ModelSpec
from engine.made import MusicSection, Still, Word
from engine.types import CameraMove, Frozen, Scene

Tick = Callable[[int, int], None]
"""`tick(done, total)`; raises `engine.errors.Cancelled` when somebody asked to stop."""


def no_tick(done: int, total: int) -> None:
    """For callers that neither watch nor stop."""


class Message(Frozen, frozen=True):
    """`role` is system, user or assistant; a trailing assistant message is continued, not answered."""

    role: str
    content: str


class TextJob(Frozen, frozen=True):
    """`schema`: a JSON schema that constrains the answer by grammar, or None for prose.

    `temperature` 0–2; `repeat_penalty` ≥ 1 (1: none) counts within the answer and what it continues, not in what was
    asked; `stop` strings end the answer and are not part of it. `words`, if any, are the only words that the answer may
    have, in any inflection that is listed, between commas and full stops.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    seed: int
    temperature: float = 0.7
    repeat_penalty: float = 1.15
    stop: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    words: tuple[str, ...] = ()


class Completion(Frozen, frozen=True):
    """`whole` is False when `max_tokens` cut the text off. `surprise` is how unlikely the model finds its own answer:
    the mean of −ln p per token, before temperature, penalties and constraints; 0 is certain, above 4 is a ramble."""

    text: str
    whole: bool
    surprise: float = 0.0


class StillJob(Frozen, frozen=True):
    """A picture of `width`×`height` pixels (multiples of the model's `size_step`).

    `subjects` are the names of who and what is to be seen, most important first; `references` pictures that the named
    subject must look like, by name; `descriptions` says who or what a named subject is ("dragon, small and green"),
    where the script does; `framing` wide, medium or close. Captions lie over what is below `clear`, a share of the
    height: faces are best kept above it. `memory`: 0 as fast as can be, 1 weights offloaded, 2 also tiled; models that
    need no GPU memory take no notice.
    """

    prompt: str
    width: int
    height: int
    seed: int
    negative: str = ""
    scene: Scene | None = None
    subjects: tuple[str, ...] = ()
    framing: str = "medium"
    style: str = ""
    references: dict[str, Path] = {}
    descriptions: dict[str, str] = {}
    clear: float = 1.0
    memory: int = 0


class ClipJob(Frozen, frozen=True):
    """Set `still` in motion for `frames` frames, as many as the model's limits allow, at `fps`; `memory` as above."""

    still: Still
    prompt: str
    width: int
    height: int
    frames: int
    fps: int
    seed: int
    negative: str = ""
    camera: CameraMove = "hold"
    memory: int = 0


class SpeechJob(Frozen, frozen=True):
    """`speed` 1 is the voice's own pace, 0.7–1.4 allowed; `voice` one of the spec's voices; `text` is plain prose,
    numbers in words, a blank line between paragraphs. `pauses` scales those at
    its marks (1: even prose, 0.5–1.5). `sounds`: IPA of some of its words, by their number, for
    narrators whose limits say `phonemes`."""

    text: str
    voice: str
    locale: str = "en"
    speed: float = 1.0
    seed: int = 0
    sounds: dict[int, str] = {}
    pauses: float = 1.0


class Speech(Frozen, frozen=True):
    """`seconds` is the exact length of the WAV that was written; `words` cover every written word, in order."""

    seconds: float
    sample_rate: int
    words: tuple[Word, ...]


class MusicJob(Frozen, frozen=True):
    """`tempo` in beats a minute; `mood` one of calm, wonder, tense, bright, pulse, warm. `sections`, in order, say what
    the music does when; they begin at the bar nearest to their start. Without any the piece has a form of its own.
    `memory` as of a picture."""

    mood: str
    tempo: float
    seconds: float
    seed: int
    sections: tuple[MusicSection, ...] = ()
    memory: int = 0


@runtime_checkable
class Model(Protocol):
    spec: ModelSpec

    def close(self) -> None: ...


M = TypeVar("M", bound=Model, covariant=True)


@runtime_checkable
class Tunable(Protocol):
    """A model with choices that depend on the machine and on what is coming; none changes what a job means."""

    def settle(self, home: Path) -> None:
        """Called once, by whoever loaded it: try kernels, or remember below `home` what was found before."""
        ...

    def prepare(self, jobs: Sequence[Any]) -> None:
        """Jobs of its role that are about to come, a whole wave's, in any order. Texts are read now and their encoders
        then freed; a job that was not named is made all the same, more slowly."""
        ...

    def take_decisions(self) -> tuple[str, ...]:
        """What it chose since it was last asked, each with its reason, a sentence without its full stop."""
        ...


@runtime_checkable
class TextModel(Model, Protocol):
    def complete(self, job: TextJob, *, tick: Tick = no_tick) -> Completion: ...


@runtime_checkable
class ImageModel(Model, Protocol):
    def paint(self, job: StillJob, folder: Path, *, tick: Tick = no_tick) -> Still:
        """Write `still.png` (and, for layered artists, `layer-0.png` …, far to near) into the existing `folder`."""
        ...


@runtime_checkable
class VideoModel(Model, Protocol):
    def animate(self, job: ClipJob, out: Path, *, tick: Tick = no_tick) -> None:
        """Write a silent H.264 MP4 of exactly `job.frames` frames to `out`."""
        ...


class Exposure(Protocol):
    """A clip whose frames have left the GPU, and which is written nowhere yet."""

    def write(self, out: Path) -> None:
        """Write a silent H.264 MP4 of exactly the job's frames to `out`; needs the model no more."""
        ...


@runtime_checkable
class Exposing(VideoModel, Protocol):
    """A video model that can make the next clip while the one before is being written; `animate` is both in one."""

    def expose(self, job: ClipJob, *, tick: Tick = no_tick) -> Exposure: ...


@runtime_checkable
class TwoPartModel(Exposing, Protocol):
    """A video model whose clips can be made in two halves, with other weights each."""

    @property
    def in_turns(self) -> bool:
        """Whether the weights of both halves do not lie on the device together, so that all first halves of a wave are
        better made before any second one."""
        ...

    def begin(self, job: ClipJob, out: Path, *, tick: Tick = no_tick) -> None:
        """Write what the first half of `job` comes to, as safetensors."""
        ...

    def finish(self, job: ClipJob, begun: Path, *, tick: Tick = no_tick) -> Exposure:
        """The second half, from what `begin` wrote for the same job: the very clip that `expose` makes."""
        ...


@runtime_checkable
class VoiceModel(Model, Protocol):
    def speak(self, job: SpeechJob, out: Path, *, tick: Tick = no_tick) -> Speech:
        """Write a mono 16-bit WAV to `out`."""
        ...


@runtime_checkable
class MusicModel(Model, Protocol):
    def compose(self, job: MusicJob, out: Path, *, tick: Tick = no_tick) -> None:
        """Write a stereo 48 kHz 16-bit WAV of exactly `job.seconds` to `out`."""
        ...


class Handle(Protocol[M]):
    """A model that a stage may need: what it is, and how to open it. Opened at the first artefact that is not kept
    already, so that a story whose artefacts are all there opens nothing."""

    @property
    def spec(self) -> ModelSpec: ...

    def open(self) -> M: ...

    def alone(self) -> bool:
        """Close whatever else holds memory of the same device, after this model ran out of it; whether there was
        anything. Only for the thread that makes pictures."""
        ...
