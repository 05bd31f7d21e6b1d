"""What a small writer makes of prompts: nobody fails for one line, and names, titles and facts are the prompt's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.artifacts import Store
from engine.backends.protocols import Completion, TextJob, Tick, no_tick
from engine.catalog import load_catalog
from engine.formats import load_format
from engine.machine import Machine
from engine.progress import Control
from engine.stages.plan import make_plan
from engine.stages.script import write_script
from engine.types import Plan, Script, StoryRequest
from engine.writing.clauses import lacks_a_verb
from engine.writing.facts import quotes
from engine.writing.lexicon import load_lexicon
from engine.writing.sentences import Rules, objection
from engine.writing.steps import claims_in
from engine.writing.titles import headline
from engine.writing.topic import read_prompt
from tests.fake_models.pictures import FakeHandle

KEEPER = "A lighthouse keeper sings to the ships on a stormy night at sea"
DRAGON = "A small dragon who is afraid of heights wants to fly, and a brave girl helps him"
TIDES = "Why the sea has tides: the moon pulls the water, and the earth turns under it"
SWIFT = "Swift, a folding bicycle that weighs 9 kilograms and folds in ten seconds"
RIVERTON = (
    "The city council of Riverton voted 7 to 2 on Tuesday to close the old bridge from 3 May. Engineers found cracks "
    "in two pillars. Shop owners say they will lose customers. Repairs cost 4 million euros."
)


class Mumbler:
    """A writer of the small kind that says whatever `say` makes of its job, and ends its sentences if it is `whole`."""

    def __init__(self, say: Callable[[TextJob], str], *, whole: bool = True) -> None:
        self.spec, self._say, self._whole = load_catalog().model("smollm2-135m"), say, whole

    def complete(self, job: TextJob, *, tick: Tick = no_tick) -> Completion:
        tick(1, job.max_tokens)
        return Completion(text=self._say(job), whole=self._whole)

    def close(self) -> None:
        """Nothing is held."""


THINGS = "lamp door table boat drum kite basket bottle ladder wheel rope anchor mirror candle letter coin".split()


def thing(job: TextJob, number: int) -> str:
    """One of many nouns, another for each seed and number."""
    return THINGS[(job.seed // 16**number) % 16]


SILENT = Mumbler(lambda job: "", whole=False)
PLAIN = Mumbler(lambda job: f"there was a {thing(job, 0)} behind the {thing(job, 1)} and a {thing(job, 2)}")


def written(folder: Path, prompt: str, kind: str, *, writer: Mumbler = PLAIN, **fields) -> tuple[Script, Plan]:
    request = StoryRequest(prompt=prompt, content_type=kind, profile="tiny", **fields)
    request, plan = make_plan(request, load_catalog(), Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0))
    fmt = load_format(kind)
    store = Store(folder)
    return write_script(request, plan, fmt, writer=FakeHandle(writer), store=store, control=Control()), plan


def by_beat(script: Script, beat: str) -> list[str]:
    return [shot.narration for shot in script.shots if shot.beat == beat]


# ---- no line fails a film -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cinematic_story", "music_video", "persona_channel", "youtube_clone", "ad_spot"])
def test_a_writer_that_finds_nothing_leaves_a_film_in_the_prompts_own_words(tmp_path: Path, kind: str) -> None:
    script, plan = written(tmp_path, KEEPER, kind, writer=SILENT, target_seconds=15 if kind == "ad_spot" else 30)
    lines = [s.narration for s, asked in zip(script.shots, plan.shots, strict=True) if not asked.spare]
    said = [line for line in lines if line]
    assert said and (kind == "music_video" or len(said) == len(lines))
    assert "lighthouse keeper" in " ".join(said).lower()
    assert kind == "music_video" or len(set(said)) == len(said)


def test_a_lyric_line_may_end_before_its_sentence_does_but_not_on_a_word_that_leads_on(tmp_path: Path) -> None:
    endless = Mumbler(lambda job: "the waves are calling out my name across the dark and", whole=False)
    script, _ = written(tmp_path, KEEPER, "music_video", writer=endless)
    assert any("waves" in shot.narration for shot in script.shots)
    for shot in script.shots:
        assert not shot.narration.rstrip(".").endswith((" the", " and", " my", " across"))


# ---- sentences ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "poor",
    [
        "This happens when two celestial bodies –the sun.",
        "This happens when two celestial bodies the sun.",
        "The moon—a rock—is far away.",
        "A long and quiet evening by the sea.",
    ],
)
def test_glued_dashes_and_clauses_without_a_verb_are_no_sentences(poor: str) -> None:
    assert objection(poor, [], Rules()) is not None
    assert not poor.startswith("This happens when two celestial bodies the") or lacks_a_verb(poor)


def test_sentences_of_words_that_the_lexicon_lacks_are_sentences() -> None:
    for fine in (
        "The moon orbits around the earth.",
        "It works because the gravitational pull varies.",
        "When the moon is near, the water rises.",
        "He said that he was tired.",
        "It's the well-known way to do it.",
    ):
        assert objection(fine, [], Rules()) is None, fine


# ---- explainers -----------------------------------------------------------------------------------------------------


def test_an_explainer_is_held_by_a_teacher_and_shows_what_its_prompt_names(tmp_path: Path) -> None:
    giant = Mumbler(lambda job: f"is a giant gravitational influence with a {thing(job, 0)} and a {thing(job, 1)}")
    script, _ = written(tmp_path, TIDES, "youtube_clone", writer=giant)
    assert [(one.name, one.description) for one in script.characters] == [("Teacher", "a teacher")]
    assert [item.name for item in script.items][:3] == ["Moon", "Water", "Earth"]
    assert script.title == "Why the Sea Has Tides"
    assert "a teacher talking to the camera" in script.shots[0].visual


def test_an_explainer_asks_without_giving_the_answer_which_it_gives_once(tmp_path: Path) -> None:
    script, _ = written(tmp_path, TIDES, "youtube_clone")
    assert by_beat(script, "hook") == ["Have you ever wondered why the sea has tides?"]
    answer = "The moon pulls the water, and the earth turns under it."
    assert sum(answer in shot.narration for shot in script.shots) == 1
    assert "wondered" not in by_beat(script, "recap")[0] and "moon pulls" not in by_beat(script, "recap")[0]


def test_animals_that_are_explained_do_not_hold_the_explainer(tmp_path: Path) -> None:
    script, _ = written(tmp_path, "How bees make honey", "youtube_clone")
    assert [one.name for one in script.characters] == ["Teacher", "Bees"]


# ---- stories --------------------------------------------------------------------------------------------------------


def test_a_verb_behind_its_subject_is_no_part_of_a_name(tmp_path: Path) -> None:
    phrases = [phrase.text for phrase in read_prompt(DRAGON, load_lexicon()).phrases]
    assert "small dragon" in phrases and "brave girl" in phrases
    script, _ = written(tmp_path, DRAGON, "cinematic_story")
    assert script.title == "The Small Dragon and the Brave Girl"


def test_one_girl_with_two_adjectives_is_one_girl(tmp_path: Path) -> None:
    little = Mumbler(lambda job: f"met a little girl with a {thing(job, 0)} and a {thing(job, 1)}")
    script, _ = written(tmp_path, DRAGON, "cinematic_story", writer=little)
    assert [one.name for one in script.characters] == ["Small Dragon", "Brave Girl"]
    assert not any("little girl" in shot.visual for shot in script.shots)


def test_a_name_and_what_it_is_said_to_be_are_one(tmp_path: Path) -> None:
    script, _ = written(tmp_path, "Mina, a shy astronaut, finds a garden on the moon", "cinematic_story")
    assert ("Mina", "a shy astronaut") in [(one.name, one.description) for one in script.characters]
    assert len([one for one in script.characters if "astronaut" in one.description.lower()]) == 1


# ---- reports --------------------------------------------------------------------------------------------------------


def test_a_report_says_every_sentence_of_its_prompt_before_any_of_its_own(tmp_path: Path) -> None:
    script, plan = written(tmp_path, RIVERTON, "news_analysis", target_seconds=30)
    core = [s.narration for s, asked in zip(script.shots, plan.shots, strict=True) if not asked.spare]
    said = " ".join(core)
    for fact in ("Engineers found cracks", "Shop owners say", "Repairs cost 4 million euros", "voted 7 to 2"):
        assert said.count(fact) == 1, fact
    assert (
        core[-1].count("council") == 0
        and "two pillars." not in core[-1]
        and ("bridge" in core[-1] or "Riverton" in core[-1])
    )


def test_a_headline_ends_at_a_phrase() -> None:
    assert headline(RIVERTON.split(". ")[0].split()).endswith("from 3 May")
    longer = headline("The city council of Riverton voted 7 to 2 on Tuesday night to close the very old bridge".split())
    assert len(longer) <= 90 and longer.endswith("bridge")
    cut = headline(f"{RIVERTON.split('. ')[0].replace('Riverton', 'Riverton upon Avon')} for months".split())
    assert len(cut) <= 90 and cut.split()[-1] not in ("old", "the", "to", "from", "close")


def test_two_nouns_that_open_a_sentence_are_no_name() -> None:
    assert quotes("Shop owners say they will lose customers.")["core"].startswith("shop owners")
    assert quotes("Apple opens a large shop in the town.")["core"].startswith("Apple opens")


# ---- advertisements -------------------------------------------------------------------------------------------------


def test_an_advertisement_of_15_seconds_plays_all_its_beats_and_proves_with_the_prompts_facts(tmp_path: Path) -> None:
    script, plan = written(tmp_path, SWIFT, "ad_spot", target_seconds=15)
    core = [asked.beat for asked in plan.shots if not asked.spare]
    assert core == ["product", "benefit", "proof", "call to action"]
    assert by_beat(script, "product") == ["Meet Swift, a folding bicycle."]
    assert by_beat(script, "proof")[0] == "It weighs 9 kilograms and folds in ten seconds."
    assert (script.items[0].name, script.items[0].description) == ("Swift", "a folding bicycle")
    assert script.title == "Swift" and "Swift" not in {one.name for one in script.characters}


@pytest.mark.parametrize(
    ("prompt", "claims"),
    [
        (SWIFT, ("weighs 9 kilograms and folds in ten seconds", "")),
        ("A lamp with a wooden foot", ("has a wooden foot", "")),
        ("A cup made from bamboo", ("is made from bamboo", "")),
        ("A cup made from bamboo that keeps drinks hot", ("is made from bamboo", "keeps drinks hot")),
        ("A quiet drum", ("", "")),
        (
            "Aurora, a lamp that wakes you gently with warm light and plays the songs of forty birds",
            ("wakes you gently with warm light", "plays the songs of forty birds"),
        ),
    ],
)
def test_what_a_prompt_claims_of_its_product_can_be_said_of_it(prompt: str, claims: tuple[str, str]) -> None:
    assert claims_in(prompt) == claims


# ---- hosts ----------------------------------------------------------------------------------------------------------


def test_of_a_hosts_lines_those_that_stay_with_the_matter_are_preferred(tmp_path: Path) -> None:
    def say(job: TextJob) -> str:
        apart = job.seed % 3 or not job.messages[-1].content.endswith("Now I know that bread")
        return f"was near a {thing(job, 2)} there" if apart else "needs learned hands"

    script, _ = written(tmp_path, "How I learned to bake bread", "persona_channel", writer=Mumbler(say))
    assert any("learned hands" in line for line in by_beat(script, "lesson"))


def test_counted_things_keep_their_noun() -> None:
    phrases = read_prompt("How I learned to bake bread after three burnt loaves", load_lexicon()).phrases
    assert "three burnt loaves" in [phrase.text for phrase in phrases]


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("An old fisherman finds a message and sails out to find the child", {"old fisherman", "child"}),
        ("Take a look yourself, and watch the sea", {"sea"}),
        ("The brain sorts what it has learned", {"brain"}),
        ("Two roads remain closed", {"two roads"}),
        ("The mayor plans to build a school", {"mayor", "school"}),
        ("Scientists at the University of Oslo have found a frog", {"scientists", "university", "frog"}),
        ("A storm left the town dark on Sunday night", {"storm", "town"}),
    ],
)
def test_verbs_and_days_are_no_part_of_what_a_prompt_names(prompt: str, names: set[str]) -> None:
    assert {phrase.text for phrase in read_prompt(prompt, load_lexicon()).phrases} == names


def test_one_of_several_is_nobody_else(tmp_path: Path) -> None:
    tiny = Mumbler(lambda job: f"met a tiny robot with a {thing(job, 0)} and a {thing(job, 1)}")
    script, _ = written(tmp_path, "Two robots build a garden", "cinematic_story", writer=tiny)
    assert [one.name for one in script.characters] == ["Two Robots"]


def test_a_song_is_called_by_its_prompts_first_words_and_a_story_by_names(tmp_path: Path) -> None:
    song, _ = written(tmp_path / "a", "Dancing in the rain with you on the last night of summer", "music_video")
    assert song.title == "Dancing in the Rain with You"
    fox, _ = written(
        tmp_path / "b", "Luna, a curious fox, follows a shy owl into the deep dark forest", "cinematic_story"
    )
    assert fox.title == "Luna and the Shy Owl"
    ghost, _ = written(tmp_path / "c", "A lonely ghost makes friends with the new family", "cinematic_story")
    assert ghost.title == "The Lonely Ghost and the New Family"


def test_a_question_stands_alone(tmp_path: Path) -> None:
    script, _ = written(tmp_path, "How do volcanoes erupt?", "youtube_clone")
    assert script.shots[0].narration == "How do volcanoes erupt?"


def test_an_explainer_of_what_no_lexicon_knows_speaks_of_it_and_of_nobody_else(tmp_path: Path) -> None:
    phrases = read_prompt("What is inflation and why do prices rise", load_lexicon()).phrases
    assert [phrase.text for phrase in phrases] == ["inflation", "prices"]
    script, _ = written(tmp_path, "Why it never gets better", "youtube_clone")
    said = " ".join(shot.narration + shot.visual for shot in script.shots)
    assert not any(word in said for word in ("girl", "boy", "fox", "old man", "sailor", "rabbit", "traveller", "woman"))


def test_several_things_are_advertised_in_the_plural(tmp_path: Path) -> None:
    script, _ = written(tmp_path, "Running shoes for rainy days", "ad_spot", target_seconds=15)
    assert script.title == "Running Shoes"
    assert by_beat(script, "product") == ["Meet the running shoes."]
    assert by_beat(script, "proof")[0] == "They are for rainy days."
    mass, _ = written(tmp_path / "b", "Honey from the mountains that tastes of summer", "ad_spot", target_seconds=15)
    assert by_beat(mass, "proof")[0] == "It tastes of summer."
