"""Wild country: mountains, meadow, forest, jungle, desert, snow. Knows light, no cast."""

from __future__ import annotations

import numpy as np

from engine.backends.image.sketch import land
from engine.backends.image.sketch.backdrop import GRASS, SNOW, Backdrop
from engine.backends.image.sketch.plate import Colour, Plate, lighter, mix, ridge


def mountains(b: Backdrop) -> None:
    h, unit = b.sky(0.60), b.frame.unit
    land.mountains(b.back, b.light, b.rng, h + 0.06 * unit, 0.30 * unit, (0.52, 0.56, 0.68), 0.82, count=6)
    land.mountains(b.back, b.light, b.rng, h + 0.10 * unit, 0.44 * unit, (0.44, 0.46, 0.55), 0.5, count=4)
    crest = land.hills(b.middle, b.light, b.rng, b.level(0.56), 0.10 * unit, b.green((0.28, 0.46, 0.30)), 0.55)
    land.wood(b.middle, b.light, b.rng, b.kinds("pine"), crest, 0.085 * unit, 0.55, 60)
    crest = land.hills(b.middle, b.light, b.rng, b.level(0.63), 0.09 * unit, b.green((0.30, 0.50, 0.28)), 0.35)
    land.wood(b.middle, b.light, b.rng, b.kinds("pine"), crest, 0.15 * unit, 0.35, 22, (0.30, 0.70))
    b.grass(0.74)
    b.sides(b.kinds("pine"), 0.40, 1)


def meadow(b: Backdrop) -> None:
    unit = b.frame.unit
    b.sky(0.60)
    land.hills(b.back, b.light, b.rng, b.level(0.46), 0.12 * unit, b.green((0.36, 0.50, 0.45)), 0.85)
    crest = land.hills(b.back, b.light, b.rng, b.level(0.53), 0.10 * unit, b.green((0.36, 0.55, 0.33)), 0.6)
    land.wood(b.back, b.light, b.rng, b.kinds("leafy", "pine"), crest, 0.06 * unit, 0.6, 40)
    crest = land.hills(b.middle, b.light, b.rng, b.level(0.60), 0.09 * unit, b.green((0.40, 0.60, 0.29)), 0.35)
    land.wood(b.middle, b.light, b.rng, b.kinds("leafy", "bush"), crest, 0.13 * unit, 0.38, 14, (0.3, 0.7))
    b.grass(0.72, blooms=110)
    b.sides(b.kinds("leafy"), 0.50, 1, 0.76)


def forest(b: Backdrop) -> None:
    unit = b.frame.unit
    b.sky(0.66, 0.3)
    b.back.soft(b.frame.x(0.5), b.level(0.55), 0.9 * unit, 0.4 * unit, b.light.haze, 0.45)
    for depth, foot, size, count in ((0.85, 0.64, 0.42, 34), (0.62, 0.68, 0.50, 22)):
        land.wood(b.back, b.light, b.rng, b.kinds("pine", "leafy"), b.level(foot), size * unit, depth, count)
        b.back.gradient(
            [(0, b.level(foot - 0.2)), (9999, b.level(foot - 0.2)), (9999, b.frame.y(1.2)), (0, b.frame.y(1.2))],
            b.light.haze,
            mix(b.light.haze, b.light.far(GRASS, 0.4), 0.6),
            (0.0, 0.55),
        )
    land.hills(b.middle, b.light, b.rng, b.level(0.66), 0.05 * unit, b.green((0.27, 0.43, 0.24)), 0.4)
    kinds = b.kinds("leafy", "pine", "leafy")
    land.wood(b.middle, b.light, b.rng, kinds, b.level(0.71), 0.62 * unit, 0.38, 12, (0.34, 0.66))
    b.grass(0.73, (0.29, 0.46, 0.22), blooms=26)
    b.sides(b.kinds("leafy", "pine"), 0.95, 2, 0.84)
    b.sides(b.kinds("bush"), 0.16, 2, 0.88)


def jungle(b: Backdrop) -> None:
    unit = b.frame.unit
    b.sky(0.62, 0.3)
    for depth, foot, size, count in ((0.75, 0.62, 0.50, 30), (0.5, 0.68, 0.55, 22)):
        land.wood(b.back, b.light, b.rng, ("jungle", "palm"), b.level(foot), size * unit, depth, count)
    land.hills(b.middle, b.light, b.rng, b.level(0.64), 0.05 * unit, (0.14, 0.40, 0.22), 0.35)
    land.wood(b.middle, b.light, b.rng, ("jungle", "palm", "bush"), b.level(0.72), 0.5 * unit, 0.3, 14, (0.3, 0.7))
    b.grass(0.73, (0.20, 0.46, 0.20), blooms=60)
    b.sides(("palm", "jungle"), 0.95, 2, 0.84)
    b.sides(("bush",), 0.18, 2, 0.9)


def desert(b: Backdrop) -> None:
    unit = b.frame.unit
    h = b.sky(0.58, 0.12)
    land.mountains(b.back, b.light, b.rng, h + 0.03 * unit, 0.22 * unit, (0.78, 0.55, 0.38), 0.7, snow=False, count=4)
    for i, depth in enumerate((0.7, 0.5)):
        land.hills(b.back, b.light, b.rng, b.level(0.54 + 0.05 * i), 0.09 * unit, (0.92, 0.72, 0.44), depth)
    _dune(b, b.middle, 0.62, 0.13, 0.3)
    _dune(b, b.floor, 0.73, 0.06, 0.0)
    for share in (0.06, 0.93, b.rng.uniform(0.15, 0.85)):
        size = unit * b.rng.uniform(0.14, 0.36)
        land.plant(b.middle, b.light, b.rng, "cactus", b.frame.x(share), b.level(0.755), size, 0.2)


def _dune(b: Backdrop, plate: Plate, top: float, relief: float, depth: float) -> None:
    """A dune: its lee side in shade under a winding crest."""
    sand = b.light.far((0.93, 0.74, 0.46), depth)
    land.ground(plate, b.light, b.rng, b.level(top), (0.93, 0.74, 0.46), relief)
    width, _ = plate.frame.full
    x = np.linspace(0, width, 60)
    for _ in range(3):
        y0 = b.level(top + b.rng.uniform(0.05, 0.3))
        crest = y0 + (ridge(b.rng, 60, 2, 2) - 0.5) * 0.10 * b.frame.unit
        foot = crest + 0.05 * b.frame.unit * np.sin(np.linspace(0, np.pi, 60)) ** 2
        plate.polygon(
            np.concatenate([np.stack([x, crest], 1), np.stack([x, foot], 1)[::-1]]), lighter(sand, -0.16), 0.5
        )


def snow(b: Backdrop) -> None:
    unit = b.frame.unit
    h = b.sky(0.60)
    ice: Colour = (0.72, 0.84, 0.94)
    land.mountains(b.back, b.light, b.rng, h + 0.05 * unit, 0.30 * unit, ice, 0.65, count=5)
    land.mountains(b.back, b.light, b.rng, h + 0.08 * unit, 0.18 * unit, (0.80, 0.90, 0.98), 0.35, count=6)
    crest = land.hills(b.middle, b.light, b.rng, b.level(0.62), 0.08 * unit, SNOW, 0.35)
    land.wood(b.middle, b.light, b.rng, ("snowpine",), crest, 0.16 * unit, 0.35, 18, (0.3, 0.7))
    land.ground(b.floor, b.light, b.rng, b.level(0.73), SNOW, 0.025)
    b.sides(("snowpine",), 0.42, 1)
