"""Places at the water: sea, beach, lake. Knows light, no cast."""

from __future__ import annotations

import numpy as np

from engine.backends.image.sketch import land
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.plate import Colour, Plate, ellipse, lighter, mix, ridge
from engine.backends.image.sketch.sky import reflect


def sea(b: Backdrop) -> None:
    h = b.sky(0.56)
    b.wet, b.feet = True, (0.74, 0.84)
    b.free = (0.0, 1.0)
    water(b, b.back, h, b.frame.full[1], (0.08, 0.30, 0.46))
    swell(b, b.middle, 0.72, 0.05)
    swell(b, b.floor, 0.86, 0.03)


def water(b: Backdrop, plate: Plate, top: float, bottom: float, colour: Colour) -> None:
    """Water that mirrors the back plate's sky, with glints, most of them below the sun."""
    reflect(b.back, plate, top, bottom, b.light.far(colour, 0.1), b.rng)
    sun, unit = b.frame.x(b.light.sun_at[0]), b.frame.unit
    glint = mix(b.light.sky[2], b.light.sun, 0.7)
    shapes: list[list[tuple[float, float]]] = []
    for _ in range(150):
        near = b.rng.random() ** 1.5
        y = top + (bottom - top) * near
        path = b.light.sun_size > 0 and b.rng.random() < 0.7
        x = b.rng.normal(sun, (0.05 + 0.12 * near) * unit) if path else b.rng.random() * b.frame.full[0]
        long, thick = unit * (0.012 + 0.05 * near) * b.rng.uniform(0.5, 1.4), unit * (0.0008 + 0.0028 * near)
        shapes.append([(x - long, y), (x, y - thick), (x + long, y), (x, y + thick)])
    plate.polygons(shapes, glint, 0.5 if b.light.weather else 0.62)


def swell(b: Backdrop, plate: Plate, top: float, height: float) -> None:
    """A wave across the whole picture, translucent, with a bright crest."""
    width, full = b.frame.full
    x = np.arange(0, width + 8, 8.0)
    rough = {"storm": 2.4, "wind": 1.6, "rain": 1.3}.get(b.light.weather, 1.0)
    unit = b.frame.unit
    y = b.level(top) + height * unit * rough * 0.4 * np.sin(x / unit * 9 + b.rng.random() * 6)
    y += height * unit * 0.5 * (ridge(b.rng, len(x), 9, 2) - 0.5) * rough
    deep = b.light.far((0.07, 0.34, 0.50), 0.05)
    body = np.concatenate([np.stack([x, y], 1), [(width, full), (0, full)]])
    plate.gradient(body, lighter(deep, 0.10), lighter(deep, -0.3), (0.72, 0.92))
    crest = np.concatenate([np.stack([x, y], 1), np.stack([x, y + 0.007 * unit * rough], 1)[::-1]])
    plate.polygon(crest, mix(b.light.far((0.85, 0.95, 1.0), 0.0), b.light.sky[2], 0.3), 0.75)


def beach(b: Backdrop) -> None:
    unit = b.frame.unit
    h = b.sky(0.52)
    water(b, b.back, h, b.level(0.80), (0.10, 0.48, 0.60))
    _island(b, h)
    width = b.frame.full[0]
    x = np.arange(0, width + 8, 8.0)
    for step, alpha in ((0.0, 0.45), (0.012, 0.85)):
        y = b.level(0.71 + step) + 0.014 * unit * np.sin(x / unit * 5 + 1.3) + 0.008 * unit * np.sin(x / unit * 13)
        foam = np.concatenate([np.stack([x, y], 1), [(width, b.frame.full[1]), (0, b.frame.full[1])]])
        b.middle.polygon(foam, b.light.far((0.96, 0.98, 0.98), 0.0), alpha)
    land.ground(b.floor, b.light, b.rng, b.level(0.745), (0.95, 0.83, 0.60), 0.014)
    for share in (0.05, 0.97):
        size = unit * b.rng.uniform(0.5, 0.75)
        land.plant(b.floor, b.light, b.rng, "palm", b.frame.x(share), b.level(0.80), size, 0.1)


