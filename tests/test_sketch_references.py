"""Reference pictures in a sketch: cut out or framed, as high as their subject, in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.backends.image import sketch
from engine.backends.image.sketch.portraits import portrait
from engine.backends.image.sketch.reading import read
from engine.catalog import load_catalog
from engine.errors import BadRequest
from tests.sketching import job, painted, pixels


@pytest.fixture
def artist() -> sketch.SketchArtist:
    return sketch.load(load_catalog().model("sketch"), None)


def test_a_reference_picture_is_drawn_for_its_subject(artist, tmp_path) -> None:
    kept = tmp_path / "mira.png"
    Image.new("RGB", (64, 64), (255, 0, 255)).save(kept)
    still = painted(artist, tmp_path / "a", prompt="Mira waits", subjects=("Mira",), references={"Mira": kept})
    seen = pixels(still.image).astype(int)
    assert ((seen[..., 0] - seen[..., 1] > 90) & (seen[..., 2] - seen[..., 1] > 90)).sum() > 100


def drawn_as(path: Path, picture: Image.Image, height: int = 200) -> np.ndarray:
    picture.save(path)
    return portrait(path, height)


def test_a_reference_picture_is_as_high_as_its_subject_whatever_its_size(tmp_path) -> None:
    for number, size in enumerate([(40, 50), (800, 1000), (900, 300)]):
        noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
        cut = drawn_as(tmp_path / f"{number}.png", Image.fromarray(noise))
        assert cut.shape[0] == 200 and 0.7 * 200 <= cut.shape[1] <= 0.96 * 200


def test_a_reference_on_a_plain_ground_is_cut_out_and_keeps_what_it_encloses(tmp_path) -> None:
    picture = Image.new("RGB", (300, 300), (250, 250, 250))
    brush = ImageDraw.Draw(picture)
    brush.ellipse((60, 60, 240, 240), fill=(200, 40, 40))
    brush.ellipse((130, 130, 170, 170), fill=(250, 250, 250))
    cut = drawn_as(tmp_path / "plain.png", picture)
    assert cut[0, 0, 3] == 0 and cut[3, 100, 3] > 200
    assert tuple(cut[100, 100]) == (250, 250, 250, 255)


def test_a_reference_with_transparency_is_not_framed(tmp_path) -> None:
    picture = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(picture).rectangle((100, 50, 199, 249), fill=(10, 200, 30, 255))
    cut = drawn_as(tmp_path / "alpha.png", picture)
    assert cut.shape[:2] == (200, 100)
    assert tuple(cut[100, 50]) == (10, 200, 30, 255)


def test_who_has_a_reference_is_not_drawn_a_second_time_for_what_the_name_means(artist, tmp_path) -> None:
    kept = tmp_path / "merlin.png"
    Image.new("RGB", (64, 64), (255, 0, 255)).save(kept)
    asked = job("Merlin walks in the forest", subjects=("Merlin",), references={"Merlin": kept})
    assert [member.kind for member in read(asked).main] == ["picture"]


def test_a_reference_that_is_no_picture_is_told_plainly(artist, tmp_path) -> None:
    kept = tmp_path / "mira.png"
    kept.write_text("no picture")
    with pytest.raises(BadRequest, match=r"mira\.png"):
        painted(artist, tmp_path / "a", prompt="Mira waits", subjects=("Mira",), references={"Mira": kept})
