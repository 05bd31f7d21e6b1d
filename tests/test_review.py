"""The review says what a viewer would complain about."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.catalog import load_catalog
from engine.machine import Machine
from engine.progress import Control
from engine.stages.plan import make_plan
from engine.stages.review import review_film, thumbnails_of
from engine.types import Event, Plan, Still, StoryRequest


@pytest.fixture
def plan() -> Plan:
    laptop = Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0)
    return make_plan(StoryRequest(prompt="A fox", target_seconds=30), load_catalog(), laptop)[1]


def still(path: Path, pixels: np.ndarray) -> Still:
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return Still(image=path)


def complaints(plan: Plan, stills: list[Still], seconds: float = 30) -> list[str]:
    events: list[Event] = []
    review_film(plan, thumbnails_of(stills), seconds, control=Control(events.append))
    return [event.message for event in events if event.kind == "warning"]


def test_good_pictures_of_the_right_length_give_no_complaint(plan: Plan, tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    stills = [still(tmp_path / f"{i}.png", noise.integers(0, 255, (4, 4, 3)).repeat(16, 0)) for i in range(3)]
    assert complaints(plan, stills, 29) == []


def test_black_empty_and_repeated_pictures_are_named_by_their_shot(plan: Plan, tmp_path: Path) -> None:
    stills = [
        still(tmp_path / "black.png", np.zeros((64, 64, 3))),
        still(tmp_path / "grey.png", np.full((64, 64, 3), 128)),
        still(tmp_path / "again.png", np.full((64, 64, 3), 128)),
    ]
    said = complaints(plan, stills)
    assert "the picture of shot 1 is nearly black" in said
    assert "the picture of shot 2 is nearly empty" in said
    assert "shots 2 and 3 show the same picture" in said


@pytest.mark.parametrize(("seconds", "word"), [(33, "much"), (27, "little")])
def test_a_missed_length_is_named(plan: Plan, seconds: float, word: str) -> None:
    assert any(f"too {word}" in said for said in complaints(plan, [], seconds))