def _island(b: Backdrop, horizon: float) -> None:
    unit, x = b.frame.unit, b.frame.x(b.rng.uniform(0.2, 0.8))
    for dx, w, h in ((0, 0.22, 0.05), (0.1, 0.12, 0.08)):
        line = np.linspace(-1, 1, 24)
        shape = np.stack([x + (dx + line * w) * unit, horizon - h * unit * (1 - line**2) ** 1.4], 1)
        b.back.polygon(np.concatenate([shape, [(x + w * unit, horizon)]]), b.light.far((0.25, 0.45, 0.35), 0.75))


def island(b: Backdrop) -> None:
    """Sand with a green hill and palms, and the sea all around it."""
    unit, width = b.frame.unit, b.frame.width
    h = b.sky(0.50)
    water(b, b.back, h, b.frame.full[1], (0.08, 0.40, 0.54))
    swell(b, b.back, 0.60, 0.03)
    swell(b, b.back, 0.74, 0.03)
    x, y = b.frame.x(0.5), b.level(0.84)
    crown = np.linspace(-1, 1, 40)
    rough = 0.010 * unit * ridge(b.rng, 40, 7, 2)
    hill = np.stack([x + crown * 0.34 * width, b.level(0.76) - 0.17 * unit * (1 - crown**2) ** 0.8 + rough], 1)
    green = b.light.far(b.green((0.30, 0.55, 0.30)), 0.2)
    b.middle.gradient(hill, lighter(green, 0.08), lighter(green, -0.2))
    for share in (0.34, 0.45, 0.62):
        land.plant(
            b.middle, b.light, b.rng, "palm", b.frame.x(share), b.level(0.69), unit * b.rng.uniform(0.24, 0.34), 0.3
        )
    for grow, colour, alpha in (
        (1.06, (0.94, 0.98, 0.98), 0.55),
        (1.03, (0.94, 0.98, 0.98), 0.9),
        (1.0, (0.95, 0.84, 0.62), 1.0),
    ):
        shore = ellipse(x, y, 0.48 * width * grow, 0.105 * unit * grow + 0.006 * unit)
        b.floor.polygon(shore, b.light.far(colour, 0.0), alpha)
    for share in (0.10, 0.90):
        land.plant(
            b.floor, b.light, b.rng, "palm", b.frame.x(share), b.level(0.84), unit * b.rng.uniform(0.45, 0.6), 0.1
        )
    b.feet = (0.81, 0.88)


def lake(b: Backdrop) -> None:
    unit = b.frame.unit
    h = b.sky(0.56)
    land.mountains(b.back, b.light, b.rng, h + 0.02 * unit, 0.30 * unit, (0.46, 0.50, 0.60), 0.7, count=5)
    crest = land.hills(b.back, b.light, b.rng, b.level(0.50), 0.06 * unit, b.green((0.26, 0.44, 0.30)), 0.5)
    land.wood(b.back, b.light, b.rng, b.kinds("pine", "leafy"), crest, 0.09 * unit, 0.5, 60)
    water(b, b.back, h, b.frame.full[1], (0.10, 0.36, 0.44))
    crest = land.hills(b.middle, b.light, b.rng, b.level(0.71), 0.05 * unit, b.green(), 0.2)
    b.grass(0.77, blooms=60)
    b.sides(b.kinds("leafy", "pine"), 0.55, 1, 0.82)
    b.feet = (0.84, 0.92)


