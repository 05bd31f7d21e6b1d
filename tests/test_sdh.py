"""Captions for the deaf and hard of hearing tell who speaks, what is heard and what is sung, and only if asked to."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import msgspec
import numpy as np
import pysubs2
import pytest

from engine.formats import format_names, load_format
from engine.sdh import Besides, Named, besides, music_labels, speaker_label, told_texts
from engine.stages.film import film_cues
from engine.types import Script, Shot, StoryRequest
from tests.editing import Story, story

DIALOGUE = Script(
    title="How to fly",
    shots=(
        Shot(narration="Once there was a dragon."),
        Shot(narration="He was old."),
        Shot(narration="Come up here!", speaker="Old Dragon"),
        Shot(narration=""),
        Shot(narration="Do not be afraid.", speaker="old dragon"),
        Shot(narration="She flew."),
    ),
)
ASKED = StoryRequest(prompt="x", sdh=True)


def labels(script: Script, locale: str = "en") -> list[str]:
    return [speaker_label(script, number, locale) for number in range(len(script.shots))]


def test_speakers_are_named_where_they_change():
    assert labels(DIALOGUE) == ["[narrator]", "", "[Old Dragon]", "", "", "[narrator]"]


def test_in_a_film_of_one_voice_it_is_evident_who_speaks():
    one = msgspec.structs.replace(DIALOGUE, shots=DIALOGUE.shots[:2])
    assert labels(one) == ["", ""]


def test_a_language_without_a_word_for_the_narrator_names_only_the_others():
    assert labels(DIALOGUE, "sv") == ["", "", "[Old Dragon]", "", "", ""]
    assert labels(DIALOGUE, "de-AT")[0] == "[Erzähler]"


@pytest.mark.parametrize("name", format_names())
def test_every_formats_music_has_words(name: str):
    begins, ends = music_labels(ASKED, load_format(name))
    assert begins.endswith(" music]") and ends == "[music fades]"
    assert music_labels(msgspec.structs.replace(ASKED, locale="pl"), load_format(name)) == ("[♪]", "[♪]")


def test_every_language_has_all_words():
    from engine.sdh import _languages

    assert all("♪" not in msgspec.structs.astuple(named) and named.narrator for named in _languages().values())
    assert len(_languages()) > 5 and Named().fades == "♪"


def test_nothing_is_told_unless_asked_for():
    plain = StoryRequest(prompt="x")
    fmt = load_format("cinematic_story")
    assert not besides(plain, DIALOGUE, fmt, 2).speaker and told_texts(plain, DIALOGUE, fmt) == ()
    assert music_labels(plain, fmt) == music_labels(msgspec.structs.replace(ASKED, music=False), fmt) == ("", "")


def test_only_a_music_video_is_sung():
    assert besides(ASKED, DIALOGUE, load_format("music_video"), 0) == Besides(sung=True)
    assert not besides(ASKED, DIALOGUE, load_format("ad_spot"), 0).sung


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Story:
    made = story(tmp_path_factory.mktemp("told") / "work", size=(320, 180), sdh=True, captions="both")
    plan = msgspec.structs.replace(made.plan, title_seconds=2.0, end_seconds=2.0)
    later = 2.0 - made.plan.title_seconds
    timings = [msgspec.structs.replace(timing, start=timing.start + later) for timing in made.timings]
    return made._replace(plan=plan, timings=timings)


def frames(film: Path) -> np.ndarray:
    with av.open(str(film)) as file:
        return np.stack([frame.to_ndarray(format="gray") for frame in file.decode(video=0)]).astype(int)


def test_the_cards_tell_of_the_music_in_the_files(told: Story):
    cues = film_cues(told.request, told.plan, told.script, told.fmt, told.voices, told.timings)
    assert cues[0].text == ("[wondrous music]",) and (cues[0].start, cues[0].end) == (0, 2)
    assert cues[-1].text == ("[music fades]",)
    assert all(a.end <= b.start for a, b in pairwise(cues))


def test_and_in_the_picture(told: Story):
    quiet = told._replace(request=msgspec.structs.replace(told.request, sdh=False))
    noted, plain = told.cut(), quiet.cut()
    assert noted[0].frames == plain[0].frames
    assert noted[0].parameters == noted[1].parameters == plain[0].parameters
    changed = np.abs(frames(noted[0].video) - frames(plain[0].video)) > 40
    assert changed[:, -50:].sum() > 500 > 10 * changed[:, :60].sum()


def test_subtitle_files_hold_it(told: Story):
    files = told.join(told.cut())
    assert files.srt is not None
    texts = [event.plaintext for event in pysubs2.SSAFile.from_string(files.srt.read_text(), format_="srt")]
    assert texts[0] == "[wondrous music]" and texts[-1] == "[music fades]"
