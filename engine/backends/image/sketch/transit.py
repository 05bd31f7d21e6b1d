"""Where people cross, leave and arrive: bridge, railway station, airport. Knows light, no cast."""

from __future__ import annotations

import numpy as np

from engine.backends.image.sketch import land
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.plate import Colour, Plate, ellipse, lighter, mix
from engine.backends.image.sketch.town import LAMP, blocks
from engine.backends.image.sketch.waters import water


def bridge(b: Backdrop) -> None:
    unit = b.frame.unit
    h = b.sky(0.58)
    land.mountains(b.back, b.light, b.rng, h + 0.02 * unit, 0.22 * unit, (0.46, 0.50, 0.60), 0.78, count=5)
    crest = land.hills(b.back, b.light, b.rng, b.level(0.545), 0.05 * unit, b.green((0.26, 0.44, 0.30)), 0.55)
    land.wood(b.back, b.light, b.rng, b.kinds("pine", "leafy"), crest, 0.06 * unit, 0.55, 50)
    water(b, b.back, h, b.frame.full[1], (0.10, 0.36, 0.46))
    reds: list[Colour] = [(0.76, 0.28, 0.20), (0.46, 0.52, 0.58), (0.62, 0.50, 0.38)]
    span(b, b.middle, 0.575, reds[int(b.rng.integers(3))], 0.22)
    b.grass(0.785, blooms=50)
    b.sides(b.kinds("bush"), 0.16, 2, 0.83)
    b.feet = (0.85, 0.93)


def span(b: Backdrop, plate: Plate, deck: float, colour: Colour, depth: float) -> None:
    """A suspension bridge across the whole picture, its road at `deck` (film share): two towers, cables, hangers."""
    unit = b.frame.unit
    steel = b.light.far(colour, depth)
    shade = lighter(steel, -0.28)
    y, low = b.level(deck), b.level(deck + 0.17)
    top = b.level(deck - 0.34)
    half = min(0.30 * b.frame.width, 0.55 * unit)
    left, right = b.frame.x(0.5) - half, b.frame.x(0.5) + half
    line = np.linspace(-3.0, 3.0, 181)
    # a cable that carries a level road is a parabola: whole between the towers (|x| ≤ 1), half a one outside
    inside = np.abs(line) <= 1
    sag = np.where(inside, 0.06 + 0.94 * line**2, 0.06 + 0.94 * (np.clip(2 - np.abs(line), 0, None)) ** 2)
    cable = np.stack([b.frame.x(0.5) + line * half, y - sag * (y - top)], 1)
    hangers = [[(x - 0.0014 * unit, y), (x + 0.0014 * unit, y), (x + 0.0014 * unit, c), (x - 0.0014 * unit, c)]
               for x, c in cable[::4]]  # fmt: skip
    plate.polygons(hangers, shade, 0.75)
    thick = 0.005 * unit
    half_thick = np.array([0.0, thick])
    plate.polygon(np.concatenate([cable - half_thick, (cable + half_thick)[::-1]]), shade)
    for x in (left, right):
        foot = ellipse(x, low, 0.055 * unit, 0.012 * unit)
        plate.polygon(foot, b.light.far((0.55, 0.55, 0.56), depth))
        for dx in (-0.026, 0.018):
            plate.gradient(
                [(x + dx * unit, low), (x + dx * unit, top - 0.02 * unit),
                 (x + (dx + 0.012) * unit, top - 0.02 * unit), (x + (dx + 0.012) * unit, low)],
                lighter(steel, 0.10), lighter(steel, -0.12),
            )  # fmt: skip
        for share in (0.0, 0.35, 0.7):
            level = top + share * (y - top)
            plate.box(x - 0.026 * unit, level, x + 0.03 * unit, level + 0.014 * unit, steel)
        if b.light.lamps:
            plate.soft(x, top - 0.02 * unit, 0.10 * unit, 0.10 * unit, LAMP, 0.7)
    width = b.frame.full[0]
    plate.box(0, y - 0.012 * unit, width, y + 0.022 * unit, steel, shade)
    plate.box(0, y - 0.016 * unit, width, y - 0.010 * unit, lighter(steel, 0.25))
    if b.light.lamps:
        for x in np.arange(0, width, 0.11 * unit):
            plate.soft(float(x), y - 0.02 * unit, 0.03 * unit, 0.03 * unit, LAMP, 0.9)


