"""Animator family `noop`: the still for as long as asked, after a wait. A yardstick, not an animator.

A bar grows along its foot; without it the film would stand still, and the review would say so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from engine.backends.idle import Idle
from engine.backends.protocols import ClipJob, Tick, no_tick
from engine.catalog import ModelSpec
from engine.media import FrameWriter

BAR = 12
"""The bar is so small a share of the height."""


def load(spec: ModelSpec, weights: Path | None) -> StandingPicture:
    return StandingPicture(spec)


class StandingPicture(Idle):
    """A `VideoModel`."""

    def animate(self, job: ClipJob, out: Path, *, tick: Tick = no_tick) -> None:
        self.pass_time(tick)
        with Image.open(job.still.image, formats=("PNG",)) as picture:
            frame = np.array(picture.convert("RGB").resize((job.width, job.height)))
        foot = frame[-max(1, job.height // BAR) :]
        foot[:] = 0
        with FrameWriter(out, job.width, job.height, job.fps) as writer:
            for number in range(1, job.frames + 1):
                foot[:, : job.width * number // job.frames] = 255
                writer.write(frame)
