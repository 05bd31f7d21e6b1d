"""Rooms: wall, floor in perspective, window with the day outside and its beam of light, furniture by rooms.yaml."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from engine.backends.image.sketch import furniture, land
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.light import Light
from engine.backends.image.sketch.plate import Colour, Plate, ellipse, lighter, mix, rgb, times
from engine.backends.image.sketch.town import blocks


@cache
def rooms() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((Path(__file__).parent / "rooms.yaml").read_text(encoding="utf-8"))


def indoor_tint(light: Light) -> Colour:
    """Rooms are lamp-lit when it is dark outside, and take a little of the sky's colour by day."""
    return mix(light.tint, (1.0, 0.86, 0.68), 0.62) if light.lamps else mix(light.tint, (1.0, 0.98, 0.94), 0.6)


def room(b: Backdrop, name: str) -> None:
    """Draw that room of rooms.yaml."""
    data = rooms()[name]
    b.indoors, b.feet = True, (0.84, 0.93)
    tint = indoor_tint(b.light)
    edge = b.level(0.68)
    _wall(b, data, tint, edge)
    if data.get("books"):
        furniture.bookcases(b, tint, edge)
    if data.get("columns"):
        furniture.columns(b, data, tint, edge)
    if "window" in data:
        _window(b, data, edge)
    if "board" in data:
        furniture.blackboard(b, data, tint)
    for key in ("shelf", "shelf2"):
        if key in data:
            left, right, height, goods = data[key]
            furniture.shelf(b, left, right, height, goods, tint)
    if "awning" in data:
        furniture.awning(b, rgb(data["awning"]), tint)
    _floor(b, data, tint, edge)
    counter = furniture.counter(b, data, tint, edge) if "counter" in data else edge
    for character, across, size, where in data["things"]:
        furniture.thing(b, character, across, size, where, tint, edge, counter)
    if "lamp" in data:
        furniture.lamp(b, data["lamp"], edge)
    _beam(b, data, edge)


def _wall(b: Backdrop, data: dict[str, Any], tint: Colour, edge: float) -> None:
    width, unit = b.frame.full[0], b.frame.unit
    wall, panel = times(rgb(data["wall"]), tint), times(rgb(data["panel"]), tint)
    b.back.gradient([(0, 0), (width, 0), (width, edge + 2), (0, edge + 2)], lighter(wall, -0.22), lighter(wall, 0.04))
    stripe = 0.075 * unit
    shapes = [[(x, 0), (x + stripe / 2, 0), (x + stripe / 2, edge), (x, edge)] for x in np.arange(0, width, stripe)]
    b.back.polygons(shapes, lighter(wall, 0.12), 0.22)
    top = edge - 0.16 * unit
    b.back.gradient(
        [(0, top), (width, top), (width, edge + 2), (0, edge + 2)], lighter(panel, 0.06), lighter(panel, -0.12)
    )
    step = 0.22 * unit
    for x in np.arange(-step / 2, width, step):
        inner = (x + 0.02 * unit, top + 0.035 * unit, x + step - 0.02 * unit, edge - 0.035 * unit)
        b.back.box(*inner, lighter(panel, -0.12))
        b.back.box(inner[0] + 0.004 * unit, inner[1] + 0.005 * unit, inner[2], inner[3], lighter(panel, 0.02))
    b.back.box(0, top - 0.012 * unit, width, top + 0.006 * unit, lighter(panel, 0.18))
    b.back.box(0, edge - 0.018 * unit, width, edge + 2, lighter(panel, -0.28))
    lamp_x = b.frame.x(0.5 + 0.2 * b.light.side)
    b.back.glow(lamp_x, b.level(0.3), 1.0 * unit, (1.0, 0.85, 0.6) if b.light.lamps else b.light.sun, 0.20)


def _floor(b: Backdrop, data: dict[str, Any], tint: Colour, edge: float) -> None:
    width, full = b.frame.full
    unit, middle = b.frame.unit, b.frame.x(0.5)
    base = times(rgb(data["floor_colour"]), tint)
    b.floor.gradient([(0, edge), (width, edge), (width, full), (0, full)], lighter(base, -0.16), lighter(base, 0.10))
    vanish = edge - 0.42 * unit

    def across(x: float, y: float) -> float:
        return middle + x * (y - vanish) / (edge - vanish)

    kind = data["floor"]
    rows = edge + (full - edge) * np.array([0.0, 0.13, 0.30, 0.52, 0.80, 1.15])
    span = {"boards": 0.062, "tiles": 0.12, "stone": 0.17, "lino": 0.2}[kind] * unit
    count = int(width / span) + 2
    if kind in ("tiles", "stone"):
        dark = []
        for r, (y0, y1) in enumerate(pairwise(rows)):
            for i in range(-count, count):
                if (i + r) % 2 == 0:
                    dark.append(
                        [
                            (across(i * span, y0), y0),
                            (across((i + 1) * span, y0), y0),
                            (across((i + 1) * span, y1), y1),
                            (across(i * span, y1), y1),
                        ]
                    )
        b.floor.polygons(dark, lighter(base, -0.3 if kind == "tiles" else -0.16), 0.5)
    else:
        for i in range(-count, count):
            if kind == "boards" and i % 3 == 0:
                board = [
                    (across(i * span, edge), edge),
                    (across((i + 1) * span, edge), edge),
                    (across((i + 1) * span, full), full),
                    (across(i * span, full), full),
                ]
                b.floor.polygon(board, lighter(base, -0.14 if i % 2 else 0.14), 0.4)
            b.floor.line(
                (across(i * span, edge), edge),
                (across(i * span, full), full),
                max(1, 0.0022 * unit),
                lighter(base, -0.28),
            )
    if "rug" in data:
        rug = times(rgb(data["rug"]), tint)
        y = b.level(0.86)
        for grow, colour in (
            (1.0, lighter(rug, -0.2)),
            (0.93, lighter(rug, 0.35)),
            (0.88, rug),
            (0.55, lighter(rug, 0.2)),
            (0.5, rug),
        ):
            b.floor.polygon(ellipse(middle, y, 0.62 * unit * grow, 0.12 * unit * grow), colour)
    if "carpet" in data:
        carpet, gold = times(rgb(data["carpet"]), tint), times((0.9, 0.72, 0.3), tint)
        for half, colour in ((0.15, gold), (0.135, carpet)):
            shape = [
                (across(-half * unit, edge), edge),
                (across(half * unit, edge), edge),
                (across(half * unit, full), full),
                (across(-half * unit, full), full),
            ]
            b.floor.gradient(shape, lighter(colour, -0.15), lighter(colour, 0.05))
    b.floor.soft(middle, edge, width * 0.7, 0.05 * unit, (0.05, 0.03, 0.05), 0.4)


