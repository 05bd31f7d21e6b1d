"""What every model of a role must do, written once: jobs that fit any entry, and what must be true of their results."""

from __future__ import annotations

import contextlib
import hashlib
import wave
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from engine.backends.protocols import (
    ClipJob,
    Message,
    MusicJob,
    SpeechJob,
    StillJob,
    TextJob,
    no_tick,
)
from engine.catalog import ModelSpec
from engine.errors import Cancelled
from engine.made import Still
from engine.media import probe
from engine.types import Scene

PROMPTS = ("a red dragon over a castle", "two sailors in a harbour")
SUBJECTS = (("dragon", "castle"), ("sailor", "harbour"))
LINES = ("A fox ran home.", "Nobody saw the lamp.")


def rounded(pixels: int, step: int) -> int:
    step = step if step % 2 == 0 else step * 2
    return max(step, round(pixels / step) * step)


class Bench:
    """One open model with a folder of its own: makes things, and tells what came out as bytes."""

    def __init__(self, spec: ModelSpec, model: Any, folder: Path) -> None:
        self.spec = spec
        self.model = model
        self.folder = folder
        large = spec.needs_gpu
        self.width = rounded(832 if large else 160, spec.limits.size_step)
        self.height = rounded(480 if large else 96, spec.limits.size_step)
        self.frames = spec.limits.frames_plus + spec.limits.frames_step * 2
        self.fps = spec.limits.fps or 12
        self._made = 0

    def make(self, *, other: bool = False, seed: int = 7, tick: Callable[[int, int], None] = no_tick) -> bytes:
        """The result of the role's plainest job; `other` asks for something else."""
        self._made += 1
        folder = self.folder / f"{self._made:02}"
        folder.mkdir()
        return getattr(self, f"_{self.spec.role}")(folder, int(other), seed, tick)

    @cached_property
    def usual(self) -> str:
        """The digest of the plainest job, made once."""
        return self.digest()

    def digest(self, **how: Any) -> str:
        return hashlib.sha256(self.make(**how)).hexdigest()

    def _writer(self, folder: Path, which: int, seed: int, tick: Callable[[int, int], None]) -> bytes:
        messages = (Message(role="user", content=f"Tell about {PROMPTS[which]}."),)
        done = self.model.complete(TextJob(messages=messages, max_tokens=12, seed=seed), tick=tick)
        return done.text.encode()

    def _narrator(self, folder: Path, which: int, seed: int, tick: Callable[[int, int], None]) -> bytes:
        limits = self.spec.limits
        job = SpeechJob(text=LINES[which], voice=limits.voices[0], locale=limits.languages[0], seed=seed)
        speech = self.model.speak(job, folder / "v.wav", tick=tick)
        with wave.open(str(folder / "v.wav")) as recording:
            assert recording.getnchannels() == 1
            assert recording.getsampwidth() == 2
            assert recording.getframerate() == speech.sample_rate
            assert abs(recording.getnframes() / recording.getframerate() - speech.seconds) < 1e-6
        assert [word.text for word in speech.words] == LINES[which].split()
        edges = [edge for word in speech.words for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= speech.seconds + 1e-6
        return (folder / "v.wav").read_bytes()

    def _composer(self, folder: Path, which: int, seed: int, tick: Callable[[int, int], None]) -> bytes:
        job = MusicJob(mood=("calm", "tense")[which], tempo=90, seconds=4, seed=seed)
        self.model.compose(job, folder / "m.wav", tick=tick)
        with wave.open(str(folder / "m.wav")) as recording:
            assert (recording.getnchannels(), recording.getframerate()) == (2, 48_000)
            assert recording.getnframes() == 4 * 48_000
        return (folder / "m.wav").read_bytes()

    def _artist(self, folder: Path, which: int, seed: int, tick: Callable[[int, int], None]) -> bytes:
        return self._painted(folder, which, seed, tick)

    def painted_with(self, **references: Path) -> bytes:
        """An artist's plainest job, with pictures that those of its subjects must look like."""
        self._made += 1
        folder = self.folder / f"{self._made:02}"
        folder.mkdir()
        return self._painted(folder, 0, 7, no_tick, references)

    def _painted(
        self,
        folder: Path,
        which: int,
        seed: int,
        tick: Callable[[int, int], None],
        references: dict[str, Path] | None = None,
    ) -> bytes:
        job = StillJob(
            prompt=PROMPTS[which],
            width=self.width,
            height=self.height,
            seed=seed,
            scene=Scene(description=PROMPTS[which]),
            subjects=SUBJECTS[which],
            references=references or {},
        )
        still = self.model.paint(job, folder, tick=tick)
        with Image.open(still.image) as picture:
            assert picture.size == (self.width, self.height)
            return picture.convert("RGB").tobytes()

    def _animator(self, folder: Path, which: int, seed: int, tick: Callable[[int, int], None]) -> bytes:
        still = folder / "still.png"
        ramp = Image.linear_gradient("L").resize((self.width, self.height))
        # Who moves a camera and reads no words is told another thing by another picture.
        Image.merge("RGB", (ramp, ramp.rotate(180 * which), ramp)).save(still)
        out = folder / "clip.mp4"
        job = ClipJob(
            still=Still(image=still),
            prompt=PROMPTS[which],
            width=self.width,
            height=self.height,
            frames=self.frames,
            fps=self.fps,
            seed=seed,
            camera="push_in",
        )
        self.model.animate(job, out, tick=tick)
        facts = probe(out)
        assert (facts.width, facts.height, facts.frames) == (self.width, self.height, self.frames)
        assert abs(facts.fps - self.fps) < 0.01
        assert facts.audio_codec is None
        return out.read_bytes()


def check_repeats(bench: Bench) -> None:
    """The same job twice gives the same bytes; sizes, lengths and words are looked at on the way."""
    assert bench.digest() == bench.usual


def check_heeds_the_prompt(bench: Bench) -> None:
    assert bench.digest(other=True) != bench.usual


def check_stops_at_the_first_step(bench: Bench) -> None:
    """What `tick` raises comes out as it is, no whole result stays behind, and the next job is not spoilt by it."""
    before = bench.usual
    calls: list[int] = []

    def stop(done: int, total: int) -> None:
        calls.append(done)
        if done >= 1 or len(calls) > 1:
            raise Cancelled()

    with contextlib.suppress(Cancelled):
        bench.make(tick=stop)
        raise AssertionError(f"{bench.spec.id} went on to its end after {calls}")
    assert bench.digest() == before


def check_keeps_references(bench: Bench) -> None:
    """Each subject of as many as its limits say looks like its picture: another one gives another result, the same one
    the same, and what is painted without any afterwards is what it was before."""
    before, pictures = bench.usual, {}
    for name, colours in {"one": ((200, 30, 30), (250, 220, 60)), "other": ((20, 60, 190), (230, 250, 255))}.items():
        pictures[name] = bench.folder / f"{name}.png"
        halves = Image.new("RGB", (96, 128), colours[0])
        halves.paste(colours[1], (0, 64, 96, 128))
        halves.save(pictures[name])
    for subject in SUBJECTS[0][: bench.spec.limits.references]:
        one = bench.painted_with(**{subject: pictures["one"]})
        assert one != bench.painted_with(**{subject: pictures["other"]}), subject
        assert one == bench.painted_with(**{subject: pictures["one"]}), subject
        assert hashlib.sha256(one).hexdigest() != before, subject
    assert bench.digest() == before
