"""A plate is one layer of a picture, drawn with opaque, translucent and glowing shapes; it knows no scene.

Pixels are premultiplied RGBA, 8 bits: drawing an anti-aliased opaque shape onto nothing then leaves the right edge, and
laying one plate over another is one multiply and one add. Colours are (r, g, b) floats of 0–1 everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.types import Frozen

Colour = tuple[float, float, float]
Pixels = NDArray[Any]  # uint8; cv2 is typed without the element type
Points = Sequence[tuple[float, float]] | NDArray[np.floating]

OVERSCAN = 0.12
SHIFT = 4  # fillPoly takes fixed-point coordinates: 4 bits keep slow slopes smooth


class Frame(Frozen, frozen=True):
    """The film's frame inside the larger plate. (0, 0) and (1, 1) of `x`/`y` are the film's corners.

    `unit` pixels are what the scene's sizes are multiples of: the film's height, but no more than 1.2 of its width, so
    that a tall film holds more sky and not wider people than fit.
    """

    width: int
    height: int
    margin_x: int
    margin_y: int

    @classmethod
    def of(cls, width: int, height: int) -> Frame:
        """The frame of a film of that many pixels, with `OVERSCAN` of it on each side (even, so halves stay whole)."""
        return cls(
            width=width,
            height=height,
            margin_x=2 * round(width * OVERSCAN / 2),
            margin_y=2 * round(height * OVERSCAN / 2),
        )

    @property
    def full(self) -> tuple[int, int]:
        return self.width + 2 * self.margin_x, self.height + 2 * self.margin_y

    @property
    def unit(self) -> float:
        return min(self.height, 1.2 * self.width)

    @property
    def tall(self) -> bool:
        return self.height > self.width

    def x(self, share: float) -> float:
        return self.margin_x + share * self.width

    def y(self, share: float) -> float:
        return self.margin_y + share * self.height


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`share` 0 is `a`, 1 is `b`."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def times(a: Colour, b: Colour) -> Colour:
    return (min(1.0, a[0] * b[0]), min(1.0, a[1] * b[1]), min(1.0, a[2] * b[2]))


def lighter(a: Colour, by: float) -> Colour:
    """Towards white for `by` > 0, towards black below."""
    return mix(a, (1.0, 1.0, 1.0), by) if by >= 0 else mix(a, (0.0, 0.0, 0.0), -by)


def rgb(text: str) -> Colour:
    """`#rrggbb` as floats."""
    return (int(text[1:3], 16) / 255, int(text[3:5], 16) / 255, int(text[5:7], 16) / 255)


def hexed(colour: Colour) -> str:
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, c))):02x}" for c in colour)


def ink(colour: Colour, alpha: float = 1.0) -> tuple[float, float, float, float]:
    return (colour[0] * 255 * alpha, colour[1] * 255 * alpha, colour[2] * 255 * alpha, 255 * alpha)


class Plate:
    """A layer to draw on. `pixels` is height × width × 4, premultiplied."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        width, height = frame.full
        self.pixels: Pixels = np.zeros((height, width, 4), np.uint8)

    def polygon(self, points: Points, colour: Colour, alpha: float = 1.0) -> None:
        self.polygons([points], colour, alpha)

    def polygons(self, shapes: Sequence[Points], colour: Colour, alpha: float = 1.0) -> None:
        """Many shapes of one colour; translucent ones do not darken each other where they overlap."""
        fixed = [_fixed(shape) for shape in shapes]
        if not fixed:
            return
        if alpha >= 1:
            for shape in fixed:
                cv2.fillPoly(self.pixels, [shape], ink(colour), cv2.LINE_AA, SHIFT)
            return
        box = self._box(np.concatenate(fixed) / 2.0**SHIFT)
        if box is not None:
            mask = self._mask(fixed, box)
            self._blend(box, np.array(ink(colour)), cv2.convertScaleAbs(mask, alpha=alpha))

    def gradient(self, points: Points, top: Colour, bottom: Colour, alpha: tuple[float, float] = (1.0, 1.0)) -> None:
        """A shape whose colour runs from `top` at its highest point to `bottom` at its lowest; so does its alpha."""
        fixed = _fixed(points)
        box = self._box(fixed / 2.0**SHIFT)
        if box is None:
            return
        x0, y0, x1, y1 = box
        high, low = fixed[:, 1].min() / 2.0**SHIFT, fixed[:, 1].max() / 2.0**SHIFT
        share = np.clip((np.arange(y0, y1) - high) / max(1.0, low - high), 0, 1)[:, None]
        rows = np.array(ink(top)) * (1 - share) + np.array(ink(bottom)) * share
        mask = self._mask([fixed], box)
        if alpha != (1.0, 1.0):
            mask = (mask * (alpha[0] + (alpha[1] - alpha[0]) * share)).astype(np.uint8)
        paint = np.repeat(rows[:, None, :].round().astype(np.uint8), x1 - x0, axis=1)
        self._blend(box, paint, mask)

    def box(self, x0: float, y0: float, x1: float, y1: float, top: Colour, bottom: Colour | None = None) -> None:
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        if bottom is None:
            self.polygon(corners, top)
        else:
            self.gradient(corners, top, bottom)

    def disc(self, x: float, y: float, radius: float, colour: Colour, alpha: float = 1.0) -> None:
        self.polygon(ellipse(x, y, radius, radius), colour, alpha)

    def line(self, a: tuple[float, float], b: tuple[float, float], width: float, colour: Colour) -> None:
        ends = tuple(tuple(round(v * 2**SHIFT) for v in p) for p in (a, b))
        cv2.line(self.pixels, ends[0], ends[1], ink(colour), max(1, round(width)), cv2.LINE_AA, SHIFT)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float, flat: float = 1.0) -> None:
        """Add light that falls off from (x, y); only where something is drawn already. `flat` < 1 squeezes it."""
        part = self._spot(x, y, radius, radius * flat)
        if part is None:
            return
        area, spot = part
        pixels = self.pixels[area]
        mask = cv2.multiply((spot * 255).astype(np.uint8), np.ascontiguousarray(pixels[..., 3]), scale=1 / 255)
        light = np.broadcast_to(
            (np.array([*colour, 0]) * 255 * strength).round().clip(0, 255).astype(np.uint8), pixels.shape
        )
        lit = cv2.add(pixels, cv2.multiply(np.ascontiguousarray(light), cv2.merge([mask] * 4), scale=1 / 255))
        pixels[...] = cv2.min(lit, cv2.merge([pixels[..., 3]] * 4))

    def soft(self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: float) -> None:
        """A blurred ellipse laid over: a shadow, a puff of mist, a beam's pool."""
        part = self._spot(x, y, rx, ry)
        if part is None:
            return
        area, spot = part
        mask = (spot * (255 * alpha)).astype(np.uint8)
        self._over(area, np.array(ink(colour)), mask)

    def sprite(self, picture: Pixels, x: float, y: float) -> None:
        """Lay a premultiplied picture over, its left upper corner at (x, y) (rounded to whole pixels)."""
        height, width = self.pixels.shape[:2]
        left, top = round(x), round(y)
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(width, left + picture.shape[1]), min(height, top + picture.shape[0])
        if x0 < x1 and y0 < y1:
            over(self.pixels[y0:y1, x0:x1], picture[y0 - top : y1 - top, x0 - left : x1 - left])

    def _spot(self, x: float, y: float, rx: float, ry: float) -> tuple[tuple[slice, slice], NDArray[np.float32]] | None:
        height, width = self.pixels.shape[:2]
        x0, x1 = max(0, int(x - rx)), min(width, int(x + rx) + 1)
        y0, y1 = max(0, int(y - ry)), min(height, int(y + ry) + 1)
        if x0 >= x1 or y0 >= y1:
            return None
        dx = ((np.arange(x0, x1, dtype=np.float32) - x) / rx) ** 2
        dy = ((np.arange(y0, y1, dtype=np.float32) - y) / ry) ** 2
        spot = (np.clip(1 - (dx[None, :] + dy[:, None]), 0, 1) ** 2).astype(np.float32)
        return (slice(y0, y1), slice(x0, x1)), spot

    def _box(self, points: NDArray[np.floating]) -> tuple[int, int, int, int] | None:
        height, width = self.pixels.shape[:2]
        x0, y0 = np.floor(points.min(axis=0)).astype(int) - 1
        x1, y1 = np.ceil(points.max(axis=0)).astype(int) + 2
        x0, y0, x1, y1 = max(0, int(x0)), max(0, int(y0)), min(width, int(x1)), min(height, int(y1))
        return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None

    def _mask(self, shapes: list[NDArray[np.int32]], box: tuple[int, int, int, int]) -> Pixels:
        x0, y0, x1, y1 = box
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        for shape in shapes:
            moved = shape - np.array([x0, y0], np.int32) * 2**SHIFT
            cv2.fillPoly(mask, [moved], (255,), cv2.LINE_AA, SHIFT)
        return mask

    def _blend(self, box: tuple[int, int, int, int], paint: NDArray, mask: Pixels) -> None:
        x0, y0, x1, y1 = box
        self._over((slice(y0, y1), slice(x0, x1)), paint, mask)

    def _over(self, area: tuple[slice, slice], paint: NDArray, mask: Pixels) -> None:
        mask4 = cv2.merge([mask] * 4)
        if paint.ndim == 1:
            paint = np.broadcast_to(paint.round().astype(np.uint8), mask4.shape)
        over(self.pixels[area], cv2.multiply(np.ascontiguousarray(paint), mask4, scale=1 / 255))


