"""The sketch artist: sizes, layers, seeds, what words become, who stands how large, and that nothing is ever empty."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.backends.image import sketch
from engine.backends.image.sketch.arrange import Placed, arrange, standing
from engine.backends.image.sketch.backdrop import Backdrop
from engine.backends.image.sketch.drawings import drawing_path
from engine.backends.image.sketch.figures import Look, dressed
from engine.backends.image.sketch.light import light_of
from engine.backends.image.sketch.plate import Frame
from engine.backends.image.sketch.portraits import portrait
from engine.backends.image.sketch.reading import known_characters, read
from engine.backends.image.sketch.rooms import rooms
from engine.backends.image.sketch.words import lexicon, member_called, members_in
from engine.backends.protocols import ImageModel, StillJob, no_tick
from engine.catalog import load_catalog
from engine.errors import BadRequest, Cancelled
from engine.formats import load_format
from engine.machine import Machine
from engine.made import Still
from engine.reviewing.pictures import SAME
from engine.shots import shot_seeds
from engine.stages.plan import make_plan
from engine.stages.stills import still_job
from engine.types import Scene, Script, Shot, StoryRequest


@pytest.fixture
def artist() -> sketch.SketchArtist:
    return sketch.load(load_catalog().model("sketch"), None)


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
    ("words", "place"),
    [
        ("crosses a bridge", "bridge"), ("waits at the train station", "station"), ("lands at the airport", "airport"),
        ("buys fruit at the market", "market"), ("stands under a waterfall", "waterfall"),
        ("lives on a space station", "space_station"), ("reads in the library", "library"),
        ("works in a hospital", "hospital"), ("learns at school", "classroom"), ("plays in the stadium", "sports"),
        ("walks through a cave", "cave"), ("lives on an island", "island"),
        ("prays in a church", "village"), ("lives in a lighthouse", "harbour"),
        ("works in an office", "office"),
        ("sleeps on a farm", "farm"), ("sees the stock market fall", "office"), ("swims underwater", "underwater"),
    ],
)  # fmt: skip
def test_common_places_are_what_they_are_called(words, place) -> None:
    assert read(job(f"A girl {words}")).place == place


def test_a_thing_without_a_drawing_is_nobody() -> None:
    asked = job("A reporter speaks", subjects=("Bad Harvests",), descriptions={"Bad Harvests": "bad harvests"})
    assert [member.word for member in read(asked).main] == ["reporter"]


def test_a_whale_beside_a_ship_swims(artist, tmp_path) -> None:
    still = painted(artist, tmp_path, prompt="A whale and a sailor", scene=Scene(description="the sea"))
    near = pixels(still.layers[3])
    blue = (near[..., 2] > near[..., 0] + 60) & (near[..., 3] > 200)
    assert blue.mean() < 0.02  # it is behind the rail, not on the deck


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


def test_every_drawing_that_the_data_names_is_there() -> None:
    assert [c for c in known_characters() if drawing_path(c) is None] == []
    named = [goods for room in rooms().values() for goods, *_ in room["things"]]
    named += [c for room in rooms().values() for key in ("shelf", "shelf2") if key in room for c in room[key][3]]
    assert [c for c in named if drawing_path(c) is None] == []


@pytest.mark.parametrize(
    ("text", "place", "time", "weather"),
    [
        ("A dragon teaches a knight in the village at dusk", "village", "dusk", ""),
        ("Three mice steal cheese from the kitchen", "kitchen", "", ""),
        ("An astronaut waves on the surface of the moon", "moon", "night", ""),
        ("A mermaid swims", "underwater", "", ""),
        ("Heavy rain falls on the city at night", "city", "night", "rain"),
        ("The sun rises over the snowy peaks, sunrise", "mountains", "dawn", "snow"),
    ],
)
def test_words_become_place_time_and_weather(text, place, time, weather) -> None:
    reading = read(job(text))
    assert (reading.place, reading.time, reading.weather) == (place, time, weather)


def test_the_scene_says_where_and_the_prompt_says_who() -> None:
    reading = read(job("The fox smiles", scene=Scene(description="an old library", time_of_day="night")))
    assert (reading.place, reading.time, reading.main[0].character) == ("library", "night", "🦊")


def test_film_makers_words_name_no_things() -> None:
    assert members_in("cinematic still, shallow depth of field, soft key light, window light, eye-level portrait") == ()


def test_plurals_and_numbers_are_counted() -> None:
    assert {m.word: m.count for m in members_in("two wolves and a rabbit")} == {"wolf": 2, "rabbit": 1}
    assert members_in("three mice")[0].count == 3
    assert len(placed("three mice")) == 3


def test_a_name_is_whoever_the_script_says() -> None:
    assert member_called("Ember", "Ember flies", "dragon, small and green").character == "🐉"
    assert member_called("Mira", "Mira the fox runs").character == "🦊"
    assert member_called("Queen Ada", "").word == "queen"
    assert member_called("Bob", "Bob waits").kind == "person"


def test_a_character_keeps_its_looks_from_shot_to_shot() -> None:
    assert dressed(Look(), "Mira") == dressed(Look(), "mira")
    assert len({dressed(Look(), name) for name in ("Mira", "Tom", "Ada", "Bo", "Kim")}) > 2


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


@pytest.mark.parametrize(
    ("prompt", "people"),
    [
        ("a mayor and a Mayor", ["politician"]),
        ("children in a park", ["child"] * 3),
        ("a city council votes", ["delegates"] * 3),
        ("a host talks to the camera", ["host"]),
    ],
)
def test_whoever_is_named_is_drawn_once_each(prompt: str, people: list[str]) -> None:
    assert [m.word for m in read(job(prompt)).main for _ in range(m.count) if m.kind == "person"] == people


def test_a_character_who_is_several_is_drawn_several_times() -> None:
    asked = job("Children play", subjects=("Children",), descriptions={"Children": "children"})
    assert [m.count for m in read(asked).main] == [3]


def test_animals_are_animals_and_not_somebody() -> None:
    main = read(job("Animals meet", scene=Scene(description="a forest"))).main
    assert len(main) == 3 and all(m.kind != "person" and m.alive for m in main)


def test_no_boat_lies_on_a_street() -> None:
    street = Scene(description="a city street")
    assert not any(m.boat for m in read(job("a boat and a girl", scene=street)).main)
    alone = read(job("a boat", scene=street))
    assert alone.place == "harbour" and alone.main[0].boat


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


def test_one_being_with_two_names_is_drawn_once_and_two_beings_twice() -> None:
    def people(**called: str) -> list[str]:
        names = tuple(name.replace("_", " ") for name in called)
        asked = job("they meet", subjects=names, descriptions=dict(zip(names, called.values(), strict=True)))
        return [m.name for m in read(asked).main]

    assert people(Brave_Little_Girl="a brave little girl", Brave_Girl="brave girl") == ["Brave Little Girl"]
    assert people(Girl="a girl", Brave_Girl="a brave girl") == ["Girl"]
    assert people(Old_Fox="an old fox", Young_Fox="a young fox") == ["Old Fox", "Young Fox"]
    assert people(Ada="a girl", Mia="a girl") == ["Ada", "Mia"]


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


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (360, 360)])
def test_who_flies_has_air_above_for_a_camera_that_comes_nearer(artist, tmp_path, size) -> None:
    fields = {"prompt": "a dragon flies", "scene": Scene(description="mountains", time_of_day="day")}
    still = painted(artist, tmp_path, width=size[0], height=size[1], **fields)
    ink = pixels(still.layers[3])[..., 3] > 200
    margin = (ink.shape[0] - size[1]) / 2
    assert np.flatnonzero(ink.any(axis=1))[0] - margin > 0.08 * size[1]


@pytest.mark.parametrize("word", ["water", "bicycle", "smoking", "littering", "phone", "entry"])
def test_a_word_is_never_drawn_as_the_sign_that_forbids_it(word: str) -> None:
    drawn = {member.character for member in members_in(word)}
    assert not drawn & {"🚱", "🚰", "🚳", "🚭", "🚯", "📵", "⛔", "🚫"}
