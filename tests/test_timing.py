"""A requested length is kept in whole frames, by pauses first, by the voice's speed next, and never silently missed."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadRequest
from engine.formats import FOLDER, Pacing, format_names, load_format, read_format
from engine.timing import Fit, RunningTime, fit

CALM = Pacing(shot_seconds=5.0, pause=(0.25, 1.1), speed=(0.94, 1.06))


def fitted(speech, target, *, fps=24, pacing=CALM, longest=None, before=None, **more) -> Fit:
    time = RunningTime(
        fps=fps,
        title_seconds=2.5,
        end_seconds=2.5,
        target_seconds=target,
        max_shot_seconds=longest,
        before=before,
    )
    return fit(speech, time, pacing=pacing, **more)


def film_frames(found: Fit, fps: int, title=2.5) -> int:
    return round(title * fps) + sum(t.frames for t in found.timings) + round(found.end_seconds * fps)


@pytest.mark.parametrize("target", [20, 30, 60])
@pytest.mark.parametrize("fps", [16, 24, 25, 30])
def test_a_length_that_the_script_fits_is_met_to_the_frame(target, fps):
    shots = round((target - 5) / 5)
    found = fitted([3.137 + 0.211 * (i % 4) for i in range(shots)], target, fps=fps)
    assert film_frames(found, fps) == target * fps
    assert found.off == 0


def test_pauses_alone_keep_the_length_before_the_voice_is_touched():
    found = fitted([3.5, 4.0, 3.2, 3.8, 4.1], 30)
    assert found.speed == 1
    assert not found.notes


def test_a_long_script_is_spoken_faster_and_says_so():
    found = fitted([4.6, 4.8, 4.7, 4.5, 4.7], 30)
    assert 1 < found.speed <= 1.06
    assert found.keeps(30)
    assert "pace" in found.notes[0]


def test_somebodys_own_short_script_is_slowed_down_and_then_lingers():
    found = fitted([1.5, 1.4, 1.6, 1.2, 1.5], 30, linger=True)
    assert found.speed == pytest.approx(0.94)
    assert found.keeps(30)
    assert any("short" in note for note in found.notes)


def test_what_cannot_be_reached_is_said_with_how_far_off():
    over = fitted([12.0, 13.0, 14.0], 20)
    assert not over.keeps(20)
    assert over.off > 10
    assert f"{over.off:.1f} s over the 20 s" in over.notes[0]
    under = fitted([1.0, 1.0], 60)
    assert under.off < -20
    assert "under" in under.notes[0]


def test_without_somebodys_own_words_no_pause_is_a_hole():
    found = fitted([1.5, 1.4, 1.6, 1.2, 1.5], 60)
    assert not found.keeps(60)
    assert max(a.tail + b.lead for a, b in pairwise(found.timings)) <= 2.5


@pytest.mark.parametrize("target", [24, 28, 33])
def test_a_shot_lasts_as_long_as_its_line_takes_to_read(target):
    shown = [4.6, 5.0, 3.1, 4.7, 5.2]
    found = fitted([3.5, 4.0, 3.2, 3.8, 4.1], target, shown=shown)
    for timing, least in zip(found.timings, shown, strict=True):
        assert timing.frames / 24 >= least - 1e-9


def test_a_speed_beyond_the_bounds_is_refused_in_a_formats_own_file(tmp_path):
    shipped = (FOLDER / "news_analysis.yaml").read_text(encoding="utf-8")
    own = tmp_path / "own.yaml"
    own.write_text(shipped.replace("speed: [0.94", "speed: [0.9"), encoding="utf-8")
    with pytest.raises(BadRequest, match=r"pacing\.speed is 0\.9 to 1\.06.*within 0\.94 to 1\.06"):
        read_format(own)


def test_pauses_of_a_film_that_was_spoken_faster_than_any_is_now_are_not_kept():
    first = fitted(FIVE, 30)
    before = msgspec.structs.replace(first.pauses, speed=1.12)
    assert fitted(FIVE, 30, before=before) == first


def test_without_a_target_the_film_is_as_long_as_its_script():
    found = fitted([3.0, 4.0], None)
    assert found.speed == 1
    assert found.off == 0
    assert 12 < found.seconds < 15


FIVE = [3.5, 4.0, 3.8, 3.8, 4.1]


def edited(i, by) -> list[float]:
    return [line + by * (k == i) for k, line in enumerate(FIVE)]


def lengths(found: Fit) -> list[int]:
    return [timing.frames for timing in found.timings]


@pytest.mark.parametrize("by", [-2.4, -1.0, 1.0, 1.8])
@pytest.mark.parametrize("i", [0, 2, 4])
@pytest.mark.parametrize("target", [26, 28, 30, 32])
def test_an_edited_film_keeps_its_pauses_while_it_keeps_its_length_within_three_percent(i, by, target):
    first = fitted(FIVE, target)
    after = fitted(edited(i, by), target, before=first.pauses)
    assert after.speed == first.speed
    assert [a != b for a, b in zip(lengths(after), lengths(first), strict=True)] == [k == i for k in range(5)]
    assert abs(after.seconds - target) <= 0.03 * target
    assert not after.off or "stay as they were" in after.notes[-1]


def test_the_same_lines_are_fitted_the_same_again_and_edits_do_not_add_up():
    first = fitted(FIVE, 30)
    assert fitted(FIVE, 30, before=first.pauses) == first
    after = first
    for _ in range(6):
        after = fitted(edited(2, 1.6), 30, before=after.pauses)
    assert after == fitted(edited(2, 1.6), 30, before=first.pauses)
    assert fitted(FIVE, 30, before=after.pauses) == first


def test_an_edit_that_the_pauses_cannot_bear_chooses_them_anew():
    first = fitted(FIVE, 30)
    longer = edited(2, 4.0)
    assert fitted(longer, 30, before=first.pauses) == fitted(longer, 30)


def test_another_length_chooses_the_pauses_anew():
    first = fitted(FIVE, 30)
    assert fitted(FIVE, 32, before=first.pauses) == fitted(FIVE, 32)


def test_where_no_length_is_asked_for_any_more_the_film_keeps_its_pauses_and_its_end_card():
    first = fitted([4.6, 4.5, 4.6, 4.6, 4.5], 30)
    assert lengths(first) != lengths(fitted([4.6, 4.5, 4.6, 4.6, 4.5], None))
    after = fitted([4.6, 4.5, 3.4, 4.6, 4.5], None, speed=first.speed, before=first.pauses)
    same = fitted([4.6, 4.5, 4.6, 4.6, 4.5], None, speed=first.speed, before=first.pauses)
    assert [a != b for a, b in zip(lengths(after), lengths(same), strict=True)] == [False, False, True, False, False]
    assert after.end_seconds == first.end_seconds
    assert fitted([4.5] * 9, None, before=first.pauses) == fitted([4.5] * 9, None)


def test_a_format_that_lasts_an_exact_time_stays_exact_after_an_edit():
    exact = Pacing(shot_seconds=4.0, pause=(0.1, 0.7), speed=(0.94, 1.06), allowed_seconds=(15, 30))
    first = fitted(FIVE, 30, pacing=exact)
    for by in (-2.4, -1.0, 1.0, 2.4):
        after = fitted(edited(2, by), 30, pacing=exact, before=first.pauses)
        assert film_frames(after, 24) == 720, by


def test_a_long_film_too_has_pauses_that_an_edit_can_keep():
    lines = [3.1 + 0.17 * (k % 7) for k in range(60)]
    first = fitted(lines, 300)
    assert first.off == 0
    after = fitted([lines[0] + 1, *lines[1:]], 300, before=first.pauses)
    assert lengths(after)[1:] == lengths(first)[1:]
    assert film_frames(after, 24) == 7200


def test_measured_speech_at_a_given_speed_only_moves_the_pauses():
    found = fitted([4.4, 4.5, 4.4, 4.3, 4.5], 30, speed=1.1)
    assert found.speed == 1.1
    assert [t.speech for t in found.timings] == [4.4, 4.5, 4.4, 4.3, 4.5]
    assert film_frames(found, 24) == 720


def test_no_shot_is_longer_than_the_animators_longest_clip():
    found = fitted([2.0, 4.5, 1.0, 3.0], 30, longest=5.0)
    assert all(t.frames <= 5 * 24 for t in found.timings)


def test_a_silent_shot_lasts_about_as_long_as_the_formats_shots():
    found = fitted([3.0, 0.0, 3.0], None)
    assert found.timings[1].frames == 5 * 24
    assert found.timings[1].speech == 0


@given(
    speech=st.lists(st.floats(0.3, 9), min_size=1, max_size=14),
    target=st.floats(6, 90),
    fps=st.sampled_from([8, 16, 24, 30]),
)
def test_shots_follow_each_other_frame_by_frame_whatever_is_asked(speech, target, fps):
    found = fitted(speech, target, fps=fps)
    assert found.timings[0].start == pytest.approx(round(2.5 * fps) / fps)
    for a, b in pairwise(found.timings):
        assert b.start == pytest.approx(a.start + a.frames / fps)
    for t in found.timings:
        assert t.lead + t.speech + t.tail == pytest.approx(t.frames / fps)
        assert t.lead >= 0 and t.tail >= -1e-9
        assert (t.lead * fps) == pytest.approx(round(t.lead * fps))
    assert 0.94 <= found.speed <= 1.06
    assert found.keeps(target) or found.notes


@pytest.mark.parametrize("name", format_names())
def test_every_format_keeps_its_default_length_with_lines_of_its_own_pace(name):
    fmt = load_format(name)
    target = fmt.pacing.default_seconds
    cards = fmt.overlays.title_seconds + fmt.overlays.end_seconds
    shots = max(1, round((target - cards) / fmt.pacing.shot_seconds))
    line = (target - cards) / shots - 2 * (fmt.pacing.pause[0] + fmt.pacing.pause[1]) / 2
    overlays = fmt.overlays
    time = RunningTime(
        fps=24, title_seconds=overlays.title_seconds, end_seconds=overlays.end_seconds, target_seconds=target
    )
    found = fit([line] * shots, time, pacing=fmt.pacing)
    assert found.off == 0
    assert found.speed == 1