def over(under: Pixels, top: Pixels) -> None:
    """Lay a premultiplied picture over another of the same size, in place (Porter and Duff, 1984: over)."""
    rest = cv2.merge([255 - top[..., 3]] * 4)
    under[...] = cv2.add(cv2.multiply(np.ascontiguousarray(under), rest, scale=1 / 255), top)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.round(np.asarray(points, np.float64) * 2**SHIFT).astype(np.int32)


@lru_cache(maxsize=8)
def _circle(corners: int) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def ellipse(x: float, y: float, rx: float, ry: float) -> NDArray[np.float64]:
    """Its outline as points; enough of them for its size."""
    return _circle(48 if max(rx, ry) > 24 else 20) * (rx, ry) + (x, y)


def noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int], octaves: int
) -> NDArray[np.float32]:
    """Fractal value noise of 0–1, `shape` rows × columns, `cells` of the coarsest grid; each octave twice as fine."""
    total = np.zeros(shape, np.float32)
    weight, norm = 1.0, 0.0
    for octave in range(octaves):
        grid = rng.random((max(2, cells[0] * 2**octave + 1), max(2, cells[1] * 2**octave + 1))).astype(np.float32)
        total += weight * cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
        norm += weight
        weight *= 0.5
    return np.clip(total / norm, 0, 1)


def ridge(rng: np.random.Generator, count: int, cells: int, octaves: int, rough: float = 0.5) -> NDArray[np.float64]:
    """A fractal line of `count` heights of 0–1; `rough` is the weight of each octave relative to the one before."""
    x = np.linspace(0, 1, count)
    total = np.zeros(count)
    weight, norm = 1.0, 0.0
    for octave in range(octaves):
        knots = rng.random(cells * 2**octave + 4)
        place = x * (len(knots) - 1)
        left = np.minimum(place.astype(int), len(knots) - 2)
        share = place - left
        share = share * share * (3 - 2 * share)
        total += weight * (knots[left] * (1 - share) + knots[left + 1] * share)
        norm += weight
        weight *= rough
    return total / norm
