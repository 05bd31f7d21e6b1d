"""Captions and cards in every writing system are drawn with its own letters, joined and ordered as it wants them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from engine.burned_captions import ass, lay_out
from engine.captions import cut_cues
from engine.fonts import HEAVY, MEDIUM, Fonts, cut_fonts, printable
from engine.formats import load_format
from engine.graphics import draw_card
from engine.made import Word
from engine.media import run_ffmpeg
from engine.progress import Control
from engine.titling import Card
from engine.typeset import Block, fonts_beside, is_rtl, masks

SIZE = (480, 270)
LINES = {
    "en": "A dragon teaches a knight how to fly.",
    "pl": "Żółw i łoś pędzą przez śnieg.",
    "el": "Ένας δράκος μαθαίνει σε έναν ιππότη.",
    "ru": "Дракон учит рыцаря летать.",
    "ar": "تنين عجوز يعلّم فارسًا كيف يطير.",
    "he": "דרקון זקן מלמד אביר צעיר לעוף.",
    "hi": "एक ड्रैगन शूरवीर को क्षण में उड़ना सिखाता है।",
    "th": "มังกรสอนอัศวินให้บินได้",
    "zh": "老龙教年轻的骑士飞翔。",
    "ja": "年老いたドラゴンが騎士に飛び方を教える。",
    "ko": "늙은 용이 기사에게 나는 법을 가르친다.",
}
FACES = {"ar": "Arabic", "he": "Hebrew", "hi": "Devanagari", "th": "Thai", "zh": "CJK", "ja": "CJK", "ko": "CJK"}


@pytest.fixture(scope="module", params=LINES)
def locale(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def fonts(locale: str, tmp_path_factory: pytest.TempPathFactory) -> Fonts:
    return cut_fonts([LINES[locale]], tmp_path_factory.mktemp("fonts"), locale)


def ink(text: str, fonts: Fonts, folder: Path) -> np.ndarray:
    [mask] = masks([Block(text=text, size=48, width=2000)], fonts, folder)
    return mask


def differs(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two drawings are not the same drawing, give or take a pixel of place and softness."""
    shape = (max(one.shape[0], other.shape[0]), max(one.shape[1], other.shape[1]))
    padded = [np.pad(m, ((0, shape[0] - m.shape[0]), (0, shape[1] - m.shape[1]))) for m in (one, other)]
    return float(np.abs(padded[0] - padded[1]).sum()) > 0.08 * float(one.sum())


def test_every_letter_has_a_glyph_of_its_own_script_in_both_weights(locale: str, fonts: Fonts):
    for weight in (MEDIUM, HEAVY):
        runs = fonts.runs(LINES[locale], weight)
        assert "".join(run for _, run in runs) == printable(LINES[locale])
        assert FACES.get(locale, "Sans") in {face.script for face, _ in runs}
        for face, run in runs:
            with TTFont(face.file) as font:
                assert {ord(letter) for letter in run} <= set(font.getBestCmap() or {})


def test_a_caption_is_drawn_with_ink_and_without_boxes(locale: str, fonts: Fonts, tmp_path: Path):
    look = load_format("cinematic_story").captions
    layout = lay_out(*SIZE, look)
    timed = [Word(text=w, start=i * 0.3, end=i * 0.3 + 0.3) for i, w in enumerate(LINES[locale].split())]
    cues = cut_cues(timed, 6, look, layout.columns, layout.lines, locale=locale)
    (tmp_path / "captions.ass").write_text(ass(cues, look, layout, fonts, "#ffffff"), encoding="utf-8")
    fonts_beside(fonts, tmp_path)
    source = ["-f", "lavfi", "-i", f"color=0x203040:s={SIZE[0]}x{SIZE[1]}:r=25"]
    burn = ["-vf", "ass=filename=captions.ass:fontsdir=fonts", "-ss", f"{cues[0].start + 0.2}", "-frames:v", "1"]
    run_ffmpeg([*source, *burn, "-pix_fmt", "rgb24", "-f", "rawvideo", "frame.rgb"], cwd=tmp_path)
    frame = np.fromfile(tmp_path / "frame.rgb", np.uint8).reshape(SIZE[1], SIZE[0], 3)
    letters = sum(map(len, cues[0].text))
    assert (frame.min(axis=2) > 200).sum() > 6 * letters


