"""Pictures that somebody sends, made harmless: decoded, turned upright, painted anew without whatever came along.

Knows no network and no table. The decoder sees foreign bytes, so it may open three formats only, of bounded size.
"""

from __future__ import annotations

import io
import threading
from typing import Any

from server.errors import BadInput

FIELD = "imageUrl"
FORMATS = ("PNG", "JPEG", "WEBP")
MAX_BYTES = 20_000_000
MIN_SIDE, MAX_SIDE = 64, 8192
ACCEPTED = f"a PNG, JPEG or WebP picture of {MIN_SIDE} to {MAX_SIDE} pixels a side, 20 MB at most"

_one_at_a_time = threading.Lock()
"""The largest picture takes 270 MB decoded; forty requests at once must not each take that."""


def clean_picture(data: bytes) -> bytes:
    """The picture as a PNG, RGB or RGBA, without metadata. Raises `BadInput` naming `imageUrl`."""
    if len(data) > MAX_BYTES:
        raise BadInput.of(FIELD, f"it is larger than 20 MB; it must be {ACCEPTED}")
    with _one_at_a_time:
        try:
            return _repainted(data)
        except BadInput:
            raise
        except Exception as error:  # a decoder stumbles over foreign bytes in whatever way it likes
            raise BadInput.of(FIELD, f"it cannot be decoded; it must be {ACCEPTED}") from error


def _repainted(data: bytes) -> bytes:
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        width, height = picture.size
        # Looked at before anything is decompressed: a bomb of a few bytes says its size in its header.
        if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
            raise BadInput.of(FIELD, f"it has {width}×{height} pixels; it must be {ACCEPTED}")
        # A camera's JPEG may carry a second picture (format MPO); its first one is the photograph.
        if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
            raise BadInput.of(FIELD, f"it is an animation; it must be {ACCEPTED}")
        picture.load()
        painted = _plain(ImageOps.exif_transpose(picture))
    painted.info.clear()  # colour profiles and comments would be written again
    out = io.BytesIO()
    painted.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _plain(picture: Any) -> Any:
    """RGB, or RGBA where something shows through."""
    if picture.mode.startswith("I"):  # 16 bits of grey, which a plain conversion would clip to white
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
