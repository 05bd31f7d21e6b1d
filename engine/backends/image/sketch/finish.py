"""From plates to files: grade of the style, vignette, straight alpha, PNG. What it does commutes with layering, so that
the layers put together are the still."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.artifacts import disk_errors
from engine.backends.image.sketch.plate import Frame, Pixels, noise
from engine.errors import ModelError

LUMA = np.array([0.2126, 0.7152, 0.0722])  # Rec. ITU-R BT.709

# saturation, contrast about mid-grey, multiplier per channel, lift towards paper white
GRADES: dict[str, tuple[float, float, tuple[float, float, float], float]] = {
    "": (1.06, 1.03, (1.0, 1.0, 1.0), 0.0),
    "film": (1.02, 1.07, (1.03, 1.0, 0.96), 0.0),
    "noir": (0.0, 1.12, (1.0, 0.99, 0.97), 0.05),
    "watercolour": (0.86, 0.92, (1.02, 1.0, 0.97), 0.17),
    "flat": (1.28, 1.05, (1.02, 1.0, 1.02), 0.0),
    "neon": (1.35, 1.12, (1.02, 0.92, 1.14), 0.0),
    "photo": (0.94, 1.05, (1.0, 1.0, 1.0), 0.0),
}
GRAIN = {"film": 0.030, "noir": 0.05, "watercolour": 0.035, "photo": 0.02}
VIGNETTE = {"noir": 0.55, "watercolour": 0.10, "flat": 0.16}


def grade_matrix(style: str) -> NDArray[np.float32]:
    """4 × 4 on premultiplied RGBA: being linear, it may act on each layer alone. Offsets are carried by the alpha."""
    saturation, contrast, gains, lift = GRADES.get(style, GRADES[""])
    colour = saturation * np.eye(3) + (1 - saturation) * np.tile(LUMA, (3, 1))
    colour = np.diag(gains) @ (contrast * colour) * (1 - lift)
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = colour
    matrix[:3, 3] = 0.5 * (1 - contrast) * (1 - lift) * np.array(gains) + lift
    return matrix


@lru_cache(maxsize=4)
def _veil(frame: Frame, style: str) -> Pixels:
    """What every layer is multiplied with: vignette (darkest in the film's corners) and the style's grain."""
    width, height = frame.full
    x = (np.arange(width, dtype=np.float32) - width / 2) / (frame.width / 2)
    y = (np.arange(height, dtype=np.float32) - height / 2) / (frame.height / 2)
    far = np.clip((x * x)[None, :] + (y * y)[:, None], 0, 2.6) / 2
    veil = 1 - VIGNETTE.get(style, 0.30) * far**1.6
    if style in GRAIN:
        rng = np.random.default_rng(7)
        grain = rng.normal(0, 1, (height, width)).astype(np.float32)
        if style == "watercolour":
            grain = 2.2 * (noise(rng, (height, width), (90, 140), 3) - 0.5) * 2 + 0.4 * grain
        veil *= 1 + GRAIN[style] * grain
    level = np.clip(veil * 255, 0, 255).astype(np.uint8)
    return cv2.merge([level, level, level, np.full_like(level, 255)])


def graded(pixels: Pixels, frame: Frame, style: str) -> Pixels:
    """One layer, graded and veiled; still premultiplied. Only the rows that hold something are worked on."""
    rows = np.flatnonzero(pixels[..., 3].any(axis=1))
    out = np.zeros_like(pixels)
    if len(rows):
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        alpha = pixels[part, :, 3]
        colour = cv2.transform(pixels[part], grade_matrix(style))
        colour = cv2.min(colour, cv2.merge([alpha] * 4))
        out[part] = cv2.multiply(colour, _veil(frame, style)[part], scale=1 / 255)
    return out


def straight(pixels: Pixels) -> Pixels:
    """From premultiplied to straight alpha, which is what PNG holds."""
    out = pixels.copy()
    flat = out.reshape(-1, 4)
    alpha = flat[:, 3]
    soft = np.flatnonzero((alpha > 0) & (alpha < 255))
    part = flat[soft].astype(np.uint16)
    level = part[:, 3:]
    flat[soft, :3] = np.minimum(255, (part[:, :3] * np.uint16(255) + level // 2) // level)
    return out


def flattened(layers: list[Pixels], frame: Frame) -> Pixels:
    """The film's frame of straight-alpha layers put together, as any viewer would: height × width × 3."""
    x, y = frame.margin_x, frame.margin_y
    part = [Image.fromarray(layer[y : y + frame.height, x : x + frame.width]) for layer in layers]
    whole = part[0]
    for layer in part[1:]:
        whole = Image.alpha_composite(whole, layer)
    return np.array(whole.convert("RGB"))


def write_pngs(pictures: dict[Path, Pixels]) -> None:
    """Write RGB or RGBA pictures, two at a time (zlib lets go of the interpreter). Raises as `disk_errors` does."""
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(_write_png, path, pixels) for path, pixels in pictures.items()]:
            done.result()


def _write_png(path: Path, pixels: Pixels) -> None:
    turned = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    ok, data = cv2.imencode(".png", turned, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not ok:
        raise ModelError(f"the picture {path.name} could not be encoded as PNG; report this with the prompt")
    with disk_errors(path):
        path.write_bytes(data.tobytes())
