"""A still's layers as pixels: read, brought to working size, and composited at given places. Knows no camera move.

All is done in 8 bit with colour premultiplied by alpha: filtered straight colour would draw a dark rim around each
drawing. The working size is a multiple of the film's, because bilinear samples of a magnified picture keep their
sharpness wherever they fall between two pixels; at 1:1 a slow move shimmers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from engine.backends.video.camera.motion import Placement
from engine.errors import MediaFailed

OVERSAMPLE = 1.5
"""Working pixels per film pixel, where the film's short side allows it."""
WORKING_PIXELS = 2160
"""The working picture's short side at most; beyond it the gain is not seen and memory is."""
SPARE = 2
"""Transparent pixels kept around a layer's drawing, so that its rim is filtered too."""
MOST_PIXELS = 64_000_000


class Sheet(NamedTuple):
    """What is drawn on a layer.

    `pixels` height × width × 4, premultiplied RGBA at the working size; (`left`, `top`) their corner, in working
    pixels from the layer's centre; `density` working pixels per picture pixel; `opaque` hides all that is behind;
    `solid` is the row of `pixels` from which on everything behind is hidden (their height if nothing is).
    """

    pixels: np.ndarray
    left: float
    top: float
    density: float
    opaque: bool
    solid: int


def read_picture(path: Path) -> np.ndarray:
    """Height × width × 4, straight RGBA. Raises `MediaFailed` for what is no whole PNG."""
    with _opened(path) as picture:
        return np.asarray(picture.convert("RGBA"))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise MediaFailed(f"{path.name} has more than {MOST_PIXELS // 10**6} megapixels: make it smaller.")
            yield picture
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaFailed(f"{path.name} cannot be read as a PNG picture: paint it again or replace it.") from error


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, from the header alone. Raises `MediaFailed` for what is no PNG."""
    with _opened(path) as picture:
        return picture.size


def density(film: tuple[int, int], magnification: float) -> float:
    """Working pixels per picture pixel, when the picture is magnified by so much to fill the film."""
    return magnification * min(OVERSAMPLE, max(1.0, WORKING_PIXELS / min(film)))


def sheet(picture: np.ndarray, per_pixel: float) -> Sheet | None:
    """The drawing on a layer, cropped, premultiplied and brought to working size; None if the layer is empty."""
    height, width = picture.shape[:2]
    alpha = picture[..., 3]
    opaque = bool(alpha.min() == 255)
    if opaque:
        x0, y0, x1, y1 = 0, 0, width, height
    else:
        rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
        if not len(rows):
            return None
        x0, x1 = max(0, int(columns[0]) - SPARE), min(width, int(columns[-1]) + 1 + SPARE)
        y0, y1 = max(0, int(rows[0]) - SPARE), min(height, int(rows[-1]) + 1 + SPARE)
    pixels = np.ascontiguousarray(picture[y0:y1, x0:x1])
    if not opaque:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)
    pixels = _resize(pixels, per_pixel)
    if not opaque:
        pixels[..., :3] = np.minimum(pixels[..., :3], pixels[..., 3:])  # cubic filtering overshoots at hard edges
    spans = x0 == 0 and x1 == width and y1 == height
    solid = _solid_from(pixels[..., 3]) if spans else len(pixels)
    return Sheet(pixels, (x0 - width / 2) * per_pixel, (y0 - height / 2) * per_pixel, per_pixel, opaque, solid)


def _solid_from(alpha: np.ndarray) -> int:
    """The first row below which, itself included, no pixel lets anything through."""
    open_rows = np.flatnonzero(alpha.min(axis=1) < 255)
    return int(open_rows[-1]) + 1 if len(open_rows) else 0


def _resize(pixels: np.ndarray, scale: float) -> np.ndarray:
    height, width = pixels.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def composite(sheets: list[tuple[Sheet, Placement]], magnification: float, width: int, height: int) -> np.ndarray:
    """One film frame, height × width × 3 RGB: the sheets far to near, each at its place, the whole magnified."""
    frame = np.zeros((height, width, 4), np.uint8)
    bottoms, bottom = [], height
    for layer, place in reversed(sheets):  # what a nearer layer hides is not drawn
        bottoms.append(bottom)
        bottom = min(bottom, _solid_row(layer, place.scale * magnification, place.y, height))
    for (layer, place), last in zip(sheets, reversed(bottoms), strict=True):
        _lay(frame, layer, place._replace(scale=place.scale * magnification), last)
    return cv2.cvtColor(frame, cv2.COLOR_RGBA2RGB)


def _solid_row(layer: Sheet, scale: float, y: float, height: int) -> int:
    """The film's first row that the layer hides for sure; filtering blends one sheet row into the next."""
    if layer.solid >= len(layer.pixels):
        return height
    row = height / 2 + y + (layer.top + layer.solid + 1) * scale / layer.density
    return min(height, max(0, int(np.ceil(row))))


def _lay(frame: np.ndarray, layer: Sheet, place: Placement, bottom: int) -> None:
    """Draw one layer down to, not including, the film's row `bottom`."""
    height, width = frame.shape[:2]
    scale = place.scale / layer.density
    left, top = width / 2 + place.x + layer.left * scale, height / 2 + place.y + layer.top * scale
    x0, y0 = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
    x1 = min(width, int(np.ceil(left + layer.pixels.shape[1] * scale)))
    y1 = min(bottom, int(np.ceil(top + layer.pixels.shape[0] * scale)))
    if x0 >= x1 or y0 >= y1:
        return
    # Pixel centres: the film's (x + ½) lies over the sheet's (x' + ½).
    step = 1 / scale
    inverse = np.array([[step, 0, (x0 + 0.5 - left) * step - 0.5], [0, step, (y0 + 0.5 - top) * step - 0.5]])
    # A layer that reaches its own lowest row is continued there, or its last film row would be half transparent.
    border = cv2.BORDER_REPLICATE if layer.solid < len(layer.pixels) else cv2.BORDER_CONSTANT
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    drawn = cv2.warpAffine(layer.pixels, inverse, (x1 - x0, y1 - y0), flags=flags, borderMode=border)
    seen_through = min(y1, max(y0, _solid_row(layer, place.scale, place.y, height))) - y0
    frame[y0 + seen_through : y1, x0:x1] = drawn[seen_through:]
    if seen_through:
        under, over = frame[y0 : y0 + seen_through, x0:x1], drawn[:seen_through]
        clear = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(over, 3)), cv2.COLOR_GRAY2RGBA)
        under[...] = cv2.add(over, cv2.multiply(under, clear, scale=1 / 255))
