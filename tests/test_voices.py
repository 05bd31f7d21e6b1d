"""Speaking a script: voices by speaker, length by pause, speed and cut, and nothing spoken twice."""

from itertools import pairwise

import msgspec
import pytest

from engine.artifacts import Store
from engine.errors import BadRequest, Cancelled
from engine.formats import load_format
from engine.made import Word
from engine.progress import Control
from engine.speaking.lexicon import Lexicon
from engine.speech import split_line
from engine.stages.voices import speak_voices
from engine.types import Character, Plan, Script, Shot
from tests.fake_models.voice import FakeNarrator, narrator_spec

STORY = load_format("cinematic_story")
CLIP = load_format("music_video")


def a_plan(target=30.0, fmt=STORY, max_clip=None, fps=24):
    return Plan(
        format=fmt.name,
        profile="tiny",
        models={},
        width=128,
        height=72,
        fps=fps,
        aspect_ratio="16:9",
        locale="en",
        seed=5,
        target_seconds=target,
        title_seconds=fmt.overlays.title_seconds,
        end_seconds=fmt.overlays.end_seconds,
        shots=(),
        max_clip_seconds=max_clip,
    )


def a_script(*counts, speaker=None):
    lines = [" ".join(f"word{k}" for k in range(count)) for count in counts]
    shots = [Shot(scene=i, narration=line, visual=f"picture {i}", speaker=speaker) for i, line in enumerate(lines)]
    return Script(title="A test", shots=tuple(shots))


class Film:
    """A speaking of scripts with one narrator and one store; `events` is what was told."""

    def __init__(self, folder, narrator=None):
        self.narrator = narrator or FakeNarrator()
        self.events = []
        self.store = Store(folder)
        self.control = Control(self.events.append)

    def speak(self, script, plan, fmt=STORY, **more):
        return speak_voices(plan, script, fmt, narrator=self.narrator, store=self.store, control=self.control, **more)

    def told(self, kind):
        return [event.message for event in self.events if event.kind == kind]


@pytest.fixture
def film(tmp_path):
    return Film(tmp_path)


def length(spoken, plan):
    return plan.title_seconds + sum(t.frames for t in spoken.timings) / plan.fps + spoken.end_seconds


@pytest.mark.parametrize("target", [20.0, 30.0, 60.0])
def test_the_requested_seconds_are_kept(film, target):
    plan = a_plan(target)
    spoken = film.speak(a_script(*[10 + i % 3 for i in range(round((target - 5) / 5))]), plan)
    assert length(spoken, plan) == pytest.approx(target, rel=0.01)
    assert not film.told("warning")


def test_a_long_script_is_spoken_faster_before_anything_is_left_out(film):
    plan = a_plan(30)
    spoken = film.speak(a_script(13, 13, 13, 13, 13), plan)
    assert len(spoken.script.shots) == 5
    assert max(job.speed for job in film.narrator.jobs) > 1.02
    assert length(spoken, plan) == pytest.approx(30, rel=0.01)
    for voice, timing in zip(spoken.voices, spoken.timings, strict=True):
        assert voice.seconds == timing.speech


def test_a_script_that_is_far_too_long_loses_middle_shots_which_is_a_decision(film):
    plan = a_plan(20)
    script = a_script(12, 14, 16, 18, 12, 15, 12)
    spoken = film.speak(script, plan)
    assert length(spoken, plan) == pytest.approx(20, rel=0.05)
    assert spoken.script.shots[0] == script.shots[0]
    assert spoken.script.shots[-1] == script.shots[-1]
    assert any("of 7 lines are filmed" in message for message in film.told("decision"))
    assert not film.told("warning")


def test_of_an_own_script_nothing_is_left_out_but_the_length_is_told(film):
    script = a_script(12, 14, 16, 18, 12, 15, 12)
    spoken = film.speak(script, a_plan(20), own=True)
    assert spoken.script == script
    assert any("over the 20 s" in message for message in film.told("warning"))


def test_a_line_longer_than_the_longest_clip_becomes_shots_that_each_hold_a_share(film):
    plan = a_plan(None, max_clip=5.0)
    script = a_script(6, 40, 6)
    spoken = film.speak(script, plan)
    parts = [shot for shot in spoken.script.shots if shot.scene == 1]
    assert len(parts) >= 3
    assert " ".join(part.narration for part in parts) == script.shots[1].narration
    assert all(part.visual == "picture 1" for part in parts)
    assert all(timing.frames <= 5 * 24 for timing in spoken.timings)


def test_a_cut_line_is_cut_after_its_clause():
    text = "The knight was tired and cold, but the dragon carried her over the wide dark sea to the castle"
    words = [Word(text=w, start=i * 0.3, end=i * 0.3 + 0.28) for i, w in enumerate(text.split())]
    assert split_line(words, 2)[0] == "The knight was tired and cold,"


