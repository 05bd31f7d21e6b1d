"""Sets the words of a title or end card. Knows neither the picture behind them nor time; see engine/graphics.py.

Pictures are RGBA arrays, height×width×4, uint8, straight alpha.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.fonts import MEDIUM, Fonts
from engine.palette import Rgb, colour, pair, readable
from engine.progress import Control
from engine.types import Frozen
from engine.typeset import Block, is_rtl, masks

INK = (11, 14, 20)
WHITE = (255, 255, 255)
PALER = (214, 218, 226)

BRIGHTEST = 0.1
"""Relative luminance that the picture behind a card's words is held below: white then has 7 : 1 on it."""

GROUND = (89, 89, 89)
"""The grey of that luminance, for colours that must be readable on whatever lies there."""


SMALL_PRINT = 0.037
"""Em of a card's smaller lines, a share of the short side: capitals are then 2.6 % of it high (19 pixels at 720)."""

TALLEST = 0.88
"""Of the film's height, for all words of a card; those of who made the film shrink where they are too many."""


class Card(Frozen, frozen=True):
    """A full picture of words over a darkened, blurred still. `closing` fades to black instead of into the still.

    `left`: flush with the side that reading begins at, else centred. `tagged`: the kicker stands on the accent colour.
    `call`: what the viewer is asked to do, on the accent colour below all else that is large.
    """

    title: str
    kicker: str = ""
    lines: tuple[str, ...] = ()
    call: str = ""
    accent: str = "#e8b04a"
    closing: bool = False
    left: bool = False
    tagged: bool = False

    @property
    def align(self) -> str:
        """ "left", "centre" or "right": where its lines are flush."""
        return "centre" if not self.left else "right" if is_rtl(self.title) else "left"


class _Part(Frozen, frozen=True):
    """A row of a card: `ink` in `paint`, on a tag of colour `ground` if there is one, `after` pixels before the next.
    The rule has no ink."""

    ink: np.ndarray | None
    paint: Rgb
    after: int
    ground: Rgb | None = None


def card_words(
    card: Card, size: tuple[int, int], fonts: Fonts, folder: Path, control: Control
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """All words of a card as one RGBA picture, and where in it the accent rule goes (left, top, right, bottom)."""
    short = min(size)
    parts = _parts(card, size, SMALL_PRINT, fonts, folder, control)
    thick, long, pad = max(2, round(short * 0.008)), round(short * 0.16), max(3, short // 60)
    inset = round(short * 0.018)

    def extent(part: _Part) -> tuple[int, int]:
        if part.ink is None:
            return long, thick
        around = 2 * inset if part.ground else 0
        return part.ink.shape[1] + 2 * around, part.ink.shape[0] + around

    tall = sum(extent(part)[1] + part.after for part in parts) + 2 * pad
    if tall > TALLEST * size[1]:
        parts = _parts(card, size, SMALL_PRINT * max(0.5, TALLEST * size[1] / tall - 0.1), fonts, folder, control)
        tall = sum(extent(part)[1] + part.after for part in parts) + 2 * pad
    wide = max(long, *(extent(part)[0] for part in parts)) + 2 * pad
    canvas, ink = np.zeros((tall, wide, 4), np.float32), np.zeros((tall, wide), np.float32)
    canvas[..., :3] = WHITE
    top, rule = pad, (0, 0, 0, 0)
    for part in parts:
        width, height = extent(part)
        left = {"left": pad, "right": wide - pad - width, "centre": (wide - width) // 2}[card.align]
        if part.ink is None:
            rule = (left, top, left + width, top + height)
        else:
            _set(canvas, ink, part, left, top, width, height)
        top += height + part.after
    return _with_shadow(canvas, ink, short), rule


def _parts(
    card: Card, size: tuple[int, int], print_share: float, fonts: Fonts, folder: Path, control: Control
) -> list[_Part]:
    """The rows from top to bottom; `print_share` is the small print's em, a share of the short side."""
    short = min(size)
    width = size[0] * (0.86 if size[0] <= size[1] else 0.74)
    heading = short * (0.075 if card.closing and not card.call else 0.098)
    small = max(7.0, short * print_share)
    blocks = [
        Block(text=card.kicker, size=max(7.0, short * 0.03), width=width * 0.9, align=card.align),
        Block(text=card.title, size=max(11.0, heading), width=width, max_lines=4, align=card.align),
        Block(text=card.call, size=max(8.0, short * 0.045), width=width * 0.9, max_lines=2, align=card.align),
        *(
            Block(text=text, size=small, width=width * 0.9, weight=MEDIUM, max_lines=4, align=card.align)
            for text in card.lines
        ),
    ]
    kicker, title, call, *lines = masks(blocks, fonts, folder, control=control)
    gap, accent = round(short * 0.038), colour(card.accent)
    ground, on_ground = pair(accent, WHITE, INK)
    parts: list[_Part] = []
    if kicker.size > 1 and card.tagged:
        parts.append(_Part(ink=kicker, paint=on_ground, ground=ground, after=gap))
    elif kicker.size > 1:
        parts.append(_Part(ink=kicker, paint=readable(accent, GROUND), after=round(gap * 0.8)))
    parts += [_Part(ink=title, paint=WHITE, after=gap), _Part(ink=None, paint=accent, after=gap)]
    if call.size > 1:
        parts.append(_Part(ink=call, paint=on_ground, ground=ground, after=gap))
    return parts + [_Part(ink=line, paint=PALER, after=round(gap * 0.55)) for line in lines if line.size > 1]


def _set(canvas: np.ndarray, ink: np.ndarray, part: _Part, left: int, top: int, width: int, height: int) -> None:
    """Paint one row; a tag covers all of its place."""
    assert part.ink is not None
    down, across = (height - part.ink.shape[0]) // 2, (width - part.ink.shape[1]) // 2
    if part.ground is not None:
        canvas[top : top + height, left : left + width, :3] = part.ground
        ink[top : top + height, left : left + width] = 1
    place = (
        slice(top + down, top + down + part.ink.shape[0]),
        slice(left + across, left + across + part.ink.shape[1]),
    )
    if part.ground is None:
        canvas[place][..., :3] = part.paint
        ink[place] = part.ink
    else:
        canvas[place][..., :3] += (np.array(part.paint, np.float32) - part.ground) * part.ink[..., None]


def _with_shadow(canvas: np.ndarray, ink: np.ndarray, short: int) -> np.ndarray:
    """Words with a soft shadow under them: RGBA uint8."""
    import cv2

    shadow = cv2.GaussianBlur(ink, (0, 0), max(1.0, short / 130)) * 0.75
    alpha = ink + shadow * (1 - ink)
    share = np.divide(ink, alpha, out=np.zeros_like(ink), where=alpha > 0)
    canvas[..., :3] *= share[..., None]
    canvas[..., 3] = alpha * 255
    return canvas.clip(0, 255).astype(np.uint8)
