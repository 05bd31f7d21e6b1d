"""What is wanted of a clip, and what its animator is asked for. Knows animators by their limits only, and no file."""

from __future__ import annotations

from math import ceil

from engine.backends.protocols import ClipJob
from engine.catalog import ModelSpec
from engine.ladder import Rung
from engine.made import Still
from engine.types import CameraMove, Frozen


class Take(Frozen, frozen=True):
    """A clip that is wanted: `frames` at the film's rate and size, whatever the animator makes of it. `made`: the size
    that a generating animator is asked for, None: the film's."""

    still: Still
    prompt: str
    negative: str
    camera: CameraMove
    seed: int
    width: int
    height: int
    frames: int
    fps: int
    made: tuple[int, int] | None = None

    def made_by(self, spec: ModelSpec) -> tuple[int, int]:
        """The size that this animator is asked for."""
        return self.made if self.made is not None and spec.limits.sized else (self.width, self.height)


def clip_job(take: Take, spec: ModelSpec, rung: Rung) -> ClipJob | None:
    """The job that covers the take within the model's limits; None if the take is longer than the model's longest.

    A model with a rate of its own works at that rate; fewer frames means a lower rate over the same time, so that
    nothing is slowed down.
    """
    limits = spec.limits
    fps = max(1, int((limits.fps or take.fps) * rung.frames))
    needed = ceil(take.frames * fps / take.fps)
    steps = max(0, ceil((needed - limits.frames_plus) / limits.frames_step))
    frames = max(1, limits.frames_plus + steps * limits.frames_step)
    if limits.max_frames is not None and frames > limits.max_frames:
        return None
    if rung.size < 1:
        step = max(2, limits.size_step)
        width, height = (max(step, int(side * rung.size) // step * step) for side in take.made_by(spec))
    else:
        width, height = take.made_by(spec)
    return ClipJob(
        still=take.still,
        prompt=take.prompt,
        width=width,
        height=height,
        frames=frames,
        fps=fps,
        seed=take.seed,
        negative=take.negative,
        camera=take.camera,
        memory=rung.memory,
    )