def test_the_second_time_no_model_is_opened_and_nothing_is_spoken(tmp_path):
    plan, script = a_plan(30), a_script(14, 14, 14, 14, 14)
    first = Film(tmp_path).speak(script, plan)
    again = Film(tmp_path)
    assert again.speak(script, plan) == first
    assert again.narrator.jobs == []
    assert all(event.reused for event in again.events if event.kind == "shot")


def test_a_line_edited_is_the_only_one_spoken_again(tmp_path):
    plan, script = a_plan(None), a_script(8, 9, 10)
    before = Film(tmp_path).speak(script, plan)
    edited = msgspec.structs.replace(script.shots[1], narration="Something else is said here")
    again = Film(tmp_path)
    after = again.speak(msgspec.structs.replace(script, shots=(script.shots[0], edited, script.shots[2])), plan)
    assert [job.text for job in again.narrator.jobs] == ["Something else is said here"]
    assert [v.audio for v in after.voices][::2] == [v.audio for v in before.voices][::2]
    assert after.timings[2].frames == before.timings[2].frames


@pytest.mark.parametrize("line", ["", "   ", "…", "— 😀"])
def test_a_shot_with_nothing_to_say_is_silent_and_has_time(film, line):
    script = a_script(8, 8, 8)
    shots = (script.shots[0], msgspec.structs.replace(script.shots[1], narration=line), script.shots[2])
    spoken = film.speak(msgspec.structs.replace(script, shots=shots), a_plan(30))
    assert spoken.voices[1].audio is None
    assert spoken.voices[1].seconds == 0
    assert spoken.timings[1].frames > 24
    assert length(spoken, a_plan(30)) == pytest.approx(30, rel=0.05)


def dialogue():
    shots = (Shot(narration="He spoke."), Shot(speaker="Ann", narration="Hello."), Shot(speaker="Bob", narration="Hi."))
    return Script(title="T", characters=(Character(name="Ann"), Character(name="Bob")), shots=shots)


def test_the_script_that_is_filmed_tells_whose_voice_each_speaker_has(film):
    spoken = film.speak(dialogue(), a_plan(30))
    assert {character.voice for character in spoken.script.characters} == {"two"}
    assert [voice.voice for voice in spoken.voices] == ["one", "two", "two"]


def test_the_narrator_is_given_words_and_the_film_keeps_what_is_written(film):
    script = Script(title="T", shots=tuple(Shot(narration=line) for line in ("At 9:30 he came.", "So.", "There.")))
    spoken = film.speak(script, a_plan(None))
    assert film.narrator.jobs[0].text == "At nine thirty he came."
    assert [word.text for word in spoken.voices[0].words] == ["At", "9:30", "he", "came."]


def test_a_new_entry_of_the_lexicon_remakes_the_lines_that_have_the_word_and_no_other(film):
    script = Script(
        title="T", shots=tuple(Shot(narration=line) for line in ("A Qi came.", "It left.", "Then nothing."))
    )
    film.speak(script, a_plan(None))
    before = len(film.narrator.jobs)
    film.speak(script, a_plan(None), lexicon=Lexicon({"Qi": "chee"}))
    assert [job.text for job in film.narrator.jobs[before:]] == ["A chee came."]


def test_ipa_for_a_narrator_that_takes_none_is_refused(film):
    script = Script(title="T", shots=(Shot(narration="A Qi came."),))
    with pytest.raises(BadRequest, match=r"lexicon: /tʃi/ is IPA"):
        film.speak(script, a_plan(None), lexicon=Lexicon({"Qi": "/tʃi/"}))


def test_an_unknown_voice_is_refused_with_the_known_ones(film):
    with pytest.raises(BadRequest, match="one, two"):
        film.speak(dialogue(), a_plan(30), voice="three")


@pytest.mark.parametrize("target", [20.0, 30.0])
def test_a_music_video_is_cut_on_the_beat_and_speaks_no_word(film, target):
    plan = a_plan(target, CLIP)
    spoken = film.speak(a_script(4, 6, 5, 4), plan, CLIP)
    assert film.narrator.jobs == []
    assert length(spoken, plan) == pytest.approx(target, rel=0.05)
    assert all(voice.audio is None for voice in spoken.voices)
    assert all(timing.frames % 12 == 0 for timing in spoken.timings)
    for voice, timing in zip(spoken.voices, spoken.timings, strict=True):
        assert voice.words[0].start == 0
        assert voice.words[-1].end == pytest.approx(timing.speech)
        assert all(a.end == b.start for a, b in pairwise(voice.words))


def test_it_stops_between_words_when_somebody_asks(film):
    film.control.cancel()
    with pytest.raises(Cancelled):
        film.speak(a_script(8, 8), a_plan(20))


def test_a_narrator_that_names_no_voices_speaks_with_its_only_one(tmp_path):
    spec = msgspec.structs.replace(narrator_spec(), limits=msgspec.structs.replace(narrator_spec().limits, voices=()))
    spoken = Film(tmp_path, FakeNarrator(spec)).speak(dialogue(), a_plan(None))
    assert len(spoken.voices) == 3
