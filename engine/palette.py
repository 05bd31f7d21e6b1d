"""Colours of a film: a format's own, turned towards what its pictures are coloured in, and always readable.

Knows pictures and colours, not what is drawn in them. Colours are compared in OKLab (Björn Ottosson, 2020,
https://bottosson.github.io/posts/oklab/), where equal steps look equal.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from engine.formats import Format

Rgb = tuple[int, int, int]

READABLE = 4.5
"""Least contrast of text (WCAG 2.2, success criterion 1.4.3, level AA)."""

AIM, AIM_ON_TAGS = 5.0, 5.6
"""Contrast that colours are chosen for: thin strokes are nowhere quite as bright as their paint, least so the small
letters on tags."""

MOST_TURN = 11.0
"""Degrees of hue that a picture may turn a format's accent by: more, and a report would not look like one."""

SHARE = 0.5
STEP = 10
"""Of the way to the picture's hue the accent goes this share; hues are told in steps of so many degrees, so that a
picture painted again with other grain leaves the colours as they were."""

COLOURLESS = 0.035
"""Chroma below which a pixel has no colour of its own (OKLab; the strongest reds have 0.26)."""

TINTED = 0.12
"""Share of a picture's pixels that must have colour before it gives any."""

DARK, FAINT = 0.19, 0.035
"""Lightness and chroma of the plates that panels stand on."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Of linear red, green and blue (WCAG 2.2, definition of "relative luminance")."""

# Linear sRGB → cone responses → OKLab, as published.
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


# ---- contrast -------------------------------------------------------------------------------------------------------


def linear(values: np.ndarray) -> np.ndarray:
    """sRGB 0–255 as linear light 0–1 (IEC 61966-2-1)."""
    values = np.asarray(values)
    if values.dtype.kind in "iu":
        return _linear_of_whole_numbers()[values]
    return _linear(values)


@cache
def _linear_of_whole_numbers() -> np.ndarray:
    """Looked up, they take a tenth of the time that their powers take; and pictures are whole numbers."""
    return _linear(np.arange(256))


def _linear(values: np.ndarray) -> np.ndarray:
    share = np.asarray(values, np.float64) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def encoded(light: np.ndarray) -> np.ndarray:
    """Linear light as sRGB 0–255: the inverse of `linear`."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def luminance(colours: np.ndarray | Rgb) -> np.ndarray:
    """Relative luminance 0–1 of sRGB colours, last axis of three (WCAG 2.2, definition of "relative luminance")."""
    return linear(np.asarray(colours)) @ LUMINANCE


def contrast(one: np.ndarray | Rgb, other: np.ndarray | Rgb) -> np.ndarray:
    """Contrast ratio 1–21: (lighter + 0.05) / (darker + 0.05) (WCAG 2.2, definition of "contrast ratio")."""
    first, second = luminance(one), luminance(other)
    return (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)


def readable(colour: Rgb, ground: Rgb, least: float = AIM) -> Rgb:
    """`colour` moved towards white, or on a light ground towards black, until it can be read on `ground`."""
    end = 255.0 if luminance(ground) < 0.18 else 0.0
    paint = np.array(colour, float)
    while contrast(_rounded(paint), ground) < least and not np.all(paint == end):
        paint += np.clip(end - paint, -8, 8)
    return _rounded(paint)


def pair(accent: Rgb, light: Rgb, dark: Rgb, least: float = AIM_ON_TAGS) -> tuple[Rgb, Rgb]:
    """A ground like `accent`, and which of `light` and `dark` is written on it: the one that suits it, the ground then
    moved away from that until it can be read."""
    ink = light if contrast(light, accent) * 1.6 >= contrast(dark, accent) else dark
    end = 0.0 if ink == light else 255.0
    ground = np.array(accent, float)
    while contrast(ink, _rounded(ground)) < least and not np.all(ground == end):
        ground += np.clip((end - ground) * 0.06, -255, 255) + (0.5 if end else -0.5)
        ground = np.clip(ground, 0, 255)
    return _rounded(ground), ink


def _rounded(paint: np.ndarray) -> Rgb:
    red, green, blue = (int(value) for value in np.clip(np.round(paint), 0, 255))
    return red, green, blue


# ---- a film's own colours -------------------------------------------------------------------------------------------


def coloured(fmt: Format, still: Path) -> Format:
    """`fmt` in the colours of a film that opens with `still`: its accent turned towards the picture's hue by at most
    `MOST_TURN` degrees, its plates dark in that hue. A picture without colour changes nothing.

    One picture decides for the whole film: were all asked, painting any of them anew would colour, and so encode, every
    other shot anew. It is the one that the title card stands on.
    """
    hue = dominant_hue(still)
    if hue is None:
        return fmt
    overlays = msgspec.structs.replace(
        fmt.overlays, accent=spelled(_turned(colour(fmt.overlays.accent), hue)), plate=spelled(_shown(DARK, FAINT, hue))
    )
    return msgspec.structs.replace(fmt, overlays=overlays)


def dominant_hue(picture: Path) -> float | None:
    """The hue, in degrees of OKLab, that most of a picture's colour has; None for a picture without colour."""
    with Image.open(picture, formats=("PNG", "JPEG", "WEBP")) as image:
        small = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BOX))
    lab = _oklab(small.reshape(-1, 3))
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    if (chroma > COLOURLESS).mean() < TINTED:
        return None
    hues = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    counts = np.bincount((hues // STEP).astype(int), np.where(chroma > COLOURLESS, chroma, 0), 360 // STEP)
    near = counts + 0.5 * (np.roll(counts, 1) + np.roll(counts, -1))
    return float(int(np.argmax(near)) * STEP + STEP / 2)


def colour(spelling: str) -> Rgb:
    """#rrggbb as numbers."""
    return int(spelling[1:3], 16), int(spelling[3:5], 16), int(spelling[5:7], 16)


def spelled(paint: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*paint)


def _turned(accent: Rgb, hue: float) -> Rgb:
    """The accent's own lightness and chroma at a hue between its own and `hue`, the shorter way round."""
    light, a, b = _oklab(np.array([accent]))[0]
    own = math.degrees(math.atan2(b, a))
    way = ((hue - own + 180) % 360) - 180
    return _shown(light, math.hypot(a, b), own + max(-MOST_TURN, min(MOST_TURN, SHARE * way)))


def _shown(light: float, chroma: float, hue: float) -> Rgb:
    """The colour of that lightness and hue, of at most that chroma, that a screen can show."""
    angle = math.radians(hue)
    while True:
        lab = np.array([light, chroma * math.cos(angle), chroma * math.sin(angle)])
        rgb = np.linalg.inv(_CONES) @ (np.linalg.inv(_LAB) @ lab) ** 3
        if chroma < 1e-3 or (rgb.min() > -1e-3 and rgb.max() < 1 + 1e-3):
            return _rounded(encoded(rgb))
        chroma *= 0.96


def _oklab(colours: np.ndarray) -> np.ndarray:
    return np.cbrt(linear(colours) @ _CONES.T) @ _LAB.T
