"""From plan to spoken lines: the length asked for is kept, whoever writes more or less than they were asked to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.artifacts import Store
from engine.catalog import load_catalog
from engine.formats import format_names, load_format
from engine.machine import Machine
from engine.progress import Control, Event
from engine.reading import reading_seconds
from engine.stages.plan import make_plan
from engine.stages.script import write_script
from engine.stages.voices import Spoken, speak_voices
from engine.types import Plan, Scene, Script, Shot, StoryRequest
from tests.scripted_writer import PacedNarrator, ScriptedWriter

LAPTOP = Machine(cores=2, ram_gb=8, gpu=None, vram_gb=0)
COUNT = 200


class Told(NamedTuple):
    plan: Plan
    script: Script
    spoken: Spoken
    events: list[Event]

    @property
    def seconds(self) -> float:
        frames = sum(timing.frames for timing in self.spoken.timings)
        title = self.plan.title_seconds if self.spoken.title_seconds is None else self.spoken.title_seconds
        return title + frames / self.plan.fps + self.spoken.end_seconds

    def said(self, kind: str) -> list[str]:
        return [event.message for event in self.events if event.kind == kind]


def any_length(dice: random.Random) -> float:
    return dice.uniform(0.6, 1.4)


def told(
    folder: Path,
    name: str,
    seconds: float | None,
    off: Callable[[random.Random], float] = any_length,
    *,
    pace: float = 3.6,
    **fields,
) -> Told:
    """A film up to its spoken lines; the plan reckons with 3.6 words a second."""
    asked = {"prompt": "A fox finds a lantern", "content_type": name, "target_seconds": seconds, "profile": "cpu"}
    request, plan = make_plan(StoryRequest(**{**asked, **fields}), load_catalog(), LAPTOP)
    events: list[Event] = []
    store, control, fmt = Store(folder), Control(events.append), load_format(name)
    own = request.script is not None
    script = request.script or write_script(
        request, plan, fmt, writer=ScriptedWriter(plan, off), store=store, control=control
    )
    narrator = PacedNarrator(pace)
    spoken = speak_voices(plan, script, fmt, narrator=narrator, store=store, control=control, own=own)
    return Told(plan, script, spoken, events)


def lengths(name: str) -> list[float]:
    """This format's share of `COUNT` lengths from 5 to 600 s, half of them below a minute."""
    every = [round(5 * 120 ** (i / (COUNT - 1)), 1) for i in range(COUNT)]
    share = every[format_names().index(name) :: len(format_names())]
    allowed = load_format(name).pacing.allowed_seconds
    return [allowed[i % len(allowed)] for i in range(len(share))] if allowed else share


@pytest.mark.parametrize("name", format_names())
def test_every_length_is_kept_within_three_percent_by_a_writer_who_misses_words_by_forty(
    name: str, tmp_path: Path
) -> None:
    speeds: Counter[float] = Counter()
    for seed, seconds in enumerate(lengths(name)):
        film = told(tmp_path / str(seed), name, seconds, seed=seed)
        allowed = 1.01 / film.plan.fps if load_format(name).pacing.allowed_seconds else 0.03 * seconds
        assert film.seconds == pytest.approx(seconds, abs=allowed), (name, seconds)
        assert not film.said("warning")
        silences = [a.tail + b.lead for a, b in pairwise(film.spoken.timings)]
        assert max(silences, default=0) <= 2.5
        if film.spoken.pauses is not None:
            speeds[film.spoken.pauses.speed] += 1
            assert 0.94 <= film.spoken.pauses.speed <= 1.06
    assert speeds[1.0] > 0.8 * speeds.total()


@pytest.mark.parametrize("pace", [3.1, 4.1])
@pytest.mark.parametrize("seconds", [8, 20, 75, 240])
def test_a_voice_that_is_slower_or_faster_than_its_entry_says_is_met_by_other_lines(
    seconds: float, pace: float, tmp_path: Path
) -> None:
    film = told(tmp_path, "cinematic_story", seconds, pace=pace)
    assert film.seconds == pytest.approx(seconds, rel=0.03)


