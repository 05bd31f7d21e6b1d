"""Composer family `ace_step`: ACE-Step 1.5 in diffusers' layout. Its tempo is a wish of the prompt, not a promise.

The model writes ten seconds to ten minutes at once; what is shorter is cut from the beginning of ten seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.audio import RATE, resample, write_wav
from engine.backends.blank import opened
from engine.backends.params import read_params
from engine.backends.protocols import MusicJob, Tick, no_tick
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
from engine.errors import BadRequest, ModelMissing
from engine.made import MusicSection
from engine.types import Frozen

MOODS = {
    "calm": "calm ambient, soft pads and slow plucked strings, gentle, sparse",
    "wonder": "cinematic orchestral, harp and bells, shimmering strings, full of wonder",
    "tense": "tense underscore, low drone and string ostinato, minor key, suspense",
    "bright": "bright upbeat pop, plucked riff, claps, driving bass, joyful",
    "pulse": "modern news underscore, pulsing synth sixteenths, minimal, steady, neutral",
    "warm": "warm lo-fi, electric piano, soft bass, brushed drums, relaxed",
}
LYRICS = {"intro": "[intro]", "build": "[verse]", "drop": "[chorus]", "breakdown": "[bridge]", "outro": "[outro]"}
"""How the model is told its form: by the section marks of a song's lyrics, without any words."""

SHORTEST, LONGEST = 10.0, 600.0
END_FADE = 1.5


class Params(Frozen, frozen=True):
    """`guidance` above 1 costs a second pass a step; turbo weights are made without. `shift` of the noise schedule,
    1 to 3. `offload` as in `torch_env.Placement`. `tile`: decode in pieces, for less memory."""

    steps: int = 8
    guidance: float = 1.0
    shift: float = 3.0
    offload: Literal["none", "model", "layer"] = "none"
    tile: bool = False


def load(spec: ModelSpec, weights: Path | None) -> AceStep:
    """Raises `BadCatalog` for unknown params, `ModelMissing`, `ModelCorrupt`, `ModelUnavailable`, `OutOfMemory`."""
    params = read_params(spec, Params)
    if weights is None:
        raise ModelMissing(f"models.{spec.id} names no weights: family ace_step needs a checkpoint folder.")
    return AceStep(spec, params, weights)


class AceStep:
    """A `MusicModel`."""

    def __init__(self, spec: ModelSpec, params: Params, folder: Path) -> None:
        self.spec = spec
        self._params = params
        with sealed(spec):
            import torch

            diffusers = diffusers_quietly()
            self.decision = choose_device()
            pipeline: Any = opened(
                diffusers.AceStepPipeline,
                folder,
                torch_dtype=getattr(torch, self.decision.dtype),
                use_safetensors=True,
                local_files_only=True,
            )
            pipeline.set_progress_bar_config(disable=True)
            self._placement: Placement | None = Placement(pipeline, self.decision, params.offload, tile=params.tile)
            self._pipeline: Any = pipeline

    def compose(self, job: MusicJob, out: Path, *, tick: Tick = no_tick) -> None:
        """Raises `BadRequest` for an unknown mood or a length outside 0 to 600 seconds, `OutOfMemory`, and what `tick`
        raises."""
        if job.mood not in MOODS:
            raise BadRequest("mood", f"{job.mood!r} is not one of {', '.join(MOODS)}")
        if not 0 < job.seconds <= LONGEST:
            raise BadRequest("seconds", f"{job.seconds:g} is outside 0 to {LONGEST:g}")
        steps = self._params.steps
        tick(0, steps)
        assert self._placement is not None
        with memory_guard(self.spec):
            self._placement.fit(job.memory)
            audio = self._pipeline(
                prompt=f"{MOODS[job.mood]}, instrumental, no vocals",
                lyrics=lyrics_of(job.sections),
                audio_duration=max(SHORTEST, job.seconds),
                bpm=round(job.tempo),
                timesignature="4",
                num_inference_steps=steps,
                guidance_scale=self._params.guidance,
                shift=self._params.shift,
                generator=seeded(job.seed),
                output_type="np",
                callback_on_step_end=on_step_end(tick, steps),
            ).audios[0]
        write_wav(out, _fitted(np.asarray(audio, np.float32), self._pipeline.sample_rate, job.seconds), RATE)

    def close(self) -> None:
        self._pipeline = self._placement = None
        free_memory()


def lyrics_of(sections: tuple[MusicSection, ...]) -> str:
    """A section mark for each section, and no word to sing."""
    return "\n".join([*(LYRICS[section.name] for section in sections), "[instrumental]"])


def _fitted(audio: np.ndarray, rate: int, seconds: float) -> np.ndarray:
    """(channels, n) at the model's rate, as (2, exactly `seconds`) at 48 kHz, going out softly at its end."""
    samples = resample(audio, rate, RATE)
    samples = np.repeat(samples, 2, axis=0) if len(samples) == 1 else samples[:2]
    count = round(seconds * RATE)
    fitted = np.zeros((2, count), np.float32)
    have = min(count, samples.shape[-1])
    fitted[:, :have] = samples[:, :have]
    fade = min(round(END_FADE * RATE), count // 3)
    if fade:
        fitted[:, count - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return fitted
