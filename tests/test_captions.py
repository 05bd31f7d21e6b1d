"""Captions say what is said when it is said, break where one breathes, and show markup as text."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import fonts as engine_fonts
from engine.burned_captions import ass, lay_out
from engine.caption_files import srt, vtt
from engine.captions import SIDECAR, cut_cues, moved, shot_words
from engine.fonts import HEAVY, MEDIUM, Fonts, cut_fonts, printable
from engine.formats import CaptionStyle
from engine.made import Timing, Voice, Word
from engine.media import run_ffmpeg
from engine.typeset import Block, columns, fit, fonts_beside, joined, masks

FPS = 24
LINE = "A dragon, old and kind, teaches a young knight how to fly. The wind was cold; but the knight was not afraid."
NASTY = "Say {\\fs90}huge %{pts} it's: ] and --> \\N then <b>bold</b> & {\\p1}m 0 0{\\p0} " + "w" * 200
SCRIPTS = {
    "ar": "كان هناك تنين عجوز طيب، علّم فارسًا شابًا كيف يطير.",
    "he": "דרקון זקן וטוב לב לימד אביר צעיר איך לעוף.",
    "ja": "年老いた優しいドラゴンは、若い騎士に飛び方を教えました。",
    "hi": "एक बूढ़े और दयालु ड्रैगन ने एक युवा शूरवीर को उड़ना सिखाया।",
}
LOOKS = {
    "outline": CaptionStyle(look="outline"),
    "box": CaptionStyle(look="box", max_chars=36),
    "pop": CaptionStyle(look="pop", max_lines=1, max_chars=24, uppercase=True),
}


def timing(seconds: float = 8.0) -> Timing:
    return Timing(start=2.5, lead=0.25, speech=seconds - 0.5, tail=0.25, frames=round(seconds * FPS))


def spoken(text: str, seconds: float = 7.5) -> Voice:
    words = text.split()
    each = seconds / max(1, len(words))
    timed = tuple(Word(text=w, start=i * each, end=(i + 1) * each - 0.02) for i, w in enumerate(words))
    return Voice(audio=None, seconds=seconds, words=timed)


def words_of(text: str) -> tuple[Word, ...]:
    return shot_words(text, spoken(text), timing(), FPS)


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Fonts:
    return cut_fonts([LINE, NASTY, "🐉 ok", *SCRIPTS.values()], tmp_path_factory.mktemp("fonts"))


# ---- cues


def test_every_word_is_shown_once_in_order():
    cues = cut_cues(words_of(LINE), 8, SIDECAR)
    assert " ".join(line for cue in cues for line in cue.text) == LINE


def test_a_cue_begins_with_its_first_word_and_stays_until_its_last_is_said():
    for cue in cut_cues(words_of(LINE), 8, SIDECAR):
        assert cue.start == cue.words[0].start
        assert cue.end >= cue.words[-1].end


def test_cues_neither_overlap_nor_leave_the_shot():
    cues = cut_cues(words_of(LINE), 8, LOOKS["pop"])
    assert all(a.end <= b.start for a, b in pairwise(cues))
    assert cues[-1].end <= 8


def test_lines_are_no_longer_and_no_more_than_the_format_allows():
    for look in LOOKS.values():
        for cue in cut_cues(words_of(LINE), 8, look):
            assert len(cue.lines) <= look.max_lines
            assert all(columns(line) <= look.max_chars for line in cue.text)


def test_lines_break_at_sentences_and_clauses_when_they_can():
    first = cut_cues(words_of(LINE), 8, SIDECAR)[0]
    assert first.text == ("A dragon, old and kind,", "teaches a young knight how to fly.")


def test_no_cue_is_a_single_word_while_there_are_neighbours():
    cues = cut_cues(words_of(LINE), 8, LOOKS["pop"])
    assert all(len(cue.words) > 1 for cue in cues)


def test_short_gaps_between_cues_are_closed():
    cues = cut_cues(words_of(LINE), 8, SIDECAR)
    assert all(b.start == a.end or b.start - a.end > 0.3 for a, b in pairwise(cues))


def test_nothing_said_has_no_cues():
    assert cut_cues(shot_words("", Voice(audio=None, seconds=0), timing(), FPS), 8, SIDECAR) == []


def test_lines_that_nobody_speaks_are_spread_over_the_shot():
    words = shot_words("Lights on the water", Voice(audio=None, seconds=0), timing(4), FPS)
    assert [w.text for w in words] == ["Lights", "on", "the", "water"]
    assert 0 < words[0].start < words[-1].end < 4


def test_japanese_is_broken_without_spaces_and_without_losing_a_letter():
    cues = cut_cues(words_of(SCRIPTS["ja"]), 8, CaptionStyle(look="box", max_chars=20, max_lines=1))
    assert len(cues) > 1
    assert "".join(line for cue in cues for line in cue.text) == SCRIPTS["ja"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120))
def test_any_text_becomes_cues_that_fit(text: str):
    cues = cut_cues(words_of(text), 8, SIDECAR)
    assert all(columns(line) <= SIDECAR.max_chars for cue in cues for line in cue.text)
    pysubs2.SSAFile.from_string(vtt(cues) + "\n", format_="vtt")


# ---- files


def test_srt_keeps_braces_and_backslashes_and_holds_no_second_arrow():
    text = srt(cut_cues(words_of(NASTY), 8, SIDECAR))
    assert "{\\fs90}huge" in text and "\\N then" in text and "{\\p1}m" in text
    assert all(line.count("-->") == (line[:1].isdigit() and ":" in line) for line in text.splitlines())


def test_vtt_escapes_what_would_be_markup():
    text = vtt(cut_cues(words_of(NASTY), 8, SIDECAR))
    assert text.startswith("WEBVTT\n")
    assert "&lt;b&gt;bold&lt;/b&gt; &amp;" in text and "--&gt;" in text
    assert "<b>" not in text


def test_vtt_says_its_language_and_where_a_cue_stands_if_not_at_the_foot():
    cues = cut_cues(words_of(LINE), 8, SIDECAR)
    text = vtt(cues, "pt_BR", bottom=0.27)
    assert text.startswith("WEBVTT\nKind: captions\nLanguage: pt-BR\n\n")
    first = cues[0]
    assert len(first.lines) == 2 and " line:61%\n" in text
    assert "line:" not in vtt(cues, "en") and "Language" not in vtt(cues, "en\n\n00:01")
    assert len(pysubs2.SSAFile.from_string(text, format_="vtt")) == len(cues)


def test_lines_from_right_to_left_keep_their_full_stop_at_their_end():
    hebrew, mixed, latin = (cut_cues(words_of(t), 8, SIDECAR) for t in (SCRIPTS["he"], "VTT ו " + SCRIPTS["he"], LINE))
    assert all(line[0] == line[-1] == "\u200f" for line in srt(hebrew).splitlines() if "ק" in line)
    assert "\u200f" not in vtt(hebrew) and "\u200fVTT" in vtt(mixed)
    assert "\u200f" not in srt(latin) + vtt(latin)


def test_moving_cues_to_film_time_keeps_their_lengths():
    cues = cut_cues(words_of(LINE), 8, SIDECAR)
    later = moved(cues, 2.5)
    assert [c.start + 2.5 for c in cues] == [c.start for c in later]
    assert srt(later).splitlines()[1].startswith("00:00:02,7")


def test_controls_overrides_and_surrogates_are_stripped():
    assert printable("a\u202ebc\ud800 \n d\u2028\x00e\u2066f") == "abc d ef"


# ---- burned in


def burned(text: str, look: str, size: tuple[int, int], fonts: Fonts, folder: Path, at: float = 3.0) -> np.ndarray:
    layout = lay_out(*size, LOOKS[look])
    cues = cut_cues(words_of(text), 8, LOOKS[look], layout.columns, layout.lines)
    (folder / "captions.ass").write_text(ass(cues, LOOKS[look], layout, fonts, "#ff3b30"), encoding="utf-8")
    fonts_beside(fonts, folder)
    picture = ["-f", "lavfi", "-i", f"color=0x406080:s={size[0]}x{size[1]}:r=24"]
    burn = ["-vf", "ass=filename=captions.ass:fontsdir=fonts", "-ss", str(at), "-frames:v", "1", "-pix_fmt", "rgb24"]
    run_ffmpeg([*picture, *burn, "-f", "rawvideo", "frame.rgb"], cwd=folder)
    return np.fromfile(folder / "frame.rgb", np.uint8).reshape(size[1], size[0], 3)


def drawn(frame: np.ndarray) -> np.ndarray:
    return np.abs(frame.astype(int) - frame[0, 0]).max(axis=2) > 24


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", [(640, 360), (360, 640), (840, 360), (228, 128), (128, 228)])
def test_captions_stay_inside_the_safe_margins(look: str, size: tuple[int, int], fonts: Fonts, tmp_path: Path):
    ink = drawn(burned(LINE, look, size, fonts, tmp_path))
    rows, cols = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert len(rows) > 4
    assert cols[0] > size[0] * 0.02 and cols[-1] < size[0] * 0.98
    assert rows[0] > size[1] * 0.5 and rows[-1] < size[1] * 0.97


@pytest.mark.parametrize("locale", SCRIPTS)
def test_other_scripts_are_drawn_with_their_own_letters(locale: str, fonts: Fonts, tmp_path: Path):
    assert drawn(burned(SCRIPTS[locale], "outline", (640, 360), fonts, tmp_path)).sum() > 500
    faces = {face.script for face, _ in fonts.runs(SCRIPTS[locale], MEDIUM)}
    assert faces & {"Arabic", "Hebrew", "CJK", "Devanagari"}


def test_markup_is_drawn_as_text_not_obeyed(fonts: Fonts, tmp_path: Path):
    plain = drawn(burned("Say (xfs90)huge words to them", "outline", (640, 360), fonts, tmp_path))
    marked = drawn(burned("Say {\\fs90}huge words to them", "outline", (640, 360), fonts, tmp_path))
    assert abs(int(plain.any(axis=1).sum()) - int(marked.any(axis=1).sum())) <= 3
    assert 0.85 < marked.sum() / plain.sum() < 1.15


def test_the_word_being_spoken_lights_up(fonts: Fonts, tmp_path: Path):
    early, late = (burned(LINE, "pop", (640, 360), fonts, tmp_path, at) for at in (0.5, 0.9))
    red = [(f[..., 0].astype(int) - f[..., 2] > 80).any(axis=0) for f in (early, late)]
    assert red[0].any() and red[1].any()
    assert np.flatnonzero(red[0]).mean() < np.flatnonzero(red[1]).mean()


def test_letters_that_no_font_has_are_left_out_instead_of_boxed(fonts: Fonts):
    shown = "".join(run for _, run in fonts.runs("a𓀀b\U0001f409", HEAVY))
    assert shown == "ab🐉"


def test_the_same_text_cuts_the_same_fonts(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = cut_fonts(["ab"], tmp_path / "one", weights=(HEAVY,))
    engine_fonts._cut_at.cache_clear()  # as in another process
    two = cut_fonts(["ab"], tmp_path / "two", weights=(HEAVY,))
    assert one.faces[0].file.read_bytes() == two.faces[0].file.read_bytes()


def test_fonts_that_were_cut_once_are_written_anew_into_each_folder(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = cut_fonts(["ab"], tmp_path / "one")
    (tmp_path / "one" / one.faces[0].file.name).unlink()
    two = cut_fonts(["ba"], tmp_path / "two")
    assert [face.file.parent.name for face in two.faces] == ["two", "two"]
    assert all(face.file.stat().st_size > 1000 for face in two.faces)


# ---- setting


def test_a_text_that_is_too_long_shrinks_and_then_ends_with_an_ellipsis(fonts: Fonts):
    size, lines = fit(Block(text="w" * 400, size=40, width=300, max_lines=2), fonts)
    assert size < 40 and len(lines) == 2 and lines[-1].endswith("…")


def test_a_text_that_fits_keeps_its_size(fonts: Fonts):
    assert fit(Block(text="How to fly", size=40, width=600), fonts) == (40, ["How to fly"])


def test_an_empty_text_has_no_ink(fonts: Fonts, tmp_path: Path):
    empty, word = masks([Block(text="", size=20, width=100), Block(text="ok", size=20, width=100)], fonts, tmp_path)
    assert empty.max() == 0 and word.max() > 0.9


def test_words_are_joined_with_spaces_only_where_the_script_has_them():
    assert joined(["How", "to", "飛", "び"]) == "How to 飛び"
