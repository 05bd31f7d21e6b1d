"""What stands and hangs in rooms: counters, shelves, books, columns, a throne, lamps. Knows a room's colours only."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.drawings import emoji_picture
from engine.backends.image.sketch.plate import Colour, ellipse, lighter, mix, rgb, times
from engine.backends.image.sketch.relight import lit
from engine.backends.image.sketch.town import LAMP


def counter(b: Backdrop, data: dict[str, Any], tint: Colour, edge: float) -> float:
    """Cupboards along the wall with a worktop; returns the worktop's height in pixels."""
    front, top = (times(rgb(c), tint) for c in data["counter"])
    unit = b.frame.unit
    x0 = b.frame.x(data["counter_from"]) if "counter_from" in data else 0.0
    x1 = b.frame.x(data["counter_to"]) if "counter_to" in data else float(b.frame.full[0])
    y0, y1 = edge - 0.215 * unit, edge + 0.03 * unit
    b.middle.soft((x0 + x1) / 2, y1, (x1 - x0) * 0.55, 0.03 * unit, (0.05, 0.03, 0.05), 0.5)
    b.middle.gradient([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], lighter(front, 0.05), lighter(front, -0.2))
    step = 0.2 * unit
    for x in np.arange(x0 + 0.012 * unit, x1 - step * 0.4, step):
        right = min(x + step - 0.024 * unit, x1 - 0.012 * unit)
        b.middle.box(x, y0 + 0.04 * unit, right, y1 - 0.025 * unit, lighter(front, 0.10))
        b.middle.box(x + 0.006 * unit, y0 + 0.047 * unit, right, y1 - 0.025 * unit, front)
        b.middle.disc(right - 0.02 * unit, y0 + 0.09 * unit, 0.007 * unit, times((0.92, 0.78, 0.45), tint))
    b.middle.box(
        x0 - 0.01 * unit,
        y0 - 0.012 * unit,
        x1 + 0.01 * unit,
        y0 + 0.016 * unit,
        lighter(top, 0.08),
        lighter(top, -0.15),
    )
    return y0 - 0.008 * unit


def thing(
    b: Backdrop, character: str, across: float, size: float, where: str, tint: Colour, edge: float, counter: float
) -> None:
    unit = b.frame.unit
    if b.frame.tall and 0.25 < across < 0.75:
        across = 0.12 if across < 0.5 else 0.9
    picture = lit(emoji_picture(character, max(8, round(size * unit))), b.light, b.light.side, 0.06, 0.5)
    height, width = picture.shape[:2]
    x = b.frame.x(across) - width / 2
    if where == "wall":
        y = b.level(0.31) - height / 2
        b.back.soft(
            x + width / 2 + 0.01 * unit,
            y + height / 2 + 0.015 * unit,
            width * 0.62,
            height * 0.62,
            (0.05, 0.03, 0.05),
            0.35,
        )
        b.back.sprite(picture, x, y)
    elif where == "counter":
        b.middle.soft(x + width / 2, counter, width * 0.55, 0.012 * unit, (0.05, 0.03, 0.05), 0.5)
        b.middle.sprite(picture, x, counter - height)
    else:
        foot = edge + 0.045 * unit
        b.middle.soft(x + width / 2, foot, width * 0.55, 0.025 * unit, (0.05, 0.03, 0.05), 0.55)
        b.middle.sprite(picture, x, foot - height)


def shelf(b: Backdrop, left: float, right: float, height: float, goods: list[str], tint: Colour) -> None:
    unit, y = b.frame.unit, b.level(height)
    x0, x1 = b.frame.x(left), b.frame.x(right)
    board = times((0.55, 0.38, 0.25), tint)
    step = 0.115 * unit
    for i, x in enumerate(np.arange(x0 + 0.07 * unit, x1 - 0.02 * unit, step)):
        size = 0.085 * unit * (0.85 + 0.3 * ((i * 7) % 5) / 5)
        picture = lit(emoji_picture(goods[i % len(goods)], max(8, round(size))), b.light, b.light.side, 0.08, 0.4)
        b.back.sprite(picture, x - picture.shape[1] / 2, y - picture.shape[0])
    b.back.box(x0, y, x1, y + 0.018 * unit, lighter(board, 0.1), lighter(board, -0.2))
    b.back.gradient(
        [(x0, y + 0.018 * unit), (x1, y + 0.018 * unit), (x1, y + 0.05 * unit), (x0, y + 0.05 * unit)],
        (0.05, 0.03, 0.05),
        (0.05, 0.03, 0.05),
        (0.3, 0.0),
    )


