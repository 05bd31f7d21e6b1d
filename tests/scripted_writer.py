"""A writer that keeps to the form that was asked for and to no length, and a voice whose pace is known: no models."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from engine.audio import write_wav
from engine.backends.protocols import Completion, Speech, SpeechJob, TextJob, Tick, no_tick
from engine.catalog import load_catalog
from engine.made import Word
from engine.types import Plan
from tests.fake_models.voice import narrator_spec

WORDS = (
    "a the of to in and it was on her his with at for they had by one old boat wind river house stone light night "
    "small green young dragon knight village mountain lantern garden morning window winter market captain silver "
    "ran saw held found took went called carried followed opened remembered travelled quietly slowly together"
).split()
CLAUSES = ("because it", "until they", "and then she", "but he", "which")
RATE = 500


class ScriptedWriter:
    """Writes the script of `plan` with `off(random)` times the words that each line was to have."""

    def __init__(self, plan: Plan, off: Callable[[random.Random], float]) -> None:
        self.plan, self.off = plan, off
        self.spec = msgspec.structs.replace(
            load_catalog().model("toy-llama"), id="scripted", params={"method": "whole_script"}
        )

    def open(self) -> ScriptedWriter:
        return self

    def close(self) -> None:
        """Nothing is held."""

    def complete(self, job: TextJob, *, tick: Tick = no_tick) -> Completion:
        dice = random.Random(job.seed)
        shots = [
            {
                "scene": 0,
                "speaker": None,
                "narration": sentence(dice, round(shot.words * self.off(dice))),
                "visual": "x",
            }
            for shot in self.plan.shots
        ]
        script = {
            "title": "T",
            "logline": "L",
            "characters": [{"name": "Fox", "role": "hero", "description": "a fox"}],
            "scenes": [{"description": "a hill", "timeOfDay": "day", "weather": "clear", "lighting": "soft"}],
            "items": [{"name": "Lamp", "description": "a lamp", "significance": "it shines"}],
            "shots": shots,
        }
        return Completion(text=json.dumps(script), whole=True)


def sentence(dice: random.Random, count: int) -> str:
    """So many words, at least two; a longer one has a clause at times."""
    words = [dice.choice(WORDS) for _ in range(max(2, count))]
    if len(words) > 8 and dice.random() < 0.5:
        clause = dice.choice(CLAUSES).split()
        at = dice.randrange(5, len(words) - len(clause))
        words[at : at + len(clause)] = clause
        words[at - 1] += ","
    return " ".join(words).capitalize() + "."


class PacedNarrator:
    """Speaks silence: letters at an exact pace, and a little for every word, about `words_per_second` of English."""

    def __init__(self, words_per_second: float = 3.6) -> None:
        self.spec = narrator_spec()
        self.pace = words_per_second

    def open(self) -> PacedNarrator:
        return self

    def close(self) -> None:
        """Nothing is held."""

    def speak(self, job: SpeechJob, out: Path, *, tick: Tick = no_tick) -> Speech:
        spans, at = [], 0.0
        for text in job.text.split():
            end = at + (0.35 + 0.137 * len(text)) / self.pace / job.speed
            spans.append(Word(text=text, start=at, end=end))
            at = end
        samples = np.zeros(round(at * RATE), np.float32)
        write_wav(out, samples, RATE)
        return Speech(seconds=len(samples) / RATE, sample_rate=RATE, words=tuple(spans))
