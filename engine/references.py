"""Reference pictures as they come from users: read with care, whatever they hold. Knows no model."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

from engine.errors import BadRequest

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_SIDE = 8192
"""Pixels. A header may claim more than the memory holds; it is looked at before anything is decoded."""


def read_reference(path: Path) -> Image.Image:
    """The picture in `path`, RGBA, upright as its camera was held. Raises `BadRequest` if it cannot be read."""
    try:
        with Image.open(path, formats=FORMATS) as opened:
            if max(opened.size) > MAX_SIDE:
                size = f"{opened.width}×{opened.height}"
                raise BadRequest("references", f"{path.name} has {size} pixels; a side has {MAX_SIDE} at most")
            return ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadRequest("references", f"{path.name} cannot be read as {', '.join(FORMATS)}: save it again") from error