def station(b: Backdrop) -> None:
    unit, width = b.frame.unit, b.frame.full[0]
    b.sky(0.62)
    blocks(b, b.back, 0.75, 0.62, 0.30, (0.56, 0.60, 0.70), 22)
    _carriages(b, b.level(0.36), b.level(0.70))
    floor = b.light.far((0.66, 0.64, 0.62), 0.0)
    edge, full = b.level(0.715), b.frame.full[1]
    b.floor.gradient([(0, edge), (width, edge), (width, full), (0, full)], lighter(floor, -0.06), lighter(floor, 0.1))
    b.floor.box(0, edge, width, edge + 0.014 * unit, lighter(floor, 0.3))
    b.floor.box(0, edge + 0.026 * unit, width, edge + 0.040 * unit, b.light.far((0.95, 0.78, 0.22), 0.0))
    middle = b.frame.x(0.5)
    for i in range(-16, 17):
        a, c = (middle + i * 0.10 * unit, edge + 0.05 * unit), (middle + i * 0.26 * unit, full)
        b.floor.line(a, c, max(1, 0.0018 * unit), lighter(floor, -0.22))
    _roof(b)
    b.feet = (0.83, 0.92)


def _carriages(b: Backdrop, top: float, foot: float) -> None:
    """A standing train, longer than the picture: carriages with windows, doors and a stripe, wheels on a rail."""
    unit, width = b.frame.unit, b.frame.full[0]
    paints: list[Colour] = [(0.16, 0.36, 0.62), (0.66, 0.20, 0.22), (0.16, 0.46, 0.36)]
    paint = b.light.far(paints[int(b.rng.integers(3))], 0.1)
    cream = b.light.far((0.95, 0.91, 0.80), 0.1)
    glass = LAMP if b.light.lamps else mix(b.light.sky[1], (0.30, 0.38, 0.46), 0.45)
    tall, long = foot - top, 0.92 * unit
    b.middle.box(0, foot - 0.06 * tall, width, foot + 0.1 * unit, (0.10, 0.10, 0.12))
    b.middle.box(0, foot - 0.01 * unit, width, foot, b.light.far((0.55, 0.52, 0.5), 0.0))
    x = -0.35 * long
    while x < width:
        right = x + long - 0.03 * unit
        body = [(x, foot - 0.12 * tall), (x, top + 0.10 * tall), (x + 0.04 * unit, top),
                (right - 0.04 * unit, top), (right, top + 0.10 * tall), (right, foot - 0.12 * tall)]  # fmt: skip
        b.middle.gradient(body, lighter(paint, 0.12), lighter(paint, -0.14))
        b.middle.box(x, top + 0.20 * tall, right, top + 0.58 * tall, cream)
        b.middle.box(x + 0.03 * unit, top - 0.012 * unit, right - 0.03 * unit, top + 0.03 * tall, lighter(paint, -0.4))
        for k in range(6):
            left = x + (0.045 + 0.145 * k) * unit
            if k in (2, 5):
                b.middle.box(left, top + 0.14 * tall, left + 0.10 * unit, foot - 0.12 * tall, lighter(paint, 0.22))
                b.middle.box(left + 0.014 * unit, top + 0.2 * tall, left + 0.086 * unit, top + 0.56 * tall, glass)
            else:
                b.middle.box(left, top + 0.26 * tall, left + 0.105 * unit, top + 0.53 * tall, glass)
        b.middle.box(x, top + 0.64 * tall, right, top + 0.67 * tall, cream)
        for share in (0.14, 0.26, 0.70, 0.82):
            b.middle.disc(x + share * long, foot - 0.07 * tall, 0.055 * tall, (0.14, 0.14, 0.16))
            b.middle.disc(x + share * long, foot - 0.07 * tall, 0.025 * tall, (0.45, 0.45, 0.48))
        x += long


