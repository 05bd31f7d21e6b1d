"""What is wanted of a clip, what its animator is asked for, and how the one becomes the other, with the film's size,
rate and length. Knows animators by their limits only."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from pathlib import Path

from engine.backends.protocols import ClipJob
from engine.catalog import ModelSpec
from engine.errors import MediaFailed
from engine.ladder import Rung
from engine.made import Clip, Still
from engine.media import INPUT, clip_codec, probe, run_ffmpeg
from engine.progress import Control
from engine.reviewing.pictures import look_at
from engine.types import CameraMove, Frozen

MOTION = "mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1:scd=none"
"""How frames between two are made: from blocks that move; there is no cut in a clip that would have to be found."""
FEWEST_TO_INTERPOLATE, SPARE_FRAMES, LEAST_SIDE = 3, 4, 48


class ClipSpoiled(MediaFailed):
    """The animator is done, and what it wrote is no whole film."""


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


def shoot(
    spec: ModelSpec, write: Callable[[Path], None], job: ClipJob, take: Take, control: Control, folder: Path
) -> Clip:
    """Write and bring to the film's size, rate and length, without a second encoding where nothing is to be done."""
    out = folder / "clip.mp4"
    whole = (job.width, job.height, job.frames, job.fps) == (take.width, take.height, take.frames, take.fps)
    if whole:
        write(out)
    else:
        raw = folder / "raw.mp4"
        write(raw)
        _fit(raw, out, job, take, control)
        raw.unlink()
    try:
        facts, look = probe(out), look_at(out)
    except MediaFailed as error:
        raise ClipSpoiled(f"model {spec.id} made a clip that cannot be read: run it again.") from error
    if (facts.width, facts.height, facts.frames) != (take.width, take.height, take.frames):
        raise MediaFailed(
            f"model {spec.id} made {facts.frames} frames of {facts.width}×{facts.height} where {take.frames} of "
            f"{take.width}×{take.height} were wanted: check its limits in models.yaml."
        )
    if look.spoiled or look.frames != take.frames:
        raise ClipSpoiled(
            f"model {spec.id} made a clip of which {look.frames} of {take.frames} frames decode: run it again."
        )
    return Clip(video=out, frames=take.frames, fps=take.fps, look=look)


def _fit(raw: Path, out: Path, job: ClipJob, take: Take, control: Control) -> None:
    size = f"{take.width}:{take.height}"
    between = job.fps < take.fps and job.frames >= FEWEST_TO_INTERPOLATE and min(job.width, job.height) >= LEAST_SIDE
    filters = [
        # At the size that was made, since it is slow; it drops its last frames, so it is given more of them.
        *((f"tpad=stop_mode=clone:stop={SPARE_FRAMES}", f"minterpolate=fps={take.fps}:{MOTION}") if between else ()),
        f"fps={take.fps}",
        f"scale={size}:force_original_aspect_ratio=increase:flags=lanczos",
        f"crop={size}",
        "setsar=1",
        # Rates that do not divide each other may round the last frame away.
        "tpad=stop_mode=clone:stop=2",
    ]
    length = ["-frames:v", str(take.frames), "-an"]
    run_ffmpeg(
        [*INPUT, "-i", raw, "-vf", ",".join(filters), *length, *clip_codec().arguments, "-f", "mp4", out],
        control=control,
    )
