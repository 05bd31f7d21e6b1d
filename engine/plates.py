"""Draws what stands still: the words of a card, and the plates of headline bars, lower thirds and chapter cards.

Pictures are RGBA arrays, height×width×4, uint8, straight alpha. Knows no time; engine/graphics.py sets them in motion.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from engine.fonts import MEDIUM, Fonts
from engine.progress import Control
from engine.types import Frozen
from engine.typeset import Block, masks

INK = (11, 14, 20)
WHITE = (255, 255, 255)
PALE, PALER = (205, 210, 218), (214, 218, 226)


class Card(Frozen, frozen=True):
    """A full picture of words over a darkened, blurred still. `closing` fades to black instead of into the still."""

    title: str
    kicker: str = ""
    lines: tuple[str, ...] = ()
    accent: str = "#e8b04a"
    closing: bool = False
    left: bool = False


class Panel(Frozen, frozen=True):
    """Words on a dark plate over the running picture.

    `kind` bar: the width of the picture, `label` on the accent colour; third: `text` above `label`, accent rule at its
    left; chapter: a large `label` before `text`. Times are seconds from the shot's start; `until` None: to its end.
    """

    kind: Literal["bar", "third", "chapter"]
    text: str
    label: str = ""
    accent: str = "#e8b04a"
    start: float = 0.25
    until: float | None = None
    animated: bool = True


def bar_height(size: tuple[int, int]) -> int:
    return max(14, round(min(size) * 0.092))


def colour(accent: str) -> tuple[int, int, int]:
    return int(accent[1:3], 16), int(accent[3:5], 16), int(accent[5:7], 16)


# ---- cards ----------------------------------------------------------------------------------------------------------


def card_words(
    card: Card, size: tuple[int, int], fonts: Fonts, folder: Path, control: Control
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """All words of a card as one RGBA picture, and where in it the accent rule goes (left, top, right, bottom)."""
    short = min(size)
    width = size[0] * (0.86 if size[0] <= size[1] else 0.74)
    align = "left" if card.left else "centre"
    heading = short * (0.075 if card.closing else 0.098)
    tiny = max(7.0, short * 0.027)
    blocks = [
        Block(text=card.kicker, size=max(7.0, short * 0.03), width=width, align=align),
        Block(text=card.title, size=max(11.0, heading), width=width, max_lines=4, align=align),
        *(Block(text=t, size=tiny, width=width, weight=MEDIUM, max_lines=3, align=align) for t in card.lines),
    ]
    kicker, title, *lines = masks(blocks, fonts, folder, control=control)
    gap, thick = round(short * 0.038), max(2, round(short * 0.008))
    parts: list[tuple[np.ndarray | None, tuple[int, int, int], int]] = []
    if kicker.size > 1:
        parts.append((kicker, _readable(card.accent), round(gap * 0.8)))
    parts += [(title, WHITE, gap), (None, colour(card.accent), gap)]
    parts += [(line, PALER, round(gap * 0.55)) for line in lines if line.size > 1]
    pad = max(3, short // 60)
    room = max(part[0].shape[1] for part in parts if part[0] is not None) + 2 * pad
    room = max(room, round(short * 0.2) + 2 * pad)
    tall = sum((thick if mask is None else mask.shape[0]) + after for mask, _, after in parts) + 2 * pad
    canvas, ink = np.zeros((tall, room, 4), np.float32), np.zeros((tall, room), np.float32)
    canvas[..., :3] = WHITE
    top, rule = pad, (0, 0, 0, 0)
    for mask, paint, after in parts:
        if mask is None:
            long = round(short * 0.16)
            left = pad if card.left else (room - long) // 2
            rule = (left, top, left + long, top + thick)
            top += thick + after
            continue
        left = pad if card.left else (room - mask.shape[1]) // 2
        place = (slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1]))
        canvas[place][..., :3] = paint
        ink[place] = mask
        top += mask.shape[0] + after
    return _with_shadow(canvas, ink, short), rule


def _with_shadow(canvas: np.ndarray, ink: np.ndarray, short: int) -> np.ndarray:
    """Words with a soft shadow under them: RGBA uint8."""
    import cv2

    shadow = cv2.GaussianBlur(ink, (0, 0), max(1.0, short / 130)) * 0.75
    alpha = ink + shadow * (1 - ink)
    share = np.divide(ink, alpha, out=np.zeros_like(ink), where=alpha > 0)
    canvas[..., :3] *= share[..., None]
    canvas[..., 3] = alpha * 255
    return canvas.clip(0, 255).astype(np.uint8)


def _readable(accent: str) -> tuple[int, int, int]:
    """The accent, lightened towards white until it can be read on dark."""
    paint = np.array(colour(accent), float)
    while paint @ (0.2126, 0.7152, 0.0722) < 120:
        paint += (255 - paint) * 0.15
    return int(paint[0]), int(paint[1]), int(paint[2])


# ---- panels ---------------------------------------------------------------------------------------------------------


def place(panel: Panel, plate: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    """Bars at the foot, or the head where phones cover the foot; thirds above the captions; chapters top left."""
    width, height = size
    upright = height > 1.3 * width
    if panel.kind == "bar":
        return 0, round(height * 0.07) if upright else height - plate.shape[0]
    left = round(width * 0.05)
    if panel.kind == "chapter":
        return left, round(height * (0.12 if upright else 0.08))
    return left, round(height * (0.64 if upright else 0.71)) - plate.shape[0]


def plates(
    panels: Sequence[Panel], size: tuple[int, int], fonts: Fonts, folder: Path, control: Control
) -> list[np.ndarray]:
    blocks: list[Block] = []
    short, width = min(size), size[0]
    for panel in panels:
        if panel.kind == "bar":
            label = Block(text=panel.label, size=max(7.0, short * 0.031), width=width * 0.24)
            blocks += [label, Block(text=panel.text, size=max(8.0, short * 0.037), width=width * 0.66, weight=MEDIUM)]
        elif panel.kind == "third":
            text = Block(text=panel.text, size=max(9.0, short * 0.046), width=width * 0.6)
            blocks += [text, Block(text=panel.label, size=max(7.0, short * 0.029), width=width * 0.6, weight=MEDIUM)]
        else:
            label = Block(text=panel.label, size=max(14.0, short * 0.088), width=width * 0.2)
            blocks += [label, Block(text=panel.text, size=max(9.0, short * 0.046), width=width * 0.58, max_lines=2)]
    inks = masks(blocks, fonts, folder, control=control)
    draw = {"bar": _bar, "third": _third, "chapter": _chapter}
    return [
        draw[panel.kind](inks[2 * number], inks[2 * number + 1], colour(panel.accent), size)
        for number, panel in enumerate(panels)
    ]


def _bar(label: np.ndarray, text: np.ndarray, accent: tuple[int, int, int], size: tuple[int, int]) -> np.ndarray:
    height = bar_height(size)
    pad = round(height * 0.42)
    plate = _plain(size[0], height, 238)
    if label.size > 1:
        plate[:, : label.shape[1] + 2 * pad] = (*accent, 255)
        _stamp(plate, label, pad, (height - label.shape[0]) // 2, WHITE)
    else:
        plate[:, : pad // 2] = (*accent, 255)
    left = (label.shape[1] + 3 * pad) if label.size > 1 else pad
    _stamp(plate, text, left, (height - text.shape[0]) // 2, WHITE)
    plate[: max(1, height // 26), :] = (*accent, 255)
    return plate


def _third(text: np.ndarray, label: np.ndarray, accent: tuple[int, int, int], size: tuple[int, int]) -> np.ndarray:
    pad, rule = round(min(size) * 0.024), max(2, round(min(size) * 0.011))
    gap = round(pad * 0.7) if label.size > 1 else 0
    below = label.shape[0] if label.size > 1 else 0
    width = max(text.shape[1], label.shape[1]) + rule + 2 * pad + pad // 2
    plate = _plain(width, text.shape[0] + gap + below + 2 * pad, 214)
    plate[:, :rule] = (*accent, 255)
    _stamp(plate, text, rule + pad, pad, WHITE)
    _stamp(plate, label, rule + pad, pad + text.shape[0] + gap, PALE)
    return plate


def _chapter(label: np.ndarray, text: np.ndarray, accent: tuple[int, int, int], size: tuple[int, int]) -> np.ndarray:
    pad = round(min(size) * 0.026)
    height = max(label.shape[0], text.shape[0]) + 2 * pad
    block = label.shape[1] + 2 * pad if label.size > 1 else pad // 2
    plate = _plain(block + text.shape[1] + 2 * pad, height, 222)
    plate[:, :block] = (*accent, 255)
    if label.size > 1:
        _stamp(plate, label, pad, (height - label.shape[0]) // 2, WHITE)
    _stamp(plate, text, block + pad, (height - text.shape[0]) // 2, WHITE)
    return plate


def _plain(width: int, height: int, alpha: int) -> np.ndarray:
    """A dark plate with even sides, because the picture under it stores colour for every second pixel."""
    plate = np.empty((height + height % 2, width + width % 2, 4), np.uint8)
    plate[:] = (*INK, alpha)
    return plate


def _stamp(plate: np.ndarray, ink: np.ndarray, left: int, top: int, paint: tuple[int, int, int]) -> None:
    rows, cols = max(0, min(ink.shape[0], plate.shape[0] - top)), max(0, min(ink.shape[1], plate.shape[1] - left))
    area = plate[top : top + rows, left : left + cols].astype(np.float32)
    strength = ink[:rows, :cols, None]
    area[..., :3] += (np.array(paint, np.float32) - area[..., :3]) * strength
    area[..., 3:] += (255 - area[..., 3:]) * strength
    plate[top : top + rows, left : left + cols] = area.astype(np.uint8)
