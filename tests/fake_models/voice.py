"""A narrator without a model: a tone per word at an exact pace, so that lengths and times can be reckoned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.audio import write_wav
from engine.backends.protocols import Speech, SpeechJob, Tick, no_tick
from engine.catalog import Limits, ModelSpec
from engine.made import Word

RATE = 16_000


def narrator_spec(*voices: str) -> ModelSpec:
    return ModelSpec(
        id="fake-narrator",
        role="narrator",
        family="fake",
        licence="CC0-1.0",
        commercial=True,
        limits=Limits(languages=("en",), voices=voices or ("one", "two")),
    )


class FakeNarrator:
    """Each word lasts `word_seconds` ÷ speed, its last tenth silence. `jobs` are the lines it has spoken."""

    def __init__(self, spec: ModelSpec | None = None, word_seconds: float = 0.35) -> None:
        self.spec = spec or narrator_spec()
        self.word_seconds = word_seconds
        self.jobs: list[SpeechJob] = []
        self.closed = False

    def open(self) -> FakeNarrator:
        """The fake is its own handle."""
        return self

    def alone(self) -> bool:
        return False

    def speak(self, job: SpeechJob, out: Path, *, tick: Tick = no_tick) -> Speech:
        words = job.text.split()
        count = round(self.word_seconds / job.speed * RATE)
        time = np.arange(round(count * 0.9)) / RATE
        pieces = []
        for i, word in enumerate(words):
            tick(i, len(words))
            hertz = 180 + sum(map(ord, word + job.voice)) % 160
            pieces.append(np.pad(0.3 * np.sin(2 * np.pi * hertz * time), (0, count - len(time))))
        write_wav(out, np.concatenate(pieces).astype(np.float32), RATE)
        tick(len(words), len(words))
        self.jobs.append(job)
        step = count / RATE
        spans = tuple(Word(text=w, start=i * step, end=(i + 0.9) * step) for i, w in enumerate(words))
        return Speech(seconds=count * len(words) / RATE, sample_rate=RATE, words=spans)

    def close(self) -> None:
        self.closed = True
