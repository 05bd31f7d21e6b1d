"""Sampling in a few steps that noises each guess anew, as models distilled by matching distributions are made for.
Knows no model.

Yin et al., "Improved Distribution Matching Distillation for Fast Image Synthesis", 2024,
https://arxiv.org/abs/2405.14867, for flow matching: the guess x₀ = x − σv, then x = (1 − σ′)x₀ + σ′·noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def renoising_scheduler(diffusers: Any, levels: Sequence[float]) -> Any:
    """A scheduler of diffusers whose steps are at these noise levels (σ, from 1 down, above 0). Give it a `generator`
    before each run: the noise between steps comes from that."""
    sigmas = list(levels)

    class Renoising(diffusers.FlowMatchEulerDiscreteScheduler):
        generator: Any = None

        def set_timesteps(self, num_inference_steps: int | None = None, device: Any = None, **told: Any) -> None:
            super().set_timesteps(device=device, sigmas=sigmas)

        def step(self, *args: Any, **told: Any) -> Any:
            return super().step(*args, **{**told, "generator": self.generator})

    return Renoising(shift=1.0, stochastic_sampling=True)