def blackboard(b: Backdrop, data: dict[str, Any], tint: Colour) -> None:
    unit = b.frame.unit
    x, half = b.frame.x(0.5), min(0.50 * unit, 0.44 * b.frame.width)
    y0, y1 = b.level(0.14), b.level(0.47)
    wood, board = times((0.60, 0.42, 0.26), tint), times(rgb(data["board"]), tint)
    b.back.box(
        x - half - 0.02 * unit, y0 - 0.02 * unit, x + half + 0.02 * unit, y1 + 0.02 * unit, wood, lighter(wood, -0.2)
    )
    b.back.box(x - half, y0, x + half, y1, lighter(board, 0.06), lighter(board, -0.1))
    chalk = mix(board, (0.95, 0.97, 0.93), 0.75)
    for i in range(4):
        y, start = y0 + (0.2 + 0.2 * i) * (y1 - y0), x - half * 0.85
        end = start + half * b.rng.uniform(0.35, 0.75)
        points = [
            (px, y + 0.006 * unit * np.sin(px / unit * 60 + i) * (1 + np.sin(px / unit * 23)))
            for px in np.arange(start, end, max(2.0, 0.008 * unit))
        ]
        for a, c in pairwise(points):
            b.back.line(a, c, max(1, 0.004 * unit), chalk)
    cx, cy, r = x + half * 0.5, (y0 + y1) / 2, 0.09 * unit
    ring = ellipse(cx, cy, r, r)
    for a, c in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        b.back.line(tuple(a), tuple(c), max(1, 0.004 * unit), chalk)
    b.back.line((cx - r * 1.3, cy), (cx + r * 1.3, cy), max(1, 0.004 * unit), chalk)
    b.back.line((cx, cy - r * 1.3), (cx, cy + r * 1.3), max(1, 0.004 * unit), chalk)


def bookcases(b: Backdrop, tint: Colour, edge: float) -> None:
    """Shelves from wall to wall, every book a box of its own."""
    unit, width = b.frame.unit, b.frame.full[0]
    wood = times((0.42, 0.27, 0.17), tint)
    spines = ["#8c3a32", "#2f5a6d", "#5d7a3c", "#b98a3a", "#5a3f6d", "#a0583a", "#3a4a5d", "#d0b98a", "#704030"]
    colours = [times(rgb(c), tint) for c in spines]
    row = 0.125 * unit
    y = edge - 0.02 * unit
    while y > -row:
        b.back.gradient([(0, y - row), (width, y - row), (width, y), (0, y)], lighter(wood, -0.55), lighter(wood, -0.3))
        groups: list[list[list[tuple[float, float]]]] = [[] for _ in colours]
        x = 0.0
        while x < width:
            w, h = unit * b.rng.uniform(0.012, 0.028), row * b.rng.uniform(0.6, 0.84)
            if b.rng.random() > 0.05:
                groups[int(b.rng.integers(len(colours)))].append([(x, y), (x, y - h), (x + w, y - h), (x + w, y)])
            x += w + 0.0012 * unit
        for shapes, colour in zip(groups, colours, strict=True):
            b.back.polygons(shapes, colour)
            b.back.polygons(
                [
                    [
                        (s[0][0], s[1][1] + 0.2 * row),
                        (s[3][0], s[1][1] + 0.2 * row),
                        (s[3][0], s[1][1] + 0.25 * row),
                        (s[0][0], s[1][1] + 0.25 * row),
                    ]
                    for s in shapes
                ],
                lighter(colour, 0.35),
            )
        b.back.box(0, y, width, y + 0.014 * unit, lighter(wood, 0.12), lighter(wood, -0.15))
        y -= row + 0.014 * unit
    for x in np.arange(0.25 * unit, width, 0.56 * unit):
        b.back.box(x, 0, x + 0.03 * unit, edge, lighter(wood, 0.08), lighter(wood, -0.1))


def columns(b: Backdrop, data: dict[str, Any], tint: Colour, edge: float) -> None:
    unit, frame = b.frame.unit, b.frame
    stone, cloth, gold = (
        times((0.72, 0.69, 0.74), tint),
        times(rgb(data["banners"]), tint),
        times((0.92, 0.74, 0.32), tint),
    )
    for share in (0.30, 0.70):
        x, w = frame.x(share), 0.10 * unit
        glass = mix(b.light.sky[1], (0.95, 0.8, 0.5), 0.25)
        arch = [
            (x - w, b.level(0.48)),
            (x - w, b.level(0.20)),
            (x - w * 0.7, b.level(0.12)),
            (x, b.level(0.07)),
            (x + w * 0.7, b.level(0.12)),
            (x + w, b.level(0.20)),
            (x + w, b.level(0.48)),
        ]
        b.back.gradient(arch, glass, lighter(b.light.sky[2], 0.1))
        for dx in (-0.5, 0.0, 0.5):
            b.back.line((x + dx * w, b.level(0.08)), (x + dx * w, b.level(0.48)), 0.006 * unit, lighter(stone, -0.5))
        b.back.glow(x, b.level(0.3), 0.4 * unit, b.light.sun, 0.25)
    for share in (-0.02, 0.17, 0.83, 1.02):
        x, w = frame.x(share), 0.05 * unit
        side = 1 if share < 0.5 else -1
        b.middle.gradient([(x - w, 0), (x + w, 0), (x + w, edge), (x - w, edge)], lighter(stone, -0.35), stone)
        b.middle.box(x + side * 0.3 * w - 0.2 * w, 0, x + side * 0.3 * w + 0.2 * w, edge, lighter(stone, 0.12))
        b.middle.box(
            x - 1.4 * w,
            edge - 0.05 * unit,
            x + 1.4 * w,
            edge + 0.02 * unit,
            lighter(stone, -0.1),
            lighter(stone, -0.35),
        )
        top, low = b.level(0.10), b.level(0.46)
        flag = [(x - 0.9 * w, top), (x + 0.9 * w, top), (x + 0.9 * w, low), (x, low + 0.05 * unit), (x - 0.9 * w, low)]
        b.middle.gradient(flag, lighter(cloth, 0.08), lighter(cloth, -0.2))
        b.middle.disc(x, (top + low) / 2, 0.5 * w, gold)
    if data.get("throne"):
        _throne(b, tint, edge)


