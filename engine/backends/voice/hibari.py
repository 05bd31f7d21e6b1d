"""Narrator family `hibari`: small English voices on ONNX Runtime, whose own phoneme durations give the word times.

One voice, `heart`, comes inside the package. `NAME-low` is not a further recording but NAME with its pitch lowered by a
third and its formants by an eighth, so that a second speaker can be told from the first. Nothing is ever downloaded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from hibari import dsp
from hibari.g2p.normalize import TITLES, normalize
from hibari.tts import Hibari
from hibari.voices import VOICES, voice_path

from engine.audio import level_speech, write_wav
from engine.backends.params import read_params
from engine.backends.protocols import Speech, SpeechJob, Tick, no_tick
from engine.catalog import ModelSpec
from engine.errors import BadCatalog, BadRequest, ModelCorrupt, ModelError, ModelMissing
from engine.filters import resampled
from engine.made import Word
from engine.speech import match_words, tighten, wanted_pauses
from engine.types import Frozen

EXACT, ROUNDED, DURATIONS = "/Div_40_output_0", "/Round_output_0", "/Clip_output_0"
"""The graph's phoneme durations in 25 ms frames, one per input id, pads included: as predicted, whole, at least 1."""

FRAME_SAMPLES = 600
"""25 ms at 24 kHz: two spectral frames of the vocoder."""

LATE_FRAMES = 1
"""How much later than the sound the durations place a boundary: measured against forced alignment by another model."""

MAX_PHONEMES = 400
"""The package's own limit for what the model sees at once."""

LOW = "-low"
LOW_PITCH, LOW_FORMANTS = 0.76, (8, 7)
"""Of a low variant: its pitch before stretching, and the stretch up/down by which both pitch and formants fall."""

SILENT = frozenset(' ;:,.!?—…"()“”')
"""Of the model's alphabet, what is a pause rather than a sound; stress marks count to the word that they stand in."""

FROM_IPA = (
    ("tʃ", "ʧ"), ("dʒ", "ʤ"), ("eɪ", "A"), ("aɪ", "I"), ("oʊ", "O"), ("əʊ", "O"), ("aʊ", "W"), ("ɔɪ", "Y"), ("ɚ", "əɹ"),
    ("ɝ", "ɜɹ"), ("ɒ", "ɑ"), ("r", "ɹ"), ("g", "ɡ"), ("e", "ɛ"), ("ː", ""), (".", ""), ("\u0361", ""),
)  # fmt: skip
"""IPA in the model's alphabet, which is misaki's: a letter for each diphthong and affricate, no lengths.
https://github.com/hexgrad/misaki/blob/main/EN_PHONES.md"""

STRESS = re.compile("([ˈˌ])([^AIOWYaiouæɐɑɔəɛɜɪʊʌᵊᵻˈˌ]*)")
"""IPA marks the stressed syllable, this alphabet the stressed vowel."""

CLAUSE_END = re.compile(r"[,;:—.!?…]$")
LONG_NUMBER = re.compile(r"\d[\d,]{15,}")
CLOSERS = "\"”’')]}»"


class Params(Frozen, frozen=True):
    """This family has no knobs."""


class Phrase(Frozen, frozen=True):
    """What the model sees at once: phonemes of its alphabet, and per written word the range of them that sounds."""

    phonemes: str
    spans: tuple[tuple[str, int, int], ...]


def load(spec: ModelSpec, weights: Path | None) -> Narrator:
    """Raises `BadCatalog` for unknown params, `ModelMissing` for a voice that is not on this machine."""
    read_params(spec, Params)
    return Narrator(spec)


