"""The out-of-memory ladder: order, memory, and what it lets pass."""

from itertools import pairwise
from pathlib import Path

import pytest

from engine.errors import Cancelled, OutOfMemory
from engine.ladder import CLIP_RUNGS, STILL_RUNGS, Ladder, Rung, step_down


def fits_from(name: str):
    """An attempt that fits on the rung of that name and below, and the list of rungs tried."""
    tried: list[str] = []

    def attempt(rung: Rung) -> str:
        tried.append(rung.name)
        if name not in tried:
            raise OutOfMemory("too big")
        return rung.name

    return attempt, tried


def test_the_rungs_go_offload_tile_fewer_frames_smaller_camera() -> None:
    attempt, tried = fits_from("camera move")
    assert step_down(CLIP_RUNGS, 0, attempt, lambda: False) == ("camera move", len(CLIP_RUNGS) - 1)
    assert tried == ["as asked", "offload", "tile", "fewer frames", "smaller", "half size", "camera move"]


def test_each_rung_asks_for_no_more_than_the_one_above() -> None:
    for rungs in (STILL_RUNGS, CLIP_RUNGS):
        for above, below in pairwise(rungs):
            assert below.camera or (
                below.memory >= above.memory and below.frames <= above.frames and below.size <= above.size
            )


def test_what_fits_is_not_stepped_down() -> None:
    attempt, tried = fits_from("as asked")
    assert step_down(CLIP_RUNGS, 0, attempt, lambda: False)[1] == 0
    assert tried == ["as asked"]


def test_the_last_rungs_error_is_raised() -> None:
    attempt, tried = fits_from("nothing")
    with pytest.raises(OutOfMemory):
        step_down(STILL_RUNGS, 0, attempt, lambda: False)
    assert len(tried) == len(STILL_RUNGS)


def test_an_error_that_is_not_about_memory_passes_at_once() -> None:
    tried = []

    def attempt(rung: Rung) -> None:
        tried.append(rung)
        raise Cancelled()

    with pytest.raises(Cancelled):
        step_down(CLIP_RUNGS, 0, attempt, lambda: False)
    assert len(tried) == 1


def test_what_fitted_is_remembered_in_a_file_per_gpu_model_and_shape(tmp_path: Path) -> None:
    file = tmp_path / "home" / "ladder.json"
    Ladder(file, "RTX 3060").remember("wan", (832, 480, 81), CLIP_RUNGS[3])
    again = Ladder(file, "RTX 3060")
    assert again.first(CLIP_RUNGS, "wan", (832, 480, 81)) == 3
    assert again.first(CLIP_RUNGS, "ltx", (832, 480, 81)) == 0
    assert Ladder(file, "H200").first(CLIP_RUNGS, "wan", (832, 480, 81)) == 0


def test_a_larger_shape_begins_where_a_smaller_one_ended_but_not_the_other_way_round() -> None:
    ladder = Ladder()
    ladder.remember("wan", (832, 480, 49), CLIP_RUNGS[2])
    assert ladder.first(CLIP_RUNGS, "wan", (832, 480, 81)) == 2
    assert ladder.first(CLIP_RUNGS, "wan", (832, 480, 33)) == 0


def test_two_ladders_on_one_file_do_not_forget_what_the_other_found(tmp_path: Path) -> None:
    file = tmp_path / "ladder.json"
    one, other = Ladder(file), Ladder(file)
    one.remember("wan", (64, 64, 9), CLIP_RUNGS[1])
    other.remember("ltx", (64, 64, 9), CLIP_RUNGS[2])
    read = Ladder(file)
    assert [read.first(CLIP_RUNGS, model, (64, 64, 9)) for model in ("wan", "ltx")] == [1, 2]


def test_an_unreadable_file_means_that_nothing_was_found_yet(tmp_path: Path) -> None:
    file = tmp_path / "ladder.json"
    file.write_text("{half")
    ladder = Ladder(file)
    assert ladder.first(CLIP_RUNGS, "wan", (64, 64, 9)) == 0
    ladder.remember("wan", (64, 64, 9), CLIP_RUNGS[1])
    assert Ladder(file).first(CLIP_RUNGS, "wan", (64, 64, 9)) == 1


def test_what_was_found_counts_until_clearly_more_memory_is_free_or_the_driver_is_another(tmp_path: Path) -> None:
    file, shape = tmp_path / "ladder.json", (832, 480, 81)

    def first(free: float, driver: str = "570.1") -> int:
        return Ladder(file, "RTX 3060", driver, free).first(CLIP_RUNGS, "wan", shape)

    Ladder(file, "RTX 3060", "570.1", 9.0).remember("wan", shape, CLIP_RUNGS[3])
    assert [first(4.0), first(9.0), first(9.4), first(12.0), first(9.0, "580.2")] == [3, 3, 3, 0, 0]


def test_with_more_memory_a_higher_rung_is_found_and_with_less_the_lower_one_is_not_forgotten(tmp_path: Path) -> None:
    file, shape = tmp_path / "ladder.json", (832, 480, 81)
    for free, rung in ((4.0, 6), (12.0, 1), (3.0, 6)):
        Ladder(file, "RTX 3060", "570.1", free).remember("wan", shape, CLIP_RUNGS[rung])
    found = [Ladder(file, "RTX 3060", "570.1", free).first(CLIP_RUNGS, "wan", shape) for free in (3.0, 4.0, 11.0, 13.0)]
    assert found == [6, 6, 1, 0]


def test_a_story_hears_at_once_what_another_one_found_meanwhile(tmp_path: Path) -> None:
    one, other = Ladder(tmp_path / "ladder.json"), Ladder(tmp_path / "ladder.json")
    one.remember("wan", (64, 64, 9), CLIP_RUNGS[2])
    assert other.first(CLIP_RUNGS, "wan", (64, 64, 9)) == 2


def test_a_file_of_before_drivers_and_memory_were_kept_says_nothing_of_a_gpu(tmp_path: Path) -> None:
    file = tmp_path / "ladder.json"
    file.write_text('[{"gpu": "RTX 3060", "model": "wan", "shape": [64, 64, 9], "rung": "camera move"}]')
    assert Ladder(file, "RTX 3060", "570.1", 11.0).first(CLIP_RUNGS, "wan", (64, 64, 9)) == 0
