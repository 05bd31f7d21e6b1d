"""Draws what stands still, each in its place: plates of headline bars, lower thirds, chapters, quotes and charts.

Pictures are RGBA arrays, height×width×4, uint8, straight alpha. Knows no time; engine/graphics.py sets them in motion.
A plate depends on what it shows, on the film's shape and colours, and on nothing else in the film.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from engine.charts import Ink, chart_blocks, draw_chart
from engine.figures import Chart
from engine.fonts import MEDIUM, Fonts
from engine.painting import fill, plain, stamp
from engine.palette import Rgb, colour, pair, readable
from engine.placing import Rect, Stage, bar_height, bar_place, place_chapter, place_large, place_third, stage
from engine.progress import Control
from engine.titling import INK, WHITE
from engine.types import Frozen
from engine.typeset import Block, is_rtl, masks

PALE = (205, 210, 218)
RULE_CONTRAST = 3.0
"""Least contrast of rules, bars and lines with their plate (WCAG 2.2, success criterion 1.4.11)."""

LEAST_SHARE = 0.6
"""A plate that is too large for its place is reduced to this share of itself at most: smaller, none could read it."""

OPENING_MARK = "“"


class Panel(Frozen, frozen=True):
    """Words on a dark plate over the running picture.

    `kind` bar: the width of the picture, `label` on the accent colour; third: `text` above `label`, accent rule at the
    side that reading begins at; chapter: a large `label` before `text`; quote: `text` large, `label` says whose it is;
    data: `chart`, under it `label`. Times are seconds from the shot's start; `until` None: to its end.
    """

    kind: Literal["bar", "third", "chapter", "quote", "data"]
    text: str
    label: str = ""
    chart: Chart | None = None
    accent: str = "#e8b04a"
    plate: str = "#0b0e14"
    start: float = 0.25
    until: float | None = None
    animated: bool = True


class Placed(NamedTuple):
    """A panel's plate and where it goes. `grow(share)` is the plate while a share 0–1 of what grows on it is there."""

    panel: Panel
    plate: np.ndarray
    place: Rect
    grow: Callable[[float], np.ndarray] | None = None


class _Plate(NamedTuple):
    plate: np.ndarray
    grow: Callable[[float], np.ndarray] | None = None


def panel_texts(panel: Panel) -> tuple[str, ...]:
    """Every text that a panel draws, for the fonts to be cut by."""
    points = panel.chart.points if panel.chart else ()
    chart = [text for point in points for text in (point.label, point.shown)]
    return (panel.text, panel.label, panel.chart.title if panel.chart else OPENING_MARK, *chart)


def draw_plates(
    panels: Sequence[Panel], size: tuple[int, int], captions: Rect, fonts: Fonts, folder: Path, control: Control
) -> list[Placed]:
    """The panels of one shot, drawn and placed: none over `captions`, none over another, none out of the picture.

    One that finds no room to be read in, as in films of a thumbnail's size, is left out.
    """
    free = stage(size, captions, any(panel.kind == "bar" for panel in panels))
    chaptered = any(panel.kind == "chapter" for panel in panels)
    spaces = [_space(panel, size, free, chaptered) for panel in panels]
    blocks = [_blocks(panel, space, size) for panel, space in zip(panels, spaces, strict=True)]
    inks = iter(masks([block for some in blocks for block in some], fonts, folder, control=control))
    placed = []
    for panel, space, some in zip(panels, spaces, blocks, strict=True):
        drawn = _draw(panel, [next(inks) for _ in some], size, space)
        if panel.kind == "bar":
            placed.append(Placed(panel, drawn.plate, bar_place(size)))
            continue
        share = min(1.0, space.width / drawn.plate.shape[1], space.height / drawn.plate.shape[0])
        if share < LEAST_SHARE:
            continue
        plate, grow = _reduced(drawn, share)
        shape = (plate.shape[1], plate.shape[0])
        if panel.kind == "chapter":
            place = place_chapter(shape, space, is_rtl(panel.text))
        elif panel.kind == "third":
            place = place_third(shape, space, is_rtl(panel.text))
        else:
            place = place_large(shape, space)
        placed.append(Placed(panel, plate, place, grow))
    return placed


def _space(panel: Panel, size: tuple[int, int], free: Stage, chaptered: bool) -> Stage:
    """What a panel may fill: a chapter the upper part, and what else is shown with it the rest."""
    chapter = min(round(min(size) * 0.2), round(free.height * 0.42))
    if panel.kind == "chapter":
        return msgspec.structs.replace(free, foot=free.top + chapter)
    return msgspec.structs.replace(free, top=free.top + chapter + free.gap) if chaptered else free


def _blocks(panel: Panel, space: Stage, size: tuple[int, int]) -> list[Block]:
    short, width, align = min(size), size[0], "right" if is_rtl(panel.text) else "left"
    if panel.kind == "bar":
        label = Block(text=panel.label, size=max(7.0, short * 0.031), width=width * 0.24)
        return [label, Block(text=panel.text, size=max(8.0, short * 0.037), width=width * 0.66, weight=MEDIUM)]
    if panel.kind == "third":
        wide = width * (0.6 if width > short else 0.76)
        small = max(7.0, short * 0.03)
        return [
            Block(text=panel.text, size=max(9.0, short * 0.046), width=wide, max_lines=2, align=align),
            Block(text=panel.label, size=small, width=wide, weight=MEDIUM, max_lines=2, align=align),
        ]
    if panel.kind == "chapter":
        label = Block(text=panel.label, size=max(14.0, short * 0.088), width=width * 0.2)
        return [
            label,
            Block(text=panel.text, size=max(9.0, short * 0.046), width=width * 0.58, max_lines=2, align=align),
        ]
    if panel.chart is not None:
        return chart_blocks(panel.chart, panel.label, size, space)
    big = max(9.0, short * 0.06)
    wide = min(space.width, short * 1.25) - short * 0.22
    lines = max(1, int((space.height - short * 0.16) / (big * 1.3)))
    return [
        Block(text=OPENING_MARK, size=max(16.0, short * 0.2), width=short * 0.3),
        Block(text=panel.text, size=big, width=wide, max_lines=min(6, lines), align=align),
        Block(text=panel.label, size=max(7.0, short * 0.032), width=wide, weight=MEDIUM),
    ]


