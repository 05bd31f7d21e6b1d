"""What an animator writes becomes the clip that was wanted, with the film's size, rate and length. Knows no model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.backends.protocols import ClipJob
from engine.catalog import ModelSpec
from engine.errors import MediaFailed
from engine.made import Clip
from engine.media import INPUT, clip_codec, probe, run_ffmpeg
from engine.progress import Control
from engine.reviewing.pictures import look_at
from engine.takes import Take

MOTION = "mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1:scd=none"
"""How frames between two are made: from blocks that move; there is no cut in a clip that would have to be found."""
FEWEST_TO_INTERPOLATE, SPARE_FRAMES, LEAST_SIDE = 3, 4, 48


class ClipSpoiled(MediaFailed):
    """The animator is done, and what it wrote is no whole film."""


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
