"""Puts masks and rectangles onto plates: RGBA arrays, height×width×4, uint8, straight alpha. Knows no words.

Distances are from the side that reading begins at: `rtl` counts them from the right.
"""

from __future__ import annotations

import numpy as np

from engine.palette import Rgb

Plate = np.ndarray


def plain(width: int, height: int, ground: Rgb, alpha: int) -> Plate:
    """A plate with even sides, because the picture under it stores colour for every second pixel."""
    plate = np.empty((height + height % 2, width + width % 2, 4), np.uint8)
    plate[:] = (*ground, alpha)
    return plate


def fill(plate: Plate, start: float, end: float, top: int, bottom: int, paint: Rgb, *, rtl: bool = False) -> None:
    """A rectangle in `paint`, opaque; a fraction of a pixel at `end` is a fraction of the colour."""
    width = plate.shape[1]
    cover = np.clip(np.minimum(np.arange(width) + 1, end) - np.maximum(np.arange(width), start), 0, 1)
    _blend(plate[top:bottom], np.broadcast_to((cover[::-1] if rtl else cover)[None, :, None], (1, width, 1)), paint)


def stamp(plate: Plate, ink: np.ndarray, start: int, top: int, paint: Rgb, *, rtl: bool = False) -> None:
    """`ink` (float, 0–1) in `paint`; what reaches over the plate's edges is cut off."""
    left = plate.shape[1] - start - ink.shape[1] if rtl else start
    ink = ink[max(0, -top) :, max(0, -left) :]
    left, top = max(0, left), max(0, top)
    rows, cols = max(0, min(ink.shape[0], plate.shape[0] - top)), max(0, min(ink.shape[1], plate.shape[1] - left))
    _blend(plate[top : top + rows, left : left + cols], ink[:rows, :cols, None], paint)


def _blend(area: np.ndarray, strength: np.ndarray, paint: Rgb) -> None:
    mixed = area.astype(np.float32)
    mixed += (np.array([*paint, 255], np.float32) - mixed) * strength
    area[:] = mixed.round().astype(np.uint8)
