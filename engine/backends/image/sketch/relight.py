"""A drawing set into a scene's light: tint, modelling from the light's side, rim, haze, shadow. Knows no scene."""

from __future__ import annotations

import cv2
import numpy as np

from engine.backends.image.sketch.light import Light
from engine.backends.image.sketch.plate import Colour, Pixels, Plate


def far_tinted(picture: Pixels, light: Light, depth: float) -> Pixels:
    """As things at that depth look: tinted by the light, faded to its haze. Premultiplied in and out."""
    share = np.float32(min(0.95, depth * light.thick))
    alpha = picture[..., 3:].astype(np.float32) / 255
    colour = picture[..., :3] * np.array(light.tint, np.float32)
    out = picture.copy()
    haze = np.array(light.haze, np.float32) * 255
    out[..., :3] = np.minimum(colour + (haze * alpha - colour) * share, 255 * alpha).astype(np.uint8)
    return out


def lit(picture: Pixels, light: Light, side: int, depth: float = 0.0, key: float | None = None) -> Pixels:
    """Near things: tinted, modelled as if inflated (Johnston 2002, normals from the outline), with a rim of light.

    `side` −1 or 1 is where the light comes from as the picture stands; `key` 0–1 overrides the light's own.
    """
    strength = light.key if key is None else key
    height, width = picture.shape[:2]
    if min(height, width) < 8:
        return far_tinted(picture, light, depth)
    alpha = picture[..., 3].astype(np.float32) / 255
    # the inflated form is smooth: a quarter of the size is enough for it, and sixteen times faster
    small = cv2.resize(alpha, (max(4, width // 4), max(4, height // 4)), interpolation=cv2.INTER_AREA)
    sigma = max(1.0, min(small.shape) / 9)
    padded = cv2.copyMakeBorder(small, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
    form = cv2.GaussianBlur(padded, (0, 0), sigma)[2:-2, 2:-2]
    gx = np.gradient(form, axis=1) if form.shape[1] > 1 else np.zeros_like(form)
    gy = np.gradient(form, axis=0) if form.shape[0] > 1 else np.zeros_like(form)
    shade = -(gx * side * 0.8 - gy * 0.6 * -1) * sigma * 1.9
    shade = cv2.resize(np.clip(shade, -1, 1), (width, height), interpolation=cv2.INTER_LINEAR)
    lower = np.linspace(0.05, -0.13, height, dtype=np.float32)[:, None]
    factor = 1 + (shade * 0.55 + lower) * (0.35 + 0.65 * strength)
    step = max(1, round(min(height, width) * 0.02))
    moved = cv2.warpAffine(alpha, np.array([[1, 0, -side * step], [0, 1, step * 0.8]], np.float32), (width, height))
    rim = cv2.blur(np.clip(alpha - moved, 0, 1), (step, step)) * alpha
    tint = np.array(light.tint, np.float32)
    tint += (1 - tint) * (0.24 if light.dark and depth < 0.2 else 0.06)  # who matters is never lost in the dark
    colour = picture[..., :3].astype(np.float32) * (tint * factor[..., None])
    glow = np.array(light.sun, np.float32) * 255 * (0.55 * strength)
    colour += rim[..., None] * glow
    share = np.float32(min(0.9, depth * light.thick))
    colour += (np.array(light.haze, np.float32) * 255 * alpha[..., None] - colour) * share
    out = picture.copy()
    out[..., :3] = np.clip(colour, 0, alpha[..., None] * 255).astype(np.uint8)
    return out


def shadow(
    plate: Plate, picture: Pixels, x: float, foot: float, light: Light, indoors: bool, strength: float = 1.0
) -> None:
    """The shadow of a standing picture whose foot's middle is (x, foot): a dark contact, outdoors a cast one too."""
    height, width = picture.shape[:2]
    dark: Colour = (0.02, 0.02, 0.07)
    if not indoors and light.sun_size > 0 and light.key > 0.3 and min(height, width) > 12:
        length = height * (0.55 if light.sun_at[1] < 0.3 else 0.28)
        lean = -light.side * height * (0.75 if light.sun_at[1] < 0.3 else 0.35)
        pad = int(abs(lean)) + 4
        out_w, out_h = width + 2 * pad, int(length) + 4
        # the picture's foot stays, its top goes `lean` sideways and `length` towards the viewer or away
        source = np.array([[0, height], [width, height], [0, 0]], np.float32)
        goal = np.array([[pad, 2], [pad + width, 2], [pad + lean, 2 + length]], np.float32)
        cast = cv2.warpAffine(picture[..., 3], cv2.getAffineTransform(source, goal), (out_w, out_h))
        blur = max(1, int(height * 0.02)) * 2 + 1
        cast = cv2.GaussianBlur(cast, (blur, blur), 0)
        fade = np.linspace(0.42, 0.08, out_h, dtype=np.float32)[:, None] * (0.5 + light.key * 0.5) * strength
        sprite = np.zeros((out_h, out_w, 4), np.uint8)
        sprite[..., 3] = (cast * fade).astype(np.uint8)
        sprite[..., 2] = sprite[..., 3] // 14
        plate.sprite(sprite, x - width / 2 - pad, foot - 3)
    plate.soft(x, foot, width * 0.52, max(3.0, width * 0.085), dark, 0.55 * strength)
    plate.soft(x, foot, width * 0.30, max(2.0, width * 0.04), dark, 0.5 * strength)
