"""Narrator family `coqui`: VITS and XTTS checkpoints of Coqui TTS, as `config.json` and safetensors. Knows no story.

A checkpoint as it is published is a pickle; `convert.py` reads it once, by torch's weights-only reader, when it is
fetched. Nothing here unpickles.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.audio import level_speech, write_wav
from engine.backends.params import read_params
from engine.backends.protocols import Speech, SpeechJob, Tick, no_tick
from engine.backends.torch_env import choose_device, free_memory, global_seed, memory_guard
from engine.backends.voice.coqui.config import read_config
from engine.backends.voice.coqui.text import sentences
from engine.catalog import ModelSpec
from engine.errors import BadCatalog, BadRequest, ModelMissing
from engine.made import Word
from engine.speech import tighten, wanted_pauses
from engine.types import Frozen


class Params(Frozen, frozen=True):
    """Variation of the voice: `noise` of VITS's sound, `temperature` of XTTS's tokens. None: as the checkpoint says."""

    noise: float | None = None
    temperature: float | None = None


class Synthesiser(Protocol):
    """One of the two architectures. `say` gives mono float samples at `rate`, and when each written word sounds."""

    rate: int
    voices: tuple[str, ...]

    def say(self, words: list[str], job: SpeechJob, watch: Any) -> tuple[np.ndarray, list[Word]]: ...


def prepare(spec: ModelSpec, folder: Path) -> None:
    """What was published, as safetensors. Raises `ModelCorrupt` for a pickle that holds more than weights."""
    from engine.backends.voice.coqui.convert import convert_checkpoint

    convert_checkpoint(spec, folder)


def load(spec: ModelSpec, weights: Path | None) -> Narrator:
    """Raises `BadCatalog` for unknown params or voices, `ModelMissing`, `ModelCorrupt`, `ModelUnavailable`."""
    params = read_params(spec, Params)
    if weights is None:
        raise ModelMissing(f"models.{spec.id} names no weights: family coqui needs a folder with config.json.")
    config = read_config(spec, weights)
    # Voices share the machine with the picture's model: only an entry that asks for GPU memory gets any.
    device = choose_device().device if spec.needs_gpu else "cpu"
    if config["model"] == "vits":
        from engine.backends.voice.coqui.vits import Vits

        return Narrator(spec, Vits(spec, config, weights, params.noise, device))
    from engine.backends.voice.coqui.xtts import Xtts

    return Narrator(spec, Xtts(spec, config, weights, params.temperature, device))


class Narrator:
    """A `VoiceModel`. Word times of VITS are its own durations; XTTS has none, so they are estimated: each word gets
    its share, by its letters, of the stretches in which something is heard."""

    def __init__(self, spec: ModelSpec, synthesiser: Synthesiser) -> None:
        self.spec = spec
        self._synthesiser: Synthesiser | None = synthesiser
        missing = [voice for voice in spec.limits.voices if voice not in synthesiser.voices]
        if missing:
            known = ", ".join(synthesiser.voices)
            raise BadCatalog(f"models.{spec.id}.limits.voices: the checkpoint has {known}, not {missing[0]!r}")

    def speak(self, job: SpeechJob, out: Path, *, tick: Tick = no_tick) -> Speech:
        """Raises `BadRequest` naming voice, locale, speed or narration, `OutOfMemory`, and what `tick` raises."""
        self._check(job)
        assert self._synthesiser is not None
        rate = self._synthesiser.rate
        lines = list(sentences(job.text.split()))
        pieces: list[np.ndarray] = []
        words: list[Word] = []
        at = 0.0
        with global_seed(job.seed), memory_guard(self.spec):
            for done, line in enumerate(lines):
                tick(done, len(lines))
                samples, spans = self._synthesiser.say(line, job, lambda done=done: tick(done, len(lines)))
                words += [Word(text=w.text, start=w.start + at, end=w.end + at) for w in spans]
                pieces.append(samples)
                at += len(samples) / rate
        samples, heard = tighten(np.concatenate(pieces), rate, words, wanted_pauses(job.text, job.pauses / job.speed))
        samples = level_speech(samples, rate)
        write_wav(out, samples, rate)
        tick(len(lines), len(lines))
        return Speech(seconds=len(samples) / rate, sample_rate=rate, words=heard)

    def close(self) -> None:
        self._synthesiser = None
        free_memory()

    def _check(self, job: SpeechJob) -> None:
        limits = self.spec.limits
        if not any(character.isalnum() for character in job.text):
            raise BadRequest("narration", "there is nothing to say: write a line, or leave the shot silent")
        if job.voice not in limits.voices:
            raise BadRequest("voice", f"{job.voice!r} is not one of {', '.join(limits.voices)}")
        if job.locale.split("-")[0].lower() not in limits.languages:
            raise BadRequest("locale", f"{self.spec.id} speaks {', '.join(limits.languages)}, not {job.locale!r}")
        if not 0.7 <= job.speed <= 1.4:
            raise BadRequest("speed", f"{job.speed} is outside 0.7 to 1.4")
