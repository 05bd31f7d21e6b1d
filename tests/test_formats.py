"""Formats are data: their beats make acts, and each is told apart from the others."""

from msgspec.structs import replace

from engine.formats import load_format
from engine.shots import Act, acts
from engine.types import Script, Shot

STORY = load_format("cinematic_story")


def script_of(*beats: str) -> Script:
    return Script(title="A film", shots=tuple(Shot(beat=beat, visual="a fox") for beat in beats))


def test_neighbours_whose_beats_share_an_act_are_one_act_and_every_shot_is_in_one():
    found = acts(script_of("opening", "wish", "wish", "trial", "turn", "ending"), STORY)
    assert found == (Act("the beginning", range(3)), Act("the middle", range(3, 5)), Act("the end", range(5, 6)))


def test_a_beat_without_an_act_is_one_under_its_own_name():
    alone = replace(STORY, beats=tuple(replace(beat, act="") for beat in STORY.beats))
    assert [act.name for act in acts(script_of("opening", "wish", "wish", "ending"), alone)] == [
        "opening",
        "wish",
        "ending",
    ]


def test_a_shot_of_no_known_beat_goes_on_with_the_act_before_it():
    assert acts(script_of("", "opening", "other", "ending"), STORY) == (
        Act("", range(1)),
        Act("the beginning", range(1, 3)),
        Act("the end", range(3, 4)),
    )
    assert acts(Script(title="Nothing"), STORY) == ()
