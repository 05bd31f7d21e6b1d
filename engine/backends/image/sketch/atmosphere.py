"""What hangs between the scene and the viewer: rain, snow, fog, blown leaves, light shafts, a dark or leafy frame."""

from __future__ import annotations

import numpy as np

from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.plate import Colour, Plate, ellipse, lighter, mix

GREEN_PLACES = ("mountains", "meadow", "forest", "jungle", "lake", "farm", "garden", "village", "castle", "road")


def put_weather(b: Backdrop, plate: Plate, rng: np.random.Generator) -> None:
    """Rain and snow fall in three depths; nothing falls indoors."""
    if b.indoors or (b.airy and b.wet and b.light.weather not in ("rain", "storm", "snow")):
        return
    width, height = b.frame.full
    unit, weather = b.frame.unit, b.light.weather
    if weather in ("rain", "storm"):
        slant = 0.30 if weather == "storm" else 0.14
        for size, alpha, count in ((0.5, 0.22, 150), (0.8, 0.30, 110), (1.3, 0.34, 60)):
            streaks = []
            for _ in range(count):
                x, y, long = (
                    rng.random() * width * 1.2,
                    rng.random() * height,
                    unit * 0.07 * size * rng.uniform(0.6, 1.2),
                )
                w = max(0.5, unit * 0.0011 * size)
                streaks.append(
                    [(x - w, y), (x + w, y), (x - slant * long + w, y + long), (x - slant * long - w, y + long)]
                )
            plate.polygons(streaks, (0.86, 0.91, 1.0), alpha)
        for _ in range(40):
            x, y = rng.random() * width, b.level(rng.uniform(0.76, 1.05))
            plate.polygon(ellipse(x, y, 0.012 * unit, 0.003 * unit), (0.9, 0.94, 1.0), 0.4)
    elif weather == "snow":
        for size, alpha, count in ((0.0024, 0.75, 200), (0.0042, 0.85, 110), (0.008, 0.8, 34)):
            flakes = [
                ellipse(rng.random() * width, rng.random() * height, unit * size * s, unit * size * s)
                for s in rng.uniform(0.6, 1.2, count)
            ]
            plate.polygons(flakes, (0.98, 0.99, 1.0), alpha)
    elif weather == "wind" and not (b.wet or b.decked):  # no leaves blow over the open sea
        for _ in range(34):
            x, y, r, a = (
                rng.random() * width,
                rng.random() * height * 0.95,
                unit * rng.uniform(0.005, 0.013),
                rng.random() * 3,
            )
            c, s = np.cos(a), np.sin(a)
            leaf = [
                (x - r * c, y - r * s),
                (x + 0.4 * r * s, y - 0.4 * r * c),
                (x + r * c, y + r * s),
                (x - 0.4 * r * s, y + 0.4 * r * c),
            ]
            tones: list[Colour] = [(0.85, 0.55, 0.2), (0.75, 0.35, 0.18), (0.5, 0.62, 0.25)]
            plate.polygon(leaf, b.light.far(tones[int(rng.integers(3))], 0.0), 0.9)
    if weather == "fog":
        for _ in range(9):
            x, y = rng.random() * width, b.level(rng.uniform(0.55, 1.0))
            plate.soft(x, y, unit * rng.uniform(0.5, 1.0), unit * rng.uniform(0.06, 0.14), b.light.haze, 0.34)


def put_haze(b: Backdrop) -> None:
    """Mist between far and middle distance, and shafts of light from a low sun."""
    if b.indoors or b.airy:
        return
    unit, frame = b.frame.unit, b.frame
    amount = 0.5 if b.light.weather == "fog" else 0.16
    b.middle.soft(frame.x(0.5), b.level(0.72), frame.full[0] * 0.75, 0.09 * unit, b.light.haze, amount)
    if b.light.sun_size and 0.05 < b.light.sun_at[1] < 0.5 and not b.light.weather and b.light.time != "night":
        x, y = frame.x(b.light.sun_at[0]), b.level(0.60) - b.light.sun_at[1] * 0.5 * unit
        for k, a in enumerate(np.linspace(0.35, 2.8, 6)):
            spread = 0.035 + 0.02 * (k % 3)
            far = 1.7 * unit
            shaft = [
                (x, y),
                (x + far * np.cos(a - spread), y + far * np.sin(a - spread)),
                (x + far * np.cos(a + spread), y + far * np.sin(a + spread)),
            ]
            b.middle.polygon(shaft, b.light.sun, 0.05)


