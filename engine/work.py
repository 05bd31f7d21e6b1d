"""What an entry of models.yaml has to do for one picture or clip, by arithmetic: FLOP.

From the entry's `architecture` and params alone: nothing is opened or measured, so every figure is an estimate. Of an
entry that names no architecture it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from engine.architectures import Architecture, Cost, flops_of, read_architecture, read_costs
from engine.catalog import ModelSpec

LATENT_FRAMES_BY = 4
"""Wan's VAE packs so many frames into one latent frame, and keeps the first by itself."""
PATCH = 2
"""Wan's transformer takes squares of 2×2 latent pixels as one token."""


def still_flops(spec: ModelSpec, width: int, height: int) -> float | None:
    """FLOP of one picture, from its prompt to its pixels; None if the entry's work cannot be told."""
    return _flops(spec, width, height, 1)


def clip_flops(spec: ModelSpec, width: int, height: int, frames: int) -> float | None:
    """FLOP of one clip of so many frames, at the model's own rate; None if the entry's work cannot be told."""
    return _flops(spec, width, height, frames)


def _flops(spec: ModelSpec, width: int, height: int, frames: int) -> float | None:
    steps = spec.params.get("steps")
    if spec.architecture is None or steps is None:
        return None
    arch, costs = read_architecture(spec.architecture), read_costs()[spec.architecture]
    return whole_flops(arch, costs, (width, height, frames), steps, spec.params.get("guidance", 1))


def step_flops(arch: Architecture, costs: Mapping[str, Cost], shape: tuple[int, int, int], guidance: float) -> float:
    """FLOP of one step, both passes of it where guidance asks for two; `shape` is width, height, frames."""
    denoiser = "unet" if "unet" in costs else "transformer"
    n = size_of_pass(arch, denoiser, *shape)
    return (2 if guidance > 1 else 1) * flops_of(costs[denoiser], "forward", n)


def whole_flops(
    arch: Architecture, costs: Mapping[str, Cost], shape: tuple[int, int, int], steps: int, guidance: float
) -> float:
    """FLOP of a picture or clip of `shape` (width, height, frames), from its prompt to its pixels."""
    width, height, frames = shape
    passes = 2 if guidance > 1 else 1
    texts = sum(flops_of(cost, "forward", 0) for name, cost in costs.items() if name.startswith("text_encoder"))
    pixels, latents = latents_of(arch, width, height, frames)
    film = partial(_vae_flops, costs["vae"], pixels)
    given = 0.0
    if "transformer" in costs:  # the picture alone, or a whole film that begins with it
        given = film("encode", 1 if arch.pipeline.config.get("expand_timesteps") else latents)
    return passes * texts + given + steps * step_flops(arch, costs, shape, guidance) + film("decode", latents)


def _vae_flops(cost: Cost, pixels: int, which: str, latent_frames: int) -> float:
    more = flops_of(cost, f"{which}_more", pixels) * (latent_frames - 1) if latent_frames > 1 else 0.0
    return flops_of(cost, which, pixels) + more


def latents_of(arch: Architecture, width: int, height: int, frames: int) -> tuple[int, int]:
    """Latent pixels of one frame, and latent frames."""
    across = arch.components["vae"].config.get("scale_factor_spatial", 8)
    return (width // across) * (height // across), (frames - 1) // LATENT_FRAMES_BY + 1


def size_of_pass(arch: Architecture, component: str, width: int, height: int, frames: int) -> int:
    """The n of `engine.architectures.Cost`."""
    pixels, latents = latents_of(arch, width, height, frames)
    return pixels * latents // PATCH**2 if component.startswith("transformer") else pixels
