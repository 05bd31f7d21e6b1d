"""A film's colours come from its pictures, stay a format's own, and every text can be read on what it stands on."""

from __future__ import annotations

import colorsys
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from PIL import Image

from engine.figures import Chart, Point
from engine.fonts import Fonts, cut_fonts
from engine.formats import format_names, load_format
from engine.graphics import draw_card
from engine.palette import READABLE, colour, coloured, contrast, dominant_hue, luminance, pair, readable, spelled
from engine.placing import Rect
from engine.plates import Panel, draw_plates
from engine.progress import Control
from engine.titling import INK, WHITE, Card

SIZE = (960, 540)
ENDS = (255, 255, 255), (0, 0, 0)
NOWHERE = Rect(left=0, top=500, right=1, bottom=501)
TEXT = "Lindau votes for a bridge"
Stills = dict[str, Path]


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Stills:
    """White, black, as busy as can be, and of one colour."""
    down, across = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    pictures = {
        "white": np.full((SIZE[1], SIZE[0], 3), 255),
        "black": np.zeros((SIZE[1], SIZE[0], 3)),
        "busy": np.dstack([(across * 7 + down * 3) % 256, (across // 40 + down // 40) % 2 * 255, (down * 11) % 256]),
        "stripes": np.dstack([(across // 90) % 2 * 255] * 3),
        "orange": np.dstack([across * 0 + 240, across * 0 + 140, across * 0 + 30]),
        "blue": np.dstack([across * 0 + 40, across * 0 + 90, across * 0 + 220]),
        "grey": np.dstack([across * 255 // SIZE[0]] * 3),
    }
    folder = tmp_path_factory.mktemp("stills")
    for name, picture in pictures.items():
        Image.fromarray(picture.astype(np.uint8)).save(folder / f"{name}.png")
    return {name: folder / f"{name}.png" for name in pictures}


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Fonts:
    return cut_fonts([TEXT, "“CLAIM 0123456789"], tmp_path_factory.mktemp("fonts"))


# ---- contrast


def test_contrast_is_that_of_wcag():
    assert contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21)
    assert contrast((255, 255, 255), (118, 118, 118)) == pytest.approx(4.54, abs=0.01)
    assert contrast((255, 0, 0), (255, 255, 255)) == pytest.approx(4.0, abs=0.01)


def test_any_colour_becomes_readable_on_any_ground():
    rng = np.random.default_rng(1)
    for one, other in rng.integers(0, 256, (200, 2, 3)):
        ink, ground = (int(one[0]), int(one[1]), int(one[2])), (int(other[0]), int(other[1]), int(other[2]))
        assert contrast(readable(ink, ground), ground) >= min(READABLE, max(contrast(end, ground) for end in ENDS))
        tag, on_tag = pair(ink, WHITE, INK)
        assert contrast(on_tag, tag) >= READABLE


def least_contrast(frame: np.ndarray, ink: np.ndarray) -> float:
    """The least contrast of any stretch of text with what lies around it: `ink` says where text is solid.

    Each connected stretch is compared with the worst of the pixels in a ring about it, its soft edge left out.
    """
    text = luminance(frame)
    solid = ink > 0.98
    ground = (cv2.dilate(ink, np.ones((9, 9))) > 0.02) & (cv2.dilate(ink, np.ones((3, 3))) < 0.02)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8))
    found = []
    for part in range(1, count):
        left, top, width, height, size = boxes[part]
        if size < 6:
            continue
        about = slice(max(0, top - 6), top + height + 6), slice(max(0, left - 6), left + width + 6)
        here = parts[about] == part
        ring = ground[about] & (cv2.dilate(here.astype(np.uint8), np.ones((13, 13))) > 0)
        if ring.sum() < 6:
            continue
        mine, around = np.median(text[about][here]), np.percentile(text[about][ring], [2, 98])
        found.append(min((max(mine, a) + 0.05) / (min(mine, a) + 0.05) for a in around))
    assert found
    return min(found)


STILLS = ["white", "black", "busy", "stripes"]


@pytest.mark.parametrize("name", format_names())
def test_every_text_of_a_card_can_be_read_on_every_still(name: str, fonts: Fonts, stills: Stills, tmp_path: Path):
    flush = load_format(name).overlays.lower_third in ("headline", "scene")
    words = {"title": TEXT, "lines": (TEXT, TEXT), "left": flush}
    cards = Card(kicker=TEXT, tagged=flush, **words), Card(closing=True, call=TEXT, **words)  # type: ignore[arg-type]
    for card in cards:
        black = msgspec.structs.replace(card, accent="#000000")
        text = as_ink(middle_frame(black, stills["black"], fonts, tmp_path))
        for still in STILLS:
            picture = stills[still]
            shown = msgspec.structs.replace(card, accent=coloured(load_format(name), picture).overlays.accent)
            assert least_contrast(middle_frame(shown, picture, fonts, tmp_path), text) >= READABLE, still


class Frames(list[np.ndarray]):
    """Takes frames as an encoder does, and keeps them as they are."""

    def write(self, frame: np.ndarray) -> None:
        self.append(frame.copy())


def middle_frame(card: Card, still: Path, fonts: Fonts, folder: Path) -> np.ndarray:
    """A second after the beginning: all words have come, and none goes."""
    kept, whole = Frames(), {"frames": 4, "size": SIZE, "fps": 2, "fonts": fonts, "folder": folder}
    draw_card(card, still, kept, control=Control(), **whole)  # type: ignore[arg-type]
    return kept[2]


def as_ink(frame: np.ndarray) -> np.ndarray:
    """Where text is, 0–1: drawn in black on black, a card or plate shows its words alone, white or pale."""
    return ((frame.astype(np.float32).min(axis=2) - 95) / 95).clip(0, 1)


POINTS = (Point(label="2020", value=3, shown="3 million"), Point(label="2023", value=5, shown="5 million"))
PANELS = {
    "bar": Panel(kind="bar", text=TEXT, label="CLAIM"),
    "third": Panel(kind="third", text=TEXT, label=TEXT),
    "chapter": Panel(kind="chapter", text=TEXT, label="3"),
    "quote": Panel(kind="quote", text=TEXT, label=TEXT),
    "line": Panel(kind="data", text="", label=TEXT, chart=Chart(kind="line", points=POINTS, title=TEXT)),
    "bars": Panel(kind="data", text="", label=TEXT, chart=Chart(kind="bars", points=POINTS, title=TEXT)),
}


@pytest.mark.parametrize("kind", PANELS)
def test_every_text_of_a_panel_can_be_read_over_every_still(kind: str, fonts: Fonts, stills: Stills, tmp_path: Path):
    black = msgspec.structs.replace(PANELS[kind], accent="#000000", plate="#000000")
    text = as_ink(over(black, stills["black"], fonts, tmp_path))
    for still in STILLS:
        picture = stills[still]
        for name in format_names() if kind in ("bar", "chapter") else ("news_analysis",):
            overlays = coloured(load_format(name), picture).overlays
            shown = msgspec.structs.replace(PANELS[kind], accent=overlays.accent, plate=overlays.plate)
            assert least_contrast(over(shown, picture, fonts, tmp_path), text) >= READABLE, (name, still)


def over(panel: Panel, still: Path, fonts: Fonts, folder: Path) -> np.ndarray:
    """The still with the panel laid over it, as ffmpeg's overlay mixes them."""
    [drawn] = draw_plates([panel], SIZE, NOWHERE, fonts, folder, Control())
    frame = np.asarray(Image.open(still)).astype(np.float32)
    area = (slice(drawn.place.top, drawn.place.bottom), slice(drawn.place.left, drawn.place.right))
    share = drawn.plate[..., 3:].astype(np.float32) / 255
    frame[area] = frame[area] * (1 - share) + drawn.plate[..., :3] * share
    return frame.round().astype(np.uint8)


# ---- colours of the pictures


def test_a_films_accent_leans_towards_its_pictures_and_stays_its_formats_own(stills: Stills):
    for name in format_names():
        own = load_format(name)
        warm, cold = (coloured(own, stills[still]).overlays for still in ("orange", "blue"))
        assert warm.accent != cold.accent and warm.plate != cold.plate
        for overlays in (warm, cold):
            assert hue_between(overlays.accent, own.overlays.accent) <= 25
        assert colour(warm.plate)[0] > colour(warm.plate)[2] and colour(cold.plate)[2] > colour(cold.plate)[0]
        assert luminance(colour(warm.plate)) < 0.02


def hue_between(one: str, other: str) -> float:
    hues = [colorsys.rgb_to_hsv(*(part / 255 for part in colour(c)))[0] * 360 for c in (one, other)]
    return abs((hues[0] - hues[1] + 180) % 360 - 180)


def test_a_picture_without_colour_gives_none(stills: Stills):
    for still in ("white", "black", "grey"):
        assert dominant_hue(stills[still]) is None
        assert coloured(load_format("news_analysis"), stills[still]) == load_format("news_analysis")


def test_the_same_picture_with_other_grain_gives_the_same_colours(stills: Stills, tmp_path: Path):
    plain = stills["orange"]
    grain = np.random.default_rng(3).integers(-12, 13, (SIZE[1], SIZE[0], 3))
    noisy = tmp_path / "noisy.png"
    Image.fromarray((np.asarray(Image.open(plain)).astype(int) + grain).clip(0, 255).astype(np.uint8)).save(noisy)
    assert coloured(load_format("ad_spot"), noisy) == coloured(load_format("ad_spot"), plain)


def test_colours_are_spelled_as_they_are_read():
    assert spelled(colour("#0a1bff")) == "#0a1bff"