class Narrator:
    """A `VoiceModel`. About 100 times faster than real time on one core; writes 24 kHz mono WAV."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self._voices: dict[str, Hibari] = {}
        for name in spec.limits.voices:
            self._base(name)

    def speak(self, job: SpeechJob, out: Path, *, tick: Tick = no_tick) -> Speech:
        """Raises `BadRequest` naming voice, locale or narration when nothing can be said."""
        self._check(job)
        voice = self._base(job.voice)
        phrases = list(self._phrases(voice, job))
        noise = np.random.default_rng(job.seed)
        pieces, words, at = [], [], 0
        for done, phrase in enumerate(phrases):
            tick(done, len(phrases))
            samples, spans = _synthesise(voice, phrase, job, noise)
            pieces.append(samples)
            words += [Word(text=w, start=a + at / dsp.SR, end=b + at / dsp.SR) for w, a, b in spans]
            at += len(samples)
        samples, heard = tighten(
            np.concatenate(pieces), dsp.SR, _in_order(words), wanted_pauses(job.text, job.pauses / job.speed)
        )
        samples = level_speech(samples, dsp.SR)
        write_wav(out, samples, dsp.SR)
        tick(len(phrases), len(phrases))
        return Speech(seconds=len(samples) / dsp.SR, sample_rate=dsp.SR, words=heard)

    def close(self) -> None:
        self._voices.clear()

    def _check(self, job: SpeechJob) -> None:
        if job.voice not in self.spec.limits.voices:
            raise BadRequest("voice", f"{job.voice!r} is not one of {', '.join(self.spec.limits.voices)}")
        if job.locale.split("-")[0].lower() not in self.spec.limits.languages:
            spoken = ", ".join(self.spec.limits.languages)
            raise BadRequest("locale", f"narrator {self.spec.id} speaks {spoken}, not {job.locale!r}")
        if not 0.7 <= job.speed <= 1.4:
            raise BadRequest("speed", f"{job.speed} is outside 0.7 to 1.4")

    def _base(self, name: str) -> Hibari:
        """The recorded voice behind `name`, opened once."""
        base = name.removesuffix(LOW)
        if base not in self._voices:
            if base not in VOICES:
                raise BadCatalog(f"models.{self.spec.id}.limits.voices: hibari has {', '.join(VOICES)}, not {base!r}")
            try:
                path = voice_path(base, download_missing=False)
            except FileNotFoundError as error:
                raise ModelMissing(f"Voice {base} is not on this machine: put its file at {error}.") from error
            self._voices[base] = Hibari(voice=base, model=_with_durations(Path(path)), threads=1)
        return self._voices[base]

    def _phrases(self, voice: Hibari, job: SpeechJob) -> Iterator[Phrase]:
        written = job.text.split()
        if not written:
            raise BadRequest("narration", "there is nothing to say: write a line, or leave the shot silent")
        found, at = False, 0
        sounds = {number: _from_ipa(ipa, voice) for number, ipa in job.sounds.items()}
        for sentence in _sentences(written):
            own = {number - at: sound for number, sound in sounds.items() if number >= at}
            at += len(sentence)
            for phrase in _phonemize(voice, sentence, own):
                found = found or bool(phrase.phonemes)
                yield phrase
        if not found:
            line = job.text if len(job.text) <= 40 else job.text[:40] + "…"
            raise BadRequest(
                "locale",
                f"nothing of {line!r} can be spoken in {job.locale!r} by narrator {self.spec.id}: "
                "write the line in that language, or choose a locale and narrator that speak it",
            )


def _with_durations(path: Path) -> bytes:
    """The model with its durations as a further output, and rounded so that a line keeps its length.

    Most phonemes last one to three frames; rounded one by one, a speed of 1.15 shortens a line by 4 %. So the running
    total is rounded instead, which is never more than half a frame (12.5 ms) off.
    """
    try:
        model = onnx.load(path)
    except (OSError, DecodeError) as error:
        raise ModelCorrupt(f"{path} is not a whole ONNX model: install hibari-tts again.") from error
    nodes = list(model.graph.node)
    at = next((i for i, node in enumerate(nodes) if list(node.input[:1]) == [EXACT] and ROUNDED in node.output), None)
    if at is None or not any(DURATIONS in node.output for node in nodes):
        raise ModelCorrupt(f"{path} keeps its phoneme durations elsewhere than hibari-tts 0.2.1: install that version.")
    make = onnx.helper.make_node
    whole = [
        make("CumSum", [EXACT, "own/axis"], ["own/until"]),
        make("Round", ["own/until"], ["own/whole_until"]),
        make("CumSum", [EXACT, "own/axis"], ["own/before"], exclusive=1),
        make("Round", ["own/before"], ["own/whole_before"]),
        make("Sub", ["own/whole_until", "own/whole_before"], [ROUNDED]),
    ]
    model.graph.initializer.append(onnx.helper.make_tensor("own/axis", onnx.TensorProto.INT64, [], [0]))
    del model.graph.node[:]
    model.graph.node.extend([*nodes[:at], *whole, *nodes[at + 1 :]])
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(DURATIONS))
    return model.SerializeToString()


def _sentences(words: list[str]) -> Iterator[list[str]]:
    """`words` cut after each that ends a sentence; not after a title, an initial, or before a small letter."""
    start = 0
    for i, word in enumerate(words[:-1]):
        bare = word.rstrip(CLOSERS)
        if not bare.endswith((".", "!", "?", "…")):
            continue
        stem = bare.rstrip(".").lstrip("(\"“'‘")
        if words[i + 1][0].islower() or (
            bare.endswith(".") and (stem in TITLES or (len(stem) == 1 and stem.isupper()))
        ):
            continue
        yield words[start : i + 1]
        start = i + 1
    yield words[start:]


def _readable(word: str) -> str:
    """`word` as far as an English voice can read it: compatibility forms folded, other scripts and pictures left out.

    Square brackets and a following parenthesis would be read as phoneme markup.
    """
    folded = unicodedata.normalize("NFKC", word).replace("’", "'")
    kept = "".join(c for c in folded if c.isascii() or _latin(c) or c in "“”‘—–…£€¥₹₩¢°×÷±½¼¾")
    # A letter that has two when small (İ) breaks the package's tables; nor has it words beyond decillions.
    single = "".join(c if len(c.lower()) == 1 else unicodedata.normalize("NFD", c)[0] for c in kept)
    counted = LONG_NUMBER.sub(lambda m: " ".join(c for c in m.group() if c.isdigit()), single)
    return "".join(" " if c.isspace() or not c.isprintable() else c for c in counted.replace("](", "] ("))


def _latin(char: str) -> bool:
    return char.isalpha() and unicodedata.name(char, "").startswith("LATIN")


def _from_ipa(ipa: str, voice: Hibari) -> str:
    """Raises `BadRequest` naming what the model has no sound for."""
    sound = unicodedata.normalize("NFC", ipa)
    for written, ours in FROM_IPA:
        sound = sound.replace(written, ours)
    sound = STRESS.sub(r"\2\1", sound)
    unknown = [c for c in sound if c not in voice.vocab or c in SILENT]
    if unknown:
        raise BadRequest("lexicon", f"/{ipa}/ has {unknown[0]!r}, for which this narrator has no sound: respell it")
    return sound


def _phonemize(voice: Hibari, words: list[str], own: dict[int, str]) -> Iterator[Phrase]:
    """Phonemes of one sentence, in phrases of at most `MAX_PHONEMES`, each with the spans of its written words; `own`
    are those that a word, by its number, has instead of what the reader makes of its letters."""
    readable = [_readable(word).strip() for word in words]
    line = " ".join(r for r in readable if r)
    if not line:
        yield Phrase(phonemes="", spans=tuple((word, 0, 0) for word in words))
        return
    try:
        text = normalize(line)
        tokens = voice.g2p.phonemize_tokens(voice.g2p.tokenize(text))
        shares = [len(normalize(r).split()) if r else 0 for r in readable]
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelError(f"Hibari's reader stumbles over {line[:60]!r}: write that line in other words.") from error
    spoken = text.split(" ")
    sounds = [""] * len(spoken)
    at = 0
    for token in tokens:
        sounds[min(at, len(sounds) - 1)] += "".join(c for c in token.phonemes or "" if c in voice.vocab)
        at += token.text.count(" ") + bool(token.whitespace)
    ranges = match_words(readable, spoken, shares)
    phonemes, spans = "", []
    for number, (word, (first, last)) in enumerate(zip(words, ranges, strict=True)):
        after = words[number + 1] if number + 1 < len(words) else None
        said = " ".join(sounds[first:last])
        if number in own:
            said = own[number] + said[len(said.rstrip("".join(SILENT))) :]
        if phonemes and len(phonemes) + len(said) > MAX_PHONEMES:
            yield Phrase(phonemes=phonemes, spans=tuple(spans))
            phonemes, spans = "", []
        gap = " " if phonemes and said else ""
        begin = len(phonemes) + len(gap)
        heard = [k for k, c in enumerate(said) if c not in SILENT]
        phonemes += gap + said
        first_sound = begin + heard[0] if heard else begin
        if heard and phonemes[first_sound - 1 : first_sound] == " ":
            first_sound -= 1  # in running speech the frames of a space already carry the next word's onset
        spans.append((word, first_sound, begin + heard[-1] + 1) if heard else (word, begin, begin))
        if after and len(phonemes) > MAX_PHONEMES * 0.6 and CLAUSE_END.search(word.rstrip(CLOSERS)):
            yield Phrase(phonemes=phonemes, spans=tuple(spans))
            phonemes, spans = "", []
    audible = any(end > start for _, start, end in spans)
    yield Phrase(phonemes=phonemes if audible else "", spans=tuple(spans))


def _synthesise(
    voice: Hibari, phrase: Phrase, job: SpeechJob, noise: np.random.Generator
) -> tuple[np.ndarray, list[tuple[str, float, float]]]:
    """Samples at 24 kHz, and per written word when it sounds in them, in seconds."""
    if not phrase.phonemes:
        return np.zeros(0, np.float32), [(word, 0.0, 0.0) for word, _, _ in phrase.spans]
    low = job.voice.endswith(LOW)
    up, down = LOW_FORMANTS if low else (1, 1)
    ids = voice.ids(phrase.phonemes)
    names = [output.name for output in voice.sess.get_outputs()]
    feed: dict[str, Any] = {
        "ids": np.asarray([ids], np.int64),
        "speed": np.asarray([job.speed * up / down], np.float32),
    }
    found = {name: np.asarray(value) for name, value in zip(names, voice.sess.run(None, feed), strict=True)}
    lh, theta, ln, lr, phi, f0 = (found[name][0] for name in ("lh", "theta", "ln", "lr", "phi", "f0"))
    samples = dsp.synth(lh, theta, ln, lr, phi, f0 * LOW_PITCH if low else f0, noise)
    if low:
        samples = resampled(samples, up, down)
    frames = np.concatenate([[0.0], np.cumsum(found[DURATIONS].reshape(-1))]) - LATE_FRAMES
    edge = np.maximum(frames, 0) * (FRAME_SAMPLES / dsp.SR * up / down)
    # edge[k + 1] is where phoneme k starts: the pad before the first one is edge[0] to edge[1].
    times = [(w, float(edge[a + 1]), float(edge[b + 1] if b > a else edge[a + 1])) for w, a, b in phrase.spans]
    return samples, times


def _in_order(words: list[Word]) -> list[Word]:
    """Words without a sound have no length and stand at the end of the word before them."""
    placed: list[Word] = []
    first = next((w.start for w in words if w.end > w.start), 0.0)
    for word in words:
        if word.end > word.start:
            placed.append(word)
        else:
            at = placed[-1].end if placed else first
            placed.append(Word(text=word.text, start=at, end=at))
    return placed
