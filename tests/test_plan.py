"""The plan is a pure function of request, catalog and machine."""

import math

import msgspec
import pytest

from engine.catalog import load_catalog
from engine.errors import BadRequest
from engine.formats import format_names, load_format
from engine.machine import Machine
from engine.stages.plan import make_plan, spread_beats
from engine.types import ASPECT_RATIOS, Plan, Scene, Script, Shot, StoryRequest

LAPTOP = Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0)


def plan(**fields) -> Plan:
    return make_plan(StoryRequest(**{"prompt": "A fox finds a lantern", **fields}), load_catalog(), LAPTOP)[1]


def test_auto_goes_by_what_is_free_and_says_what_was_in_the_way() -> None:
    card = Machine(cores=8, ram_gb=64, gpu="RTX 4090", vram_gb=24)
    asked = StoryRequest(prompt="A dragon", profile="auto")
    free, taken = (make_plan(asked, load_catalog(), msgspec.structs.replace(card, taken_gb=gb))[1] for gb in (0.0, 8.5))
    assert (free.profile, taken.profile) == ("gpu-24gb", "gpu-16gb")
    assert free.decisions[0] == (
        "profile gpu-24gb, the best for the 24.0 GB that are free on RTX 4090 (24.0 GB, all free); "
        "gpu-80gb is for 76 GB and more"
    )
    assert taken.decisions[0] == (
        "profile gpu-16gb, the best for the 15.5 GB that are free on RTX 4090 (24.0 GB, 8.5 of them taken by other "
        "programs); gpu-24gb is for 22 GB and more"
    )


@pytest.mark.parametrize("name", format_names())
def test_every_format_plans_a_film_that_opens_with_its_first_beat_and_closes_with_its_last(name: str) -> None:
    fmt, made = load_format(name), plan(content_type=name)
    assert made.shots[0].beat == fmt.beats[0].name
    assert made.shots[-1].beat == fmt.beats[-1].name
    assert made.target_seconds == fmt.pacing.default_seconds


@pytest.mark.parametrize("seconds", [5, 6, 20, 30, 60, 600])
def test_words_and_cards_add_up_to_the_length_asked_for(seconds: float) -> None:
    made = plan(target_seconds=seconds)
    words = sum(shot.words for shot in made.shots)
    speech = words / load_catalog().model(made.models["narrator"]).limits.words_per_second
    assert speech < seconds - made.title_seconds - made.end_seconds <= seconds
    assert made.title_seconds + made.end_seconds <= 0.3 * seconds


@pytest.mark.parametrize("aspect", ASPECT_RATIOS)
def test_sizes_are_even_and_keep_the_aspect_ratio(aspect: str) -> None:
    made = plan(aspect_ratio=aspect, profile="cpu")
    across, down = map(int, aspect.split(":"))
    assert made.width % 2 == made.height % 2 == 0
    assert min(made.width, made.height) == 720
    assert math.isclose(made.width / made.height, across / down, rel_tol=0.01)


def test_without_a_gpu_auto_says_why_it_took_the_cpu() -> None:
    assert plan().profile == "cpu"
    assert any("no GPU" in decision for decision in plan().decisions)


def test_an_own_script_decides_how_many_shots_there_are_and_how_long_they_last() -> None:
    script = Script(title="T", scenes=(Scene(description="a hill"),), shots=(Shot(narration="One."),) * 7)
    made = plan(script=script)
    assert len(made.shots) == 7
    assert made.target_seconds is None


def test_more_shots_than_beats_repeat_the_middle_and_fewer_drop_it() -> None:
    beats = load_format("cinematic_story").beats
    names = [beat.name for beat in spread_beats(beats, 8)]
    assert names == ["opening", "wish", "wish", "trial", "trial", "turn", "turn", "ending"]
    assert [beat.name for beat in spread_beats(beats, 2)] == ["opening", "ending"]
    assert len(spread_beats(beats, 1)) == 1


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("prompt", {"prompt": ""}),
        ("prompt", {"prompt": " \n\t "}),
        ("prompt", {"prompt": "\u202e\u200b"}),
        ("prompt", {"prompt": "x" * 5001}),
        ("prompt", {"prompt": "half \ud83d"}),
        ("prompt", {"prompt": "nul \0"}),
        ("title", {"title": "t" * 201}),
        ("title", {"title": ""}),
        ("style", {"style": "s" * 201}),
        ("seconds", {"target_seconds": -4}),
        ("seconds", {"target_seconds": math.nan}),
        ("seconds", {"target_seconds": 1e9}),
        ("seconds", {"target_seconds": 20, "content_type": "ad_spot"}),
        ("shots", {"shots": 0}),
        ("seed", {"seed": -1}),
        ("seed", {"seed": 2**63}),
        ("format", {"content_type": "opera"}),
        ("format", {"content_type": "../cinematic_story"}),
        ("aspect", {"aspect_ratio": "2:1"}),
        ("profile", {"profile": "gpu-9000"}),
        ("locale", {"locale": "fr"}),
        ("voice", {"voice": "nobody"}),
    ],
)
def test_a_request_out_of_bounds_is_refused_naming_its_field(field: str, fields: dict) -> None:
    with pytest.raises(BadRequest, match=f"^{field}: ") as refused:
        plan(**fields)
    assert refused.value.field == field


def test_a_prompt_of_exactly_the_longest_length_is_taken_after_trimming() -> None:
    assert make_plan(StoryRequest(prompt=f"  {'x' * 5000} "), load_catalog(), LAPTOP)[0].prompt == "x" * 5000
