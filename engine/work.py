"""What an entry of models.yaml has to do for one picture, clip or piece of music, by arithmetic: FLOP.

From the entry's `architecture` and params alone: nothing is opened or measured, so every figure is an estimate. Of an
entry that names no architecture it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from engine.architectures import (
    Architecture,
    Cost,
    flops_of,
    is_music,
    latents_of_sound,
    packing,
    read_architecture,
    read_costs,
    tokens_by,
)
from engine.catalog import ModelSpec


def still_flops(spec: ModelSpec, width: int, height: int) -> float | None:
    """FLOP of one picture, from its prompt to its pixels; None if the entry's work cannot be told."""
    return _flops(spec, width, height, 1)


def clip_flops(spec: ModelSpec, width: int, height: int, frames: int) -> float | None:
    """FLOP of one clip of so many frames, at the model's own rate; None if the entry's work cannot be told."""
    return _flops(spec, width, height, frames)


def song_flops(spec: ModelSpec, seconds: int) -> float | None:
    """FLOP of so many seconds of music; None if the entry's work cannot be told."""
    return _flops(spec, 1, 1, seconds)


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
    """FLOP of a picture or clip of `shape` (width, height, frames), from its prompt to its pixels; of music it is 1, 1,
    seconds."""
    width, height, frames = shape
    passes = 2 if guidance > 1 else 1
    readers = ("text_encoder", "condition_encoder")
    texts = sum(flops_of(cost, "forward", 0) for name, cost in costs.items() if name.startswith(readers))
    if is_music(arch):
        decoding = flops_of(costs["vae"], "decode", size_of_pass(arch, "vae", *shape))
        return passes * texts + steps * step_flops(arch, costs, shape, guidance) + decoding
    pixels, latents = latents_of(arch, width, height, frames)
    film = partial(_vae_flops, costs["vae"], pixels)
    given = 0.0
    if "transformer" in costs:  # the picture alone, or a whole film that begins with it
        given = film("encode", latents_of(arch, width, height, frames_given(arch, frames))[1])
    return passes * texts + given + steps * step_flops(arch, costs, shape, guidance) + film("decode", latents)


def _vae_flops(cost: Cost, pixels: int, which: str, latent_frames: int) -> float:
    more = flops_of(cost, f"{which}_more", pixels) * (latent_frames - 1) if latent_frames > 1 else 0.0
    return flops_of(cost, which, pixels) + more


def frames_given(arch: Architecture, frames: int) -> int:
    """How many frames an animator encodes: the picture alone, or a film of it and nothing."""
    alone = arch.pipeline.config.get("expand_timesteps") or arch.pipeline.kind.startswith("LTX")
    return 1 if alone else frames


def latents_of(arch: Architecture, width: int, height: int, frames: int) -> tuple[int, int]:
    """Latent pixels of one frame, and latent frames."""
    across, by = packing(arch.components["vae"])
    return (width // across) * (height // across), (frames - 1) // by + 1


def size_of_pass(arch: Architecture, component: str, width: int, height: int, frames: int) -> int:
    """The n of `engine.architectures.Cost`."""
    if is_music(arch):
        return latents_of_sound(arch.components["vae"], frames)
    pixels, latents = latents_of(arch, width, height, frames)
    part = arch.components[component]
    return pixels * latents // tokens_by(part) if component.startswith("transformer") else pixels
