"""Cards and panels are drawn over the picture, move, fit every shape of film, and show any text as text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
from PIL import Image

from engine.captions import SIDECAR, cut_cues
from engine.cards import all_text, end_card, shot_panels, title_card
from engine.catalog import load_catalog
from engine.errors import Cancelled
from engine.figures import Chart, Point
from engine.fonts import Fonts, cut_fonts
from engine.formats import load_format
from engine.graphics import draw_card, draw_panels, moviepy_reference
from engine.made import Word
from engine.media import FrameWriter, probe
from engine.placing import Rect, bar_height
from engine.plates import Panel
from engine.progress import Control
from engine.titling import Card
from engine.types import Character, Item, Scene, Script, Shot, StoryRequest

FPS = 12
TITLES = ["How to Fly", "{\\fs90}%{pts} ' : ] -->", "تنين يعلّم فارسًا", "ドラゴンと騎士", "w" * 200, "🐉"]
SIZES = [(320, 180), (180, 320), (240, 240), (420, 180), (228, 128), (128, 228)]

NONE = Rect(left=0, top=900, right=1, bottom=901)


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Fonts:
    return cut_fonts(TITLES, tmp_path_factory.mktemp("fonts"))


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("still") / "still.png"
    across = np.linspace(40, 220, 320, dtype=np.uint8)
    Image.fromarray(np.dstack([np.tile(across, (180, 1))] * 3)).save(path)
    return path


def card_frames(
    card: Card, still: Path, fonts: Fonts, folder: Path, size: tuple[int, int] = (320, 180), frames: int = 18
) -> list[np.ndarray]:
    out = folder / "card.mp4"
    with FrameWriter(out, *size, FPS) as writer:
        draw_card(card, still, writer, frames=frames, size=size, fps=FPS, fonts=fonts, folder=folder, control=Control())
    return decoded(out)


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def test_a_title_card_lasts_exactly_its_frames_and_shows_white_words(still: Path, fonts: Fonts, tmp_path: Path):
    frames = card_frames(Card(title="How to Fly"), still, fonts, tmp_path)
    assert len(frames) == 18
    assert (frames[9].min(axis=2) > 200).sum() > 100


def test_a_title_card_comes_from_black_and_clears_into_the_picture(still: Path, fonts: Fonts, tmp_path: Path):
    frames = card_frames(Card(title="How to Fly"), still, fonts, tmp_path)
    picture = np.asarray(Image.open(still), int)
    assert frames[0].mean() < 12
    assert np.abs(frames[-1].astype(int) - picture).mean() < 12
    assert np.abs(frames[9].astype(int) - picture).mean() > 30


def test_an_end_card_fades_to_black(still: Path, fonts: Fonts, tmp_path: Path):
    frames = card_frames(Card(title="The end", closing=True), still, fonts, tmp_path)
    assert frames[-1].mean() < 6 < frames[9].mean()


@pytest.mark.parametrize("title", TITLES)
def test_any_title_stays_inside_the_card(title: str, still: Path, fonts: Fonts, tmp_path: Path):
    bright = card_frames(Card(title=title), still, fonts, tmp_path)[9].min(axis=2) > 190
    assert bright.sum() > 20
    cols = np.flatnonzero(bright.any(axis=0))
    assert cols[0] > 6 and cols[-1] < 313


@pytest.mark.parametrize("size", SIZES)
def test_cards_fit_every_shape_of_film(size: tuple[int, int], still: Path, fonts: Fonts, tmp_path: Path):
    lines = ("How to Fly", "Made with AI on this machine by Reelhouse", "A · B, CC BY 4.0, copyright others " * 3)
    card = Card(title="How to Fly", lines=lines, closing=True, left=size[0] > 300)
    frames = card_frames(card, still, fonts, tmp_path, size, frames=12)
    assert len(frames) == 12 and frames[0].shape == (size[1], size[0], 3)


def test_cancelling_stops_a_card(still: Path, fonts: Fonts, tmp_path: Path):
    control = Control()
    control.cancel()
    out = tmp_path / "card.mp4"
    with pytest.raises(Cancelled), FrameWriter(out, 320, 180, FPS) as writer:
        whole = {"frames": 9, "size": (320, 180), "fps": FPS, "fonts": fonts, "folder": tmp_path}
        draw_card(Card(title="a"), still, writer, control=control, **whole)
    assert not out.exists()


def test_a_lower_third_slides_in_stays_and_leaves(fonts: Fonts, tmp_path: Path):
    panel = Panel(kind="third", text="How", label="to Fly", until=2.0)
    [overlay] = draw_panels(
        [panel], tmp_path, frames=36, size=(320, 180), captions=NONE, fps=FPS, fonts=fonts, control=Control()
    )
    with av.open(str(overlay.video)) as file:
        alphas = [frame.reformat(format="rgba").to_ndarray()[..., 3] for frame in file.decode(video=0)]
    assert len(alphas) == 36
    assert alphas[0].max() == 0 and alphas[-1].max() == 0
    assert alphas[12].mean() > 150
    assert np.array_equal(alphas[12], alphas[16])


def alphas_and_colours(video: Path) -> list[np.ndarray]:
    with av.open(str(video)) as file:
        return [frame.reformat(format="rgba").to_ndarray() for frame in file.decode(video=0)]


def test_a_chart_grows_and_then_stands_still(fonts: Fonts, tmp_path: Path):
    points = (Point(label="a", value=7, shown="7"), Point(label="b", value=2, shown="2"))
    panel = Panel(kind="data", text="", chart=Chart(kind="bars", points=points), accent="#ff0000", until=3.0)
    whole = {"frames": 40, "size": (320, 180), "captions": NONE, "fps": FPS, "fonts": fonts, "control": Control()}
    [overlay] = draw_panels([panel], tmp_path, **whole)
    red = [((f[..., 0] > 150) & (f[..., 1] < 90) & (f[..., 3] > 200)).sum() for f in alphas_and_colours(overlay.video)]
    assert 0 < red[8] < red[12] < red[20] == red[24]
    assert red[0] == red[-1] == 0


def test_a_headline_bar_lies_at_the_foot_or_on_upright_films_at_the_head(fonts: Fonts, tmp_path: Path):
    panel = Panel(kind="bar", text="How to Fly", label="CLAIM", animated=False)
    for size, top in (((320, 180), 180 - bar_height((320, 180))), ((180, 320), round(320 * 0.07))):
        [bar] = draw_panels(
            [panel], tmp_path, frames=5, size=size, captions=NONE, fps=FPS, fonts=fonts, control=Control()
        )
        assert (bar.x, abs(bar.y - top) <= 1) == (0, True)
        assert probe(bar.video).width == size[0]


# ---- which format shows what

SCRIPT = Script(
    title="Harbour vote",
    logline="A city decides.",
    characters=(Character(name="Mira", role="engineer"),),
    scenes=(Scene(description="the harbour"), Scene(description="the hall")),
    shots=(
        Shot(scene=0, narration="One.", beat="chapter one"),
        Shot(scene=0, narration="Two.", beat="chapter one", speaker="Mira"),
        Shot(scene=1, narration="Three.", beat="chapter two"),
    ),
)
REQUEST = StoryRequest(prompt="harbour")


def kinds(name: str) -> list[list[str]]:
    return [[p.kind for p in shot_panels(i, 5.0, REQUEST, SCRIPT, load_format(name))] for i in range(3)]


def test_news_keeps_its_headline_and_names_speaker_and_source():
    assert kinds("news_analysis") == [["bar", "third"]] * 3
    third = shot_panels(1, 5.0, REQUEST, SCRIPT, load_format("news_analysis"))[1]
    assert third.text == "Mira" and third.label.startswith("engineer · Source")


def spoken(
    name: str, *lines: tuple[str, str, str | None], prompt: str = "harbour", **script: object
) -> list[list[Panel]]:
    """The panels of a film of that format whose shots are (beat, line, speaker), five seconds each."""
    shots = tuple(Shot(narration=line, beat=beat, speaker=who) for beat, line, who in lines)
    made = msgspec.structs.replace(SCRIPT, shots=shots, **script)
    request = StoryRequest(prompt=prompt)
    return [list(shot_panels(i, 5.0, request, made, load_format(name))) for i in range(len(shots))]


WORDS = "We will build it together."


def test_what_a_person_says_is_shown_large_with_their_name_in_reports_and_explainers():
    for name in ("news_analysis", "youtube_clone"):
        told, said = spoken(name, ("claim", "She said something.", None), ("claim", WORDS, "Mira"))
        assert "quote" not in [panel.kind for panel in told]
        assert [(p.text, p.label) for p in said if p.kind == "quote"] == [(WORDS, "Mira, engineer")]
    for name in ("cinematic_story", "persona_channel", "music_video", "ad_spot"):
        assert all(p.kind != "quote" for shot in spoken(name, ("", "a", None), ("", WORDS, "Mira")) for p in shot)


def test_quoted_words_are_shown_without_the_rest_of_their_line():
    [[*_, quote]] = spoken("news_analysis", ("claim", f"The mayor says: “{WORDS}” Others doubt it.", None))
    assert (quote.kind, quote.text, quote.label) == ("quote", WORDS, "")


def test_somebody_who_says_every_line_is_the_narrator_and_not_quoted():
    assert all(p.kind != "quote" for shot in spoken("youtube_clone", *[("", WORDS, "Mira")] * 3) for p in shot)


VOTE = "The council voted 7 to 2 for a bridge."


def test_numbers_of_a_line_become_a_chart_in_that_shot_alone():
    shots = spoken("news_analysis", ("headline", "It is decided.", None), ("claim", VOTE, None), prompt=VOTE)
    assert [[p.kind for p in shot if p.kind in ("data", "third")] for shot in shots] == [["third"], ["data"]]
    chart = shots[1][-1].chart
    assert chart is not None and [point.shown for point in chart.points] == ["7", "2"]


def test_numbers_of_the_prompt_are_shown_where_they_are_spoken_of_or_else_proven():
    lines = ("headline", "It is decided.", None), ("evidence", "There is proof.", None), ("outlook", "We wait.", None)
    kinds = [[p.kind for p in shot] for shot in spoken("news_analysis", *lines, prompt=VOTE)]
    assert ["data" in shot for shot in kinds] == [False, True, False]
    said = (*lines[:2], ("outlook", "All 7 of them wait.", None))
    kinds = [[p.kind for p in shot] for shot in spoken("news_analysis", *said, prompt=VOTE)]
    assert ["data" in shot for shot in kinds] == [False, False, True]


def test_a_chapter_and_its_chart_come_one_after_the_other():
    [[chapter, chart]] = spoken("youtube_clone", ("chapter one", VOTE, None))
    assert (chapter.kind, chart.kind, chart.start) == ("chapter", "data", chapter.until)


def test_an_advertisement_ends_with_the_product_and_what_to_do():
    shots = (Shot(narration="It shines.", beat="proof"), Shot(narration="Order yours today.", beat="call to action"))
    script = Script(title="Light for all", items=(Item(name="lumo lamp"), Item(name="table")), shots=shots)
    fmt, prompt = load_format("ad_spot"), "A spot for the Lumo lamp"
    card = end_card(StoryRequest(prompt=prompt), script, fmt, {})
    assert (card.title, card.call) == ("Lumo lamp", "Order yours today.")
    assert end_card(StoryRequest(prompt=prompt, title="Mine"), script, fmt, {}).title == "Mine"
    assert end_card(StoryRequest(prompt="A lamp"), script, fmt, {}).title == "Light for all"
    assert card.call in all_text(StoryRequest(prompt=prompt), script, fmt, {})


def test_a_shot_too_short_to_read_has_no_more_than_its_bar():
    assert [p.kind for p in shot_panels(1, 1.0, REQUEST, SCRIPT, load_format("news_analysis"))] == ["bar"]


def test_explainers_open_each_chapter_with_a_card():
    assert kinds("youtube_clone") == [["chapter"], [], ["chapter"]]
    assert [shot_panels(i, 5.0, REQUEST, SCRIPT, load_format("youtube_clone"))[0].label for i in (0, 2)] == ["1", "2"]


def test_a_host_is_named_and_a_story_left_alone():
    assert kinds("persona_channel")[0] == ["third"]
    assert kinds("cinematic_story") == [[], [], []]


def test_the_end_card_names_the_makers_whose_licences_ask_for_it():
    catalog = load_catalog()
    specs = {role: catalog.model(model) for role, model in catalog.profile("cpu").models.items()}
    card = end_card(REQUEST, SCRIPT, load_format("cinematic_story"), specs)
    assert len(card.lines) == 5, "a line for each of the three, under title and machine"
    assert card.title == "The end" and "CC BY 4.0" in " ".join(card.lines) and "Made with AI" in " ".join(card.lines)
    assert card.lines[-1] in all_text(REQUEST, SCRIPT, load_format("cinematic_story"), specs)


def test_a_request_with_a_title_of_its_own_is_called_by_it():
    request = StoryRequest(prompt="x", title="My \u202etitle")
    assert title_card(request, SCRIPT, load_format("ad_spot")).title == "My title"


def test_moviepy_is_imported_only_to_draw():
    code = "import sys, engine.stages.segments, engine.stages.film; sys.exit('moviepy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_yardstick_makes_the_same_number_of_frames(fonts: Fonts, tmp_path: Path):
    clip = tmp_path / "clip.mp4"
    with FrameWriter(clip, 160, 90, FPS) as writer:
        for _ in range(12):
            writer.write(np.full((90, 160, 3), 80, np.uint8))
    cues = cut_cues((Word(text="How", start=0.1, end=0.5), Word(text="to", start=0.5, end=0.9)), 1, SIDECAR)
    moviepy_reference([clip, clip], [cues, cues], tmp_path / "film.mp4", fps=FPS, fonts=fonts)
    assert probe(tmp_path / "film.mp4").frames == 24