def _throne(b: Backdrop, tint: Colour, edge: float) -> None:
    u, x = 0.40 * b.frame.unit, b.frame.x(0.5)
    gold, red, stone = times((0.92, 0.73, 0.30), tint), times((0.68, 0.14, 0.20), tint), times((0.56, 0.52, 0.58), tint)
    for i, half in enumerate((0.62, 0.50)):
        y = edge + 0.06 * u - 0.07 * u * i
        b.middle.box(x - half * u, y - 0.07 * u, x + half * u, y, lighter(stone, 0.15), lighter(stone, -0.15))
    base = edge - 0.08 * u
    b.middle.gradient(
        [
            (x - 0.24 * u, base),
            (x - 0.24 * u, base - 0.8 * u),
            (x, base - 0.98 * u),
            (x + 0.24 * u, base - 0.8 * u),
            (x + 0.24 * u, base),
        ],
        lighter(gold, 0.1),
        lighter(gold, -0.2),
    )
    b.middle.gradient(
        [
            (x - 0.18 * u, base - 0.1 * u),
            (x - 0.18 * u, base - 0.74 * u),
            (x, base - 0.86 * u),
            (x + 0.18 * u, base - 0.74 * u),
            (x + 0.18 * u, base - 0.1 * u),
        ],
        red,
        lighter(red, -0.25),
    )
    b.middle.box(x - 0.30 * u, base - 0.30 * u, x + 0.30 * u, base - 0.18 * u, lighter(red, 0.08), lighter(red, -0.2))
    for s in (-1, 1):
        b.middle.box(
            x + s * 0.28 * u - 0.05 * u, base - 0.44 * u, x + s * 0.28 * u + 0.05 * u, base, gold, lighter(gold, -0.3)
        )
        b.middle.disc(x + s * 0.28 * u, base - 0.45 * u, 0.06 * u, lighter(gold, 0.1))
        b.middle.disc(x + s * 0.22 * u, base - 0.83 * u, 0.04 * u, lighter(gold, 0.15))


def awning(b: Backdrop, colour: Colour, tint: Colour) -> None:
    unit, width = b.frame.unit, b.frame.full[0]
    y, step = b.level(0.13), 0.11 * unit
    for i, x in enumerate(np.arange(0, width, step)):
        tone = times(colour if i % 2 else (0.97, 0.95, 0.92), tint)
        b.middle.gradient([(x, 0), (x + step + 1, 0), (x + step + 1, y), (x, y)], lighter(tone, -0.25), tone)
        b.middle.polygon(ellipse(x + step / 2, y, step / 2, step * 0.42), tone)


def lamp(b: Backdrop, across: float, edge: float) -> None:
    unit, x = b.frame.unit, b.frame.x(across)
    foot, top = edge + 0.03 * unit, edge - 0.40 * unit
    b.middle.box(x - 0.006 * unit, top, x + 0.006 * unit, foot, (0.25, 0.2, 0.18))
    b.middle.polygon(ellipse(x, foot, 0.06 * unit, 0.012 * unit), (0.22, 0.18, 0.16))
    shade = [
        (x - 0.05 * unit, top - 0.06 * unit),
        (x + 0.05 * unit, top - 0.06 * unit),
        (x + 0.09 * unit, top + 0.05 * unit),
        (x - 0.09 * unit, top + 0.05 * unit),
    ]
    b.middle.gradient(shade, (1.0, 0.93, 0.72), LAMP if b.light.lamps else (0.94, 0.86, 0.68))
    if b.light.lamps:
        b.back.glow(x, top, 0.7 * unit, LAMP, 0.5)
        b.middle.soft(x, top, 0.24 * unit, 0.22 * unit, LAMP, 0.4)
        b.lamps.append((x, top))
