"""A member of the cast as pixels: dressed, posed, facing a way, lit. Knows the scene's light, not its place."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from engine.backends.image.sketch.drawings import emoji_picture, ink_box, svg_picture
from engine.backends.image.sketch.figures import BOX, POSES, SOLES, Look, Pose, dressed, figure_svg
from engine.backends.image.sketch.light import Light
from engine.backends.image.sketch.mascots import SIDEWAYS, mascot_svg
from engine.backends.image.sketch.plate import Pixels
from engine.backends.image.sketch.portraits import portrait
from engine.backends.image.sketch.relight import lit
from engine.backends.image.sketch.words import Member
from engine.types import Frozen

VEHICLES = frozenset("🚗🏎🚕🚌🚚🚒🚑🚓🚂🚲🏍🚜🚀🚁✈⛵🛶🚢")
LEAN = 9.0
"""Degrees by which a reference picture leans that flies or lies: a face can still be read."""
FLAT = 0.35
"""The most that light models a reference picture, which brings its own."""
UNITS = {"child": 352, "adult": 395, "old": 395, "mascot": 360}


NECKS = {"child": 206, "adult": 168, "old": 168, "mascot": 206}
"""Where heads end, in units from the top of the doll's box."""


def units_of(member: Member) -> int:
    """How many units of its box a doll is high."""
    return UNITS[member.look.age if member.kind == "person" and member.look else "mascot"]


def neck_of(member: Member) -> int:
    return NECKS[member.look.age if member.kind == "person" and member.look else "mascot"]


class Drawn(Frozen, frozen=True):
    """A picture with where it stands: `foot` is the soles' y inside it, `middle` the body's x, in its pixels."""

    pixels: Pixels
    foot: float
    middle: float

    @property
    def width(self) -> int:
        return self.pixels.shape[1]


def draw(
    member: Member,
    height: float,
    facing: int,
    action: str,
    mood: str,
    light: Light,
    *,
    held: str = "",
    bust: bool = False,
    seated: bool = False,
    tilt: float = 0.0,
    depth: float = 0.0,
    key: float | None = None,
    reference: Path | None = None,
) -> Drawn:
    """`height` is the member's own in pixels; `facing` −1 looks left, 1 right; `bust` leaves out what is below the hips
    (for close-ups); `seated` the legs; `tilt` degrees, nose up. A `reference` is drawn as it is, never
    mirrored: faces and letters have a side. Raises `BadRequest` for one that cannot be read."""
    if reference is not None:
        picture = portrait(reference, max(16, round(height)))
        if tilt:
            picture = _turned(picture, LEAN * facing)
        foot = picture.shape[0]
        if seated:
            picture = picture[: round(foot * 0.70)]
        modelled = min(FLAT, light.key if key is None else key)
        return Drawn(pixels=lit(picture, light, light.side, depth, modelled), foot=foot, middle=picture.shape[1] / 2)
    if member.kind in ("person", "mascot"):
        drawn = _doll(member, height, action, mood, held, bust)
        native = -1 if member.character in SIDEWAYS else 1
    else:
        picture = emoji_picture(member.character, max(6, round(height)))
        if member.boat:  # the drawings bring a strip of water along
            picture = picture[: round(picture.shape[0] * (0.58 if member.character == "🛶" else 0.885))]
        drawn = Drawn(pixels=picture, foot=picture.shape[0] * 0.985, middle=picture.shape[1] / 2)
        native = -1  # Twemoji's animals and vehicles look to the left
    pixels, middle = drawn.pixels, drawn.middle
    if facing != native and (member.alive or member.character in VEHICLES):
        pixels = cv2.flip(pixels, 1)
        middle = pixels.shape[1] - middle
    if seated:
        pixels = pixels[: round(pixels.shape[0] * 0.70)]
    if tilt:
        pixels = _turned(pixels, tilt * facing)
        return Drawn(
            pixels=lit(pixels, light, light.side, depth, key), foot=pixels.shape[0], middle=pixels.shape[1] / 2
        )
    return Drawn(pixels=lit(pixels, light, light.side, depth, key), foot=drawn.foot, middle=middle)


def _doll(member: Member, height: float, action: str, mood: str, held: str, bust: bool) -> Drawn:
    look = dressed(member.look or Look(), member.name) if member.kind == "person" else None
    units = UNITS[look.age if look else "mascot"]
    scale = height / units
    base = POSES.get({"sleep": "stand", "swim": "fly", "ride": "hold"}.get(action, action), POSES["stand"])
    pose = Pose(hand=base.hand, other=base.other, foot=base.foot, heel=base.heel, mood=mood)
    tall = 330 if bust else BOX[1]
    pixels = _rendered(member.character, look, pose, held, tall, round(BOX[0] * scale), round(tall * scale))
    # what is outside the ink is cut off; the middle and the soles are kept in the cut picture's pixels
    x0, y0, x1, y1 = ink_box(pixels)
    foot = (SOLES * scale if not bust else pixels.shape[0]) - y0
    return Drawn(pixels=pixels[y0:y1, x0:x1], foot=foot, middle=130 * scale - x0)


@lru_cache(maxsize=48)
def _rendered(character: str, look: Look | None, pose: Pose, held: str, tall: int, width: int, height: int) -> Pixels:
    window = (0.0, 0.0, float(BOX[0]), float(tall))
    svg = figure_svg(look, pose, window, held) if look else mascot_svg(character, pose, window)
    return svg_picture(svg, width, height)


def _turned(pixels: Pixels, degrees: float) -> Pixels:
    """Turned counter-clockwise about its middle, on a canvas that holds it all."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    out = int(height * sin + width * cos) + 2, int(height * cos + width * sin) + 2
    matrix[:, 2] += (out[0] / 2 - width / 2, out[1] / 2 - height / 2)
    turned = cv2.warpAffine(pixels, matrix, out, flags=cv2.INTER_LINEAR)
    x0, y0, x1, y1 = ink_box(turned)
    return np.ascontiguousarray(turned[y0:y1, x0:x1])
