"""The hibari narrator says what is written, knows when each word is heard, and never leaves a hole in a line."""

import wave
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from engine.audio import RATE, loudness, read_wav
from engine.backends.protocols import SpeechJob, VoiceModel
from engine.backends.voice import hibari
from engine.catalog import load_catalog
from engine.errors import BadCatalog, BadRequest, Cancelled, ModelCorrupt
from engine.speech import silences

STORY = "Once upon a time, a small dragon lived on a quiet hill. He wanted to fly... but his wings were too small!"
HARD = "On 3/14/2024 Dr. Smith paid $3.50 for 2-3 well-known items at 9:30 am — e.g. 5 km of rope 😀 for the U.S.A."


@pytest.fixture(scope="module")
def narrator():
    model = hibari.load(load_catalog().model("hibari"), None)
    yield model
    model.close()
    model.close()


def spoken(narrator, tmp_path, text, **more):
    out = tmp_path / "voice.wav"
    return narrator.speak(SpeechJob(text=text, **{"voice": "heart", **more}), out), out


def test_it_is_a_voice_model(narrator):
    assert isinstance(narrator, VoiceModel)


@pytest.mark.parametrize("text", [STORY, HARD, "Hi.", "“Really?” she said: “No…”", "a - b -- c", "word " * 260])
def test_every_written_word_gets_a_span_in_order_within_the_recording(narrator, tmp_path, text):
    speech, out = spoken(narrator, tmp_path, text)
    assert [w.text for w in speech.words] == text.split()
    for word in speech.words:
        assert 0 <= word.start <= word.end <= speech.seconds
    for a, b in pairwise(speech.words):
        assert a.start <= b.start
        assert a.end <= b.end
    with wave.open(str(out)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert file.getnframes() / file.getframerate() == speech.seconds


def test_a_number_a_date_and_an_abbreviation_last_as_long_as_they_are_read(narrator, tmp_path):
    speech, _ = spoken(narrator, tmp_path, HARD)
    lasts = {w.text: w.end - w.start for w in speech.words}
    assert lasts["3/14/2024"] > 1.2
    assert lasts["$3.50"] > 0.8
    assert lasts["U.S.A."] > 0.35
    assert lasts["of"] < 0.2
    assert lasts["😀"] == 0


def test_words_start_where_the_sound_does_after_each_pause(narrator, tmp_path):
    speech, out = spoken(narrator, tmp_path, STORY)
    samples = read_wav(out)[0]
    onsets = [b / RATE for a, b in silences(samples, RATE, shortest=0.2) if b < len(samples)]
    assert len(onsets) >= 3
    for onset in onsets:
        assert min(abs(word.start - onset) for word in speech.words) <= 0.08


@pytest.mark.parametrize("text", [STORY, "Wait... — ... what? No! . . . Yes; but: so, then. Go."])
def test_no_gap_inside_a_line_is_over_six_tenths_of_a_second(narrator, tmp_path, text):
    speech, out = spoken(narrator, tmp_path, text, speed=0.8)
    samples = read_wav(out)[0]
    assert all(b - a <= 0.6 * RATE for a, b in silences(samples, RATE))
    heard = [w for w in speech.words if w.end > w.start]
    assert all(b.start - a.end <= 0.6 for a, b in pairwise(heard))
    assert heard[0].start <= 0.1
    assert speech.seconds - heard[-1].end <= 0.2


@pytest.mark.parametrize("speed", [0.8, 1.15, 1.3])
def test_speed_changes_the_length_by_what_it_says(narrator, tmp_path, speed):
    text = "The little boat sailed over the wide blue sea until the evening came"
    own, _ = spoken(narrator, tmp_path, text)
    other, _ = spoken(narrator, tmp_path, text, speed=speed)
    assert own.seconds / other.seconds == pytest.approx(speed, rel=0.05)


def pitch(path) -> float:
    """The median of the autocorrelation's peak between 70 and 400 Hz over loud frames."""
    samples = read_wav(path)[0]
    found = []
    for start in range(0, len(samples) - 2400, 2400):
        frame = samples[start : start + 2400] - samples[start : start + 2400].mean()
        if np.square(frame).mean() < 0.2 * np.square(samples).mean():
            continue
        match = np.correlate(frame, frame, "full")[2399:]
        found.append(RATE / (120 + int(match[120:686].argmax())))
    return float(np.median(found))


def test_the_low_voice_is_lower_as_long_and_as_loud(narrator, tmp_path):
    speech, out = spoken(narrator, tmp_path, STORY)
    high = pitch(out)
    level = loudness(read_wav(out)[0])
    lower, out = spoken(narrator, tmp_path, STORY, voice="heart-low")
    assert pitch(out) < 0.8 * high
    assert lower.seconds == pytest.approx(speech.seconds, rel=0.06)
    assert loudness(read_wav(out)[0]) == pytest.approx(level, abs=1)


def test_lines_are_equally_loud(narrator, tmp_path):
    levels = []
    for line in ("No.", STORY, "Hold on tight!"):
        _, out = spoken(narrator, tmp_path, line)
        levels.append(loudness(read_wav(out)[0]))
    assert max(levels) - min(levels) <= 2


def test_the_same_job_gives_the_same_bytes(narrator, tmp_path):
    _, out = spoken(narrator, tmp_path, STORY, seed=7)
    first = out.read_bytes()
    _, out = spoken(hibari.load(narrator.spec, None), tmp_path, STORY, seed=7)
    assert out.read_bytes() == first


@pytest.mark.parametrize("text", ["日本のロボット", "مرحبا بالعالم", "😀 🎬", "…"])
def test_a_line_with_nothing_that_the_voice_can_say_is_refused_by_locale(narrator, tmp_path, text):
    with pytest.raises(BadRequest) as refused:
        spoken(narrator, tmp_path, text)
    assert refused.value.field == "locale"
    assert not (tmp_path / "voice.wav").exists()


def test_words_of_other_scripts_stay_in_the_captions_without_a_sound(narrator, tmp_path):
    speech, _ = spoken(narrator, tmp_path, "She said 日本 twice")
    silent = speech.words[2]
    assert silent.text == "日本"
    assert silent.start == silent.end == speech.words[1].end


@pytest.mark.parametrize(
    "text", ["{\\fs90} %{pts} --> ok", "[a](/b/)", "1" * 60, "İş 5.5.5", "\ud800 hello", "a" * 900]
)
def test_odd_text_is_spoken_as_text(narrator, tmp_path, text):
    speech, _ = spoken(narrator, tmp_path, text)
    assert [w.text for w in speech.words] == text.split()


@pytest.mark.parametrize(
    ("field", "more"),
    [("voice", {"voice": "nobody"}), ("locale", {"locale": "fr"}), ("speed", {"speed": 3.0})],
)
def test_what_it_cannot_do_is_refused_by_the_field(narrator, tmp_path, field, more):
    with pytest.raises(BadRequest) as refused:
        spoken(narrator, tmp_path, "Hello.", **more)
    assert refused.value.field == field


def test_it_stops_at_a_sentence_when_somebody_asks(narrator, tmp_path):
    def stop(done, total):
        if done == 1:
            raise Cancelled()

    with pytest.raises(Cancelled):
        narrator.speak(SpeechJob(text=STORY, voice="heart"), tmp_path / "voice.wav", tick=stop)
    assert not (tmp_path / "voice.wav").exists()


def test_an_unknown_param_and_an_unknown_voice_are_errors_of_the_catalog():
    spec = load_catalog().model("hibari")
    with pytest.raises(BadCatalog):
        hibari.load(msgspec.structs.replace(spec, params={"pitch": 2}), None)
    limits = msgspec.structs.replace(spec.limits, voices=("bob",))
    with pytest.raises(BadCatalog, match="bob"):
        hibari.load(msgspec.structs.replace(spec, limits=limits), None)


def test_a_model_file_that_is_not_whole_is_named(tmp_path):
    (tmp_path / "hibari.onnx").write_bytes(b"\x08\x07\x12\xff\xff not a model")
    with pytest.raises(ModelCorrupt, match=r"hibari\.onnx"):
        hibari._with_durations(tmp_path / "hibari.onnx")


def test_ipa_is_said_in_place_of_a_words_letters(narrator, tmp_path):
    plain, _ = spoken(narrator, tmp_path, "A Qi came home.")
    told, _ = spoken(narrator, tmp_path, "A Qi came home.", sounds={1: "ˈɡrændmʌðərɪʃli"})
    assert [w.text for w in told.words] == [w.text for w in plain.words]
    assert told.words[1].end - told.words[1].start > 2 * (plain.words[1].end - plain.words[1].start)
    with pytest.raises(BadRequest, match="no sound"):
        spoken(narrator, tmp_path, "A Qi came home.", sounds={1: "7"})
