"""Skies: gradient, glow, sun or moon, stars, clouds lit from the sun's side. Knows of the ground only the horizon."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.backends.image.sketch.light import Light
from engine.backends.image.sketch.plate import Colour, Plate, ink, lighter, mix, noise

CLOUDINESS = {"rain": 0.85, "storm": 0.95, "snow": 0.7, "fog": 0.3, "clouds": 0.75, "wind": 0.55}


def paint_sky(
    plate: Plate, light: Light, horizon: float, rng: np.random.Generator, clouds: float | None = None
) -> None:
    """Fill the whole plate; below the `horizon` (pixels) goes on in the horizon's colour. `clouds` 0–1."""
    width, height = plate.frame.full
    small = (max(2, height // 3), max(2, width // 3))
    sky = _gradient(light, small, horizon / height)
    sun = plate.frame.x(light.sun_at[0]), horizon - light.sun_at[1] * (horizon - plate.frame.margin_y)
    glow = _glow(light, small, (sun[0] / width, sun[1] / height), width / height)
    sky += glow * (1 - sky / 255)  # as two exposures add up: never beyond white
    cover = CLOUDINESS.get(light.weather, 0.42) if clouds is None else clouds
    if cover > 0:
        _clouds(sky, light, horizon / height, sun[0] / width, cover, rng)
    full = cv2.resize(sky, (width, height), interpolation=cv2.INTER_LINEAR)
    # ±half a level of noise before rounding: a slow gradient of 8 bits bands visibly, worse once it is compressed
    full += rng.random((height, width, 1), np.float32) - 0.5
    plate.pixels[..., :3] = np.clip(full, 0, 255).astype(np.uint8)
    plate.pixels[..., 3] = 255
    if light.stars > 0.03:
        _stars(plate, light, horizon, rng)
    if light.sun_size > 0:
        _disc(plate, light, sun)


def _gradient(light: Light, shape: tuple[int, int], horizon: float) -> NDArray[np.float32]:
    stops = np.array([np.array(c) * 255 for c in light.sky], np.float32)
    rows = np.clip(np.linspace(0, 1, shape[0]) / max(0.05, horizon), 0, 1)
    places = [0.0, 0.58, 1.0]
    column = np.stack([np.interp(rows, places, stops[:, i]) for i in range(3)], axis=1).astype(np.float32)
    return np.repeat(column[:, None, :], shape[1], axis=1)


def _glow(light: Light, shape: tuple[int, int], sun: tuple[float, float], aspect: float) -> NDArray[np.float32]:
    """Two falloffs around the sun: a wide one flattened along the horizon, a narrow one around the disc."""
    if light.sun_size == 0 and light.weather:
        return np.zeros((*shape, 3), np.float32)
    x = (np.linspace(0, 1, shape[1], dtype=np.float32) - sun[0])[None, :] * aspect
    y = (np.linspace(0, 1, shape[0], dtype=np.float32) - sun[1])[:, None]
    wide = np.exp(-((x / 0.75) ** 2 + (y / 0.38) ** 2))
    near = np.exp(-np.sqrt(x * x + y * y) / 0.07)
    strength = (0.12, 0.25) if light.time == "night" else (0.22, 0.45) if light.time == "day" else (0.45, 0.6)
    falloff = (wide * strength[0] + near * strength[1]).astype(np.float32)
    return falloff[..., None] * (np.array(light.sun) * 255).astype(np.float32)


def _clouds(
    sky: NDArray[np.float32], light: Light, horizon: float, sun_x: float, cover: float, rng: np.random.Generator
) -> None:
    """Fractal noise stretched flat towards the horizon; brighter where the noise falls off towards the sun."""
    rows, columns = sky.shape[:2]
    last = max(8, min(rows, int(rows * horizon)))
    field = noise(rng, (last, columns), (3, 4), 5)
    # rows near the horizon show more sky per pixel: sample the field ever faster downwards
    depth = np.linspace(0, 1, last, dtype=np.float32)
    take = ((1 - (1 - depth) ** 0.7) * (last - 1)).astype(np.float32)
    field = cv2.remap(
        field,
        np.broadcast_to(np.arange(columns, dtype=np.float32), (last, columns)).copy(),
        np.broadcast_to(take[:, None], (last, columns)).copy(),
        cv2.INTER_LINEAR,
    )
    low = np.quantile(field, 1 - cover * 0.92)
    body = np.clip((field - low) / 0.16, 0, 1)
    body = body * body * (3 - 2 * body)
    step = max(1, columns // 90)
    towards = step if sun_x > 0.5 else -step
    lit = np.clip((field - np.roll(np.roll(field, -towards, axis=1), step // 2 + 1, axis=0)) * 5 + 0.5, 0, 1)
    bright, shade = _cloud_colours(light)
    colour = shade + (bright - shade) * lit[..., None]
    fade = np.clip((1 - depth) * 5, 0, 1)[:, None] * np.clip(0.35 + depth * 1.4, 0, 1)[:, None]
    amount = (body * fade * (0.9 if light.weather else 0.78))[..., None]
    sky[:last] += (colour - sky[:last]) * amount


def _cloud_colours(light: Light) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    top, middle, low = light.sky
    if light.time == "night":
        bright, shade = mix(middle, light.sun, 0.22), mix(top, middle, 0.4)
    elif light.weather in ("rain", "storm"):
        bright, shade = lighter(middle, 0.10), lighter(top, -0.25)
    elif light.time in ("day", "morning", "afternoon"):
        bright, shade = mix(low, (1.0, 1.0, 1.0), 0.75), mix(middle, (0.75, 0.79, 0.88), 0.55)
    else:
        bright, shade = mix(low, light.sun, 0.55), mix(top, middle, 0.55)
    return np.array(bright, np.float32) * 255, np.array(shade, np.float32) * 255


def _stars(plate: Plate, light: Light, horizon: float, rng: np.random.Generator) -> None:
    width, height = plate.frame.full
    count = int(260 * light.stars * (width * height / 1_400_000) ** 0.5)
    size = max(0.5, plate.frame.unit / 720)
    for _ in range(count):
        x, y = rng.random() * width, rng.random() ** 1.3 * horizon * 0.92
        power = rng.random() ** 3
        bright = (0.45 + 0.55 * power) * min(1.0, 0.3 + light.stars)
        colour = mix(light.sky[0], mix((1.0, 1.0, 1.0), (1.0, 0.9, 0.75), rng.random() * 0.6), bright)
        plate.polygon(_diamond(x, y, (0.7 + 1.3 * power) * size), colour)
        if power > 0.8:
            plate.glow(x, y, 9 * size, colour, 0.4)


def _diamond(x: float, y: float, r: float) -> list[tuple[float, float]]:
    return [(x - r, y), (x, y - r), (x + r, y), (x, y + r)]


def _disc(plate: Plate, light: Light, sun: tuple[float, float]) -> None:
    x, y = sun
    radius = light.sun_size * plate.frame.unit
    moon = light.time == "night"
    plate.glow(x, y, radius * (5 if moon else 6), light.sun, 0.3 if moon else 0.16)
    plate.glow(x, y, radius * 2.2, light.sun, 0.3 if moon else 0.22)
    colour: Colour = (0.95, 0.96, 0.98) if moon else mix(light.sun, (1.0, 1.0, 0.96), 0.55)
    plate.disc(x, y, radius, colour)
    if moon:
        for dx, dy, r in ((-0.3, -0.2, 0.24), (0.28, 0.12, 0.17), (-0.05, 0.42, 0.13), (0.15, -0.45, 0.1)):
            plate.disc(x + dx * radius, y + dy * radius, r * radius, (0.83, 0.85, 0.9))


def lightning(plate: Plate, horizon: float, rng: np.random.Generator) -> None:
    """A forked bolt from the clouds to the horizon, and its glow."""
    unit, frame = plate.frame.unit, plate.frame
    x, y = frame.x(rng.uniform(0.15, 0.85)), -5.0
    plate.glow(x, frame.y(0.1), unit * 0.9, (0.75, 0.8, 1.0), 0.35, 0.6)
    points = [(x, y)]
    while y < horizon:
        x, y = x + rng.normal(0, 0.035) * unit, y + rng.uniform(0.03, 0.08) * unit
        points.append((x, y))
    for i, (a, b) in enumerate(pairwise(points)):
        plate.line(a, b, max(1, unit * 0.006 * (1 - 0.6 * i / len(points))), (0.97, 0.97, 1.0))
        plate.glow(*b, unit * 0.06, (0.7, 0.75, 1.0), 0.35)
        if i and rng.random() < 0.3:
            fork = (b[0] + rng.normal(0, 0.07) * unit, b[1] + rng.uniform(0.04, 0.1) * unit)
            plate.line(b, fork, max(1, unit * 0.002), (0.9, 0.92, 1.0))


def reflect(source: Plate, target: Plate, top: float, bottom: float, water: Colour, rng: np.random.Generator) -> None:
    """Fill `target` between `top` and `bottom` (pixels) with `source` upside down, rippled and tinted by the water.

    Ripples shift each row sideways, the more the nearer; a real mirror image would be sharp, and the sea never is.
    """
    width, height = target.frame.full
    first, last = max(0, round(top)), min(height, round(bottom))
    if last <= first:
        return
    rows = np.arange(last - first, dtype=np.float32)
    near = rows / max(1.0, float(last - first))
    mirror = np.clip(first - 1 - rows * (0.9 * first / max(1.0, float(last - first))), 0, height - 1)
    sway = np.sin(rows * (1.1 - 0.7 * near) / (target.frame.unit / 420)) * near * target.frame.unit * 0.014
    sway += rng.normal(0, 1, len(rows)).astype(np.float32) * near * target.frame.unit * 0.003
    x = np.arange(width, dtype=np.float32)[None, :] + sway[:, None].astype(np.float32)
    y = np.broadcast_to(mirror[:, None], x.shape).astype(np.float32).copy()
    seen = cv2.remap(source.pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)[..., :3]
    seen = cv2.blur(seen, (max(1, width // 60), 1))
    share = (0.34 + 0.38 * near)[:, None, None]
    deep = np.array(ink(water)[:3], np.float32)
    target.pixels[first:last, :, :3] = (seen * (1 - share) + deep * share).astype(np.uint8)
    target.pixels[first:last, :, 3] = 255