def _draw(panel: Panel, inks: Sequence[np.ndarray], size: tuple[int, int], space: Stage) -> _Plate:
    accent, ground, rtl = colour(panel.accent), colour(panel.plate), is_rtl(panel.text)
    if panel.chart is not None:
        paint = Ink(ground=ground, mark=readable(accent, ground, RULE_CONTRAST), text=WHITE, pale=PALE)
        return _Plate(*draw_chart(panel.chart, inks, paint, size, space))
    draw = {"bar": _bar, "third": _third, "chapter": _chapter, "quote": _quote}[panel.kind]
    return _Plate(draw(inks, accent, ground, size, rtl))


def _bar(inks: Sequence[np.ndarray], accent: Rgb, ground: Rgb, size: tuple[int, int], rtl: bool) -> np.ndarray:
    label, text = inks
    height = bar_height(size)
    pad = round(height * 0.42)
    plate = plain(size[0], height, ground, 238)
    tag, ink = pair(accent, WHITE, INK)
    block = label.shape[1] + 2 * pad if label.size > 1 else pad // 2
    fill(plate, 0, block, 0, height, tag, rtl=rtl)
    stamp(plate, label, pad, (height - label.shape[0]) // 2, ink, rtl=rtl)
    stamp(plate, text, block + pad, (height - text.shape[0]) // 2, WHITE, rtl=rtl)
    fill(plate, 0, size[0], 0, max(1, height // 26), tag)
    return plate


def _third(inks: Sequence[np.ndarray], accent: Rgb, ground: Rgb, size: tuple[int, int], rtl: bool) -> np.ndarray:
    text, label = inks
    pad, rule = round(min(size) * 0.024), max(2, round(min(size) * 0.011))
    gap = round(pad * 0.7) if label.size > 1 else 0
    below = label.shape[0] if label.size > 1 else 0
    width = max(text.shape[1], label.shape[1]) + rule + 2 * pad + pad // 2
    plate = plain(width, text.shape[0] + gap + below + 2 * pad, ground, 218)
    fill(plate, 0, rule, 0, plate.shape[0], readable(accent, ground, RULE_CONTRAST), rtl=rtl)
    stamp(plate, text, rule + pad, pad, WHITE, rtl=rtl)
    stamp(plate, label, rule + pad, pad + text.shape[0] + gap, PALE, rtl=rtl)
    return plate


def _chapter(inks: Sequence[np.ndarray], accent: Rgb, ground: Rgb, size: tuple[int, int], rtl: bool) -> np.ndarray:
    label, text = inks
    pad = round(min(size) * 0.026)
    height = max(label.shape[0], text.shape[0]) + 2 * pad
    block = label.shape[1] + 2 * pad if label.size > 1 else pad // 2
    plate = plain(block + text.shape[1] + 2 * pad, height, ground, 222)
    tag, ink = pair(accent, WHITE, INK)
    fill(plate, 0, block, 0, plate.shape[0], tag, rtl=rtl)
    if label.size > 1:
        stamp(plate, label, pad, (height - label.shape[0]) // 2, ink, rtl=rtl)
    stamp(plate, text, block + pad, (height - text.shape[0]) // 2, WHITE, rtl=rtl)
    return plate


def _quote(inks: Sequence[np.ndarray], accent: Rgb, ground: Rgb, size: tuple[int, int], rtl: bool) -> np.ndarray:
    """The mark hangs before the words, so that they keep one edge; whose they are stands below, behind a rule."""
    mark, text, label = inks
    pad, rule = round(min(size) * 0.04), max(2, round(min(size) * 0.008))
    paint = readable(accent, ground, RULE_CONTRAST)
    edge = pad + mark.shape[1] + round(pad * 0.7)
    below = label.shape[0] + round(pad * 0.8) if label.size > 1 else 0
    dash = round(pad * 0.9) if label.size > 1 else 0
    width = edge + max(text.shape[1], label.shape[1] + dash) + round(pad * 1.4)
    plate = plain(width, max(text.shape[0], mark.shape[0]) + below + 2 * pad, ground, 228)
    fill(plate, 0, rule, 0, plate.shape[0], paint, rtl=rtl)
    stamp(plate, mark[:, ::-1] if rtl else mark, pad, pad, paint, rtl=rtl)
    stamp(plate, text, edge, pad, WHITE, rtl=rtl)
    if label.size > 1:
        top = plate.shape[0] - pad - label.shape[0]
        fill(
            plate, edge, edge + dash * 0.7, top + label.shape[0] // 2, top + label.shape[0] // 2 + rule, paint, rtl=rtl
        )
        stamp(plate, label, edge + dash, top, PALE, rtl=rtl)
    return plate


def _reduced(drawn: _Plate, share: float) -> _Plate:
    import cv2

    if share == 1.0:
        return drawn
    height, width = drawn.plate.shape[:2]
    target = (int(width * share) & ~1, int(height * share) & ~1)

    def reduced(plate: np.ndarray) -> np.ndarray:
        return cv2.resize(plate, target, interpolation=cv2.INTER_AREA)

    grow = drawn.grow
    return _Plate(reduced(drawn.plate), None if grow is None else lambda now: reduced(grow(now)))
