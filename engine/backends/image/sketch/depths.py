"""Below: under water, and in a cave. Knows light, no cast."""

from __future__ import annotations

import numpy as np

from engine.backends.image.sketch import land
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.drawings import emoji_picture
from engine.backends.image.sketch.plate import Colour, lighter, mix, ridge
from engine.backends.image.sketch.relight import far_tinted


def underwater(b: Backdrop) -> None:
    b.airy, b.wet, b.feet = True, True, (0.82, 0.90)
    width, full = b.frame.full
    unit, dim = b.frame.unit, 0.55 if b.light.dark else 1.0
    top, deep = (0.30 * dim, 0.74 * dim, 0.86 * dim), (0.02, 0.16 * dim, 0.34 * dim)
    b.back.gradient([(0, 0), (width, 0), (width, full), (0, full)], top, deep)
    for i in range(7):
        x, w = width * (i + b.rng.random()) / 7, unit * b.rng.uniform(0.05, 0.14)
        lean = (x - width / 2) * 0.5
        b.back.gradient(
            [(x - w, 0), (x + w, 0), (x + lean + 2.4 * w, full * 0.86), (x + lean - 0.5 * w, full * 0.86)],
            (0.75, 0.97, 1.0),
            (0.6, 0.9, 1.0),
            (0.26 * dim, 0.0),
        )
    for depth, foot, tone in ((0.7, 0.66, 0.5), (0.4, 0.74, 0.25)):
        crest = b.level(foot) - unit * 0.10 * ridge(b.rng, width, 4, 4)
        shape = np.concatenate([np.stack([np.arange(width), crest], 1), [(width, full), (0, full)]])
        plate = b.back if depth > 0.5 else b.middle
        plate.gradient(shape, mix((0.12, 0.30, 0.42), top, tone), mix((0.04, 0.2, 0.36), deep, tone))
    _reef(b, dim)
    sand = (0.66 * dim, 0.70 * dim, 0.56 * dim)
    crest = b.level(0.80) - unit * 0.03 * ridge(b.rng, width, 3, 3)
    b.floor.gradient(
        np.concatenate([np.stack([np.arange(width), crest], 1), [(width, full), (0, full)]]),
        sand,
        mix(sand, deep, 0.45),
    )
    for character, share, size in (
        ("🪸", 0.04, 0.20),
        ("🪸", 0.90, 0.17),
        ("🐚", 0.78, 0.05),
        ("🪸", 0.99, 0.26),
        ("🪨", 0.14, 0.09),
    ):
        coral = far_tinted(emoji_picture(character, max(8, round(size * unit))), b.light, 0.0)
        coral[..., :3] = (coral[..., :3] * np.array([0.75, 0.9, 1.0])).astype(np.uint8)
        b.floor.sprite(coral, b.frame.x(share) - coral.shape[1] / 2, b.level(0.835) - coral.shape[0])
    for _ in range(46):
        x, y, r = b.rng.random() * width, b.rng.random() * b.level(0.8), unit * b.rng.uniform(0.003, 0.011)
        b.middle.disc(x, y, r, (0.85, 0.97, 1.0), 0.35)
        b.middle.disc(x - 0.3 * r, y - 0.3 * r, 0.3 * r, (1.0, 1.0, 1.0), 0.8)


def _reef(b: Backdrop, dim: float) -> None:
    """Weed that sways: ribbons of green in the middle distance."""
    unit = b.frame.unit
    for _ in range(26):
        share = b.rng.uniform(-0.08, 0.28) if b.rng.random() < 0.5 else b.rng.uniform(0.72, 1.08)
        x, foot, h = b.frame.x(share), b.level(0.80), unit * b.rng.uniform(0.14, 0.42)
        t = np.linspace(0, 1, 16)
        sway = unit * 0.02 * np.sin(t * 6 + b.rng.random() * 6) * (0.3 + t)
        half = unit * 0.011 * (1 - t) ** 0.6
        colour = mix((0.10, 0.48 * dim, 0.34 * dim), (0.30 * dim, 0.62 * dim, 0.30), b.rng.random())
        b.middle.polygon(
            np.concatenate(
                [np.stack([x + sway - half, foot - t * h], 1), np.stack([x + sway + half, foot - t * h], 1)[::-1]]
            ),
            colour,
        )


