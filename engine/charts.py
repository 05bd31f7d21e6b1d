"""Draws a chart of a few numbers: bars from zero, or a line through time, with every value written beside its mark.

Knows numbers, masks and colours; not where they were found. Bars and lines begin at zero, and years stand as far apart
as they are, so that what looks twice as much is twice as much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from engine.figures import Chart
from engine.fonts import MEDIUM
from engine.painting import Plate, fill, plain, stamp
from engine.palette import Rgb
from engine.placing import Stage
from engine.typeset import Block

OVER = 4
"""Lines are drawn this many times larger and then reduced: OpenCV draws no fractions of a pixel."""


class Ink(NamedTuple):
    """Colours of a chart: of its plate, of bars and lines, of words, and of words that matter less."""

    ground: Rgb
    mark: Rgb
    text: Rgb
    pale: Rgb


def chart_width(size: tuple[int, int], space: Stage) -> int:
    return min(space.width, round(min(size) * 1.2)) & ~1


def chart_blocks(chart: Chart, source: str, size: tuple[int, int], space: Stage) -> list[Block]:
    """What is to be set, in the order that `draw_chart` takes it: title, source, then label and value of each point."""
    short, wide = min(size), chart_width(size, space)
    label = max(7.0, short * 0.034)
    columns = len(chart.points) if chart.kind == "line" else 1
    room = wide * 0.92 / columns if chart.kind == "line" else wide * 0.3
    blocks = [
        Block(text=chart.title, size=max(9.0, short * 0.05), width=wide * 0.88),
        Block(text=source, size=max(6.0, short * 0.026), width=wide * 0.88, weight=MEDIUM),
    ]
    for point in chart.points:
        blocks.append(Block(text=point.label, size=label, width=room, weight=MEDIUM))
        blocks.append(Block(text=point.shown, size=label * 1.1, width=room if columns > 1 else wide * 0.22))
    return blocks


def draw_chart(
    chart: Chart, inks: Sequence[np.ndarray], ink: Ink, size: tuple[int, int], space: Stage
) -> tuple[Plate, Callable[[float], Plate]]:
    """The finished chart, and the chart while a share 0–1 of it has grown."""
    title, source, *pairs = inks
    labels, values = pairs[::2], pairs[1::2]
    short, wide = min(size), chart_width(size, space)
    pad = round(short * 0.034)
    head = pad + (title.shape[0] + pad if title.size > 1 else 0)
    foot = pad + (source.shape[0] + round(pad * 0.8) if source.size > 1 else 0)
    draw = _line if chart.kind == "line" else _bars
    inner, paint = draw(_Sheet(chart, labels, values, ink, wide, space.height - head - foot, pad, short))
    base = plain(wide, head + inner + foot, ink.ground, 232)
    fill(base, 0, wide, 0, max(2, round(short * 0.008)), ink.mark)
    if title.size > 1:
        stamp(base, title, pad, pad, ink.text)
    if source.size > 1:
        stamp(base, source, pad, head + inner + foot - pad - source.shape[0], ink.pale)

    def grow(share: float) -> Plate:
        plate = base.copy()
        paint(plate, head, share)
        return plate

    return grow(1.0), grow


Paint = Callable[[Plate, int, float], None]


class _Sheet(NamedTuple):
    """What is drawn between title and source: masks of each point's label and value, room of `wide`×`tall` pixels with
    `pad` of them free at the sides; `short` is the film's shorter side, which strokes go by."""

    chart: Chart
    labels: Sequence[np.ndarray]
    values: Sequence[np.ndarray]
    ink: Ink
    wide: int
    tall: int
    pad: int
    short: int


