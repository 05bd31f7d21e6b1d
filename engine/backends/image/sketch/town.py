"""Built places: city, village, castle, harbour. Windows are lit when it is dark. Knows light, no cast."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from engine.backends.image.sketch import land
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.drawings import emoji_picture
from engine.backends.image.sketch.fields import lane
from engine.backends.image.sketch.plate import Colour, Plate, ellipse, lighter, mix
from engine.backends.image.sketch.relight import far_tinted
from engine.backends.image.sketch.waters import water

LAMP: Colour = (1.0, 0.83, 0.48)


def city(b: Backdrop) -> None:
    b.sky(0.62)
    blocks(b, b.back, 0.80, 0.62, 0.52, (0.56, 0.62, 0.72), 26)
    blocks(b, b.back, 0.55, 0.64, 0.42, (0.48, 0.52, 0.62), 18)
    blocks(b, b.middle, 0.22, 0.70, 0.56, (0.62, 0.52, 0.48), 10, gap=(0.34, 0.66))
    land.ground(b.floor, b.light, b.rng, b.level(0.70), (0.60, 0.60, 0.62), 0.0)
    lane(b, b.level(0.70))
    _lamp_posts(b)


def blocks(
    b: Backdrop,
    plate: Plate,
    depth: float,
    foot: float,
    height: float,
    base: Colour,
    count: int,
    gap: tuple[float, float] | None = None,
) -> None:
    """A row of houses with windows; lit ones glow when it is dark."""
    unit, width = b.frame.unit, b.frame.full[0]
    y = b.level(foot)
    x = -0.02 * unit
    while x < width:
        w = width / count * b.rng.uniform(0.7, 1.35)
        share = (x + w / 2 - b.frame.margin_x) / b.frame.width
        h = height * unit * b.rng.uniform(0.45, 1.0) * (0.5 if gap and gap[0] < share < gap[1] else 1.0)
        hue = mix(
            base,
            [(0.75, 0.5, 0.42), (0.45, 0.55, 0.7), (0.8, 0.74, 0.62), (0.5, 0.5, 0.55)][int(b.rng.integers(4))],
            0.45,
        )
        wall = b.light.far(hue, depth)
        plate.gradient(
            [(x, y - h), (x + w, y - h), (x + w, y + 4), (x, y + 4)],
            lighter(wall, 0.06),
            mix(wall, b.light.haze, 0.35 * depth + 0.1),
        )
        shade = (x, x + 0.3 * w) if b.light.side > 0 else (x + 0.7 * w, x + w)
        plate.polygon([(shade[0], y - h), (shade[1], y - h), (shade[1], y), (shade[0], y)], lighter(wall, -0.3), 0.35)
        plate.box(
            x - 0.004 * unit, y - h - 0.008 * unit, x + w + 0.004 * unit, y - h + 0.006 * unit, lighter(wall, -0.22)
        )
        if b.rng.random() < 0.35:
            plate.box(x + 0.45 * w, y - h - 0.05 * unit, x + 0.49 * w, y - h, lighter(wall, -0.3))
        _windows(b, plate, x, y - h, w, h, wall, depth)
        x += w * (1.0 if depth > 0.5 else 1.03)


def _windows(b: Backdrop, plate: Plate, x: float, top: float, w: float, h: float, wall: Colour, depth: float) -> None:
    unit = b.frame.unit
    size = unit * (0.034 - 0.024 * depth)
    columns, rows = max(1, int(w / (2 * size))), max(1, int(h / (2.3 * size)) - 1)
    lit: list[list[tuple[float, float]]] = []
    dark: list[list[tuple[float, float]]] = []
    chance = 0.55 if b.light.lamps else 0.06
    for c in range(columns):
        for r in range(rows):
            wx, wy = x + (c + 0.5) * w / columns - size / 2, top + (r + 0.6) * h / (rows + 0.6)
            shape = [(wx, wy), (wx + size, wy), (wx + size, wy + size * 1.25), (wx, wy + size * 1.25)]
            (lit if b.rng.random() < chance else dark).append(shape)
    plate.polygons(dark, mix(lighter(wall, -0.35), b.light.sky[1], 0.35))
    plate.polygons(lit, mix(LAMP, b.light.haze, depth * 0.45) if b.light.lamps else mix(wall, (1.0, 1.0, 1.0), 0.7))
    if b.light.lamps and depth < 0.6:
        for shape in lit[::3]:
            plate.glow(shape[0][0] + size / 2, shape[0][1] + size / 2, size * 3, LAMP, 0.25)


def _lamp_posts(b: Backdrop) -> None:
    unit = b.frame.unit
    iron = b.light.far((0.20, 0.22, 0.27), 0.0)
    for share, size in ((0.04, 1.0), (0.96, 1.0), (0.27, 0.45), (0.73, 0.45)):
        x, foot = b.frame.x(share), b.level(0.715 + 0.09 * (size - 0.45))
        top = foot - 0.42 * unit * size
        b.floor.box(x - 0.006 * unit * size, top, x + 0.006 * unit * size, foot, iron)
        b.floor.disc(x, top, 0.024 * unit * size, LAMP if b.light.lamps else (0.93, 0.93, 0.9))
        if b.light.lamps:
            b.floor.soft(x, top, 0.16 * unit * size, 0.16 * unit * size, LAMP, 0.45)
            b.floor.glow(x, foot, 0.26 * unit * size, LAMP, 0.5, 0.25)
            b.lamps.append((x, top))


def village(b: Backdrop) -> None:
    unit = b.frame.unit
    b.sky(0.60)
    land.hills(b.back, b.light, b.rng, b.level(0.47), 0.10 * unit, b.green((0.36, 0.50, 0.42)), 0.8)
    crest = land.hills(b.back, b.light, b.rng, b.level(0.54), 0.08 * unit, b.green((0.38, 0.56, 0.32)), 0.55)
    land.wood(b.back, b.light, b.rng, b.kinds("leafy", "pine"), crest, 0.07 * unit, 0.55, 34)
    for i, share in enumerate((0.28, 0.52, 0.70, 0.43)):
        cottage(b, b.back, share + b.rng.uniform(-0.04, 0.04), 0.645 + 0.004 * i, 0.15, 0.5)
    land.hills(b.middle, b.light, b.rng, b.level(0.645), 0.03 * unit, b.green(), 0.25)
    for share in (0.02, 0.20, 0.82, 0.99):
        cottage(b, b.middle, share + b.rng.uniform(-0.03, 0.03), 0.735, 0.30, 0.15)
    b.grass(0.735, blooms=60)
    path(b, 0.735)
    b.sides(b.kinds("leafy", "bush"), 0.3, 1, 0.78)


def path(b: Backdrop, top: float, colour: Colour = (0.80, 0.70, 0.52)) -> None:
    """A winding path over the near ground."""
    y = np.linspace(b.level(top), b.frame.full[1], 24)
    near = (y - y[0]) / (y[-1] - y[0])
    bend = b.frame.x(0.5) + 0.10 * b.frame.unit * np.sin(near * 4.0 + b.rng.random() * 2)
    half = b.frame.unit * (0.02 + 0.30 * near)
    shape = np.concatenate([np.stack([bend - half, y], 1), np.stack([bend + half, y], 1)[::-1]])
    b.floor.gradient(shape, b.light.far(colour, 0.15), lighter(b.light.far(colour, 0.0), -0.08), (0.7, 0.95))


def cottage(b: Backdrop, plate: Plate, share: float, foot: float, size: float, depth: float) -> None:
    """A house with gable, chimney, door and windows."""
    u, x, y = size * b.frame.unit, b.frame.x(share), b.level(foot)
    walls = [(0.96, 0.91, 0.80), (0.90, 0.78, 0.66), (0.82, 0.86, 0.88), (0.95, 0.84, 0.70)]
    roofs = [(0.70, 0.30, 0.22), (0.46, 0.32, 0.28), (0.36, 0.42, 0.52), (0.60, 0.38, 0.24)]
    wall = b.light.far(walls[int(b.rng.integers(4))], depth)
    roof = b.light.far((0.93, 0.95, 1.0) if b.white else roofs[int(b.rng.integers(4))], depth)
    wood = b.light.far((0.36, 0.24, 0.17), depth)
    glass = LAMP if b.light.lamps else mix(b.light.sky[1], (0.4, 0.5, 0.6), 0.4)
    if depth < 0.3:
        plate.soft(x, y, 0.75 * u, 0.08 * u, (0.03, 0.03, 0.08), 0.45)
    plate.box(x + 0.18 * u, y - 0.98 * u, x + 0.30 * u, y - 0.6 * u, lighter(wood, 0.15))
    plate.gradient(
        [(x - 0.5 * u, y), (x - 0.5 * u, y - 0.5 * u), (x + 0.5 * u, y - 0.5 * u), (x + 0.5 * u, y)],
        wall,
        lighter(wall, -0.12),
    )
    side = (-0.5, -0.12) if b.light.side > 0 else (0.12, 0.5)
    plate.polygon(
        [(x + side[0] * u, y - 0.5 * u), (x + side[1] * u, y - 0.5 * u), (x + side[1] * u, y), (x + side[0] * u, y)],
        lighter(wall, -0.3),
        0.3,
    )
    plate.gradient(
        [
            (x - 0.6 * u, y - 0.46 * u),
            (x - 0.36 * u, y - 0.92 * u),
            (x + 0.36 * u, y - 0.92 * u),
            (x + 0.6 * u, y - 0.46 * u),
        ],
        lighter(roof, 0.08),
        lighter(roof, -0.15),
    )
    for dx in (-0.33, 0.15):
        wx, wy, s = x + dx * u, y - 0.36 * u, 0.18 * u
        plate.box(wx - 0.02 * u, wy - 0.02 * u, wx + s + 0.02 * u, wy + s + 0.02 * u, wood)
        plate.box(wx, wy, wx + s, wy + s, glass)
        plate.box(wx + s * 0.46, wy, wx + s * 0.54, wy + s, wood)
        if b.light.lamps:
            plate.glow(wx + s / 2, wy + s / 2, 0.3 * u, LAMP, 0.4)
    plate.box(x - 0.09 * u, y - 0.32 * u, x + 0.09 * u, y, wood)
    plate.disc(x + 0.05 * u, y - 0.15 * u, 0.015 * u, (0.9, 0.75, 0.35))


STALLS: tuple[tuple[Colour, str], ...] = (
    ((0.80, 0.24, 0.24), "🍎🍊🍐🍇"),
    ((0.20, 0.50, 0.42), "🥕🥦🎃🌽"),
    ((0.22, 0.42, 0.68), "🐟🦐🐟🦀"),
    ((0.86, 0.58, 0.20), "🍞🧀🥖🥚"),
    ((0.58, 0.30, 0.56), "🌻🌹🪴🌷"),
)


def market(b: Backdrop) -> None:
    unit = b.frame.unit
    b.sky(0.60)
    blocks(b, b.back, 0.55, 0.64, 0.34, (0.78, 0.66, 0.54), 15)
    land.ground(b.floor, b.light, b.rng, b.level(0.70), b.green((0.74, 0.66, 0.56)), 0.0)
    order = [int(k) for k in b.rng.permutation(len(STALLS))]
    for share, size, foot, plate in (
        (0.36, 0.24, 0.695, b.middle), (0.62, 0.24, 0.695, b.middle),
        (0.10, 0.40, 0.755, b.floor), (0.90, 0.40, 0.755, b.floor),
    ):  # fmt: skip
        stall(b, plate, share, foot, size, *STALLS[order.pop()])
    tone = b.light.far((0.55, 0.48, 0.40), 0.0)
    for _ in range(90):
        near = b.rng.random()
        x, y = b.rng.random() * b.frame.full[0], b.level(0.775) + near * 0.34 * unit
        b.floor.polygon(ellipse(x, y, unit * (0.012 + 0.03 * near), unit * (0.003 + 0.008 * near)), tone, 0.22)
    b.feet = (0.84, 0.93)


def stall(b: Backdrop, plate: Plate, share: float, foot: float, size: float, colour: Colour, goods: str) -> None:
    """A market stall: a striped awning on posts over a counter with goods."""
    u, x, y = size * b.frame.unit, b.frame.x(share), b.level(foot)
    wood, cloth = b.light.far((0.56, 0.40, 0.26), 0.05), b.light.far(colour, 0.05)
    white = b.light.far((0.97, 0.95, 0.90), 0.05)
    plate.soft(x, y, 0.75 * u, 0.07 * u, (0.03, 0.03, 0.08), 0.5)
    plate.box(x - 0.52 * u, y - 0.95 * u, x + 0.52 * u, y - 0.2 * u, lighter(wood, -0.5))
    for dx in (-0.52, 0.49):
        plate.box(x + dx * u, y - 1.0 * u, x + (dx + 0.03) * u, y, lighter(wood, -0.15))
    for k, character in enumerate(goods):
        picture = far_tinted(emoji_picture(character, max(8, round(0.17 * u))), b.light, 0.0)
        for dx, dy in ((-0.06, 0.0), (0.05, 0.0), (0.0, 0.09)):
            at = x + (-0.375 + 0.25 * k + dx) * u
            plate.sprite(picture, at - picture.shape[1] / 2, y - (0.42 + dy) * u - picture.shape[0] * 0.86)
    plate.gradient([(x - 0.56 * u, y - 0.42 * u), (x + 0.56 * u, y - 0.42 * u), (x + 0.53 * u, y), (x - 0.53 * u, y)],
                   lighter(wood, 0.12), lighter(wood, -0.2))  # fmt: skip
    plate.box(x - 0.58 * u, y - 0.45 * u, x + 0.58 * u, y - 0.40 * u, lighter(wood, 0.3))
    for k in range(-3, 4):
        plate.line((x + 0.16 * k * u, y - 0.40 * u), (x + 0.15 * k * u, y), max(1, 0.008 * u), lighter(wood, -0.3))
    for k in range(8):
        tone = cloth if k % 2 else white
        a, c = -0.62 + 0.155 * k, -0.62 + 0.155 * (k + 1)
        plate.gradient([(x + 0.8 * a * u, y - 1.22 * u), (x + 0.8 * c * u, y - 1.22 * u), (x + c * u, y - 0.93 * u),
                        (x + a * u, y - 0.93 * u)], lighter(tone, 0.08), lighter(tone, -0.12))  # fmt: skip
        plate.polygon(ellipse(x + (a + c) / 2 * u, y - 0.93 * u, 0.078 * u, 0.055 * u), lighter(tone, -0.12))
    if b.light.lamps:
        plate.soft(x, y - 0.75 * u, 0.5 * u, 0.35 * u, LAMP, 0.5)


def castle(b: Backdrop) -> None:
    unit = b.frame.unit
    b.sky(0.60)
    land.mountains(b.back, b.light, b.rng, b.level(0.62), 0.30 * unit, (0.48, 0.52, 0.62), 0.8, count=5)
    crest = land.hills(b.back, b.light, b.rng, b.level(0.52), 0.08 * unit, b.green((0.36, 0.52, 0.34)), 0.6)
    land.wood(b.back, b.light, b.rng, b.kinds("pine", "leafy"), crest, 0.06 * unit, 0.6, 40)
    share = 0.66 if b.light.side < 0 else 0.34
    fortress(b, b.middle, share, 0.665, 0.60)
    crest = land.hills(b.middle, b.light, b.rng, b.level(0.64), 0.05 * unit, b.green(), 0.28)
    land.wood(b.middle, b.light, b.rng, b.kinds("pine", "leafy"), crest, 0.11 * unit, 0.3, 16, (0.3, 0.7))
    b.grass(0.735, blooms=60)
    path(b, 0.735)
    b.sides(b.kinds("leafy", "pine"), 0.42, 1)


def fortress(b: Backdrop, plate: Plate, share: float, foot: float, size: float, depth: float = 0.4) -> None:
    """A castle of five towers with pointed roofs, battlements, banners and a gate."""
    u, x, y = size * b.frame.unit, b.frame.x(share), b.level(foot)
    stone = b.light.far((0.74, 0.72, 0.74), depth)
    roof = b.light.far((0.30, 0.40, 0.66), depth)
    glass = LAMP if b.light.lamps else lighter(stone, -0.5)
    banner = b.light.far((0.85, 0.25, 0.25), depth * 0.7)
    towers = ((-0.42, 0.13, 0.52), (0.42, 0.13, 0.56), (-0.18, 0.15, 0.76), (0.2, 0.14, 0.70), (0.02, 0.17, 0.94))
    for i, (dx, w, h) in enumerate(reversed(towers)):
        tx, base = x + dx * u, y + 0.02 * u
        w2, top = w * u / 2, y - h * 0.72 * u
        plate.gradient(
            [(tx - w2, base), (tx - w2, top), (tx + w2, top), (tx + w2, base)],
            lighter(stone, 0.06),
            mix(stone, b.light.haze, 0.3),
        )
        s = -1 if b.light.side > 0 else 1
        plate.polygon(
            [(tx + s * w2, base), (tx + s * w2, top), (tx + s * w2 * 0.3, top), (tx + s * w2 * 0.3, base)],
            lighter(stone, -0.35),
            0.4,
        )
        plate.polygon([(tx - w2 * 1.35, top), (tx, top - 0.27 * u * h), (tx + w2 * 1.35, top)], roof)
        plate.polygon([(tx + s * w2 * 1.35, top), (tx, top - 0.27 * u * h), (tx, top)], lighter(roof, -0.28))
        tip = top - 0.27 * u * h
        plate.line((tx, tip), (tx, tip - 0.06 * u), max(1.0, 0.006 * u), lighter(stone, -0.5))
        plate.polygon([(tx, tip - 0.06 * u), (tx + 0.07 * u, tip - 0.045 * u), (tx, tip - 0.025 * u)], banner)
        for k in range(2 + i % 2):
            wy = top + (0.05 + 0.12 * k) * u
            plate.polygon(
                [
                    (tx - 0.014 * u, wy + 0.05 * u),
                    (tx - 0.014 * u, wy),
                    (tx, wy - 0.018 * u),
                    (tx + 0.014 * u, wy),
                    (tx + 0.014 * u, wy + 0.05 * u),
                ],
                glass,
            )
            if b.light.lamps:
                plate.glow(tx, wy + 0.02 * u, 0.07 * u, LAMP, 0.5)
    top = y - 0.24 * u
    plate.gradient(
        [(x - 0.46 * u, y + 0.02 * u), (x - 0.46 * u, top), (x + 0.46 * u, top), (x + 0.46 * u, y + 0.02 * u)],
        stone,
        mix(stone, b.light.haze, 0.25),
    )
    plate.polygons(
        [
            [
                (x + (k * 0.06 - 0.46) * u, top),
                (x + (k * 0.06 - 0.46) * u, top - 0.03 * u),
                (x + (k * 0.06 - 0.43) * u, top - 0.03 * u),
                (x + (k * 0.06 - 0.43) * u, top),
            ]
            for k in range(16)
        ],
        stone,
    )
    gate = [(-0.07, 0.02), (-0.07, -0.1), (-0.045, -0.15), (0, -0.17), (0.045, -0.15), (0.07, -0.1), (0.07, 0.02)]
    plate.polygon([(x + p * 1.3 * u, y + q * 1.12 * u) for p, q in gate], lighter(stone, -0.25))
    plate.polygon([(x + p * u, y + q * u) for p, q in gate], b.light.far((0.30, 0.20, 0.15), depth))


def harbour(b: Backdrop) -> None:
    unit = b.frame.unit
    h = b.sky(0.54)
    land.hills(b.back, b.light, b.rng, b.level(0.48), 0.06 * unit, b.green((0.38, 0.50, 0.42)), 0.75)
    side = 0.86 if b.light.side < 0 else 0.14
    for i in range(6):
        cottage(b, b.back, (0.62 if side > 0.5 else 0.0) + 0.07 * i, 0.545, 0.13, 0.5)
    water(b, b.back, h, b.frame.full[1], (0.08, 0.34, 0.46))
    lighthouse(b, 1 - side)
    for share, size in ((0.32, 0.16), (0.6, 0.20)):
        boat = far_tinted(emoji_picture("⛵", max(8, round(size * unit))), b.light, 0.3)
        b.middle.sprite(boat, b.frame.x(share + b.rng.uniform(-0.08, 0.08)), b.level(0.66) - boat.shape[0])
    deck(b, 0.755)
    b.feet = (0.84, 0.92)


def lighthouse(b: Backdrop, share: float) -> None:
    u, x, y = 0.46 * b.frame.unit, b.frame.x(share), b.level(0.56)
    rock = b.light.far((0.36, 0.37, 0.40), 0.35)
    b.middle.polygon(
        [
            (x - 0.3 * u, y + 0.07 * u),
            (x - 0.18 * u, y - 0.06 * u),
            (x + 0.05 * u, y - 0.09 * u),
            (x + 0.22 * u, y - 0.03 * u),
            (x + 0.32 * u, y + 0.07 * u),
        ],
        rock,
    )
    white, red = b.light.far((0.96, 0.95, 0.93), 0.25), b.light.far((0.82, 0.24, 0.22), 0.25)
    for i in range(5):
        lo, hi = i / 5, (i + 1) / 5
        w0, w1 = 0.10 - 0.04 * lo, 0.10 - 0.04 * hi
        y0, y1 = y - 0.05 * u - lo * 0.7 * u, y - 0.05 * u - hi * 0.7 * u
        b.middle.polygon(
            [(x - w0 * u, y0), (x + w0 * u, y0), (x + w1 * u, y1), (x - w1 * u, y1)], red if i % 2 else white
        )
    top = y - 0.75 * u
    b.middle.box(x - 0.05 * u, top - 0.09 * u, x + 0.05 * u, top, LAMP)
    b.middle.polygon([(x - 0.07 * u, top - 0.09 * u), (x, top - 0.17 * u), (x + 0.07 * u, top - 0.09 * u)], red)
    if b.light.lamps or b.light.weather:
        beam = 1 if share < 0.5 else -1
        b.middle.polygon(
            [(x, top - 0.05 * u), (x + beam * 9 * u, top - 2.0 * u), (x + beam * 9 * u, top + 0.6 * u)],
            (1.0, 0.93, 0.7),
            0.22,
        )
        b.middle.soft(x, top - 0.05 * u, 0.3 * u, 0.3 * u, LAMP, 0.6)


def deck(b: Backdrop, top: float) -> None:
    """Planks in perspective, and posts with a rope: a pier or a ship's deck."""
    unit, width, full = b.frame.unit, b.frame.full[0], b.frame.full[1]
    wood = b.light.far((0.58, 0.42, 0.29), 0.0)
    y = b.level(top)
    b.floor.gradient([(0, y), (width, y), (width, full), (0, full)], lighter(wood, 0.1), lighter(wood, -0.3))
    middle = b.frame.x(0.5)
    for i in range(-22, 23):
        a, c = (middle + i * 0.055 * unit, y), (middle + i * 0.15 * unit, full)
        b.floor.line(a, c, max(1, 0.003 * unit), lighter(wood, -0.4))
    b.floor.box(0, y - 0.006 * unit, width, y + 0.010 * unit, lighter(wood, -0.35))
    post = lighter(wood, -0.25)
    xs = [b.frame.x(s) for s in (-0.1, 0.08, 0.36, 0.64, 0.92, 1.1)]
    for a, c in pairwise(xs):
        line = np.linspace(0, 1, 14)
        sag = y - 0.10 * unit + 0.035 * unit * 4 * line * (1 - line)
        b.floor.polygon(
            np.concatenate(
                [np.stack([a + (c - a) * line, sag], 1), np.stack([a + (c - a) * line, sag + 0.006 * unit], 1)[::-1]]
            ),
            b.light.far((0.80, 0.70, 0.50), 0.0),
        )
    for x in xs:
        b.floor.box(x - 0.013 * unit, y - 0.13 * unit, x + 0.013 * unit, y + 0.03 * unit, lighter(post, 0.12), post)
