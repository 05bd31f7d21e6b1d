"""Land: mountains with lit and shaded faces, hills that fade with distance, ground with tufts, scattered trees."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np

from engine.backends.image.sketch.drawings import svg_picture
from engine.backends.image.sketch.light import Light
from engine.backends.image.sketch.plate import Colour, Pixels, Plate, hexed, lighter, mix, ridge


def hills(
    plate: Plate, light: Light, rng: np.random.Generator, top: float, height: float, base: Colour, depth: float
) -> np.ndarray:
    """A ridge whose crest runs between `top` and `top` + `height` (pixels), down to the plate's foot, misty below.

    Returns the crest's y per column, so that trees can stand on it.
    """
    width, full = plate.frame.full
    crest = top + height * (1 - ridge(rng, width, 3, 4, 0.42))
    colour = light.far(base, depth)
    points = np.concatenate([np.stack([np.arange(width), crest], axis=1), [(width, full), (0, full)]])
    mist = mix(colour, light.haze, 0.25 + 0.45 * depth) if light.thick < 1.2 else light.haze
    foot = full if depth < 0.2 else min(full, top + height + plate.frame.unit * 0.28)
    points = np.concatenate([points[:width], [(width, foot), (0, foot)]])
    plate.gradient(points, lighter(colour, 0.05 + 0.05 * light.key), mist if depth >= 0.2 else lighter(colour, -0.2))
    if foot < full:
        plate.box(0, foot - 1, width, full, mist)
    return crest


def mountains(
    plate: Plate,
    light: Light,
    rng: np.random.Generator,
    foot: float,
    height: float,
    base: Colour,
    depth: float,
    snow: bool = True,
    count: int = 5,
) -> None:
    """Peaks standing on `foot` (pixels), the tallest `height` high; each has a lit and a shaded face, and snow."""
    width, _ = plate.frame.full
    lit = lighter(light.far(base, depth), 0.10 + 0.12 * light.key)
    shade = light.far(lighter(base, -0.28), depth)
    white = light.far((0.97, 0.98, 1.0), depth * 0.7)
    blue = light.far((0.70, 0.78, 0.90), depth * 0.8)
    tall = np.sort(rng.uniform(0.45, 1.0, count))
    tall[-1] = 1.0
    slots = rng.permutation(count)
    for i in range(count):
        h = height * tall[i]
        x = (slots[i] + 0.5 + rng.uniform(-0.3, 0.3)) * width / count
        y, spread = foot - h, h * rng.uniform(0.85, 1.2)
        left = _flank(rng, (x, y), (x - spread, foot), 9)
        right = _flank(rng, (x, y), (x + spread, foot), 9)
        spine = _flank(rng, (x, y), (x + light.side * -0.12 * spread + rng.uniform(-0.1, 0.1) * spread, foot), 7, 0.05)
        sunny, dim = (right, left) if light.side > 0 else (left, right)
        mist = mix(lit, light.haze, 0.55)
        plate.gradient([*sunny, *reversed(spine)], lit, mist)
        plate.gradient([*dim, *reversed(spine)], shade, mix(shade, light.haze, 0.5))
        _creases(plate, rng, spine, sunny, shade, 0.35)
        if snow and tall[i] > 0.5:
            for side, colour in ((sunny, white), (dim, blue)):
                plate.polygon(_cap(rng, spine, side, 0.30 + 0.12 * tall[i]), colour)


def _flank(
    rng: np.random.Generator, a: tuple[float, float], b: tuple[float, float], steps: int, jag: float = 0.028
) -> list[tuple[float, float]]:
    share = np.linspace(0, 1, steps)
    length = abs(b[1] - a[1])
    shift = rng.normal(0, jag, steps) * length * np.sin(np.pi * share)
    x = a[0] + (b[0] - a[0]) * share**1.08 + shift
    y = a[1] + (b[1] - a[1]) * share + rng.normal(0, 0.012, steps) * length * np.sin(np.pi * share)
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _creases(plate: Plate, rng, spine, side, colour: Colour, alpha: float) -> None:
    """Gullies: slivers of shade that run from the spine down the lit face."""
    shapes = []
    for i in range(1, len(spine) - 2):
        a, b = spine[i], side[min(len(side) - 1, i + 2)]
        reach = rng.uniform(0.25, 0.6)
        tip = (a[0] + (b[0] - a[0]) * reach, a[1] + (b[1] - a[1]) * reach + 0.02 * abs(b[1] - a[1]))
        shapes.append([a, tip, spine[i + 1]])
    plate.polygons(shapes, colour, alpha)


def _cap(rng: np.random.Generator, spine, side, part: float) -> list[tuple[float, float]]:
    """The snow between spine and flank down to `part` of the height, with a jagged lower edge."""
    top, foot = spine[0], spine[-1][1]
    limit = top[1] + (foot - top[1]) * part

    def down_to(line: list[tuple[float, float]]) -> list[tuple[float, float]]:
        kept = [line[0]]
        for a, b in pairwise(line):
            if b[1] >= limit:
                share = (limit - a[1]) / max(1e-6, b[1] - a[1])
                return [*kept, (a[0] + (b[0] - a[0]) * share, limit)]
            kept.append(b)
        return kept

    outer, inner = down_to(side), down_to(spine)
    a, b = outer[-1], inner[-1]
    teeth = []
    for i in range(1, 6):
        share = i / 6
        drop = (foot - top[1]) * (rng.uniform(0.05, 0.13) if i % 2 else -rng.uniform(0.01, 0.06))
        teeth.append((a[0] + (b[0] - a[0]) * share, limit + drop))
    return [*outer, *teeth, *reversed(inner)]


def ground(
    plate: Plate, light: Light, rng: np.random.Generator, top: float, base: Colour, relief: float = 0.02
) -> None:
    """The near ground from `top` (pixels) to the foot: crest lit, nearer darker, mottled by soft patches."""
    width, full = plate.frame.full
    crest = top + plate.frame.unit * relief * (1 - 2 * ridge(rng, width, 2, 3, 0.35))
    colour = light.far(base, 0.0)
    points = np.concatenate([np.stack([np.arange(width), crest], axis=1), [(width, full), (0, full)]])
    plate.gradient(points, mix(lighter(colour, 0.12), light.haze, 0.16 * light.thick), lighter(colour, -0.26))
    for _ in range(26):
        near = rng.random() ** 0.8
        y = top + (full - top) * (0.08 + 0.92 * near)
        tone = lighter(colour, rng.choice([-0.35, 0.25]))
        size = plate.frame.unit * (0.06 + 0.22 * near)
        plate.soft(rng.random() * width, y, size * rng.uniform(1.5, 3), size * 0.28, tone, 0.22)
    # the sun's pool on its side of the ground
    sun = plate.frame.x(light.sun_at[0])
    plate.glow(sun, top + 0.1 * (full - top), plate.frame.unit * 0.9, light.sun, 0.20 * light.key, 0.35)


def tufts(
    plate: Plate, rng: np.random.Generator, top: float, bottom: float, colour: Colour, count: int, size: float = 1.0
) -> None:
    """Blades of grass in three tones, larger towards the viewer."""
    width, _ = plate.frame.full
    for tone in (-0.22, 0.0, 0.18):
        shapes = []
        for _ in range(count // 3):
            near = rng.random()
            x, y = rng.random() * width, top + (bottom - top) * near
            h = plate.frame.unit * (0.008 + 0.026 * near) * size
            for _ in range(4):
                lean, foot = rng.normal(0, 0.45) * h, x + rng.normal(0, 0.4) * h
                shapes.append([(foot - 0.09 * h, y), (foot + lean, y - h * rng.uniform(0.6, 1)), (foot + 0.09 * h, y)])
        plate.polygons(shapes, lighter(colour, tone))


def flowers(plate: Plate, rng: np.random.Generator, light: Light, top: float, bottom: float, count: int) -> None:
    kinds = [(0.98, 0.85, 0.3), (0.95, 0.45, 0.5), (0.98, 0.97, 0.95), (0.7, 0.55, 0.92)]
    width, _ = plate.frame.full
    for _ in range(count):
        near = rng.random()
        x, y, r = rng.random() * width, top + (bottom - top) * near, plate.frame.unit * (0.0022 + 0.0048 * near)
        petal = light.far(kinds[int(rng.integers(len(kinds)))], 0.0)
        plate.line((x, y), (x, y + 3.4 * r), r * 0.5, light.far((0.25, 0.45, 0.2), 0.0))
        for k in range(5):
            angle = k * 1.2566 + near
            plate.polygon(_bud(x + np.cos(angle) * r, y + np.sin(angle) * r * 0.8, r * 0.72), petal)
        plate.polygon(_bud(x, y, r * 0.6), light.far((0.95, 0.75, 0.2), 0.0))


def _bud(x: float, y: float, r: float) -> list[tuple[float, float]]:
    return [(x + r * np.cos(a), y + r * np.sin(a)) for a in np.linspace(0, 6.283, 8, endpoint=False)]


TREES = {
    "pine": ((0.16, 0.38, 0.27), 0.62),
    "leafy": ((0.30, 0.50, 0.22), 0.92),
    "autumn": ((0.80, 0.44, 0.16), 0.92),
    "bush": ((0.27, 0.47, 0.22), 1.5),
    "jungle": ((0.13, 0.42, 0.24), 1.05),
    "bare": ((0.30, 0.26, 0.26), 0.9),
    "palm": ((0.25, 0.50, 0.22), 0.85),
    "cactus": ((0.33, 0.52, 0.28), 0.55),
    "snowpine": ((0.22, 0.40, 0.36), 0.62),
}


@lru_cache(maxsize=64)
def tree(kind: str, variant: int, height: int, colour: str, side: int) -> Pixels:
    """A tree of that many pixels' height, lit from `side`; `colour` (#rrggbb) is its crown in the scene's light."""
    from engine.backends.image.sketch.trees import tree_svg

    return svg_picture(tree_svg(kind, variant, colour, side), round(height * TREES[kind][1]), height)


def plant(
    plate: Plate, light: Light, rng: np.random.Generator, kind: str, x: float, foot: float, height: float, depth: float
) -> None:
    """One tree with its shadow, scaled down from one of a few sizes (1.6 apart), so that few drawings serve a wood."""
    step = max(24, round(1.6 ** np.ceil(np.log(max(6.0, height)) / np.log(1.6))))
    base, ratio = TREES[kind]
    colour = hexed(light.far(lighter(base, 0.04), round(depth * 4) / 4))
    variant = int(rng.integers(3))
    if depth < 0.45:
        away = -light.side * height * 0.16
        plate.soft(x + away, foot, height * ratio * 0.55, height * 0.055, (0.02, 0.03, 0.08), 0.42 * (1 - depth))
    picture = tree(kind, variant, int(step), colour, light.side)
    size = (max(2, round(picture.shape[1] * height / step)), max(3, round(height)))
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        picture = cv2.flip(picture, 1) if kind in ("bush", "palm", "bare") else picture
    plate.sprite(picture, x - picture.shape[1] / 2, foot - picture.shape[0] * 0.985)


def wood(
    plate: Plate,
    light: Light,
    rng: np.random.Generator,
    kinds: tuple[str, ...],
    crest: np.ndarray | float,
    height: float,
    depth: float,
    count: int,
    gap: tuple[float, float] | None = None,
) -> None:
    """`count` trees along a crest (y per column, or one y); `gap` (film shares) stays free for the subjects."""
    width, _ = plate.frame.full
    for x in np.sort(rng.uniform(0, width, count)):
        share = (x - plate.frame.margin_x) / plate.frame.width
        if gap and gap[0] < share < gap[1]:
            continue
        y = float(crest[min(width - 1, int(x))]) if isinstance(crest, np.ndarray) else crest
        kind = kinds[int(rng.integers(len(kinds)))]
        plant(plate, light, rng, kind, x, y + 0.06 * height, height * rng.uniform(0.7, 1.15), depth)
