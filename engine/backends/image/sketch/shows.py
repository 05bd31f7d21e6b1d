"""Places made to be looked at: a stage, a news studio, a photographer's backdrop. Knows light, no cast."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.drawings import emoji_picture
from engine.backends.image.sketch.plate import Colour, ellipse, lighter, mix


def stage(b: Backdrop) -> None:
    width, full = b.frame.full
    unit, b.indoors, b.feet = b.frame.unit, True, (0.82, 0.90)
    edge = b.level(0.70)
    b.back.gradient([(0, 0), (width, 0), (width, full), (0, full)], (0.10, 0.05, 0.18), (0.28, 0.10, 0.34))
    b.back.glow(b.frame.x(0.5), b.level(0.55), 0.9 * unit, (0.85, 0.35, 0.75), 0.6)
    for _ in range(40):
        b.back.disc(
            b.rng.random() * width,
            b.rng.random() * edge,
            unit * b.rng.uniform(0.004, 0.016),
            [(1.0, 0.7, 0.9), (0.6, 0.7, 1.0), (1.0, 0.9, 0.6)][int(b.rng.integers(3))],
            0.35,
        )
    hues: list[Colour] = [(1.0, 0.85, 0.55), (0.55, 0.75, 1.0), (1.0, 0.5, 0.75)]
    for i, share in enumerate((0.16, 0.38, 0.62, 0.84)):
        x, aim = b.frame.x(share), b.frame.x(0.5 + (share - 0.5) * 0.25)
        b.middle.gradient(
            [
                (x - 0.02 * unit, 0),
                (x + 0.02 * unit, 0),
                (aim + 0.20 * unit, edge + 0.14 * unit),
                (aim - 0.20 * unit, edge + 0.14 * unit),
            ],
            hues[i % 3],
            hues[i % 3],
            (0.42, 0.05),
        )
        b.middle.disc(x, b.frame.y(0.02), 0.022 * unit, (1.0, 0.98, 0.9))
    boards: Colour = (0.42, 0.24, 0.18)
    b.floor.gradient([(0, edge), (width, edge), (width, full), (0, full)], lighter(boards, -0.3), lighter(boards, 0.12))
    for i in range(-20, 21):
        b.floor.line(
            (b.frame.x(0.5) + i * 0.06 * unit, edge),
            (b.frame.x(0.5) + i * 0.14 * unit, full),
            max(1, 0.0025 * unit),
            lighter(boards, -0.4),
        )
    b.floor.soft(b.frame.x(0.5), b.level(0.86), 0.55 * unit, 0.11 * unit, (1.0, 0.92, 0.75), 0.5)
    cloth: Colour = (0.62, 0.08, 0.14)
    for s, start in ((1, 0.0), (-1, float(width))):
        for i in range(5):
            x0 = start + s * i * 0.062 * unit
            fold = [
                (x0, 0),
                (x0 + s * 0.066 * unit, 0),
                (x0 + s * (0.066 - 0.008 * i) * unit, edge + 0.07 * unit),
                (x0 - s * 0.004 * i * unit, edge + 0.07 * unit),
            ]
            b.floor.gradient(fold, lighter(cloth, -0.35 + 0.14 * (i % 2)), lighter(cloth, 0.04 + 0.1 * (i % 2)))
    for x in np.arange(0, width, 0.13 * unit):
        b.floor.polygon(
            ellipse(x + 0.065 * unit, 0, 0.075 * unit, b.frame.margin_y + 0.06 * unit), lighter(cloth, -0.1)
        )
        b.floor.polygon(ellipse(x + 0.065 * unit, 0, 0.06 * unit, b.frame.margin_y + 0.035 * unit), cloth)


def studio(b: Backdrop) -> None:
    """A newsroom: screens with a skyline, a map and a chart, and a curved desk in front of which the cast stands."""
    width, full = b.frame.full
    unit, b.indoors, b.feet = b.frame.unit, True, (0.86, 0.94)
    edge = b.level(0.70)
    b.back.gradient([(0, 0), (width, 0), (width, full), (0, full)], (0.05, 0.12, 0.28), (0.12, 0.30, 0.56))
    for x in np.arange(0, width, 0.10 * unit):
        b.back.box(x, 0, x + 0.003 * unit, edge, (0.16, 0.34, 0.60))
    screens = (
        ((0.5, 0.34, 0.15, 0.52),)
        if b.frame.tall
        else ((0.5, 0.34, 0.13, 0.52), (0.10, 0.17, 0.20, 0.46), (0.90, 0.17, 0.20, 0.46))
    )
    for i, (share, half, top, low) in enumerate(screens):
        x, w = b.frame.x(share), half * unit * (1 if not b.frame.tall else 0.95)
        y0, y1 = b.level(top), b.level(low)
        b.back.soft(x, (y0 + y1) / 2, w * 1.5, (y1 - y0) * 0.9, (0.35, 0.65, 1.0), 0.4)
        b.back.box(x - w - 0.012 * unit, y0 - 0.012 * unit, x + w + 0.012 * unit, y1 + 0.012 * unit, (0.04, 0.06, 0.12))
        b.back.box(x - w, y0, x + w, y1, (0.10, 0.34, 0.64), (0.30, 0.62, 0.86))
        if i == 0:
            _world(b, x, y0, w, y1 - y0)
        else:
            _chart(b, x - w, y0, 2 * w, y1 - y0, i)
    b.back.box(0, b.level(0.585), width, b.level(0.60), (0.80, 0.10, 0.16), (0.62, 0.05, 0.12))
    b.floor.gradient([(0, edge), (width, edge), (width, full), (0, full)], (0.08, 0.16, 0.32), (0.16, 0.30, 0.52))
    b.floor.glow(b.frame.x(0.5), edge, 0.8 * unit, (0.4, 0.7, 1.0), 0.4, 0.3)
    _desk(b)


def _world(b: Backdrop, x: float, y: float, half: float, height: float) -> None:
    picture = emoji_picture("🌍", max(8, round(height * 0.82)))
    b.back.glow(x, y + height / 2, height * 0.7, (0.6, 0.85, 1.0), 0.5)
    b.back.sprite(picture, x - picture.shape[1] / 2, y + height / 2 - picture.shape[0] / 2)
    for i in range(1, 4):
        b.back.polygons(
            [ellipse(x, y + height / 2, half * (0.45 + 0.17 * i), height * (0.16 + 0.05 * i))], (0.85, 0.95, 1.0), 0.07
        )


def _chart(b: Backdrop, x: float, y: float, width: float, height: float, kind: int) -> None:
    line = np.cumsum(b.rng.normal(0.02, 0.09, 9))
    line = (line - line.min()) / max(0.2, float(np.ptp(line)))
    if kind == 1:
        for i, v in enumerate(line[:7]):
            left = x + width * (0.08 + 0.125 * i)
            b.back.box(
                left,
                y + height * (0.88 - 0.62 * max(0.12, v)),
                left + width * 0.08,
                y + height * 0.88,
                (0.98, 0.80, 0.35),
                (0.9, 0.55, 0.25),
            )
        return
    points = [(x + width * (0.08 + 0.105 * i), y + height * (0.82 - 0.6 * v)) for i, v in enumerate(line)]
    b.back.polygon(
        [*points, (points[-1][0], y + height * 0.9), (points[0][0], y + height * 0.9)], (0.5, 1.0, 0.85), 0.22
    )
    for a, c in pairwise(points):
        b.back.line(a, c, max(1, 0.007 * b.frame.unit), (0.55, 1.0, 0.85))


def _desk(b: Backdrop) -> None:
    unit, x = b.frame.unit, b.frame.x(0.5)
    half, y0, y1 = min(0.62 * unit, 0.52 * b.frame.width), b.level(0.70), b.level(0.775)
    b.floor.soft(x, y1 + 0.01 * unit, half * 1.1, 0.04 * unit, (0.0, 0.02, 0.08), 0.7)
    line = np.linspace(-1, 1, 40)
    top = np.stack([x + line * half, y0 + 0.03 * unit * (1 - line**2)], 1)
    low = np.stack([x + line * half * 0.92, y1 + 0.03 * unit * (1 - line**2)], 1)
    b.floor.gradient(np.concatenate([top, low[::-1]]), (0.88, 0.92, 0.97), (0.50, 0.60, 0.74))
    rim = np.stack([x + line * half, y0 - 0.016 * unit + 0.03 * unit * (1 - line**2)], 1)
    b.floor.polygon(np.concatenate([rim, top[::-1]]), (0.99, 0.99, 1.0))
    mid = top * 0.5 + low * 0.5
    b.floor.polygon(np.concatenate([mid, np.add(mid, (0, 0.013 * unit))[::-1]]), (0.82, 0.12, 0.18))


def backdrop(b: Backdrop) -> None:
    """A photographer's paper: two colours that meet softly, a plinth above the captions, a lamp's pool of light."""
    width, full = b.frame.full
    unit, b.indoors = b.frame.unit, True
    b.spot = (0.5, 0.67 if b.frame.tall else 0.73 if b.frame.width < 1.2 * b.frame.height else 0.82)
    pairs: list[tuple[Colour, Colour]] = [
        ((0.16, 0.28, 0.50), (0.42, 0.66, 0.86)),
        ((0.46, 0.22, 0.40), (0.95, 0.62, 0.55)),
        ((0.10, 0.36, 0.38), (0.55, 0.82, 0.72)),
        ((0.55, 0.34, 0.14), (0.99, 0.80, 0.46)),
        ((0.24, 0.20, 0.44), (0.66, 0.58, 0.90)),
    ]
    deep, light = pairs[int(b.rng.integers(len(pairs)))]
    b.back.gradient([(0, 0), (width, 0), (width, full), (0, full)], deep, mix(deep, light, 0.8))
    b.back.glow(b.frame.x(0.5), b.level(0.42), 0.85 * unit, light, 0.75)
    for k in range(3):
        r = (0.52 - 0.13 * k) * unit
        b.back.polygon(ellipse(b.frame.x(0.5), b.level(0.42), r, r), lighter(light, 0.15), 0.10)
    edge = b.frame.y(b.spot[1] - 0.09)
    b.middle.gradient(
        [(0, edge), (width, edge), (width, full), (0, full)], mix(deep, light, 0.62), mix(deep, light, 0.95), (0.0, 1.0)
    )
    x, y, rx, ry = b.frame.x(0.5), b.frame.y(b.spot[1]), 0.46 * unit, 0.075 * unit
    b.floor.soft(x, y + 0.06 * unit, rx * 1.3, ry * 1.3, lighter(deep, -0.5), 0.6)
    b.floor.polygon(ellipse(x, y + 0.05 * unit, rx, ry), mix(deep, light, 0.35))
    b.floor.gradient(
        [(x - rx, y), (x + rx, y), (x + rx, y + 0.05 * unit), (x - rx, y + 0.05 * unit)],
        mix(deep, light, 0.5),
        mix(deep, light, 0.35),
    )
    b.floor.polygon(ellipse(x, y, rx, ry), lighter(light, 0.22))
    b.floor.soft(x - 0.1 * unit * b.light.side, y, rx * 0.8, ry * 0.8, (1.0, 1.0, 1.0), 0.4)
