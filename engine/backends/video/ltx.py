"""Animator family `ltx`: image to video with LTX-Video, full or distilled, in diffusers' layout. Knows no story."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from engine.backends.clip_frames import check_job, open_still, write_clip
from engine.backends.params import read_params
from engine.backends.protocols import ClipJob, Tick, no_tick
from engine.backends.torch_env import (
    Placement,
    choose_device,
    diffusers_quietly,
    free_memory,
    memory_guard,
    on_step_end,
    sealed,
    seeded,
)
from engine.catalog import ModelSpec
from engine.errors import ModelMissing
from engine.types import Frozen


class Params(Frozen, frozen=True):
    """`guidance` above 1 costs a second pass a step; distilled weights are made for 1. `text_tokens` is how far the
    prompt is padded. `tile` decodes piecewise: slower, less memory. `offload` as in `torch_env.Placement`."""

    steps: int = 40
    guidance: float = 3.0
    text_tokens: int = 128
    tile: bool = False
    offload: Literal["none", "model", "layer"] = "none"


def load(spec: ModelSpec, weights: Path | None) -> Animator:
    """Raises `BadCatalog` for unknown params, `ModelMissing`, `ModelCorrupt`, `ModelUnavailable`, `OutOfMemory`."""
    params = read_params(spec, Params)
    if weights is None:
        raise ModelMissing(f"models.{spec.id} names no weights: family ltx needs a checkpoint folder.")
    return Animator(spec, params, weights)


class Animator:
    """A `VideoModel`. Sides are multiples of 32 and frames 8k+1: the VAE packs space by 32 and time by 8."""

    def __init__(self, spec: ModelSpec, params: Params, folder: Path) -> None:
        self.spec = spec
        self._params = params
        with sealed(spec):
            import torch

            diffusers = diffusers_quietly()
            self.decision = choose_device()
            pipeline: Any = diffusers.LTXImageToVideoPipeline.from_pretrained(
                folder,
                torch_dtype=getattr(torch, self.decision.dtype),
                use_safetensors=True,
                local_files_only=True,
            )
            pipeline.set_progress_bar_config(disable=True)
            self._placement: Placement | None = Placement(pipeline, self.decision, params.offload, tile=params.tile)
            self._pipeline: Any = pipeline

    def animate(self, job: ClipJob, out: Path, *, tick: Tick = no_tick) -> None:
        """Raises `BadRequest` for a size or frame count that the model does not make, `OutOfMemory`, `MediaFailed`,
        and what `tick` raises."""
        check_job(self.spec, job)
        steps = self._params.steps
        tick(0, steps)
        assert self._placement is not None
        with memory_guard(self.spec):
            self._placement.fit(job.memory)
            frames = self._pipeline(
                image=open_still(job),
                prompt=job.prompt,
                negative_prompt=job.negative or None,
                width=job.width,
                height=job.height,
                num_frames=job.frames,
                frame_rate=job.fps,
                num_inference_steps=steps,
                guidance_scale=self._params.guidance,
                generator=seeded(job.seed),
                max_sequence_length=self._params.text_tokens,
                output_type="np",
                callback_on_step_end=on_step_end(tick, steps),
            ).frames[0]
        write_clip(frames, job, out)

    def close(self) -> None:
        self._pipeline = self._placement = None
        free_memory()
