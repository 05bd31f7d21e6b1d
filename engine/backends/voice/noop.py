"""Narrator family `noop`: a soft tone as long as the words would take, after a wait. A yardstick, not a voice."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.audio import level_speech, write_wav
from engine.backends.idle import Idle
from engine.backends.protocols import Speech, SpeechJob, Tick, no_tick
from engine.catalog import ModelSpec
from engine.made import Word

RATE = 24_000
HERTZ = 220


def load(spec: ModelSpec, weights: Path | None) -> Hummer:
    return Hummer(spec)


class Hummer(Idle):
    """A `VoiceModel`: each written word takes the same time, at the spec's words per second."""

    def speak(self, job: SpeechJob, out: Path, *, tick: Tick = no_tick) -> Speech:
        self.pass_time(tick)
        written = job.text.split()
        each = round(RATE / (self.spec.limits.words_per_second * job.speed))
        time = np.arange(each * len(written)) / RATE
        write_wav(out, level_speech(0.1 * np.sin(2 * np.pi * HERTZ * time).astype(np.float32), RATE), RATE)
        words = tuple(
            Word(text=word, start=i * each / RATE, end=(i + 1) * each / RATE) for i, word in enumerate(written)
        )
        return Speech(seconds=len(time) / RATE, sample_rate=RATE, words=words)
