"""Jobs for the sketch artist and what it makes of them, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from engine.backends.image import sketch
from engine.backends.image.sketch.arrange import arrange
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.light import light_of
from engine.backends.image.sketch.plate import Frame
from engine.backends.image.sketch.reading import read
from engine.backends.protocols import StillJob
from engine.made import Still


def job(prompt: str = "A fox finds a lantern in the forest", **fields: object) -> StillJob:
    return StillJob(**{"prompt": prompt, "width": 160, "height": 90, "seed": 3, **fields})  # type: ignore[arg-type]


def painted(artist: sketch.SketchArtist, folder: Path, **fields: object) -> Still:
    folder.mkdir(parents=True, exist_ok=True)
    return artist.paint(job(**fields), folder)  # type: ignore[arg-type]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def placed(prompt: str, **fields: object):
    asked = job(prompt, width=1280, height=720, **fields)
    backdrop = Backdrop(Frame.of(1280, 720), light_of("day"), np.random.default_rng(1))
    return arrange(read(asked), backdrop, asked.framing, np.random.default_rng(1))


def heights(prompt: str) -> dict[str, float]:
    return {p.member.word: p.height for p in placed(prompt)}