def _bars(sheet: _Sheet) -> tuple[int, Paint]:
    """A row for each value, closer together where there is little room; behind the longest bar its value still fits."""
    chart, labels, values, ink, wide, tall, pad, short = sheet
    letters = max(part.shape[0] for part in (*labels, *values))
    row = max(letters + 2, min(letters + round(short * 0.032), tall // len(chart.points)))
    start = pad + max(label.shape[1] for label in labels) + round(pad * 0.6)
    longest = wide - start - pad - max(value.shape[1] for value in values) - round(pad * 0.5)
    most = max(point.value for point in chart.points)
    thick = max(2, round(row * 0.56))

    def paint(plate: Plate, top: int, share: float) -> None:
        for number, (point, label, value) in enumerate(zip(chart.points, labels, values, strict=True)):
            middle = top + number * row + row // 2
            stamp(plate, label, start - round(pad * 0.6) - label.shape[1], middle - label.shape[0] // 2, ink.text)
            end = start + max(1.0, longest * point.value / most * share)
            fill(plate, start, end, middle - thick // 2, middle - thick // 2 + thick, ink.mark)
            stamp(plate, value * min(1.0, share * 2), round(end + pad * 0.5), middle - value.shape[0] // 2, ink.text)

    return row * len(chart.points), paint


def _line(sheet: _Sheet) -> tuple[int, Paint]:
    """Years along the foot, a point above each, its value above that; written where there is room, ends always."""
    chart, labels, values, ink, wide, tall, pad, short = sheet
    above, below = max(value.shape[0] for value in values), max(label.shape[0] for label in labels)
    gap = round(pad * 0.6)
    rise = max(round(short * 0.1), min(round(short * 0.2), tall - above - below - 4 * gap))
    side = pad + max(part.shape[1] for part in (labels[0], values[0], labels[-1], values[-1])) // 2
    years = [int(point.label) for point in chart.points]
    across = [side + (wide - 2 * side) * (year - years[0]) / (years[-1] - years[0]) for year in years]
    most = max(point.value for point in chart.points)
    up = [rise * point.value / most for point in chart.points]
    shown = _with_room(across, [max(a.shape[1], b.shape[1]) for a, b in zip(labels, values, strict=True)], gap)
    thick = max(2, round(short * 0.011))

    def paint(plate: Plate, top: int, share: float) -> None:
        foot = top + above + gap + thick + rise
        fill(plate, pad, wide - pad, foot, foot + max(1, thick // 3), ink.pale)
        reached = across[0] + (across[-1] - across[0]) * share
        drawn = _stroke(plate.shape[:2], [(x, foot - y) for x, y in zip(across, up, strict=True)], reached, thick)
        stamp(plate, drawn, 0, 0, ink.mark)
        for number in sorted(shown):
            label, value = labels[number], values[number]
            x, y = across[number], foot - up[number]
            stamp(plate, label, round(x - label.shape[1] / 2), foot + gap, ink.text)
            if x <= reached + 1e-6:
                stamp(plate, value, round(x - value.shape[1] / 2), round(y - thick - gap - value.shape[0]), ink.text)

    return above + gap + thick + rise + gap + below + gap, paint


def _with_room(across: Sequence[float], widths: Sequence[int], gap: int) -> set[int]:
    """Which points can be written at: the first and the last, and those between that touch no other."""
    last = len(across) - 1

    def clear(one: int, other: int) -> bool:
        return abs(across[one] - across[other]) > (widths[one] + widths[other]) / 2 + gap

    kept = [0]
    for number in range(1, last):
        if clear(number, kept[-1]) and clear(number, last):
            kept.append(number)
    return {*kept, last}


def _stroke(shape: tuple[int, ...], points: Sequence[tuple[float, float]], reached: float, thick: int) -> np.ndarray:
    """A line through `points` as far as x is `reached`, with a dot at each: float 0–1."""
    import cv2

    height, width = shape[0], shape[1]
    mask = np.zeros((height * OVER, width * OVER), np.uint8)
    path = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        if reached <= x0:
            break
        part = min(1.0, (reached - x0) / (x1 - x0))
        path.append((x0 + (x1 - x0) * part, y0 + (y1 - y0) * part))
    corners = np.array([[round(x * OVER), round(y * OVER)] for x, y in path], np.int32)
    if len(corners) > 1:
        cv2.polylines(mask, [corners], False, 255, thick * OVER)
    for x, y in points:
        if x <= reached + 1e-6:
            cv2.circle(mask, (round(x * OVER), round(y * OVER)), round(thick * 1.5 * OVER), 255, -1)
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