def _roof(b: Backdrop) -> None:
    """A glass roof on iron columns, and the station's clock under it."""
    unit, width = b.frame.unit, b.frame.full[0]
    iron = b.light.far((0.22, 0.30, 0.30), 0.0)
    low, step = b.level(0.17), 0.42 * unit
    pane = mix(b.light.sky[0], (0.85, 0.93, 0.96), 0.35)
    b.floor.gradient([(0, 0), (width, 0), (width, low), (0, low)], pane, mix(pane, b.light.sky[1], 0.5), (0.85, 0.6))
    for x in np.arange(0, width + step, step / 3):
        b.floor.line((x, 0), (x, low), 0.004 * unit, iron)
    b.floor.box(0, low, width, low + 0.022 * unit, iron)
    zigzag = np.arange(0, width + 0.14 * unit, 0.07 * unit)
    for i, x in enumerate(zigzag[:-1]):
        a, c = (low - 0.05 * unit, low) if i % 2 else (low, low - 0.05 * unit)
        b.floor.line((x, a), (x + 0.07 * unit, c), 0.006 * unit, iron)
    b.floor.box(0, low - 0.056 * unit, width, low - 0.046 * unit, iron)
    for share in (0.03, 0.97):
        x = b.frame.x(share)
        b.floor.box(x - 0.014 * unit, low, x + 0.014 * unit, b.level(0.80), lighter(iron, 0.08), lighter(iron, -0.2))
        b.floor.box(x - 0.026 * unit, b.level(0.785), x + 0.026 * unit, b.level(0.80), iron)
        for s in (-1, 1):
            b.floor.line((x, low + 0.10 * unit), (x + s * 0.09 * unit, low + 0.01 * unit), 0.010 * unit, iron)
    x, y, r = b.frame.x(0.5), low + 0.105 * unit, 0.062 * unit
    b.floor.line((x, low), (x, y - r), 0.008 * unit, iron)
    b.floor.disc(x, y, r, iron)
    b.floor.disc(x, y, 0.84 * r, (0.98, 0.96, 0.88))
    for k in range(12):
        angle = k * np.pi / 6
        b.floor.disc(x + 0.7 * r * np.sin(angle), y - 0.7 * r * np.cos(angle), 0.05 * r, iron)
    b.floor.line((x, y), (x + 0.02 * unit, y - 0.022 * unit), 0.006 * unit, iron)
    b.floor.line((x, y), (x - 0.004 * unit, y - 0.042 * unit), 0.004 * unit, iron)
    if b.light.lamps:
        b.floor.soft(x, y, 3 * r, 3 * r, LAMP, 0.4)


def airport(b: Backdrop) -> None:
    unit, width, full = b.frame.unit, b.frame.full[0], b.frame.full[1]
    b.sky(0.60)
    land.hills(b.back, b.light, b.rng, b.level(0.575), 0.04 * unit, b.green((0.40, 0.54, 0.40)), 0.7)
    _terminal(b, 0.24 if b.light.side < 0 else 0.76)
    tar = b.light.far((0.50, 0.51, 0.53), 0.05)
    edge = b.level(0.655)
    b.middle.box(0, b.level(0.63), width, edge + 4, b.light.far(b.green(), 0.3))
    b.floor.gradient([(0, edge), (width, edge), (width, full), (0, full)], mix(tar, b.light.haze, 0.25), tar)
    for y, thick in ((0.70, 0.006), (0.80, 0.012)):
        b.floor.box(0, b.level(y), width, b.level(y) + thick * unit, b.light.far((0.95, 0.80, 0.28), 0.0))
    _airliner(b, b.middle, b.frame.x(0.56 if b.light.side < 0 else 0.44), b.level(0.655), 0.62 * unit)
    for share in np.linspace(0.02, 0.98, 9):
        b.floor.disc(b.frame.x(float(share)), b.level(0.685), 0.006 * unit, (0.55, 0.85, 1.0))
        if b.light.dark:
            b.floor.soft(b.frame.x(float(share)), b.level(0.685), 0.03 * unit, 0.03 * unit, (0.5, 0.8, 1.0), 0.8)
    b.feet = (0.82, 0.92)


