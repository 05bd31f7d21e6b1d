"""A film can be read: its title, who speaks, and what is said, by act and scene with times."""

from __future__ import annotations

from pathlib import Path

from engine.formats import load_format
from engine.made import Timing
from engine.transcript import transcript
from engine.types import Character, Scene, Script, Shot
from tests.editing import story

STORY = Script(
    title="How to fly",
    characters=(Character(name="Dragon", role="teacher"),),
    scenes=(Scene(description="a mountain top"), Scene(description="the sea")),
    shots=(
        Shot(narration="Once there was a dragon.", beat="opening"),
        Shot(narration="He was old.", beat="wish"),
        Shot(narration="Come!", speaker="Dragon", beat="wish"),
        Shot(narration="They flew.", scene=1, beat="wish"),
        Shot(narration="", scene=1, beat="ending"),
        Shot(narration="They were {glad}.", scene=1, beat="ending"),
    ),
)
TIMINGS = [Timing(start=2.5 + 12 * i, lead=0, speech=10, tail=2, frames=288) for i in range(6)]


def test_paragraphs_stand_under_act_and_scene_with_their_times():
    text = transcript("How to fly", STORY, load_format("cinematic_story"), TIMINGS, "en")
    assert text.split("\n\n") == [
        "How to fly",
        "Speakers: Narrator, Dragon (teacher)",
        "The beginning – A mountain top",
        "[0:02] Narrator: Once there was a dragon. He was old.",
        "[0:26] Dragon: Come!",
        "The sea",
        "[0:38] Narrator: They flew.",
        "The end – The sea",
        "[1:02] Narrator: They were {glad}.\n",
    ]


def test_a_single_speaker_is_not_named_and_silence_has_no_transcript():
    fmt = load_format("cinematic_story")
    alone = Script(title="t", shots=(Shot(narration="Hello."),))
    assert "[0:02] Hello." in transcript("t", alone, fmt, TIMINGS[:1], "en").split("\n")
    assert transcript("t", Script(title="t", shots=(Shot(),)), fmt, TIMINGS[:1], "en") == ""


def test_it_lies_beside_the_film(tmp_path: Path):
    made = story(tmp_path / "work", captions="none")
    files = made.join(made.cut())
    assert files.transcript is not None and files.srt is None
    assert "[0:0" in files.transcript.read_text()