@pytest.mark.parametrize("off", [0.78, 1.2])
@pytest.mark.parametrize("seconds", [12, 30, 61, 180])
def test_a_writer_whose_lines_are_all_too_short_or_too_long_fills_the_time_too(
    seconds: float, off: float, tmp_path: Path
) -> None:
    for name in ("cinematic_story", "youtube_clone"):
        film = told(tmp_path / name, name, seconds, lambda _: off)
        assert film.seconds == pytest.approx(seconds, rel=0.03)


@pytest.mark.parametrize("seconds", [10, 30, 90])
def test_a_chosen_script_opens_and_closes_as_it_was_written_and_keeps_its_order_and_its_beats(
    seconds: float, tmp_path: Path
) -> None:
    for seed in range(4):
        film = told(tmp_path / str(seed), "cinematic_story", seconds, seed=seed)
        written = [shot.narration for shot in film.script.shots]
        filmed = [shot.narration for shot in film.spoken.script.shots]
        places = [next(i for i, line in enumerate(written) if line.startswith(one.rstrip("."))) for one in filmed]
        assert places == sorted(set(places))
        assert places[0] == 0
        assert places[-1] == len(written) - 1
        core = {shot.beat for shot in film.plan.shots if not shot.spare}
        assert core <= {shot.beat for shot in film.spoken.script.shots}


def test_what_was_chosen_is_told_as_a_decision(tmp_path: Path) -> None:
    film = told(tmp_path, "cinematic_story", 60, lambda _: 1.0)
    written, filmed = len(film.script.shots), len(film.spoken.script.shots)
    assert filmed < written
    assert any(f"{filmed} of {written} lines are filmed" in message for message in film.said("decision"))


@pytest.mark.parametrize("seconds", [15, 40, 120])
def test_a_spoken_shot_lasts_as_long_as_its_line_takes_to_read(seconds: float, tmp_path: Path) -> None:
    film = told(tmp_path, "persona_channel", seconds, pace=4.4)
    for shot, timing in zip(film.spoken.script.shots, film.spoken.timings, strict=True):
        assert timing.frames / film.plan.fps >= reading_seconds(shot.narration) - 1e-9


def test_the_writer_is_asked_for_a_quarter_more_lines_than_fill_the_time_and_no_more_words() -> None:
    for seconds in (30, 60, 300, 600):
        plan = make_plan(StoryRequest(prompt="A fox", target_seconds=seconds), load_catalog(), LAPTOP)[1]
        core = [shot for shot in plan.shots if not shot.spare]
        assert len(core) < len(plan.shots) <= 1.3 * len(core)
        assert not plan.shots[0].spare
        assert not plan.shots[-1].spare


def test_shots_that_cannot_fill_the_seconds_or_find_no_room_in_them_are_other_ones_and_that_is_said(
    tmp_path: Path,
) -> None:
    few = told(tmp_path / "few", "cinematic_story", 60, shots=2)
    assert few.seconds == pytest.approx(60, rel=0.03)
    assert any("instead of the 2 that were asked for" in decision for decision in few.plan.decisions)
    many = told(tmp_path / "many", "cinematic_story", 10, lambda _: 1.0, shots=80)
    assert many.seconds == pytest.approx(10, rel=0.03)
    assert any("instead of the 80 that were asked for" in decision for decision in many.plan.decisions)
    some = told(tmp_path / "some", "cinematic_story", 30, lambda _: 1.0, shots=4)
    assert some.seconds == pytest.approx(30, rel=0.03)
    assert not any("asked for, since" in decision for decision in some.plan.decisions)


def test_an_own_script_is_never_cut_and_a_length_that_it_cannot_keep_is_a_warning_with_a_remedy(
    tmp_path: Path,
) -> None:
    line = "A fox ran over the hill, because it had seen a light, and then it slept."
    own = Script(title="T", scenes=(Scene(description="a hill"),), shots=(Shot(narration=line),) * 6)
    for seconds, over in ((5, "over"), (300, "under")):
        film = told(tmp_path / over, "cinematic_story", seconds, script=own)
        assert [shot.narration for shot in film.spoken.script.shots] == [line] * 6
        (message,) = film.said("warning")
        assert f"s {over} the {seconds} s" in message
        assert "lines or ask for" in message
