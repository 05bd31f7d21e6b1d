"""Nothing that is drawn lies over the captions, over another panel or out of the picture, in any shape of film."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from engine.burned_captions import Layout, ass, caption_place, lay_out
from engine.captions import cut_cues
from engine.figures import Chart, Point
from engine.fonts import Fonts, cut_fonts, line_height
from engine.formats import Format, format_names, load_format
from engine.made import Word
from engine.media import run_ffmpeg
from engine.placing import Rect, taken_at_foot
from engine.plates import Panel, Placed, draw_plates
from engine.progress import Control
from engine.types import ASPECT_RATIOS
from engine.typeset import fonts_beside

LONG = "Nobody knows the lake as well as the wind does, and the wind will not tell anybody what it has seen out there."
POINTS = tuple(Point(label=str(y), value=y % 7 + 1, shown=f"{y % 7 + 1} million") for y in range(2018, 2024))
SIDES = [tuple(int(part) for part in ratio.split(":")) for ratio in ASPECT_RATIOS]
SIZES = [(360 * a // min(a, b) & ~1, 360 * b // min(a, b) & ~1) for a, b in SIDES]
SMALL = [(128, 72), (72, 128), (96, 96)]
SAID = {"en": "The council voted for a new bridge over the Rhine today.", "ar": "قرر المجلس بناء جسر جديد فوق النهر."}


def panel(kind: str) -> Panel:
    if kind == "data":
        return Panel(
            kind="data", text="", label="Source: the request", chart=Chart(kind="line", points=POINTS, title=LONG[:28])
        )
    if kind == "bars":
        return Panel(kind="data", text="", label="Source", chart=Chart(kind="bars", points=POINTS, title="Visitors"))
    return Panel(kind=kind, text=LONG, label="3" if kind == "chapter" else LONG[:60])  # type: ignore[arg-type]


SETS = [("bar", "third"), ("bar", "data"), ("chapter", "quote"), ("chapter", "bars")]


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Fonts:
    return cut_fonts([LONG, *SAID.values(), "“Source: the request"], tmp_path_factory.mktemp("fonts"))


def laid(fmt: Format, size: tuple[int, int], barred: bool, text: str) -> tuple[Layout, Rect]:
    layout = lay_out(*size, fmt.captions, taken_at_foot(size, barred))
    return layout, caption_place(layout, fmt.captions, line_height(text))


def drawn(kinds: tuple[str, ...], size: tuple[int, int], captions: Rect, fonts: Fonts, folder: Path) -> list[Placed]:
    return draw_plates([panel(kind) for kind in kinds], size, captions, fonts, folder, Control())


@pytest.mark.parametrize("size", [*SIZES, *SMALL], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("kinds", SETS, ids="+".join)
def test_panels_meet_neither_captions_nor_each_other(
    kinds: tuple[str, ...], size: tuple[int, int], fonts: Fonts, tmp_path: Path
):
    seen: set[Rect] = set()
    for name in format_names():
        for text in SAID.values() if name == "news_analysis" else [SAID["en"]]:
            _, captions = laid(load_format(name), size, "bar" in kinds, text)
            if captions in seen:
                continue
            seen.add(captions)
            placed = drawn(kinds, size, captions, fonts, tmp_path)
            if min(size) >= 360:
                assert len(placed) == len(kinds)
            for one in placed:
                assert (one.place.width, one.place.height) == (one.plate.shape[1], one.plate.shape[0])
                assert not one.place.meets(captions), (name, one.place, captions)
                assert one.place.left >= 0 and one.place.top >= 0
                assert one.place.right <= size[0] and one.place.bottom <= size[1]
            for one, other in combinations(placed, 2):
                assert not one.place.meets(other.place), (name, one.place, other.place)


@pytest.mark.parametrize("locale", SAID)
@pytest.mark.parametrize("name", format_names())
def test_captions_as_libass_draws_them_stay_in_their_place(name: str, locale: str, fonts: Fonts, tmp_path: Path):
    fmt = load_format(name)
    words = (SAID[locale] + " " + SAID[locale]).split()
    for size in ((640, 360), (360, 640), (360, 360)):
        layout, place = laid(fmt, size, name == "news_analysis", SAID[locale])
        timed = [Word(text=word, start=i * 0.2, end=i * 0.2 + 0.2) for i, word in enumerate(words)]
        cues = cut_cues(timed, len(words) * 0.2, fmt.captions, layout.columns, layout.lines)
        tallest = max(cues, key=lambda cue: (len(cue.lines), max(map(len, cue.text))))
        frame = burned(ass(cues, fmt.captions, layout, fonts, "#ff3b30"), size, tallest.end - 0.03, fonts, tmp_path)
        rows, cols = np.nonzero(frame)
        assert len(rows) > 50
        assert place.top <= rows.min() and rows.max() < place.bottom, (size, place, rows.min(), rows.max())
        assert place.left <= cols.min() and cols.max() < place.right, (size, place, cols.min(), cols.max())


def burned(text: str, size: tuple[int, int], at: float, fonts: Fonts, folder: Path) -> np.ndarray:
    """Where captions have changed a plain picture."""
    (folder / "captions.ass").write_text(text, encoding="utf-8")
    fonts_beside(fonts, folder)
    source = ["-f", "lavfi", "-i", f"color=0x406080:s={size[0]}x{size[1]}:r=50"]
    burn = ["-vf", "ass=filename=captions.ass:fontsdir=fonts", "-ss", str(at), "-frames:v", "1", "-pix_fmt", "rgb24"]
    run_ffmpeg([*source, *burn, "-f", "rawvideo", "frame.rgb"], cwd=folder)
    frame = np.fromfile(folder / "frame.rgb", np.uint8).reshape(size[1], size[0], 3).astype(int)
    return np.abs(frame - frame[0, 0]).max(axis=2) > 24


def test_no_pixel_of_a_panel_is_under_a_caption(fonts: Fonts, tmp_path: Path):
    fmt = load_format("news_analysis")
    for size in ((640, 360), (360, 640), (360, 360)):
        layout, place = laid(fmt, size, True, SAID["en"])
        timed = [Word(text=word, start=i * 0.2, end=i * 0.2 + 0.2) for i, word in enumerate(SAID["en"].split())]
        cues = cut_cues(timed, 3, fmt.captions, layout.columns, layout.lines)
        captions = burned(ass(cues, fmt.captions, layout, fonts, "#ff3b30"), size, cues[0].end - 0.03, fonts, tmp_path)
        for kinds in SETS:
            panels = np.zeros(size[::-1], bool)
            for one in drawn(kinds, size, place, fonts, tmp_path):
                area = (slice(one.place.top, one.place.bottom), slice(one.place.left, one.place.right))
                panels[area] |= one.plate[..., 3] > 0
            assert panels.any() and captions.any() and not (panels & captions).any()
