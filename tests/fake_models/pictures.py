"""An artist and an animator that honour the protocols with real PNG and MP4 files, in milliseconds.

They count what they do, and fail, run out of memory or sleep when told to.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engine.backends.protocols import ClipJob, StillJob, Tick, no_tick
from engine.catalog import Limits, ModelSpec
from engine.errors import OutOfMemory
from engine.made import Still
from engine.media import FrameWriter

Fits = Callable[[Any], bool]


class FakeHandle:
    """Opens `model` and counts how often: `opened` asks, `loads` real loads. `load_seconds` is what a load costs."""

    def __init__(self, model: Any, load_seconds: float = 0.0, fits: bool = True) -> None:
        self.model, self.load_seconds, self.fits = model, load_seconds, fits
        self.opened = self.loads = self.cleared = 0

    @property
    def spec(self) -> ModelSpec:
        return self.model.spec

    def open(self) -> Any:
        self.opened += 1
        if not self.fits:
            raise OutOfMemory(f"Model {self.spec.id} cannot be loaded: choose a smaller profile.")
        if not self.loads:
            time.sleep(self.load_seconds)
            self.loads = 1
        return self.model

    def alone(self) -> bool:
        self.cleared += 1
        return False


class FakeArtist:
    """Paints one colour, lighter to one side, that prompt, subjects and seed decide. `spoils(job)` True: all black.
    `fits(job)` False: out of memory; `fault`: raised at the first step; `layers` > 0: so many more PNGs
    with an overscan of an eighth on each side."""

    def __init__(
        self,
        *,
        size_step: int = 2,
        references: int = 2,
        layers: int = 0,
        fits: Fits = lambda job: True,
        spoils: Fits = lambda job: False,
        fault: Exception | None = None,
        step_seconds: float = 0.0,
        broken: bool = False,
    ) -> None:
        limits = Limits(size_step=size_step, references=references)
        self.spec = ModelSpec(
            id="fake-artist", role="artist", family="fake", licence="Apache-2.0", commercial=True, limits=limits
        )
        self.layers, self.fits, self.spoils, self.fault = layers, fits, spoils, fault
        self.step_seconds, self.broken = step_seconds, broken
        self.jobs: list[StillJob] = []

    def paint(self, job: StillJob, folder: Path, *, tick: Tick = no_tick) -> Still:
        self.jobs.append(job)
        for done in range(3):
            tick(done, 2)
            time.sleep(self.step_seconds)
            if self.fault is not None:
                raise self.fault
            if not self.fits(job):
                raise OutOfMemory("The fake artist ran out of memory: choose a smaller size.")
        kept = b"".join(picture.read_bytes() for picture in job.references.values())
        colour = tuple(sha256(f"{job.prompt}|{job.subjects}|{job.seed}".encode() + kept).digest()[:3])
        image = folder / "still.png"
        painted = Image.new("RGB", (job.width, job.height), colour)
        light = Image.linear_gradient("L").rotate(90).resize(painted.size)
        painted.paste("white", mask=light.point([value // 2 for value in range(256)]))
        (Image.new("RGB", painted.size) if self.spoils(job) else painted).save(image)
        if self.broken:
            image.write_bytes(image.read_bytes()[:40])
        size = job.width + 2 * (job.width // 8), job.height + 2 * (job.height // 8)
        paths = tuple(folder / f"layer-{i}.png" for i in range(self.layers))
        for i, path in enumerate(paths):
            layer = Image.new("RGBA", size, (*colour, 255 if i == 0 else 0))
            if i:
                layer.paste((255 - colour[0], 40 * i % 256, colour[2], 255), (0, size[1] // 2, size[0], size[1]))
            layer.save(path)
        return Still(image=image, layers=paths)

    def close(self) -> None:
        """Nothing is held."""


class FakeAnimator:
    """Fades the still. `spoils(job)` True: it stands still. `fits(job)` False: out of memory; `fault`: raised at the
    first step."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        fits: Fits = lambda job: True,
        spoils: Fits = lambda job: False,
        fault: Exception | None = None,
        step_seconds: float = 0.0,
    ) -> None:
        self.spec = ModelSpec(
            id="fake-animator",
            role="animator",
            family="fake",
            licence="Apache-2.0",
            commercial=True,
            limits=limits or Limits(size_step=2),
        )
        self.fits, self.spoils, self.fault, self.step_seconds = fits, spoils, fault, step_seconds
        self.jobs: list[ClipJob] = []

    def animate(self, job: ClipJob, out: Path, *, tick: Tick = no_tick) -> None:
        self.jobs.append(job)
        for done in range(3):
            tick(done, 2)
            time.sleep(self.step_seconds)
            if self.fault is not None:
                raise self.fault
            if not self.fits(job):
                raise OutOfMemory("The fake animator ran out of memory: choose a smaller size.")
        with Image.open(job.still.image) as still:
            picture = np.asarray(still.convert("RGB").resize((job.width, job.height))).astype(float)
        stands = self.spoils(job)
        with FrameWriter(out, job.width, job.height, job.fps) as film:
            for number in range(job.frames):
                share = 0.5 if stands else 0.5 + 0.5 * number / job.frames
                film.write((picture * share).astype(np.uint8))

    def close(self) -> None:
        """Nothing is held."""
