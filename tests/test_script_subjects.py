"""Who and what a script's lines are about: who is a character, what an item, who is nobody, and how they are seen."""

import itertools

import msgspec

from engine.catalog import load_catalog
from engine.formats import load_format
from engine.progress import Control
from engine.shots import framing_of
from engine.types import Script
from engine.writing.casting import Casting, acts
from engine.writing.lexicon import load_lexicon
from engine.writing.pen import Pen
from engine.writing.scribe import Line
from engine.writing.setting import time_in
from engine.writing.steps import choose_figures
from engine.writing.topic import read_prompt
from engine.writing.views import shots_of
from tests.writing import Answers, planned


def test_a_place_that_is_named_is_nobody() -> None:
    topic = read_prompt("The city of Lindau opened a bridge over the river Rhine.", load_lexicon())
    assert {phrase.text: phrase.kind for phrase in topic.phrases} == {
        "city": "places",
        "bridge": "places",
        "river Rhine": "places",
    }


def told(prompt: str, *lines: str, content_type: str = "cinematic_story") -> Script:
    """A script of these lines, whatever a model would have written."""
    _, plan = planned(prompt, content_type=content_type, shots=len(lines), target_seconds=5.0 + 5 * len(lines))
    plan = msgspec.structs.replace(plan, shots=tuple(shot for shot in plan.shots if not shot.spare))
    fmt, lexicon = load_format(plan.format), load_lexicon()
    pen = Pen(Answers(load_catalog().model("smollm2-135m"), "lantern"), 0, Control())
    topic = read_prompt(prompt, lexicon)
    spoken = [Line(text=line) for line in lines]
    casting = Casting(plan, fmt, topic, choose_figures(topic, pen, fmt), spoken, lexicon, pen)
    scenes, shots = casting.scenes[0], shots_of(casting, lexicon)
    return Script(title="x", characters=casting.characters, scenes=scenes, items=casting.items(), shots=shots)


def test_an_animal_is_whoever_the_prompt_tells_of() -> None:
    script = told(
        "A dragon teaches a young knight how to fly",
        "Long ago, a dragon taught a young knight how to fly.",
        "But he was more than just an animal with feathers on his tail.",
    )
    assert [character.name for character in script.characters] == ["Dragon", "Young Knight"]
    assert "animal" not in script.shots[1].visual


def test_an_animal_of_the_prompt_stays_one() -> None:
    script = told("An animal hides in the forest", "An animal hides in the forest.", "The animal is cold.")
    assert [character.name for character in script.characters] == ["Animal"]
    assert "animal" in script.shots[1].visual


WHALE = (
    "A whale and a sailor become friends",
    "Once, a whale met a sailor.",
    "The sailor talked to the whale.",
    "The whale and the sailor swam away.",
    "The whale was glad of its friend.",
    "The sailor and the whale sailed on.",
    "The whale loved the sailor.",
)


def test_neighbours_with_the_same_figures_take_another_framing_and_say_what_is_done() -> None:
    script = told(*WHALE)
    framings = [framing_of(shot, load_format("cinematic_story")) for shot in script.shots]
    assert all(one != other for one, other in itertools.pairwise(framings))
    assert "meeting" in script.shots[0].visual and "talking" in script.shots[1].visual


def test_a_friend_is_whoever_was_named_and_nobody_else() -> None:
    script = told(*WHALE)
    assert [character.name for character in script.characters] == ["Whale", "Sailor"]
    assert "a whale and a sailor" in script.shots[3].visual
    lonely = told("A whale finds a friend", "A whale was alone.", "It met a friend.")
    assert [character.name for character in lonely.characters] == ["Whale", "Friend"]


def test_an_item_is_named_or_seen_and_says_where() -> None:
    script = told("A girl climbs a hill", "A girl had a key.", "She found an old golden key.", "She went home.")
    assert script.items[0].description == "an old golden key"
    assert "from shot 1 to shot 2" in script.items[0].significance
    nothing = told("A girl climbs a hill", "A girl ran.", "She was tired.", "She slept.")
    assert [item.name for item in nothing.items] == ["Lantern"]
    assert "a lantern" in nothing.shots[0].visual and "seen in shot 1" in nothing.items[0].significance


def test_a_country_is_nobody() -> None:
    report = read_prompt("Bad harvests in Brazil are the cause.", load_lexicon())
    assert [phrase.kind for phrase in report.phrases if phrase.text == "Brazil"] == ["regions"]
    told_of = "How coffee came from Ethiopia to New York", "Japan wins the cup", "France and South Korea sign a treaty"
    for prompt, regions in zip(told_of, (["Ethiopia", "New York"], ["Japan"], ["France", "South Korea"]), strict=True):
        phrases = read_prompt(prompt, load_lexicon()).phrases
        assert [phrase.text for phrase in phrases if phrase.kind == "regions"] == regions
        assert not any(acts(phrase) for phrase in phrases)
    letter = read_prompt("A letter from Anna to Ben", load_lexicon())
    assert [phrase.text for phrase in letter.phrases if acts(phrase)] == ["Anna", "Ben"]


def test_time_passes_in_a_story_that_names_none() -> None:
    lines = ("A fox ran one morning.", "It wanted a bone.", "It fell.", "It dug a hole.", "It was glad.")
    assert len({scene.time_of_day for scene in told("A fox finds a bone", *lines).scenes}) == 3


def test_the_mayor_and_a_mayor_are_one_and_a_council_is_no_thing() -> None:
    script = told(
        "The city council asked the Mayor.",
        "The city council asked the Mayor.",
        "A mayor must answer.",
        content_type="news_analysis",
    )
    assert [character.name for character in script.characters] == ["City Council", "Mayor"]
    assert {"City Council", "Mayor"}.isdisjoint(item.name for item in script.items)


def test_who_is_only_compared_with_is_nobody() -> None:
    script = told("A dragon wants to fly", "A dragon had the tail of a lion.", "It flew like a bird.")
    assert [character.name for character in script.characters] == ["Dragon"]


def test_who_is_afraid_of_the_dark_is_seen_at_night() -> None:
    assert time_in("A robot who is afraid of the dark") == "night"
    assert time_in("The far side: of the dark side of the moon") == ""
    assert time_in("A dark horse wins") == ""
