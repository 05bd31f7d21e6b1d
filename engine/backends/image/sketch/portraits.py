"""A kept picture as one of the cast: cut out where its ground can be told from it, else framed. Knows no scene."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageOps

from engine.backends.image.sketch.drawings import premultiplied
from engine.backends.image.sketch.plate import Pixels
from engine.references import read_reference

WIDEST = 1.25
"""Width of a cut-out, as a share of its height; what is wider is drawn lower."""
FRAMED = (0.72, 0.95)
"""Width by height of a framed portrait: of what is wider, the sides are left out."""
NEAR = 20
"""Of 255: how far a plain ground's colours may be apart, noise of a JPEG included."""
PLAIN = 0.93
"""So much of a picture's upper edges has the ground's colour, if it has a plain one."""
CARD = (252, 248, 240)
SMOOTH = 4
"""Frames are drawn so many times larger and made small, so that their edges are smooth."""


def portrait(path: Path, height: int) -> Pixels:
    """The picture in `path`, `height` pixels high and standing on its last row; premultiplied RGBA.

    Raises `BadRequest` for a file that cannot be read as a picture.
    """
    picture = read_reference(path)
    alpha = np.asarray(picture)[..., 3]
    if (alpha < 128).mean() > 0.02:
        return _cut_out(picture, height)
    # twice the size that is drawn: enough to find an outline in
    picture.thumbnail((4 * height, 2 * height), Image.Resampling.LANCZOS)
    ground = _plain_ground(np.asarray(picture)[..., :3])
    if ground is not None:
        picture.putalpha(Image.fromarray(255 - ground))
        return _cut_out(picture, height)
    return _framed(picture, height)


def _cut_out(picture: Image.Image, height: int) -> Pixels:
    ink = np.asarray(picture)[..., 3] > 24
    picture = picture.crop(Image.fromarray(ink).getbbox())
    scale = min(height / picture.height, WIDEST * height / picture.width)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return premultiplied(np.array(picture.resize(size, Image.Resampling.LANCZOS)))


def _plain_ground(picture: Pixels) -> Pixels | None:
    """Where a ground of one colour shows, 255 there; None if there is none. A bust may touch the lower edge."""
    rows, columns = picture.shape[:2]
    if min(rows, columns) < 16:
        return None
    edges = np.concatenate([picture[:2].reshape(-1, 3), picture[:, :2].reshape(-1, 3), picture[:, -2:].reshape(-1, 3)])
    colour = np.median(edges, axis=0)
    if (np.abs(edges - colour).max(axis=1) <= NEAR).mean() < PLAIN:
        return None
    near = (np.abs(picture.astype(np.int16) - colour).max(axis=2) <= NEAR).astype(np.uint8)
    # what has the ground's colour but is enclosed, an eye's white, is no ground
    _, labels = cv2.connectedComponents(near, connectivity=4)
    touching = np.unique(np.concatenate([labels[0], labels[:, 0], labels[:, -1]]))
    ground = np.isin(labels, touching[touching > 0]).astype(np.uint8) * 255
    if not 0.1 < (ground > 0).mean() < 0.95:
        return None
    # a pixel more: the outline is mixed with the ground there
    return cv2.blur(cv2.dilate(ground, np.ones((3, 3), np.uint8)), (3, 3))


def _framed(picture: Image.Image, height: int) -> Pixels:
    """In a card with an arched top, as cut out of paper; the upper part of what does not fit, where faces are."""
    width = round(height * min(max(picture.width / picture.height, FRAMED[0]), FRAMED[1]))
    border = max(1, round(0.035 * height))
    outer, inner = _arch(width, height, 0), _arch(width, height, border)
    inside = width - 2 * border, height - 2 * border
    fitted = ImageOps.fit(picture.convert("RGB"), inside, Image.Resampling.LANCZOS, centering=(0.5, 0.3))
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = CARD
    shown = np.zeros((height, width, 3), np.float32)
    shown[border : height - border, border : width - border] = np.asarray(fitted)
    deep = cv2.GaussianBlur(inner, (0, 0), max(0.8, 0.7 * border)).astype(np.float32)[..., None] / 255
    share = inner.astype(np.float32)[..., None] / 255
    canvas += (shown * (0.55 + 0.45 * deep) - canvas) * share
    return premultiplied(np.dstack([np.clip(canvas, 0, 255).astype(np.uint8), outer]))


def _arch(width: int, height: int, inset: int) -> Pixels:
    """A mask, 255 inside: a rounded card whose upper corners are as round as it is wide."""
    mask = Image.new("L", (width * SMOOTH, height * SMOOTH))
    draw = ImageDraw.Draw(mask)
    x0, y0, x1, y1 = (side * SMOOTH for side in (inset, inset, width - inset, height - inset))
    top, foot = (x1 - x0) / 2, 0.09 * (x1 - x0)
    draw.pieslice((x0, y0, x1 - 1, y0 + 2 * top), 180, 360, fill=255)
    draw.rectangle((x0, y0 + top - 1, x1 - 1, y1 - foot * 2), fill=255)
    draw.rounded_rectangle((x0, y0 + top, x1 - 1, y1 - 1), foot, fill=255, corners=(False, False, True, True))
    return np.asarray(mask.resize((width, height), Image.Resampling.BOX))
