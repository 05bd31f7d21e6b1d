"""Where a camera stands at each frame of a move, and how a layer then looks. Pure geometry; knows no pixels' values.

The picture is a stack of flat layers at depths z ≥ 1 in front of a pinhole camera, z = 1 the nearest. With nearness
p = 1 / z, a camera that goes forward by d and sideways by x shows a layer scaled by 1 / (1 - d·p) and moved by -x·p
(Carlsson et al., multiplane animation; any projective geometry text). Lengths are in film widths and heights.
"""

from __future__ import annotations

from math import cos, pi, sin
from typing import NamedTuple

from engine.types import CameraMove

FARTHEST = 0.18
"""Nearness of the farthest of several layers: a sky moves, but hardly."""
FLAT = 0.75
"""Nearness of a picture that does not come in layers."""
RAMP = 0.35
"""Share of a move in which it gathers speed, and again in which it comes to rest."""

# Per second, and least and most in all: a short shot still moves, a long one does not run away.
PUSH = (0.030, 0.060, 0.150)
PAN = (0.024, 0.050, 0.140)
TILT = (0.024, 0.050, 0.120)
LENS = 0.35
"""Share of a push that is done by the lens, so that the farthest layer grows as well."""

SWAY = 0.0032
SWAY_SECONDS = (9.0, 6.5)
"""A held camera breathes: so many film widths to each side, in slow periods that never meet."""


class Pose(NamedTuple):
    """`x` right and `y` down in film widths and heights, `dolly` forward (0–1: 1 reaches the nearest layer), `lens`
    the common magnification."""

    x: float = 0.0
    y: float = 0.0
    dolly: float = 0.0
    lens: float = 1.0


class Placement(NamedTuple):
    """A layer on the film: pixels from its own centre times `scale`, plus (`x`, `y`) pixels from the film's centre."""

    scale: float
    x: float
    y: float


def ease(u: float, ramp: float = RAMP) -> float:
    """0 → 0, 1 → 1; speed rises as a half cosine over `ramp`, stays, and falls as it rose, so nothing jerks."""
    if u <= 0 or u >= 1:
        return float(u >= 1)
    if u > 0.5:
        return 1 - ease(1 - u, ramp)
    top = 1 / (1 - ramp)
    if u < ramp:
        return top * (u / 2 - ramp / (2 * pi) * sin(pi * u / ramp))
    return top * (u - ramp / 2)


def camera_path(move: CameraMove, frames: int, fps: float, seed: int) -> list[Pose]:
    """One pose per frame. The same move over more frames goes farther, within limits; `seed` varies a held camera."""
    seconds = frames / fps
    way = [ease(i / (frames - 1)) if frames > 1 else 0.5 for i in range(frames)]
    match move:
        case "push_in" | "pull_out":
            amount = _reach(PUSH, seconds)
            near = way if move == "push_in" else [1 - u for u in way]
            return [Pose(dolly=(1 - LENS) * amount * u, lens=1 + LENS * amount * u) for u in near]
        case "pan_left" | "pan_right":
            reach = _reach(PAN, seconds) * (1 if move == "pan_right" else -1)
            return [Pose(x=reach * (u - 0.5)) for u in way]
        case "tilt_up" | "tilt_down":
            reach = _reach(TILT, seconds) * (1 if move == "tilt_down" else -1)
            return [Pose(y=reach * (u - 0.5)) for u in way]
        case _:
            phases = [2 * pi * (seed * share % 1) for share in (0.618034, 0.754878)]
            return [_breath(i / fps, phases) for i in range(frames)]


def nearness(count: int) -> list[float]:
    """Nearness of `count` layers, far to near. Grows faster toward the camera, as evenly spaced things do."""
    if count == 1:
        return [FLAT]
    return [FARTHEST + (1 - FARTHEST) * (i / (count - 1)) ** 1.4 for i in range(count)]


def place(pose: Pose, near: float, width: int, height: int) -> Placement:
    """How a layer of that nearness stands on a film of `width`×`height` pixels, at magnification 1."""
    return Placement(pose.lens / (1 - pose.dolly * near), -pose.x * near * width, -pose.y * near * height)


def magnification(
    path: list[Pose], near: list[float], layer: tuple[float, float], film: tuple[int, int], least: float
) -> float:
    """The least magnification ≥ `least` of the whole picture at which no layer's edge is seen in any frame.

    `layer` is the size of the layers, in pixels, before magnification.
    """
    worst = least
    for pose in path:
        for one in near:
            scale, x, y = place(pose, one, *film)
            for side, length, moved in ((layer[0], film[0], x), (layer[1], film[1], y)):
                # One pixel to spare: bilinear filtering looks half a pixel beyond.
                worst = max(worst, (length + 2 * abs(moved) + 2) / (scale * side))
    return worst


def _reach(rate: tuple[float, float, float], seconds: float) -> float:
    per_second, least, most = rate
    return min(max(per_second * seconds, least), most)


def _breath(time: float, phases: list[float]) -> Pose:
    across, down = (2 * pi * time / period + phase for period, phase in zip(SWAY_SECONDS, phases, strict=True))
    return Pose(x=SWAY * sin(across), y=SWAY * sin(down), dolly=0.006 * (1 - cos(across / 2 + down / 3)) / 2)
