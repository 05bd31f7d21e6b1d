"""Where the music is the clock, cuts lie on its beats, whatever its tempo does, and words light up on them."""

from itertools import accumulate, pairwise

import pytest

from engine.formats import Pacing
from engine.made import Timing
from engine.on_the_beat import filled, fit_to_beat, steady_beats, words_on_beats
from engine.timing import Fit, RunningTime


def lengths(found: Fit) -> list[int]:
    return [timing.frames for timing in found.timings]


def on_the_beat(words, target, tempo=120.0, fps=24, title=2.0, beats=None, **more) -> Fit:
    time = RunningTime(fps=fps, title_seconds=title, end_seconds=2.0, target_seconds=target, **more)
    pacing = Pacing(shot_seconds=4, pause=(0, 0.5), speed=(1, 1))
    return fit_to_beat(words, time, pacing=pacing, beats=beats or steady_beats(tempo, 90))


def test_an_edited_music_video_keeps_the_length_that_nobody_asks_for_any_more():
    first = on_the_beat([4, 5, 6, 4, 3], 30)
    assert lengths(on_the_beat([4, 5, 6, 4, 4], None)) != lengths(first)
    assert on_the_beat([4, 5, 6, 4, 4], None, before=first.pauses).timings == first.timings


@pytest.mark.parametrize("target", [20, 30, 60])
def test_a_music_video_cuts_on_whole_beats_and_keeps_its_length(target):
    found = on_the_beat([4, 5, 6, 4, 3], target)
    assert abs(found.seconds - target) <= 0.25
    assert all(t.frames % 12 == 0 for t in found.timings)


@pytest.mark.parametrize("tempo", [97.0, 118.0, 133.3])
def test_cuts_stay_on_the_grid_of_a_tempo_that_frames_do_not_divide(tempo):
    found = on_the_beat([4] * 12, 60, tempo=tempo)
    beat = 60 / tempo
    for t in found.timings[1:]:
        assert abs(t.start / beat - round(t.start / beat)) * beat <= 0.5 / 24 + 1e-9


def test_the_shot_with_more_words_gets_the_beat_that_is_left():
    found = on_the_beat([3, 9, 3], 4 + 3.5 + 2 - 2)
    assert found.timings[1].frames == max(t.frames for t in found.timings)


def test_cuts_follow_beats_that_speed_up():
    beats = tuple(accumulate([0.3] + [0.62 - 0.002 * i for i in range(120)]))
    found = on_the_beat([4] * 10, 40, beats=beats)
    for t in found.timings[1:]:
        assert min(abs(t.start - beat) for beat in beats) <= 0.5 / 24 + 1e-9
    assert abs(found.seconds - 40) <= 0.4


@pytest.mark.parametrize("fps", [16, 24, 30])
def test_no_cut_is_further_than_half_a_frame_from_its_beat(fps):
    beats = steady_beats(127.3, 70)
    found = on_the_beat([4] * 14, 60, beats=beats, fps=fps)
    ends = [t.start + t.frames / fps for t in found.timings]
    assert max(min(abs(end - beat) for beat in beats) for end in ends) <= 0.5 / fps + 1e-9


def test_beats_that_run_out_are_counted_on():
    found = on_the_beat([4] * 6, 30, beats=steady_beats(120, 8))
    assert abs(found.seconds - 30) <= 0.5
    assert all(t.frames % 12 == 0 for t in found.timings)


def test_holes_ends_and_a_late_begin_are_filled_with_the_tracks_own_beat():
    found = filled((2.1, 2.6, 3.1, 5.1, 5.6), 7.0)
    assert all(b - a == pytest.approx(0.5) for a, b in pairwise(found))
    assert found[0] == pytest.approx(0.1)
    assert found[-1] >= 7.0


def shown(words, seconds, beats, start=0.0):
    timing = Timing(start=start, lead=0, speech=seconds, tail=0, frames=round(seconds * 24))
    return [round(w.start, 3) for w in words_on_beats(words, timing, beats)]


def test_words_light_up_on_whole_halved_or_quartered_beats():
    beats = steady_beats(120, 20)
    assert shown(["a", "b", "c", "d"], 4.0, beats) == [0, 1, 2, 3]
    assert shown(["a", "b", "c", "d"], 4.0, beats, start=6.0) == [0, 1, 2, 3]
    assert shown(["a", "b", "c", "d", "e"], 4.0, beats) == [0, 0.5, 1, 1.5, 2]
    assert shown([], 4.0, beats) == []


def test_words_light_up_on_beats_that_are_not_even():
    assert shown(["a", "b", "c", "d"], 2.4, (0.0, 0.5, 1.1, 1.8, 2.4, 3.0)) == [0, 0.5, 1.1, 1.8]


def test_a_cut_that_was_rounded_to_the_frame_before_its_beat_is_that_beat():
    beats = (0.0, 0.52, 1.04, 1.56, 2.08, 2.6)
    assert shown(["a", "b"], 1.04, beats, start=0.5) == pytest.approx([0, 0.54], abs=0.001)