def waterfall(b: Backdrop) -> None:
    unit, full = b.frame.unit, b.frame.full
    b.sky(0.60)
    middle, top, foot = b.frame.x(0.5), b.level(0.17), b.level(0.66)
    land.mountains(b.back, b.light, b.rng, b.level(0.40), 0.24 * unit, (0.48, 0.52, 0.60), 0.7, count=4)
    rock = b.light.far((0.50, 0.43, 0.38), 0.25)
    for side in (-1, 1):
        steps = np.linspace(0, 1, 26)
        edge = top - 0.04 * unit + 0.34 * unit * steps**1.3 + 0.05 * unit * (ridge(b.rng, 26, 5, 3) - 0.5)
        x = middle + side * (0.10 * unit + steps * 0.62 * full[0])
        cliff = np.concatenate([np.stack([x, edge], 1), [(x[-1], foot + 0.05 * unit), (middle, foot + 0.05 * unit)]])
        b.back.gradient(cliff, lighter(rock, 0.10), lighter(rock, -0.22))
        for k in range(13):
            cx = middle + side * (0.10 + 0.10 * k + b.rng.uniform(-0.03, 0.03)) * unit
            head = float(np.interp(cx, x if side > 0 else x[::-1], edge if side > 0 else edge[::-1]))
            w = unit * b.rng.uniform(0.02, 0.05)
            crack = [(cx - w, head), (cx + w, head), (cx + 0.3 * w, foot), (cx - 0.5 * w, foot)]
            b.back.gradient(crack, lighter(rock, -0.30 if k % 2 else 0.2), lighter(rock, -0.2), (0.55, 0.15))
        for _ in range(16):
            at, y = b.rng.random(), b.rng.random()
            cx, cy = middle + side * (0.13 + 0.75 * at) * unit, top + (0.16 + 0.72 * y) * (foot - top) + 0.1 * at * unit
            w, h = unit * b.rng.uniform(0.03, 0.10), unit * b.rng.uniform(0.02, 0.06)
            shape = [(cx - w, cy), (cx - 0.5 * w, cy - h), (cx + 0.7 * w, cy - 0.8 * h), (cx + w, cy)]
            b.back.polygon(shape, lighter(rock, b.rng.uniform(-0.22, 0.16)), 0.7)
        crest = np.interp(np.arange(full[0]), x if side > 0 else x[::-1], edge if side > 0 else edge[::-1])
        edges = (0.58, 1.1) if side > 0 else (-0.1, 0.42)
        land.wood(
            b.back, b.light, b.rng, b.kinds("pine", "leafy"), crest, 0.12 * unit, 0.35, 44, (1 - edges[1], 1 - edges[0])
        )
    pale = mix(b.light.far((0.90, 0.96, 1.0), 0.12), (0.94, 0.97, 1.0), 0.15 if b.light.dark else 0.5)
    half = 0.125 * unit
    fall = [
        (middle - 0.8 * half, top),
        (middle + 0.8 * half, top),
        (middle + 1.15 * half, foot),
        (middle - 1.15 * half, foot),
    ]
    b.back.gradient(fall, mix(pale, b.light.sky[1], 0.25), pale)
    for _ in range(46):
        share = b.rng.uniform(-1, 1)
        y0, long = b.rng.uniform(top, foot - 0.1 * unit), unit * b.rng.uniform(0.06, 0.24)
        x0, w = middle + share * half * 0.82, unit * b.rng.uniform(0.001, 0.004)
        y1 = min(y0 + long, foot)
        blue = b.rng.random() < 0.5
        x1 = x0 + share * 0.1 * half
        tone = b.light.far((0.50, 0.74, 0.88), 0.1) if blue else (1.0, 1.0, 1.0)
        b.back.polygon([(x0 - w, y0), (x0 + w, y0), (x1 + w, y1), (x1 - w, y1)], tone, 0.6)
    water(b, b.middle, foot - 0.01 * unit, full[1], (0.10, 0.42, 0.50))
    for share, size in ((-1.0, 0.10), (-0.4, 0.13), (0.3, 0.14), (0.95, 0.10)):
        b.middle.soft(middle + share * half, foot, 1.6 * size * unit, size * unit, pale, 0.75)
    b.middle.soft(middle, foot - 0.05 * unit, 0.5 * unit, 0.14 * unit, pale, 0.45)
    b.grass(0.785, blooms=50)
    b.sides(b.kinds("leafy", "pine"), 0.5, 1, 0.82)
    b.sides(b.kinds("bush"), 0.16, 2, 0.85)
    b.feet = (0.85, 0.93)
