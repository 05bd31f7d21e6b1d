"""Whatever is said, captions keep to 42 characters a line, two lines and 17 characters a second, inside the picture."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.burned_captions import ass, lay_out_film
from engine.captions import NOTE, SIDECAR, Cue, cut_cues, fastest
from engine.fonts import Fonts, cut_fonts
from engine.formats import CaptionStyle, format_names, load_format
from engine.made import Word
from engine.media import run_ffmpeg
from engine.reading import CHARACTERS_PER_SECOND, reading_seconds
from engine.types import ASPECT_RATIOS
from engine.typeset import columns, fonts_beside, pixels

FPS = 24
SCRIPTS = {
    "en": "A dragon, old and kind, teaches a young knight how to fly over incomprehensibilities and the wide sea.",
    "de": "Der Donaudampfschifffahrtskapitän grüßte die Straßenbahnhaltestellen, und alle lachten.",
    "ru": "Старый и добрый дракон учит молодого рыцаря летать над холодным и широким морем.",
    "ar": "كان هناك تنين عجوز طيب، علّم فارسًا شابًا كيف يطير فوق البحر البارد الواسع.",
    "he": "דרקון זקן וטוב לב לימד אביר צעיר איך לעוף מעל הים הקר והרחב.",
    "ja": "年老いた優しいドラゴンは、若い騎士に飛び方を教えました。風は冷たかったです。",
    "ko": "늙고 다정한 용이 젊은 기사에게 차갑고 넓은 바다 위를 나는 법을 가르쳤습니다.",
    "hi": "एक बूढ़े और दयालु ड्रैगन ने एक युवा शूरवीर को ठंडे समुद्र के ऊपर उड़ना सिखाया।",
}
SIZES = {"16:9": (640, 360), "9:16": (360, 640), "1:1": (480, 480), "4:3": (480, 360), "3:4": (360, 480)}
SIZES |= {"4:5": (384, 480), "21:9": (840, 360)}
LOOKS = [load_format(name).captions for name in format_names()]

words_at_random = st.lists(
    st.tuples(st.text("abcdefgeéßäñ.,'", min_size=1, max_size=14), st.floats(0.02, 0.9), st.floats(0, 0.7)),
    min_size=1,
    max_size=40,
)


def heard(spoken: list[tuple[str, float, float]]) -> tuple[Word, ...]:
    words, at = [], 0.0
    for text, lasts, silence in spoken:
        words.append(Word(text=text, start=at + silence, end=at + silence + lasts))
        at += silence + lasts
    return tuple(words)


def long_enough(words: tuple[Word, ...]) -> float:
    text = " ".join(word.text for word in words)
    return math.ceil(max(words[-1].end, reading_seconds(text)) * FPS) / FPS


def spread(text: str, seconds: float) -> tuple[Word, ...]:
    words = text.split()
    each = seconds / len(words)
    return tuple(Word(text=word, start=i * each, end=(i + 0.9) * each) for i, word in enumerate(words))


def rounded(cue: Cue, parts: int) -> float:
    """Its reading speed in a file that counts so many parts of a second."""
    shown = round(cue.end * parts) / parts - round(cue.start * parts) / parts
    return cue.speed * (cue.end - cue.start) / shown


@settings(max_examples=150, deadline=None)
@given(words_at_random, st.sampled_from([SIDECAR, *LOOKS]), st.integers(8, 42))
def test_limits_hold_wherever_the_shot_is_long_enough(
    spoken: list[tuple[str, float, float]], look: CaptionStyle, width: int
):
    words = heard(spoken)
    seconds = long_enough(words)
    cues = cut_cues(words, seconds, look, min(width, look.max_chars), 2)
    assert all(rounded(cue, 1000) <= CHARACTERS_PER_SECOND for cue in cues)
    assert fastest(cues) <= CHARACTERS_PER_SECOND
    assert all(len(cue.lines) <= 2 and max(map(columns, cue.text)) <= 42 for cue in cues)
    assert all(a.end <= b.start for a, b in pairwise(cues))
    assert cues[0].start >= 0 and cues[-1].end <= seconds + 1e-9
    shown = "".join("".join(cue.text) for cue in cues).replace(" ", "")
    assert shown.casefold() == "".join(text for text, _, _ in spoken).casefold()


@settings(max_examples=60, deadline=None)
@given(words_at_random, st.floats(0.1, 0.9))
def test_in_too_short_a_shot_all_cues_are_read_about_equally_fast(spoken: list[tuple[str, float, float]], share: float):
    text = " ".join(word for word, _, _ in spoken)
    seconds = reading_seconds(text) * share
    speeds = [cue.speed for cue in cut_cues(spread(text, seconds), seconds, SIDECAR)]
    assert min(speeds) > 0
    if share < 0.6:  # cutting a text into cues takes spaces from it, so a shot that is hardly too short may suffice
        assert max(speeds) == pytest.approx(min(speeds), rel=0.01)


@settings(max_examples=60, deadline=None)
@given(words_at_random)
def test_slow_speech_is_captioned_when_it_is_said(spoken: list[tuple[str, float, float]]):
    words = heard([(text, 0.2 + len(text) / 8, silence) for text, _, silence in spoken])
    for cue in cut_cues(words, words[-1].end + 1, SIDECAR):
        if len(cue.words) > 1:
            assert abs(cue.start - cue.words[0].start) < 0.45


def test_lyrics_stand_between_notes_and_speakers_before_their_words():
    sung = cut_cues(spread(SCRIPTS["en"], 9), 10, SIDECAR, sung=True)
    assert all(cue.text[0].startswith(f"{NOTE} ") and cue.text[-1].endswith(f" {NOTE}") for cue in sung)
    assert all(columns(line) <= 42 for cue in sung for line in cue.text)
    named = cut_cues(spread(SCRIPTS["en"], 9), 10, SIDECAR, speaker="[Old Dragon]")
    assert " ".join(line for cue in named for line in cue.text) == f"[Old Dragon] {SCRIPTS['en']}"
    assert named[0].start == 0 and len(named[0].words) > 3


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Fonts:
    return cut_fonts(SCRIPTS.values(), tmp_path_factory.mktemp("fonts"))


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("aspect", ASPECT_RATIOS)
@pytest.mark.parametrize("name", format_names())
def test_every_format_keeps_every_script_inside_every_picture(name: str, aspect: str, script: str, fonts: Fonts):
    look, size = load_format(name).captions, SIZES[aspect]
    layout = lay_out_film(*size, load_format(name))
    cues = cut_cues(spread(SCRIPTS[script], 24), 25, look, layout.columns, layout.lines, locale=script)
    measure = pixels(fonts, layout.weight, layout.size)
    side = (size[0] - layout.width) / 2
    assert side >= 0.05 * size[0] and layout.bottom >= 0.05 * size[1]
    for cue in cues:
        widest = max(measure(line) for line in cue.text)
        shrunk = min(1.0, layout.width / widest)
        assert len(cue.lines) <= 2 and shrunk > 0.45
        assert layout.bottom + len(cue.lines) * 1.6 * shrunk * layout.size <= 0.5 * size[1]


@pytest.mark.parametrize(
    ("name", "aspect", "script"),
    [
        ("cinematic_story", "9:16", "hi"),
        ("news_analysis", "16:9", "ar"),
        ("persona_channel", "1:1", "ja"),
        ("youtube_clone", "9:16", "de"),
        ("music_video", "21:9", "ko"),
        ("ad_spot", "4:5", "en"),
    ],
)
def test_ink_stays_inside_the_safe_margins(name: str, aspect: str, script: str, fonts: Fonts, tmp_path: Path):
    look, (width, height) = load_format(name).captions, SIZES[aspect]
    layout = lay_out_film(width, height, load_format(name))
    cues = cut_cues(spread(SCRIPTS[script], 24), 25, look, layout.columns, layout.lines, locale=script)
    (tmp_path / "captions.ass").write_text(ass(cues, look, layout, fonts, "#ff3b30"), encoding="utf-8")
    fonts_beside(fonts, tmp_path)
    picture = ["-f", "lavfi", "-i", f"color=0x406080:s={width}x{height}:r=2"]
    burn = ["-vf", "ass=filename=captions.ass:fontsdir=fonts", "-frames:v", "50", "-pix_fmt", "rgb24"]
    run_ffmpeg([*picture, *burn, "-f", "rawvideo", "frames.rgb"], cwd=tmp_path)
    frames = np.fromfile(tmp_path / "frames.rgb", np.uint8).reshape(-1, height, width, 3)
    ends = np.stack([frames.min(axis=0), frames.max(axis=0)]).astype(int)
    ink = (np.abs(ends - np.array([0x40, 0x60, 0x80])) > 24).any(axis=(0, 3))
    rows, cols = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert len(rows) > 4
    assert cols[0] >= 0.05 * width and cols[-1] < 0.95 * width
    assert rows[-1] < 0.95 * height
