"""Country that people made: farm, road, garden, sports ground. Knows light, no cast."""

from __future__ import annotations

import numpy as np

from engine.backends.image.sketch import land
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.plate import Colour, lighter, mix


def farm(b: Backdrop) -> None:
    unit = b.frame.unit
    b.sky(0.58)
    crest = land.hills(b.back, b.light, b.rng, b.level(0.48), 0.10 * unit, b.green((0.42, 0.56, 0.36)), 0.75)
    land.wood(b.back, b.light, b.rng, b.kinds("leafy"), crest, 0.05 * unit, 0.7, 30)
    land.hills(b.middle, b.light, b.rng, b.level(0.57), 0.05 * unit, b.green((0.86, 0.72, 0.30)), 0.35)
    _furrows(b, b.level(0.60), b.level(0.76), b.green((0.88, 0.72, 0.28)))
    _barn(b, 0.83 if b.light.side < 0 else 0.17)
    b.grass(0.745, (0.48, 0.62, 0.26), blooms=30)
    b.sides(b.kinds("leafy"), 0.42, 1, 0.77)


def _furrows(b: Backdrop, top: float, bottom: float, crop: Colour) -> None:
    """Rows of crop that meet at a point on the horizon."""
    width = b.frame.full[0]
    vanish = (width * 0.5, top - 0.10 * b.frame.unit)
    field = b.light.far(crop, 0.25)
    b.middle.gradient(
        [(0, top), (width, top), (width, b.frame.full[1]), (0, b.frame.full[1])], field, lighter(field, -0.1)
    )
    for i in range(-16, 17):
        x = width * 0.5 + i * 0.11 * b.frame.unit * 3

        def at(y: float, x: float = x) -> float:
            return vanish[0] + (x - vanish[0]) * (y - vanish[1]) / (b.frame.full[1] - vanish[1])

        w = 0.020 * b.frame.unit
        shape = [
            (at(top) - w * 0.15, top),
            (at(top) + w * 0.15, top),
            (at(bottom) + w, bottom),
            (at(bottom) - w, bottom),
        ]
        b.middle.polygon(shape, lighter(field, -0.22))


def _barn(b: Backdrop, share: float) -> None:
    u, x, y = b.frame.unit * 0.34, b.frame.x(share), b.level(0.70)
    red, dark = b.light.far((0.72, 0.22, 0.18), 0.25), b.light.far((0.36, 0.14, 0.13), 0.25)
    cream = b.light.far((0.95, 0.92, 0.85), 0.2)
    b.middle.soft(x, y, 0.6 * u, 0.06 * u, (0.05, 0.04, 0.08), 0.5)
    b.middle.gradient(
        [(x - 0.4 * u, y), (x - 0.4 * u, y - 0.4 * u), (x + 0.4 * u, y - 0.4 * u), (x + 0.4 * u, y)],
        red,
        lighter(red, -0.15),
    )
    b.middle.polygon(
        [
            (x - 0.4 * u, y - 0.4 * u),
            (x - 0.26 * u, y - 0.6 * u),
            (x, y - 0.7 * u),
            (x + 0.26 * u, y - 0.6 * u),
            (x + 0.4 * u, y - 0.4 * u),
        ],
        red,
    )
    roof = [
        (-0.46, -0.38),
        (-0.29, -0.62),
        (0, -0.745),
        (0.29, -0.62),
        (0.46, -0.38),
        (0.41, -0.38),
        (0.26, -0.57),
        (0, -0.68),
        (-0.26, -0.57),
        (-0.41, -0.38),
    ]
    b.middle.polygon([(x + p * u, y + q * u) for p, q in roof], dark)
    b.middle.box(x - 0.16 * u, y - 0.3 * u, x + 0.16 * u, y, dark)
    for a, c in (
        ((-0.16, -0.3), (0.16, 0)),
        ((0.16, -0.3), (-0.16, 0)),
        ((-0.16, -0.3), (0.16, -0.3)),
        ((0, -0.3), (0, 0)),
    ):
        b.middle.line((x + a[0] * u, y + a[1] * u), (x + c[0] * u, y + c[1] * u), 0.018 * u, cream)
    window = (1.0, 0.82, 0.45) if b.light.lamps else dark
    b.middle.disc(x, y - 0.5 * u, 0.07 * u, cream)
    b.middle.disc(x, y - 0.5 * u, 0.052 * u, window)


def road(b: Backdrop) -> None:
    unit = b.frame.unit
    b.sky(0.58)
    land.mountains(b.back, b.light, b.rng, b.level(0.60), 0.24 * unit, (0.50, 0.52, 0.62), 0.75, count=5)
    crest = land.hills(b.back, b.light, b.rng, b.level(0.54), 0.07 * unit, b.green((0.40, 0.55, 0.32)), 0.55)
    land.wood(b.back, b.light, b.rng, b.kinds("leafy", "pine"), crest, 0.06 * unit, 0.55, 36)
    b.grass(0.62, (0.46, 0.60, 0.30), blooms=40, relief=0.004)
    lane(b, b.level(0.62))
    b.sides(b.kinds("leafy"), 0.36, 2, 0.72)


