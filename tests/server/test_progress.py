"""How far a job is: never back, only forwards, and 100 for none but the completed."""

from itertools import pairwise

import pytest

from server.jobs.progress import ORDER, Progress

ESTIMATE = {"script": 5.0, "voices": 2.0, "music": 1.0, "stills": 5.0, "clips": 20.0, "segments": 10.0, "film": 1.0}
HEARD = [
    ("script", 0.5),
    ("script", 1.0),
    ("voices", 1.0),
    ("stills", 0.0),
    ("music", 1.0),
    ("stills", 1.0),
    ("clips", 0.5),
    ("segments", 0.4),
    ("clips", 0.4),
    ("clips", 1.0),
    ("segments", 1.0),
    ("film", 1.0),
    ("review", 1.0),
]


@pytest.mark.parametrize("render_video", [True, False])
def test_percent_status_and_stage_never_go_back(render_video: bool) -> None:
    progress = Progress(ESTIMATE, render_video)
    seen = []
    for stage, share in HEARD:
        progress.hear(stage, share)
        seen.append((progress.percent, ORDER.index(progress.status)))
    assert all(a <= c and b <= d for (a, b), (c, d) in pairwise(seen))
    assert progress.percent == 99
    assert progress.status == ("rendering_video" if render_video else "generating_videos")


def test_a_stage_counts_by_how_long_it_takes() -> None:
    progress = Progress(ESTIMATE, True)
    progress.hear("script", 1.0)
    assert progress.percent == 11  # 5 of 43 seconds; music is made beside the stills and is not counted


def test_while_segments_are_cut_the_stage_told_does_not_waver() -> None:
    progress = Progress(ESTIMATE, True)
    told = []
    for stage in ("clips", "segments", "clips", "segments"):
        progress.hear(stage, 0.5)
        told.append(progress.stage)
    assert told == ["clips", "segments", "segments", "segments"]


def test_a_stage_that_nobody_expected_counts_all_the_same() -> None:
    progress = Progress({}, True)
    progress.hear("stills", 1.0)
    assert 0 < progress.percent < 99
