"""Each format in the small writer's hands: reports, hosts, explainers, advertisements, songs."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.catalog import load_catalog
from engine.writing.facts import figures_in, quotes, sorted_statements
from engine.writing.steps import deed_in, load_steps
from tests.fake_models.pictures import FakeHandle
from tests.writing import Answers, planned, toy_writer, written


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeHandle]:
    with toy_writer(tmp_path_factory.mktemp("toy-llama")) as writer:
        yield writer


BRIDGE = (
    "The harbour bridge reopened on Monday after two years of repairs. The city paid forty million euros for the work. "
    "Ferries will stop running in June."
)


FACTS = ("reopened", "paid forty million euros", "stop running")


@pytest.mark.parametrize("seconds", [30, 60, 90])
def test_a_long_report_of_three_facts_comes_out_without_a_line_said_twice(
    toy: FakeHandle, tmp_path: Path, seconds: int
) -> None:
    script = written(toy, tmp_path, BRIDGE, content_type="news_analysis", target_seconds=seconds)
    lines = [shot.narration for shot in script.shots]
    assert len(set(lines)) == len(lines)
    beginnings = [" ".join(line.split()[:4]) for line in lines]
    assert len(set(beginnings)) > 0.7 * len(lines)


def test_a_report_says_only_the_words_of_its_prompt_and_of_its_patterns(tmp_path: Path) -> None:
    writer = FakeHandle(Answers(load_catalog().model("smollm2-135m"), "the mayor will resign in a year"))
    script = written(writer, tmp_path, BRIDGE, content_type="news_analysis", target_seconds=60)
    said = set(" ".join(shot.narration for shot in script.shots).lower().replace(",", "").replace(".", "").split())
    patterns = " ".join(text for texts in load_steps("news_analysis").sure.values() for text in texts).lower()
    assert said <= set((BRIDGE + " " + patterns).lower().replace(",", "").replace(".", "").split())


def test_a_sentence_goes_on_inside_another_in_lower_case_unless_it_begins_with_a_name() -> None:
    assert quotes("Coffee prices are rising in May.")["core"].startswith("coffee prices")
    assert quotes("It opened its doors on Monday.")["core"].startswith("it opened")
    assert quotes("Apple opens a large shop in the town.")["core"].startswith("Apple opens")


# ---- each format in the small writer's hands ------------------------------------------------------------------------


def test_whoever_speaks_aloud_is_a_character_and_is_seen_to_talk(toy: FakeHandle, tmp_path: Path) -> None:
    script = written(toy, tmp_path, target_seconds=60)
    spoken = [shot for shot in script.shots if shot.speaker is not None]
    assert spoken and script.shots[0].speaker is None and script.shots[-1].speaker is None
    by_name = {character.name: character for character in script.characters}
    assert all(f"{by_name[shot.speaker or ''].description} talking" in shot.visual for shot in spoken)
    assert len({shot.speaker for shot in spoken}) == 2
    pairs = itertools.pairwise(script.shots)
    assert not any(one.speaker is not None and other.speaker is not None for one, other in pairs)


def test_each_fact_of_a_report_stands_where_it_is_worth_most(toy: FakeHandle, tmp_path: Path) -> None:
    facts = {
        "headline": "The council voted 7 to 2 to close the bridge from 3 May.",
        "claim": "The mayor said that buses run often.",
        "evidence": "In 2024 about 900 lorries used it.",
        "counterpoint": "Shop owners fear for their trade, but few objected.",
        "outlook": "Repairs will take eight months.",
    }
    mixed = " ".join(facts[beat] for beat in ("headline", "outlook", "counterpoint", "evidence", "claim"))
    script = written(toy, tmp_path, mixed, content_type="news_analysis", shots=5)
    _, plan = planned(mixed, content_type="news_analysis", shots=5)
    shots = [shot for shot, asked in zip(script.shots, plan.shots, strict=True) if not asked.spare]
    assert {shot.beat: shot.narration for shot in shots} == facts
    assert figures_in(mixed)[:2] == ("7 to 2", "3 May")
    assert sorted_statements(mixed)["disputed"] == [facts["counterpoint"]]


def test_a_report_of_one_sentence_says_what_was_not_said_and_nothing_else(toy: FakeHandle, tmp_path: Path) -> None:
    prompt = "A city council voted 7 to 2 to close a bridge from 3 May"
    script = written(toy, tmp_path, prompt, content_type="news_analysis")
    assert script.shots[0].narration == prompt + "."
    assert not any(str(n) in shot.narration for shot in script.shots for n in (1, 4, 5, 6, 8, 9))


def test_a_host_is_the_prompts_own_in_one_room_and_looks_at_the_viewer(toy: FakeHandle, tmp_path: Path) -> None:
    script = written(toy, tmp_path, "A host who learned to bake bread", content_type="persona_channel")
    host = script.characters[0]
    assert len(script.characters) == 1 and host.role == "host" and len(script.scenes) == 1
    assert (
        f"I'm {host.name}" in script.shots[0].narration and "how I learned to bake bread" in script.shots[0].narration
    )
    assert all(f"{host.description} talking to the camera" in shot.visual for shot in script.shots)
    assert script.title == "How I Learned to Bake Bread"
    assert not any("wide shot" in shot.visual for shot in script.shots)
    other = written(toy, tmp_path / "b", "My first garden", content_type="persona_channel")
    assert other.characters[0] == host  # one channel, one host


@pytest.mark.parametrize(
    ("prompt", "deed"),
    [
        ("A host who learned to bake bread", "learned to bake bread"),
        ("A gardener who grows her own tomatoes", "grow my own tomatoes"),
        ("I climbed a mountain last year.", "climbed a mountain last year"),
        ("How tides work", ""),
        ("A host who is happy", ""),
    ],
)
def test_what_a_host_did_goes_on_behind_how_i(prompt: str, deed: str) -> None:
    assert deed_in(prompt) == deed


def test_an_explainer_asks_at_once_and_shows_the_matter_itself(toy: FakeHandle, tmp_path: Path) -> None:
    script = written(toy, tmp_path, "How tides work", content_type="youtube_clone")
    assert script.shots[0].narration.startswith("Have you ever wondered how tides work?")
    assert all("tides" in shot.visual for shot in script.shots if shot.beat.startswith("chapter"))
    assert script.shots[-1].beat == "call to action" and "recap" in {shot.beat for shot in script.shots}
    assert script.scenes[0].description == "the sea"


def test_a_product_is_an_item_of_its_name_first_and_last_and_nobody(toy: FakeHandle, tmp_path: Path) -> None:
    script = written(toy, tmp_path, "A folding bicycle called Swift", content_type="ad_spot", target_seconds=30)
    assert script.title == "Swift" and script.items[0].name == "Swift"
    assert script.items[0].description == "a folding bicycle" and "Swift" not in {c.name for c in script.characters}
    assert "Swift" in script.shots[0].narration and "Swift" in script.shots[-1].narration
    assert all("a folding bicycle" in script.shots[at].visual for at in (0, -1))
    assert [scene.description for scene in script.scenes] == ["a clean backdrop"]


def test_a_song_has_few_words_and_pictures_without_any(toy: FakeHandle, tmp_path: Path) -> None:
    script = written(toy, tmp_path, "A lighthouse keeper's song", content_type="music_video", target_seconds=60)
    sung = [shot for shot in script.shots if shot.narration]
    assert 0.3 < len(sung) / len(script.shots) < 0.8
    assert all(shot.visual for shot in script.shots)
    assert {"chorus", "verse"} <= {shot.beat for shot in sung}