def put_foreground(b: Backdrop, plate: Plate, place: str, framing: str, rng: np.random.Generator) -> None:
    """Dark grass, leaves, heads of an audience or rocks at the very front: depth for a moving camera."""
    unit, (width, height) = b.frame.unit, b.frame.full
    low = b.frame.y(1.0)
    if place in GREEN_PLACES and b.light.weather != "snow":
        grass = lighter(b.light.far((0.22, 0.38, 0.16), 0.0), -0.35)
        for _ in range(2):
            blades = []
            for _ in range(70):
                u = rng.random() ** 2 * 0.30
                share = u if rng.random() < 0.5 else 1 - u
                x, tall = share * width, unit * rng.uniform(0.06, 0.17) * (1 - 2.2 * u)
                lean, w = rng.normal(0, 0.25) * tall, unit * 0.0045
                blades.append([(x - w, height), (x + lean, low + 0.03 * unit - tall), (x + w, height)])
            plate.polygons(blades, grass)
            grass = lighter(grass, 0.10)
        if place in ("forest", "jungle", "garden", "lake") and framing != "close":
            _leaves(b, plate, rng)
    elif place == "stage" and framing != "close":
        heads = []
        for x in np.arange(-0.02 * unit, width, 0.095 * unit):
            r = 0.034 * unit * rng.uniform(0.9, 1.12)
            cy = b.frame.y(1.0) + rng.uniform(0.0, 0.03) * unit
            heads += [ellipse(x, cy, r, r * 1.15), ellipse(x, cy + 0.085 * unit, r * 1.9, 0.06 * unit)]
        plate.polygons(heads, (0.05, 0.02, 0.08))
    elif place == "cave":
        for share, tall in ((-0.1, 0.22), (0.03, 0.13), (0.95, 0.15), (1.08, 0.24)):
            x = b.frame.x(share)
            rock = [
                (x - 0.16 * unit, height),
                (x - 0.09 * unit, low - tall * 0.6 * unit),
                (x, low - tall * unit),
                (x + 0.08 * unit, low - tall * 0.5 * unit),
                (x + 0.17 * unit, height),
            ]
            plate.gradient(rock, (0.13, 0.12, 0.19), (0.05, 0.05, 0.09))
    elif place == "underwater":
        for _ in range(14):
            x, y, r = rng.random() * width, rng.random() * height, unit * rng.uniform(0.008, 0.02)
            plate.disc(x, y, r, (0.75, 0.95, 1.0), 0.16)
            plate.disc(x - 0.35 * r, y - 0.35 * r, 0.25 * r, (1.0, 1.0, 1.0), 0.55)


def _leaves(b: Backdrop, plate: Plate, rng: np.random.Generator) -> None:
    """Boughs that hang into the upper corners."""
    unit, width = b.frame.unit, b.frame.full[0]
    dark = lighter(b.light.far((0.16, 0.32, 0.14), 0.0), -0.3)
    for side in (0, 1):
        groups: list[list[list[tuple[float, float]]]] = [[], []]
        for _ in range(46):
            u, v = rng.random() ** 1.6 * 0.34 * unit, rng.random() ** 1.7 * 0.20 * unit
            if u / (0.34 * unit) + v / (0.20 * unit) > 1.15:
                continue
            x, y = (
                b.frame.x(side) + (u if side == 0 else -u) + (-0.10 if side == 0 else 0.10) * unit,
                b.frame.y(0) + v - 0.10 * unit,
            )
            a, r = rng.uniform(0.5, 2.6), unit * rng.uniform(0.022, 0.045)
            c, s = np.cos(a), np.sin(a)
            groups[int(rng.integers(2))].append(
                [
                    (x, y),
                    (x + r * 0.5 * c - r * 0.28 * s, y + r * 0.5 * s + r * 0.28 * c),
                    (x + r * c, y + r * s),
                    (x + r * 0.5 * c + r * 0.28 * s, y + r * 0.5 * s - r * 0.28 * c),
                ]
            )
        plate.gradient(
            [(side * width, 0), (side * width, 0.1 * unit), (abs(side * width - 0.2 * unit), 0)],
            dark,
            mix(dark, (0.0, 0.0, 0.0), 0.2),
        )
        plate.polygons(groups[0], dark)
        plate.polygons(groups[1], lighter(dark, 0.12))