def test_a_card_is_drawn_with_ink_where_reading_begins(locale: str, fonts: Fonts, tmp_path: Path):
    still, kept = tmp_path / "still.png", []
    Image.fromarray(np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)).save(still)

    class Frames:
        def write(self, frame: np.ndarray) -> None:
            kept.append(frame.copy())

    card = Card(title=LINES[locale].split()[0][:8], left=True)
    whole = {"frames": 8, "size": SIZE, "fps": 4, "fonts": fonts, "folder": tmp_path, "control": Control()}
    draw_card(card, still, Frames(), **whole)  # type: ignore[arg-type]
    white = kept[5].min(axis=2) > 200
    assert white.sum() > 60
    middle = np.flatnonzero(white.any(axis=0)).mean()
    assert (middle > SIZE[0] / 2) == is_rtl(LINES[locale]) == (locale in ("ar", "he"))


def test_no_drawing_is_that_of_a_missing_letter(locale: str, fonts: Fonts, tmp_path: Path):
    """Letters are drawn apart from each other; several that came out alike would be boxes."""
    letters = [c for c in dict.fromkeys(LINES[locale]) if c.isalpha()][:8]
    drawn = masks([Block(text=letter, size=48, width=200) for letter in letters], fonts, tmp_path)
    assert all(mask.size > 20 for mask in drawn)
    assert all(differs(one, other) for i, one in enumerate(drawn) for other in drawn[:i])


# ---- joined, stacked and ordered


@pytest.fixture(scope="module")
def all_fonts(tmp_path_factory: pytest.TempPathFactory) -> Fonts:
    return cut_fonts([*LINES.values(), "בוא שקט", "क्ष क ् ष", "กำ", "سلام", "دا"], tmp_path_factory.mktemp("fonts"))


def test_arabic_letters_join(all_fonts: Fonts, tmp_path: Path):
    joined, apart = ink("سلام", all_fonts, tmp_path), ink("س\u200cل\u200cا\u200cم", all_fonts, tmp_path)
    assert joined.shape[1] < 0.9 * apart.shape[1]
    pieces = [column_runs(mask) for mask in (joined, apart)]
    assert pieces[0] < pieces[1]


def test_devanagari_consonants_become_one_sign(all_fonts: Fonts, tmp_path: Path):
    conjunct, apart = ink("क्ष", all_fonts, tmp_path), ink("क्\u200cष", all_fonts, tmp_path)
    assert conjunct.shape[1] < 0.9 * apart.shape[1]


def test_thai_vowels_stand_above_their_consonant(all_fonts: Fonts, tmp_path: Path):
    bare, marked = ink("บน", all_fonts, tmp_path), ink("บิน", all_fonts, tmp_path)
    assert marked.shape[0] > 1.1 * bare.shape[0]
    assert abs(marked.shape[1] - bare.shape[1]) <= 3


@pytest.mark.parametrize(("first", "second"), [("ש", "ו"), ("د", "ا")])
def test_right_to_left_text_begins_at_the_right(first: str, second: str, all_fonts: Fonts, tmp_path: Path):
    """ "abb" from right to left has its one wide letter at the right end: the wide letter's columns are there."""
    wide = ink(first, all_fonts, tmp_path)
    line = ink(first + second * 3, all_fonts, tmp_path)
    assert wide.size > 100
    assert not differs(wide, bottom_aligned(line[:, -wide.shape[1] :], wide))


def bottom_aligned(mask: np.ndarray, like: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(mask.max(axis=1) > 0.03)
    cut = mask[rows[0] : rows[-1] + 1]
    return cut[-like.shape[0] :]


def test_numbers_in_a_right_to_left_line_keep_their_order(all_fonts: Fonts, tmp_path: Path):
    number, line = ink("1234", all_fonts, tmp_path), ink("שקט 1234", all_fonts, tmp_path)
    assert not differs(number, bottom_aligned(line[:, : number.shape[1]], number))


def column_runs(mask: np.ndarray) -> int:
    """Into how many parts, left to right, empty columns cut a drawing."""
    filled = mask.max(axis=0) > 0.1
    return int((np.diff(filled.astype(int)) == 1).sum() + filled[0])
