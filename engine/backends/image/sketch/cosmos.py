"""Beyond the earth: space, a moon, a strange planet; and high above the clouds. Knows light, no cast."""

from __future__ import annotations

import cv2
import numpy as np

from engine.backends.image.sketch import land
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.plate import Colour, ellipse, lighter, mix, noise
from engine.backends.image.sketch.sky import paint_sky


def _cosmos(b: Backdrop) -> None:
    """Black sky with nebulae of two hues and many stars."""
    width, height = b.frame.full
    small = (max(2, height // 4), max(2, width // 4))
    base = np.empty((*small, 3), np.float32)
    base[:] = np.array([8, 9, 26], np.float32)
    hues = [(150, 60, 190), (40, 110, 200), (220, 90, 120), (40, 160, 160)]
    for k in b.rng.permutation(4)[:2]:
        cloud = np.clip(noise(b.rng, small, (2, 3), 5) - 0.45, 0, 1) * 2.2
        base += cloud[..., None] ** 1.4 * np.array(hues[int(k)], np.float32) * 0.55
    full = cv2.resize(base, (width, height), interpolation=cv2.INTER_CUBIC)
    full += b.rng.random((height, width, 1), np.float32) - 0.5
    b.back.pixels[..., :3] = np.clip(full, 0, 255).astype(np.uint8)
    b.back.pixels[..., 3] = 255
    unit = b.frame.unit
    for _ in range(320):
        x, y, power = b.rng.random() * width, b.rng.random() * height, b.rng.random() ** 3
        r = unit / 720 * (0.7 + 1.6 * power)
        colour = mix((1.0, 1.0, 1.0), [(1.0, 0.85, 0.7), (0.7, 0.85, 1.0)][int(b.rng.integers(2))], 0.5)
        b.back.polygon(
            [(x - r, y), (x, y - r), (x + r, y), (x, y + r)], mix((0.1, 0.1, 0.2), colour, 0.4 + 0.6 * power)
        )
        if power > 0.75:
            b.back.glow(x, y, 10 * r, colour, 0.5)


def globe(b: Backdrop, x: float, y: float, radius: float, colour: Colour, ring: bool = False) -> None:
    """A planet: banded, with its night side away from the light, and a thin bright atmosphere."""
    plate = b.back
    plate.glow(x, y, radius * 1.5, colour, 0.5)
    if ring:
        _ring(b, x, y, radius, colour, False)
    plate.disc(x, y, radius, colour)
    for _ in range(7):
        dy = b.rng.uniform(-0.85, 0.85)
        half = np.sqrt(1 - dy * dy)
        plate.polygon(
            ellipse(x, y + dy * radius, half * radius * 0.995, radius * b.rng.uniform(0.03, 0.08)),
            lighter(colour, b.rng.uniform(-0.25, 0.3)),
            0.5,
        )
    angle = np.linspace(-np.pi / 2, np.pi / 2, 40)
    side = -b.light.side
    for inner, alpha in ((0.25, 0.35), (-0.15, 0.35), (-0.5, 0.3)):
        outer = np.stack([x + side * radius * np.cos(angle), y + radius * np.sin(angle)], 1)
        curve = np.stack([x - side * radius * inner * np.cos(angle), y + radius * np.sin(angle)], 1)
        plate.polygon(np.concatenate([outer, curve[::-1]]), (0.01, 0.01, 0.05), alpha)
    if ring:
        _ring(b, x, y, radius, colour, True)


def _ring(b: Backdrop, x: float, y: float, radius: float, colour: Colour, front: bool) -> None:
    angle = np.linspace(0, np.pi, 50) + (0 if front else np.pi)
    for outer, inner, tone in ((2.0, 1.75, 0.25), (1.7, 1.42, 0.05)):
        big = np.stack([x + radius * outer * np.cos(angle), y + radius * outer * 0.28 * np.sin(angle)], 1)
        small = np.stack([x + radius * inner * np.cos(angle), y + radius * inner * 0.28 * np.sin(angle)], 1)
        b.back.polygon(np.concatenate([big, small[::-1]]), lighter(colour, tone), 0.85)


def space(b: Backdrop) -> None:
    b.airy = b.wet = True
    b.feet, b.free = (0.70, 0.80), (0.0, 1.0)
    _cosmos(b)
    unit, hues = b.frame.unit, [(0.85, 0.55, 0.35), (0.35, 0.60, 0.85), (0.70, 0.50, 0.80), (0.45, 0.70, 0.55)]
    pick = [hues[int(k)] for k in b.rng.permutation(4)]
    side = 0.80 if b.light.side < 0 else 0.20
    globe(b, b.frame.x(side), b.level(0.26), 0.13 * unit, pick[0], True)
    globe(b, b.frame.x(1 - side) + 0.05 * unit, b.level(0.16), 0.045 * unit, pick[1])
    x, radius = b.frame.x(0.5 + 0.2 * b.light.side), 1.5 * max(unit, b.frame.width * 0.7)
    y = b.frame.y(0.84) + radius
    b.back.soft(x, y, radius * 1.08, radius * 1.08, (0.4, 0.7, 1.0), 0.9)
    b.middle.disc(x, y, radius, (0.12, 0.34, 0.62))
    for _ in range(16):
        a = b.rng.uniform(-0.55, 0.55)
        far = b.rng.uniform(0.86, 0.985)
        px, py = x + np.sin(a) * radius * far, y - np.cos(a) * radius * far
        w = unit * b.rng.uniform(0.05, 0.22)
        b.middle.soft(
            px, py, w * 1.6, w * 0.35, (0.95, 0.98, 1.0) if b.rng.random() < 0.55 else (0.35, 0.55, 0.3), 0.75
        )
    for i in range(5):
        b.middle.soft(x, y - radius * (1.0 - 0.012 * i), radius * 0.9, 0.02 * unit, (0.6, 0.85, 1.0), 0.10)


def space_station(b: Backdrop) -> None:
    """Space with a station in orbit: a truss, modules in a row, wings of solar cells."""
    space(b)
    unit, x, y = b.frame.unit, b.frame.x(0.5), b.level(0.40)
    metal, dark = (0.80, 0.82, 0.86), (0.36, 0.38, 0.44)
    cell, line = (0.13, 0.22, 0.50), (0.45, 0.60, 0.88)
    reach = min(0.62 * unit, 0.46 * b.frame.width)
    plate = b.middle
    for side in (-1, 1):
        for far in (0.60, 0.98):
            for up in (-1, 1):
                left, right = sorted((x + side * reach * (far - 0.15), x + side * reach * (far + 0.15)))
                top, low = sorted((y + up * 0.025 * unit, y + up * 0.235 * unit))
                plate.gradient([(left, top), (right, top), (right, low), (left, low)], lighter(cell, 0.15), cell)
                for k in range(1, 6):
                    at = top + (low - top) * k / 6
                    plate.box(left, at - 0.0012 * unit, right, at + 0.0012 * unit, line)
                plate.box((left + right) / 2 - 0.004 * unit, top, (left + right) / 2 + 0.004 * unit, low, metal)
    long, thick = 1.16 * reach, 0.014 * unit
    truss = [(x - long, y - thick), (x + long, y - thick), (x + long, y + thick), (x - long, y + thick)]
    plate.gradient(truss, metal, dark)
    for dy, half, tall in ((0.0, 0.20, 0.062), (-0.115, 0.075, 0.055), (0.12, 0.06, 0.06)):
        cy, w, h = y + dy * unit, half * unit, tall * unit
        right = [(x + w, cy - h), (x + w + 0.4 * h, cy - 0.5 * h), (x + w + 0.4 * h, cy + 0.5 * h), (x + w, cy + h)]
        body = [*right, *((2 * x - px, py) for px, py in reversed(right))]
        plate.gradient(body, lighter(metal, 0.35), lighter(dark, 0.05))
        for share in (-0.6, 0.0, 0.6):
            plate.box(x + share * w - 0.002 * unit, cy - h, x + share * w + 0.002 * unit, cy + h, dark)
        for share in (-0.3, 0.3):
            plate.disc(x + share * w, cy - 0.1 * h, 0.26 * h, (0.20, 0.22, 0.30))
            plate.disc(x + share * w, cy - 0.1 * h, 0.19 * h, (1.0, 0.88, 0.55))


def _alien_ground(b: Backdrop, base: Colour, craters: int) -> None:
    unit = b.frame.unit
    land.mountains(b.back, b.light, b.rng, b.level(0.68), 0.18 * unit, lighter(base, -0.1), 0.3, snow=False, count=6)
    land.hills(b.middle, b.light, b.rng, b.level(0.64), 0.06 * unit, lighter(base, -0.08), 0.15)
    land.ground(b.floor, b.light, b.rng, b.level(0.73), base, 0.02)
    tone = b.light.far(base, 0.0)
    for _ in range(craters):
        near = b.rng.random()
        x, y, r = (
            b.rng.random() * b.frame.full[0],
            b.level(0.76) + near * 0.3 * unit,
            unit * (0.02 + 0.08 * near * b.rng.random()),
        )
        b.floor.polygon(ellipse(x, y, r * 1.15, r * 0.34), lighter(tone, 0.22))
        b.floor.polygon(ellipse(x + 0.03 * r, y + 0.03 * r, r, r * 0.27), lighter(tone, -0.35))
        b.floor.polygon(ellipse(x, y + 0.07 * r, r * 0.86, r * 0.20), lighter(tone, -0.18))


def moon(b: Backdrop) -> None:
    _cosmos(b)
    x = b.frame.x(0.76 if b.light.side < 0 else 0.24)
    globe(b, x, b.level(0.26), 0.12 * b.frame.unit, (0.25, 0.50, 0.85))
    _alien_ground(b, (0.66, 0.67, 0.70), 16)


def planet(b: Backdrop) -> None:
    paint_sky(b.back, b.light, b.level(0.62), b.rng, 0.25)
    b.back.pixels[..., :3] = (b.back.pixels[..., :3] * np.array([1.0, 0.72, 0.62])).astype(np.uint8)
    b.back.glow(b.frame.x(0.5), b.level(0.6), b.frame.unit, (0.9, 0.5, 0.3), 0.35, 0.5)
    b.back.disc(b.frame.x(0.22), b.level(0.18), 0.05 * b.frame.unit, (0.95, 0.85, 0.75), 0.7)
    b.back.disc(b.frame.x(0.32), b.level(0.26), 0.02 * b.frame.unit, (0.95, 0.80, 0.70), 0.6)
    _alien_ground(b, (0.78, 0.42, 0.28), 9)


def sky_place(b: Backdrop) -> None:
    """High above: banks of cloud below, peaks that break through."""
    unit = b.frame.unit
    b.airy, b.wet, b.feet, b.free = True, True, (0.68, 0.80), (0.0, 1.0)
    h = b.sky(0.86, 0.5)
    land.mountains(b.back, b.light, b.rng, b.level(0.86), 0.30 * unit, (0.46, 0.50, 0.62), 0.7, count=5)
    bright = mix(b.light.far((1.0, 1.0, 1.0), 0.1), b.light.sky[2], 0.3)
    shade = mix(b.light.sky[1], bright, 0.45)
    for plate, level, size, count in ((b.back, 0.80, 0.10, 26), (b.middle, 0.90, 0.14, 20), (b.floor, 1.04, 0.17, 16)):
        spots = [
            (
                b.rng.random() * b.frame.full[0],
                b.level(level + b.rng.uniform(-0.02, 0.03)),
                unit * size * b.rng.uniform(0.6, 1.3),
            )
            for _ in range(count)
        ]
        plate.polygons([ellipse(x, y, r * 1.25, r * 0.8) for x, y, r in spots], mix(shade, bright, 0.35))
        plate.polygons([ellipse(x + 0.12 * r * b.light.side, y - 0.10 * r, r, r * 0.62) for x, y, r in spots], bright)
        plate.gradient(
            [
                (0, b.level(level)),
                (b.frame.full[0], b.level(level)),
                (b.frame.full[0], b.frame.full[1]),
                (0, b.frame.full[1]),
            ],
            bright,
            mix(bright, shade, 0.6),
            (0.9, 1.0),
        )
    b.back.soft(b.frame.x(0.5), h, b.frame.full[0] * 0.7, 0.2 * unit, b.light.haze, 0.4)
