"""Who stands where in a sketch and how large: on the ground, in the air, above the captions."""

from __future__ import annotations

import numpy as np
import pytest

from engine.backends.image import sketch
from engine.backends.image.sketch.arrange import Placed, arrange, standing
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.light import light_of
from engine.backends.image.sketch.plate import Frame
from engine.backends.image.sketch.reading import read
from engine.catalog import load_catalog
from engine.types import Scene
from tests.sketching import heights, job, painted, pixels, placed


@pytest.fixture
def artist() -> sketch.SketchArtist:
    return sketch.load(load_catalog().model("sketch"), None)


def test_a_whale_beside_a_ship_swims(artist, tmp_path) -> None:
    still = painted(artist, tmp_path, prompt="A whale and a sailor", scene=Scene(description="the sea"))
    near = pixels(still.layers[3])
    blue = (near[..., 2] > near[..., 0] + 60) & (near[..., 3] > 200)
    assert blue.mean() < 0.02  # it is behind the rail, not on the deck


def test_large_beings_are_drawn_larger_and_small_ones_can_still_be_seen() -> None:
    size = heights("a dragon, a knight, a cat and a mouse in a meadow")
    assert size["dragon"] > size["knight"] > size["cat"] > size["mouse"] > 0.05 * 720


def test_a_wide_shot_shows_its_subject_smaller_than_a_medium_one() -> None:
    assert placed("a farmer", framing="wide")[0].height < placed("a farmer", framing="medium")[0].height


def test_two_who_meet_face_each_other() -> None:
    left, right = sorted(placed("a king and a queen"), key=lambda p: p.x)
    assert (left.facing, right.facing) == (1, -1)


def test_who_flies_is_in_the_air_and_who_does_not_stands() -> None:
    both = {p.member.word: p for p in placed("A dragon teaches a young knight how to fly")}
    assert both["dragon"].airborne and not both["knight"].airborne
    assert both["dragon"].foot < both["knight"].foot


def stood(place: str, size: tuple[int, int], clear: float) -> list[Placed]:
    asked = job("a mayor", width=size[0], height=size[1], scene=Scene(description=f"a {place}", time_of_day="day"))
    rng = np.random.default_rng(1)
    backdrop = Backdrop(Frame.of(*size), light_of("day"), rng)
    sketch.PLACES[place](backdrop)
    return arrange(read(asked), backdrop, "medium", rng, clear)


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (360, 360)])
@pytest.mark.parametrize("place", ["city", "meadow", "island", "station"])
def test_people_stand_higher_where_captions_are_so_that_these_cover_legs(place, size) -> None:
    low, high = stood(place, size, 1.0), stood(place, size, 0.74)
    for before, after in zip(low, high, strict=True):
        assert after.foot < before.foot - 0.02
        assert after.foot - 0.45 * after.height / size[1] < 0.74  # hips


def test_nobody_is_moved_up_from_the_ground() -> None:
    backdrop = Backdrop(Frame.of(640, 360), light_of("day"), np.random.default_rng(1))
    sketch.PLACES["bridge"](backdrop)
    ground = backdrop.ground()
    assert ground is not None and standing(backdrop, 0.5)[0] > ground


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (360, 360)])
def test_a_close_up_has_its_face_above_the_captions(artist, tmp_path, size) -> None:
    fields = {"prompt": "a mayor", "framing": "close", "scene": Scene(description="a city"), "seed": 2}
    faces = []
    for clear in (1.0, 0.64):
        folder = tmp_path / str(clear)
        still = painted(artist, folder, width=size[0], height=size[1], clear=clear, **fields)
        ink = pixels(still.layers[3])[..., 3] > 200
        faces.append(np.flatnonzero(ink.sum(axis=1) > 0.05 * size[0])[0] / ink.shape[0])
    assert faces[1] <= faces[0]
    if size[1] > size[0]:
        assert faces[1] < faces[0] - 0.02


def test_the_product_of_an_advertisement_stands_alone_and_large_in_the_middle() -> None:
    asked = job("a folding bicycle", style="product photograph, clean backdrop", width=1280, height=720)
    backdrop = Backdrop(Frame.of(1280, 720), light_of("day"), np.random.default_rng(1))
    sketch.PLACES["backdrop"](backdrop)
    [product] = arrange(read(asked), backdrop, "medium", np.random.default_rng(1), 0.8)
    assert product.member.word == "bicycle" and abs(product.x - 0.5) < 0.04 and product.height > 0.45 * 720


def test_the_earth_and_the_moon_hang_in_the_sky_without_a_tile(artist, tmp_path) -> None:
    def white(place: str) -> int:
        fields = {"width": 320, "height": 180, "scene": Scene(description=place, time_of_day="sunset")}
        still = painted(artist, tmp_path / place.replace(" ", ""), prompt="the earth turns", **fields)
        layer = pixels(still.layers[2])
        return int(((layer[..., :3].min(axis=2) > 200) & (layer[..., 3] > 250)).sum())

    assert white("a desert") < 50 < white("a living room")
    assert [
        m.character for m in read(job("the moon pulls the sea", scene=Scene(description="", time_of_day="day"))).cards
    ] == ["🌕"]
    assert read(job("the moon above the sea", scene=Scene(description="", time_of_day="night"))).cards == ()


def test_whoever_flies_has_air_below_however_large() -> None:
    for prompt in ("a dragon flies over a valley", "a dragon and a knight, flying", "a plane flies over a city"):
        flier = next(p for p in placed(prompt) if p.airborne)
        assert flier.height <= 0.42 * 720
        assert flier.foot < 0.69


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (360, 360)])
def test_who_flies_has_air_above_for_a_camera_that_comes_nearer(artist, tmp_path, size) -> None:
    fields = {"prompt": "a dragon flies", "scene": Scene(description="mountains", time_of_day="day")}
    still = painted(artist, tmp_path, width=size[0], height=size[1], **fields)
    ink = pixels(still.layers[3])[..., 3] > 200
    margin = (ink.shape[0] - size[1]) / 2
    assert np.flatnonzero(ink.any(axis=1))[0] - margin > 0.08 * size[1]
