"""Artist family `noop`: squares of colour that follow from the job, after a wait. A yardstick, not an artist."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image

from engine.backends.idle import Idle
from engine.backends.protocols import StillJob, Tick, no_tick
from engine.catalog import ModelSpec
from engine.made import Still

SQUARES = 6


def load(spec: ModelSpec, weights: Path | None) -> Quilter:
    return Quilter(spec)


class Quilter(Idle):
    """An `ImageModel`."""

    def paint(self, job: StillJob, folder: Path, *, tick: Tick = no_tick) -> Still:
        self.pass_time(tick)
        colours = hashlib.shake_256(f"{job.prompt}|{job.seed}".encode()).digest(3 * SQUARES**2)
        squares = Image.frombytes("RGB", (SQUARES, SQUARES), colours)
        path = folder / "still.png"
        squares.resize((job.width, job.height), Image.Resampling.NEAREST).save(path)
        return Still(image=path)