def _window(b: Backdrop, data: dict[str, Any], edge: float) -> None:
    """The outside is drawn by the same light: sky and hills, or a skyline, seen through panes."""
    unit, frame = b.frame.unit, b.frame
    half = (0.52 if data.get("wide_window") else 0.17) * unit
    if frame.tall:
        half = min(half, 0.36 * frame.width)
    x, y0, y1 = frame.x(data["window"]), b.level(0.17), min(b.level(0.50), edge - 0.19 * unit)
    x = min(max(x, frame.x(-0.1) + half), frame.x(1.1) - half)
    sky_top, _, sky_low = b.light.sky
    pane = [(x - half, y0), (x + half, y0), (x + half, y1), (x - half, y1)]
    b.back.box(
        x - half - 0.03 * unit,
        y0 - 0.03 * unit,
        x + half + 0.03 * unit,
        y1 + 0.03 * unit,
        lighter(times((0.93, 0.9, 0.85), indoor_tint(b.light)), -0.05),
    )
    b.back.gradient(pane, mix(sky_top, b.light.sky[1], 0.4), sky_low)
    if b.light.sun_size:
        radius = 0.035 * unit
        b.back.disc(x + 0.4 * half, y0 + 0.35 * (y1 - y0), radius, mix(b.light.sun, (1.0, 1.0, 1.0), 0.4))
    outside = Plate(frame)
    if data.get("skyline"):
        scene = Backdrop(frame, b.light, b.rng)
        blocks(scene, outside, 0.6, 0.50, 0.30, (0.5, 0.56, 0.66), 30)
    else:
        land.hills(outside, b.light, b.rng, y1 - 0.15 * unit, 0.07 * unit, b.green((0.36, 0.54, 0.34)), 0.5)
        land.hills(outside, b.light, b.rng, y1 - 0.07 * unit, 0.04 * unit, b.green((0.36, 0.54, 0.28)), 0.2)
    a, c, top, low = round(x - half), round(x + half), round(y0), round(y1)
    part = np.zeros_like(outside.pixels)
    a, c = max(0, a), min(frame.full[0], c)
    part[top:low, a:c] = outside.pixels[top:low, a:c]
    b.back.sprite(part, 0, 0)
    bar = times((0.97, 0.95, 0.9), indoor_tint(b.light))
    bars = 4 if data.get("wide_window") else 2
    for i in range(1, bars):
        bx = x - half + 2 * half * i / bars
        b.back.box(bx - 0.006 * unit, y0, bx + 0.006 * unit, y1, bar)
    b.back.box(x - half, (y0 + y1) / 2 - 0.006 * unit, x + half, (y0 + y1) / 2 + 0.006 * unit, bar)
    b.back.box(x - half - 0.05 * unit, y1 + 0.02 * unit, x + half + 0.05 * unit, y1 + 0.045 * unit, lighter(bar, -0.08))
    b.back.glow(x, (y0 + y1) / 2, 0.6 * unit, b.light.sun, 0.16)
    if not data.get("wide_window"):
        cloth = times(rgb(data.get("rug", "#c86a5a")), indoor_tint(b.light))
        for s in (-1, 1):
            fold = [
                (x + s * half * 1.35, y0 - 0.05 * unit),
                (x + s * half * 0.45, y0 - 0.05 * unit),
                (x + s * half * 0.85, y1 * 0.55 + y0 * 0.45),
                (x + s * half * 1.02, y1 + 0.05 * unit),
                (x + s * half * 1.4, y1 + 0.05 * unit),
            ]
            b.back.gradient(fold, lighter(cloth, 0.12), lighter(cloth, -0.15))
        b.back.box(
            x - half * 1.5,
            y0 - 0.065 * unit,
            x + half * 1.5,
            y0 - 0.045 * unit,
            times((0.5, 0.36, 0.24), indoor_tint(b.light)),
        )


def _beam(b: Backdrop, data: dict[str, Any], edge: float) -> None:
    """Daylight falls through the window onto the floor."""
    if "window" not in data or b.light.lamps or b.light.weather:
        return
    unit, x = b.frame.unit, b.frame.x(data["window"])
    lean = -b.light.side * 0.34 * unit
    top, full = b.level(0.18), b.frame.full[1]
    beam = [
        (x - 0.16 * unit, top),
        (x + 0.16 * unit, top),
        (x + 0.34 * unit + lean * 1.6, full),
        (x - 0.16 * unit + lean * 1.6, full),
    ]
    b.floor.gradient(beam, b.light.sun, b.light.sun, (0.16, 0.05))
