"""The music follows the acts: an intro under the title, a section for each act, an outro under the end card."""

import numpy as np
import pytest

from engine.arrangement import arrange
from engine.backends.music.bed.form import BEATS_A_BAR, lay_bars
from engine.backends.music.bed.moods import MOODS
from engine.backends.music.bed.score import write_score
from engine.formats import format_names, load_format
from engine.made import MusicSection, Timing
from engine.shots import Act, acts
from engine.types import Script, Shot

DRUMS = {"kick", "hat", "clap", "shaker", "boom", "cymbal", "clock"}
UNPITCHED = DRUMS | {"swell"}


def timed(*lengths, title=2.0):
    timings, at = [], title
    for length in lengths:
        timings.append(Timing(start=at, lead=0, speech=length, tail=0, frames=round(length * 24)))
        at += length
    return timings


def named(sections):
    return [(section.name, section.start) for section in sections]


def film(fmt, seconds_a_shot=8.0):
    """A shot for each beat of the format, and the sections of its music."""
    script = Script(title="x", shots=tuple(Shot(beat=beat.name, narration="x") for beat in fmt.beats))
    timings = timed(*[seconds_a_shot] * len(fmt.beats), title=fmt.overlays.title_seconds)
    total = timings[-1].start + seconds_a_shot + fmt.overlays.end_seconds
    sections = arrange(acts(script, fmt), timings, fmt.overlays.title_seconds, fmt.overlays.end_seconds, total)
    return timings, total, sections


def test_a_film_of_three_acts_rises_plays_out_and_falls_back_between_its_cards():
    acts = [Act("the beginning", range(2)), Act("the middle", range(2, 3)), Act("the end", range(3, 4))]
    found = arrange(acts, timed(5, 6, 7, 8), 2.0, 3.0, 31.0)
    assert named(found) == [("intro", 0.0), ("build", 2.0), ("drop", 13.0), ("breakdown", 20.0), ("outro", 28.0)]


def test_acts_that_are_parts_of_a_song_are_what_they_say():
    parts = ("intro", "verse", "chorus", "bridge", "outro")
    found = arrange([Act(n, range(i, i + 1)) for i, n in enumerate(parts)], timed(4, 4, 4, 4, 4), 2.0, 2.0, 24.0)
    assert named(found) == [("intro", 0.0), ("build", 6.0), ("drop", 10.0), ("breakdown", 14.0), ("outro", 18.0)]


@pytest.mark.parametrize("count", [1, 2, 4, 5, 7])
def test_the_last_act_of_any_other_number_plays_out(count):
    found = arrange([Act(str(i), range(i, i + 1)) for i in range(count)], timed(*[5] * count), 0, 0, 5 * count)
    assert found[0].start == 0
    assert found[-1].name == "drop"


@pytest.mark.parametrize("name", format_names())
def test_in_every_format_the_arrangement_changes_at_the_bar_nearest_to_each_border(name):
    fmt = load_format(name)
    _, total, sections = film(fmt)
    bar = BEATS_A_BAR * 60 / fmt.music.tempo
    laid = lay_bars(MOODS[fmt.music.mood], fmt.music.tempo, total, sections, np.random.default_rng(1))
    begins = [(b.section, b.start) for b in laid if b.first == 0]
    assert [n for n, _ in begins] == [s.name for s in sections]
    for (_, start), section in zip(begins, sections, strict=True):
        assert abs(start - section.start) <= bar / 2 + 1e-6
        assert abs(start / bar - round(start / bar)) < 1e-6


@pytest.mark.parametrize("name", format_names())
def test_where_the_music_plays_out_more_of_the_band_plays_than_where_it_begins_or_falls_back(name):
    fmt = load_format(name)
    _, total, sections = film(fmt)
    notes = write_score(MOODS[fmt.music.mood], fmt.music.tempo, total, np.random.default_rng(1), sections)
    density: dict[str, list[float]] = {}
    bar = BEATS_A_BAR * 60 / fmt.music.tempo
    edges = [round(s.start / bar) * bar for s in sections] + [total]
    for section, a, b in zip(sections, edges, edges[1:], strict=False):
        playing = {n.instrument for n in notes if a - 1e-6 <= n.start < b - 1e-6}
        density.setdefault(section.name, []).append(len(playing))
    assert min(density["drop"]) > max(density["intro"])
    assert min(density["drop"]) >= max(density.get("breakdown", [0]))


@pytest.mark.parametrize("mood", ["bright", "pulse", "warm"])
def test_drums_play_where_the_music_plays_out_and_are_silent_where_it_falls_back(mood):
    sections = (MusicSection(name="drop", start=0), MusicSection(name="breakdown", start=16))
    notes = write_score(MOODS[mood], 120, 32, np.random.default_rng(1), sections)
    drums = [n.start for n in notes if n.instrument in DRUMS]
    assert any(start < 16 for start in drums)
    assert not any(start >= 16 for start in drums)


def test_a_border_that_no_bar_is_left_for_is_left_out():
    sections = (MusicSection(name="intro", start=0), MusicSection(name="drop", start=0.4))
    laid = lay_bars(MOODS["bright"], 120, 8, sections, np.random.default_rng(1))
    assert {b.section for b in laid} == {"drop"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mood", MOODS)
def test_every_note_is_of_its_chord_or_of_the_key_and_rubs_with_none(mood, seed):
    written, tempo, seconds = MOODS[mood], 96, 80
    laid = lay_bars(written, tempo, seconds, (), np.random.default_rng(seed))
    tonic = laid[-1].bass
    key = {(tonic + s) % 12 for s in written.scale}
    for note in write_score(written, tempo, seconds, np.random.default_rng(seed)):
        if note.instrument in UNPITCHED:
            continue
        bar = next(b for b in reversed(laid) if b.start <= note.start + 1e-6)
        chord, pitch = {p % 12 for p in bar.voicing}, round(note.pitch) % 12
        assert pitch in chord | key
        if mood != "tense":  # which lives from a second that does not resolve
            assert pitch in chord | bar.between


def test_the_tune_is_heard_where_the_music_plays_out_only():
    bright = MOODS["bright"]
    sections = (MusicSection(name="build", start=0), MusicSection(name="drop", start=16))
    notes = write_score(bright, 120, 32, np.random.default_rng(1), sections)
    sung = [n for n in notes if n.instrument == "pluck" and n.pan == 0.1]  # the riff is to the sides
    assert len(sung) > 8
    assert all(n.start >= 16 - 1e-6 for n in sung)


def test_each_seed_writes_another_piece():
    for mood in MOODS.values():
        pieces = {
            tuple((n.start, n.pitch) for n in write_score(mood, 100, 40, np.random.default_rng(seed)))
            for seed in range(8)
        }
        assert len(pieces) >= 7
