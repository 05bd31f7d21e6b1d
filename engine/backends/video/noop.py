"""Animator family `noop`: the still for as long as asked, after a wait. A yardstick, not an animator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from engine.backends.idle import Idle
from engine.backends.protocols import ClipJob, Tick, no_tick
from engine.catalog import ModelSpec
from engine.media import FrameWriter


def load(spec: ModelSpec, weights: Path | None) -> StandingPicture:
    return StandingPicture(spec)


class StandingPicture(Idle):
    """A `VideoModel`."""

    def animate(self, job: ClipJob, out: Path, *, tick: Tick = no_tick) -> None:
        self.pass_time(tick)
        with Image.open(job.still.image, formats=("PNG",)) as picture:
            frame = np.asarray(picture.convert("RGB").resize((job.width, job.height)))
        with FrameWriter(out, job.width, job.height, job.fps) as writer:
            for _ in range(job.frames):
                writer.write(frame)