def cave(b: Backdrop) -> None:
    width, full = b.frame.full
    unit, middle = b.frame.unit, b.frame.x(0.5)
    b.indoors = True
    b.back.gradient([(0, 0), (width, 0), (width, full), (0, full)], (0.10, 0.10, 0.17), (0.16, 0.15, 0.22))
    glow = mix(b.light.sky[2], (0.55, 0.80, 0.95), 0.5)
    b.back.soft(middle, b.level(0.44), 0.62 * unit, 0.46 * unit, glow, 0.95)
    b.back.soft(middle, b.level(0.44), 0.30 * unit, 0.24 * unit, (1.0, 1.0, 0.97), 0.75)
    for plate, half, tone in (
        (b.back, 0.44, (0.26, 0.25, 0.36)),
        (b.back, 0.56, (0.19, 0.18, 0.28)),
        (b.middle, 0.72, (0.13, 0.12, 0.20)),
    ):
        angle = np.linspace(np.pi, 2 * np.pi, 70)
        rough = 1 + 0.20 * (ridge(b.rng, 70, 9, 3, 0.6) - 0.5)
        x, y = (
            middle + half * 1.15 * unit * np.cos(angle) * rough,
            b.level(0.74) + 0.62 * unit * np.sin(angle) * rough * (half + 0.3),
        )
        arch = [(0.0, float(full)), (0.0, 0.0), (float(width), 0.0), (float(width), float(full))]
        shape = [
            *arch,
            (float(x[-1]), float(full)),
            *zip(x[::-1].tolist(), y[::-1].tolist(), strict=True),
            (float(x[0]), float(full)),
        ]
        plate.gradient(shape, lighter(tone, -0.35), lighter(tone, 0.08))
        for _ in range(11):
            i = int(b.rng.integers(12, 58))
            w, h = unit * b.rng.uniform(0.012, 0.035), unit * b.rng.uniform(0.05, 0.16)
            plate.polygon(
                [(x[i] - w, y[i] - 4), (x[i] + w, y[i] - 4), (x[i] + 0.1 * w, y[i] + h)], lighter(tone, -0.18)
            )
    land.ground(b.floor, b.light, b.rng, b.level(0.745), (0.30, 0.28, 0.36), 0.015)
    b.floor.glow(middle, b.level(0.76), 0.7 * unit, glow, 0.35, 0.3)
    hues: list[Colour] = [(0.45, 0.85, 0.95), (0.75, 0.55, 0.95), (0.55, 0.95, 0.75)]
    for i in range(8):
        share = b.rng.uniform(-0.05, 0.16) if i % 2 else b.rng.uniform(0.84, 1.05)
        _crystals(
            b, b.frame.x(share), b.level(b.rng.uniform(0.77, 0.86)), unit * b.rng.uniform(0.06, 0.15), hues[i % 3]
        )


def _crystals(b: Backdrop, x: float, foot: float, size: float, colour: Colour) -> None:
    b.floor.soft(x, foot - size * 0.4, size * 1.5, size * 1.3, colour, 0.4)
    for lean, tall in ((-0.45, 0.7), (0.4, 0.6), (0.0, 1.0)):
        tx, ty, w = x + lean * size * 0.8, foot - size * tall, size * 0.16
        bx = x + lean * size * 0.35
        b.floor.polygon([(bx - w, foot), (tx - w * 0.8, ty + w), (tx, ty), (bx, foot)], lighter(colour, 0.25))
        b.floor.polygon([(bx, foot), (tx, ty), (tx + w * 0.8, ty + w), (bx + w, foot)], lighter(colour, -0.25))