def _terminal(b: Backdrop, share: float) -> None:
    """A long glass hall with a control tower."""
    unit, x, y = b.frame.unit, b.frame.x(share), b.level(0.635)
    wall = b.light.far((0.84, 0.86, 0.88), 0.4)
    glass = mix(LAMP, b.light.haze, 0.2) if b.light.lamps else mix(b.light.sky[1], (0.3, 0.42, 0.52), 0.5)
    b.back.box(x - 0.62 * unit, y - 0.13 * unit, x + 0.62 * unit, y, wall, lighter(wall, -0.15))
    b.back.box(x - 0.66 * unit, y - 0.15 * unit, x + 0.66 * unit, y - 0.125 * unit, lighter(wall, 0.2))
    panes = [x + (k * 0.062 - 0.59) * unit for k in range(20)]
    shapes = [[(p, y - 0.105 * unit), (p + 0.05 * unit, y - 0.105 * unit), (p + 0.05 * unit, y - 0.03 * unit),
               (p, y - 0.03 * unit)] for p in panes]  # fmt: skip
    b.back.polygons(shapes, glass)
    tx = x + (0.42 if share < 0.5 else -0.42) * unit
    top = y - 0.34 * unit
    b.back.polygon([(tx - 0.035 * unit, y), (tx - 0.022 * unit, top), (tx + 0.022 * unit, top),
                    (tx + 0.035 * unit, y)], lighter(wall, -0.06))  # fmt: skip
    b.back.polygon([(tx - 0.035 * unit, top), (tx - 0.065 * unit, top - 0.055 * unit),
                    (tx + 0.065 * unit, top - 0.055 * unit), (tx + 0.035 * unit, top)], glass)  # fmt: skip
    b.back.box(tx - 0.07 * unit, top - 0.068 * unit, tx + 0.07 * unit, top - 0.052 * unit, lighter(wall, 0.15))
    b.back.line((tx, top - 0.068 * unit), (tx, top - 0.13 * unit), 0.005 * unit, lighter(wall, -0.4))


def _airliner(b: Backdrop, plate: Plate, x: float, foot: float, half: float) -> None:
    """A parked airliner from its side, `half` as long as it is; its nose points to where the light comes from."""
    s = -1 if b.light.side < 0 else 1
    u, y = half, foot - 0.27 * half
    white = b.light.far((0.97, 0.98, 1.0), 0.05)
    paints: list[Colour] = [(0.12, 0.36, 0.66), (0.78, 0.22, 0.24), (0.10, 0.50, 0.46)]
    paint = b.light.far(paints[int(b.rng.integers(3))], 0.05)
    plate.soft(x, foot + 0.01 * u, 1.0 * u, 0.05 * u, (0.03, 0.03, 0.06), 0.5)
    for dx in (-0.25, -0.17, 0.72):
        plate.line((x + s * dx * u, y), (x + s * dx * u, foot - 0.03 * u), 0.02 * u, lighter(white, -0.5))
        plate.disc(x + s * dx * u, foot - 0.03 * u, 0.035 * u, (0.12, 0.12, 0.14))
    fin = [(-0.98, -0.06), (-1.08, -0.46), (-0.90, -0.46), (-0.66, -0.08)]
    plate.polygon([(x + s * p * u, y + q * u) for p, q in fin], paint)
    t = np.linspace(0, 1, 30)
    upper = np.stack(
        [-1.05 + 2.1 * t, -0.13 * np.minimum(1, (t / 0.10)) ** 0.5 * np.clip((1 - t) / 0.14, 0, 1) ** 0.5], 1
    )
    lower = np.stack([-1.05 + 2.1 * t, 0.13 * np.clip(t / 0.34, 0, 1) ** 0.8 * np.clip((1 - t) / 0.12, 0, 1) ** 0.5], 1)
    hull = np.concatenate([upper, lower[::-1]]) * (s * u, u) + (x, y)
    plate.gradient(hull, lighter(white, 0.05), lighter(white, -0.22))
    plate.box(min(x - s * 0.9 * u, x + s * 0.93 * u), y + 0.012 * u, max(x - s * 0.9 * u, x + s * 0.93 * u),
              y + 0.035 * u, paint)  # fmt: skip
    pane = LAMP if b.light.lamps else mix(b.light.sky[1], (0.2, 0.3, 0.4), 0.55)
    for k in range(22):
        plate.disc(x + s * (-0.66 + 0.063 * k) * u, y - 0.035 * u, 0.015 * u, pane)
    plate.polygon([(x + s * p * u, y + q * u) for p, q in ((0.86, -0.075), (0.955, -0.045), (0.955, -0.01),
                                                          (0.86, -0.02))], pane)  # fmt: skip
    plate.polygon([(x + s * p * u, y + q * u) for p, q in ((0.20, 0.05), (-0.42, 0.20), (-0.52, 0.20),
                                                          (-0.12, 0.05))], lighter(white, -0.30))  # fmt: skip
    plate.polygon(ellipse(x + s * 0.02 * u, y + 0.17 * u, 0.13 * u, 0.055 * u), paint)
    plate.polygon([(x + s * p * u, y + q * u) for p, q in ((-0.80, -0.03), (-1.12, 0.04), (-1.02, -0.03))],
                  lighter(white, -0.25))  # fmt: skip
