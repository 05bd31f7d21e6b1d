"""How a model's weights lie on a GPU that has so much room: all there, one component or expert at a time, or streamed.

Arithmetic over what others say that it needs: opens and measures nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from engine.catalog import ModelSpec
from engine.footprint import LARGEST, Shape, takes_turns
from engine.types import Frozen, Plan

OFFLOADING = frozenset({"sdxl", "wan", "ltx", "ace_step"})
"""Families with a parameter `offload`."""
LEVELS = ("none", "model", "layer")
"""Its values: everything on the device, one component at a time, one layer at a time."""

Needed = Callable[[ModelSpec], tuple[float, str]]
"""GB that an entry needs as its params have it, infinite if nobody knows, and whence that is known."""


class Way(Frozen, frozen=True):
    """`spec` with the `offload` that was chosen, the `gb` that it then needs, and why ("": as the entry says)."""

    spec: ModelSpec
    gb: float
    sentence: str = ""


def choose_way(spec: ModelSpec, room_gb: float, needed: Needed) -> Way:
    """The first of its levels that needs no more than `room_gb`, from the entry's own downward; the one that needs
    least where none does. One of which nobody knows what it needs stays as its entry says."""
    whole, whence = needed(spec)
    way, level = Way(spec=spec, gb=whole), level_of(spec)
    while room_gb < way.gb < math.inf and (lower := next_level(spec, level)) is not None:
        level = lower
        less = at_level(spec, level)
        gigabytes, _ = needed(less)
        if gigabytes < way.gb:
            how = f"needs {gigabytes:.1f} GB with {_how(less)}"
            why = f"as its entry has it, it would be {whole:.1f} GB ({whence}), and there is room for {room_gb:.1f}"
            way = Way(spec=less, gb=gigabytes, sentence=f"{spec.id} {how}: {why}")
    return way


def level_of(spec: ModelSpec) -> str:
    return str(spec.params.get("offload", LEVELS[0]))


def next_level(spec: ModelSpec, level: str) -> str | None:
    """One that takes less of the device, None if there is none. Layer by layer pays for long computations only, which a
    picture is not; a film has one piece of music, however long that takes."""
    if spec.family not in OFFLOADING or not spec.needs_gpu or level not in LEVELS:
        return None
    lower = LEVELS[LEVELS.index(level) + 1 :]
    return next((one for one in lower if one != "layer" or spec.role != "artist"), None)


def at_level(spec: ModelSpec, level: str) -> ModelSpec:
    if level == level_of(spec):
        return spec
    return msgspec.structs.replace(spec, params={**spec.params, "offload": level})


def shape_for(plan: Plan, spec: ModelSpec) -> Shape:
    """The largest that this plan may ask of the artist, animator or composer; how long lines last is not known yet."""
    if spec.role == "composer":
        return 1, 1, math.ceil(plan.target_seconds or LARGEST["composer"][2])
    width, height = made_size(plan, spec)
    step = spec.limits.size_step
    frames = (spec.limits.max_frames or LARGEST["animator"][2]) if spec.role == "animator" else 1
    return -(-width // step) * step, -(-height // step) * step, frames


def made_size(plan: Plan, spec: ModelSpec) -> tuple[int, int]:
    """The size that artist or animator is asked for."""
    asked = plan.clip_size if spec.role == "animator" else plan.still_size if spec.role == "artist" else None
    return asked or (plan.width, plan.height)


def _how(spec: ModelSpec) -> str:
    if spec.params["offload"] == "layer":
        return "its layers streamed from main memory"
    return "its two experts taking turns" if takes_turns(spec) else "one of its components at a time"
