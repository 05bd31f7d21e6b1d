"""The sketch artist as an image model: sizes, layers, seeds, styles, and that nothing is ever empty."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from engine.backends.image import sketch
from engine.backends.image.sketch.figures import Look, dressed
from engine.backends.image.sketch.reading import read
from engine.backends.image.sketch.rooms import rooms
from engine.backends.image.sketch.words import lexicon
from engine.backends.protocols import ImageModel, no_tick
from engine.catalog import load_catalog
from engine.errors import Cancelled
from engine.formats import load_format
from engine.machine import Machine
from engine.reviewing.pictures import SAME
from engine.shots import shot_seeds
from engine.stages.plan import make_plan
from engine.stages.stills import still_job
from engine.types import Scene, Script, Shot, StoryRequest
from tests.sketching import job, painted, pixels


@pytest.fixture
def artist() -> sketch.SketchArtist:
    return sketch.load(load_catalog().model("sketch"), None)


def test_it_is_an_image_model(artist) -> None:
    assert isinstance(artist, ImageModel)
    artist.close()
    artist.close()


@pytest.mark.parametrize("size", [(160, 90), (90, 160), (96, 96), (128, 72), (72, 90), (210, 90)])
def test_the_still_has_exactly_the_size_asked_for(artist, tmp_path, size) -> None:
    still = painted(artist, tmp_path, width=size[0], height=size[1])
    with Image.open(still.image) as picture:
        assert (picture.size, picture.mode) == (size, "RGB")


@pytest.mark.parametrize("framing", ["wide", "medium", "close"])
def test_the_layers_put_together_are_the_still(artist, tmp_path, framing) -> None:
    still = painted(artist, tmp_path, framing=framing, prompt="A knight and a dragon in the rain by the castle")
    layers = [Image.open(path) for path in still.layers]
    assert 2 <= len(layers) <= 5 and len({layer.size for layer in layers}) == 1
    assert pixels(still.layers[0])[..., 3].min() == 255
    whole = layers[0]
    for layer in layers[1:]:
        whole = Image.alpha_composite(whole, layer)
    over_x, over_y = (whole.width - 160) // 2, (whole.height - 90) // 2
    assert over_x >= 0.1 * 160 and over_y >= 0.1 * 90
    middle = whole.crop((over_x, over_y, over_x + 160, over_y + 90)).convert("RGB")
    assert np.array_equal(np.array(middle), pixels(still.image))


def test_the_same_job_gives_the_same_bytes(artist, tmp_path) -> None:
    first, second = painted(artist, tmp_path / "a"), painted(artist, tmp_path / "b")
    for one, other in zip((first.image, *first.layers), (second.image, *second.layers), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_another_seed_or_prompt_gives_another_picture(artist, tmp_path) -> None:
    jobs = [{}, {"seed": 4}, {"prompt": "Two sailors in a harbour"}, {"framing": "close"}]
    made = {painted(artist, tmp_path / str(i), **fields).image.read_bytes() for i, fields in enumerate(jobs)}
    assert len(made) == len(jobs)


def test_a_scene_that_is_come_back_to_looks_the_same(artist, tmp_path) -> None:
    scene = Scene(description="a village at the foot of the mountains", time_of_day="sunset")
    one = painted(artist, tmp_path / "a", prompt="Mira sings", scene=scene)
    other = painted(artist, tmp_path / "b", prompt="Tom runs to the dog", scene=scene, seed=99)  # 99 ≡ 3 (mod 4)
    assert one.layers[0].read_bytes() == other.layers[0].read_bytes()


def thumbnail(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.BOX), dtype=float)


def test_it_is_seen_from_the_other_side_by_the_next_seed(artist, tmp_path) -> None:
    scene = Scene(description="a village at the foot of the mountains", time_of_day="day")
    one, other = (painted(artist, tmp_path / str(i), scene=scene, seed=i) for i in (4, 5))
    left, right = (pixels(still.layers[0]).astype(int) for still in (one, other))
    assert np.abs(left - right[:, ::-1]).mean() < 0.7 * np.abs(left - right).mean()


def test_a_chart_that_rises_is_not_seen_falling(artist, tmp_path) -> None:
    for seed in range(4):
        asked = job("A reporter tells the news", seed=seed, scene=Scene(description="a news studio"))
        assert not sketch._view(asked, read(asked)).mirrored
        asked = job("A fox", seed=seed, scene=Scene(description="a forest"))
        assert sketch._view(asked, read(asked)).mirrored == (seed % 2 == 1)


@pytest.mark.parametrize(
    "place", ["the ocean", "a kitchen", "a forest", "a news studio", "the moon's surface", "a city"]
)
def test_neighbours_that_show_the_same_look_different(artist, tmp_path, place) -> None:
    alike = Shot(visual="A whale and a sailor")
    script = Script(title="x", scenes=(Scene(description=place, time_of_day="day"),), shots=(alike,) * 4)
    laptop = Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0)
    request, plan = make_plan(StoryRequest(prompt="x", profile="cpu", script=script), load_catalog(), laptop)
    seen = []
    for number, seed in enumerate(shot_seeds(plan, script)):
        asked = still_job(request, plan, script, load_format(plan.format), alike, seed, artist.spec)
        (tmp_path / str(number)).mkdir()
        small = msgspec.structs.replace(asked, width=320, height=180)
        seen.append(thumbnail(artist.paint(small, tmp_path / str(number)).image))
    assert all(np.abs(one - other).mean() > 1.5 * SAME for one, other in pairwise(seen))


@pytest.mark.parametrize(
    "prompt", ["zxqw vbnm", "", "!!!", "龍が空を飛ぶ", "🐉🔥", "\ud800", "{\\fs90}%{pts}", "a " * 2500]
)
def test_no_words_make_an_empty_picture(artist, tmp_path, prompt) -> None:
    assert pixels(painted(artist, tmp_path, prompt=prompt).image).std() > 12
    assert read(job(prompt)).main


@pytest.mark.parametrize("place", sorted({*sketch.PLACES, *rooms()}))
def test_every_place_can_be_drawn(artist, tmp_path, place) -> None:
    scene = Scene(description=lexicon()["places"].get(place, "").split(",")[0], time_of_day="night")
    look = "" if scene.description else "product photograph"
    asked = {"prompt": "Something is there", "scene": scene, "style": look}
    assert read(job(**asked)).place == place
    assert pixels(painted(artist, tmp_path, **asked).image).std() > 8


def test_a_character_keeps_its_looks_from_shot_to_shot() -> None:
    assert dressed(Look(), "Mira") == dressed(Look(), "mira")
    assert len({dressed(Look(), name) for name in ("Mira", "Tom", "Ada", "Bo", "Kim")}) > 2


def test_styles_change_the_grade(artist, tmp_path) -> None:
    noir = pixels(painted(artist, tmp_path / "n", style="film noir, black and white").image).astype(int)
    usual = pixels(painted(artist, tmp_path / "u").image).astype(int)
    assert np.ptp(noir, axis=2).mean() < 0.3 * np.ptp(usual, axis=2).mean()


def test_it_stops_at_the_first_step_when_asked_to(artist, tmp_path) -> None:
    def stop(done: int, total: int) -> None:
        raise Cancelled()

    with pytest.raises(Cancelled):
        artist.paint(job(), tmp_path, tick=stop)
    assert list(tmp_path.iterdir()) == []


def test_it_tells_how_far_it_is(artist, tmp_path) -> None:
    seen: list[tuple[int, int]] = []
    artist.paint(job(), tmp_path, tick=lambda done, total: seen.append((done, total)) or no_tick(done, total))
    assert seen == sorted(seen) and seen[-1][0] == seen[-1][1]