def lane(b: Backdrop, top: float, grey: Colour = (0.34, 0.35, 0.38)) -> None:
    """A road towards a vanishing point at `top` (pixels), with its dashed line."""
    middle, full, unit = b.frame.x(0.5), b.frame.full[1], b.frame.unit
    tar = b.light.far(b.green(grey) if b.white else grey, 0.0)
    verge = b.light.far((0.85, 0.84, 0.78), 0.0)
    for half, colour in ((1.02, verge), (0.98, tar)):
        edges = [
            (middle - 0.03 * unit, top),
            (middle + 0.03 * unit, top),
            (middle + half * unit, full),
            (middle - half * unit, full),
        ]
        b.floor.gradient(edges, mix(colour, b.light.haze, 0.35), lighter(colour, -0.12))
    at = 0.06
    while at < 1:
        nxt = at + 0.05 + 0.16 * at
        y0, y1 = top + (full - top) * at, top + (full - top) * min(1.0, nxt - 0.035 - 0.05 * at)
        w0, w1 = 0.018 * unit * at + 1, 0.018 * unit * nxt + 1
        b.floor.polygon(
            [(middle - w0, y0), (middle + w0, y0), (middle + w1, y1), (middle - w1, y1)],
            b.light.far((0.98, 0.94, 0.8), 0.0),
        )
        at = nxt


def garden(b: Backdrop) -> None:
    unit = b.frame.unit
    b.sky(0.58)
    land.wood(b.back, b.light, b.rng, b.kinds("leafy"), b.level(0.60), 0.24 * unit, 0.6, 30)
    land.wood(b.middle, b.light, b.rng, b.kinds("bush"), b.level(0.665), 0.15 * unit, 0.3, 26)
    _fence(b)
    b.grass(0.68, (0.44, 0.66, 0.30), blooms=150)
    b.sides(b.kinds("leafy"), 0.62, 1, 0.76)
    b.sides(b.kinds("bush"), 0.16, 2, 0.82)


def _fence(b: Backdrop) -> None:
    white, unit, width = b.light.far((0.97, 0.96, 0.93), 0.12), b.frame.unit, b.frame.full[0]
    top, foot, step = b.level(0.60), b.level(0.70), 0.055 * b.frame.unit
    for y in (0.25, 0.62):
        b.middle.box(0, top + y * (foot - top), width, top + (y + 0.09) * (foot - top), lighter(white, -0.1))
    for i in range(int(width / step) + 1):
        x, w = i * step, 0.032 * unit
        b.middle.gradient(
            [(x, foot), (x, top + 0.2 * w), (x + w / 2, top - 0.4 * w), (x + w, top + 0.2 * w), (x + w, foot)],
            white,
            lighter(white, -0.16),
        )


def sports(b: Backdrop) -> None:
    unit, width = b.frame.unit, b.frame.full[0]
    b.sky(0.46)
    top, foot = b.level(0.34), b.level(0.60)
    b.back.gradient(
        [(0, top + 0.04 * unit), (width * 0.5, top), (width, top + 0.04 * unit), (width, foot), (0, foot)],
        b.light.far((0.42, 0.46, 0.56), 0.35),
        b.light.far((0.26, 0.29, 0.38), 0.2),
    )
    crowd = [
        (0.85, 0.3, 0.3),
        (0.95, 0.9, 0.85),
        (0.3, 0.5, 0.85),
        (0.95, 0.8, 0.3),
        (0.35, 0.3, 0.4),
        (0.9, 0.68, 0.52),
    ]
    rows = 11
    for r in range(rows):
        y = top + (foot - top) * (0.22 + 0.72 * r / rows)
        dots: list[list[list[tuple[float, float]]]] = [[] for _ in crowd]
        size = unit * (0.007 + 0.005 * r / rows)
        for x in np.arange(0, width, size * 3.0):
            if b.rng.random() < 0.86:
                dots[int(b.rng.integers(len(crowd)))].append(
                    [(x - size, y + size), (x, y - size * 1.4), (x + size, y + size)]
                )
        for shapes, colour in zip(dots, crowd, strict=True):
            b.back.polygons(shapes, b.light.far(colour, 0.25))
    for share in (0.03, 0.97):
        x, lamp = b.frame.x(share), b.level(0.16)
        b.back.line((x, lamp), (x, foot), 0.014 * unit, b.light.far((0.4, 0.42, 0.46), 0.2))
        b.back.box(x - 0.07 * unit, lamp - 0.04 * unit, x + 0.07 * unit, lamp + 0.04 * unit, (0.96, 0.97, 0.9))
        b.back.glow(x, lamp, 0.4 * unit, (1.0, 0.97, 0.85), 0.75 if b.light.dark else 0.3)
    b.middle.box(0, foot - 0.045 * unit, width, foot + 0.01 * unit, b.light.far((0.20, 0.35, 0.62), 0.1))
    _pitch(b, foot)


def _pitch(b: Backdrop, top: float) -> None:
    """Mown stripes and lines in perspective."""
    middle, full, width = b.frame.x(0.5), b.frame.full[1], b.frame.full[0]
    grass = b.light.far(b.green((0.30, 0.60, 0.26)), 0.0)
    b.floor.gradient([(0, top), (width, top), (width, full), (0, full)], lighter(grass, 0.12), lighter(grass, -0.16))
    span = 0.34 * b.frame.unit
    for i in range(-12, 12, 2):
        shape = [
            (middle + i * span * 0.42, top),
            (middle + (i + 1) * span * 0.42, top),
            (middle + (i + 1) * span, full),
            (middle + i * span, full),
        ]
        b.floor.polygon(shape, lighter(grass, 0.10), 0.7)
    chalk = b.light.far((0.97, 0.98, 0.96), 0.0)
    for share in (0.12, 0.62):
        y = top + (full - top) * share
        b.floor.box(0, y, width, y + (0.004 + 0.008 * share) * b.frame.unit, chalk)
    b.feet = (0.82, 0.92)
