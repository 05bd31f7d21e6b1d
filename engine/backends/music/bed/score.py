"""The score of a piece: form, chords, parts and tune, as notes in seconds. Makes no sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.backends.music.bed.form import into, lay_bars
from engine.backends.music.bed.moods import Mood
from engine.backends.music.bed.parts import PARTS, Note, sing
from engine.made import MusicSection

TUNE_ABOVE = 67
"""The tune sits above this G, where pads and keys leave room."""


def write_score(
    mood: Mood, tempo: float, seconds: float, rng: np.random.Generator, sections: Sequence[MusicSection] = ()
) -> list[Note]:
    """The notes of a piece of `seconds`, in order of their start. Beats fall on whole multiples of 60 / `tempo`.

    `sections` say what the piece does when; without any it has a form of its own.
    """
    bars = lay_bars(mood, tempo, seconds, sections, rng)
    notes: list[Note] = []
    for name, threshold in mood.parts.items():
        if name == "melody":
            continue
        notes += [note for bar in bars if bar.intensity >= threshold for note in PARTS[name](bar, rng)]
    if mood.tune is not None:
        motif = mood.tune.motifs[int(rng.integers(len(mood.tune.motifs)))]
        home = into(bars[0].voicing[0], TUNE_ABOVE, TUNE_ABOVE + 11)
        threshold = mood.parts["melody"]
        notes += [note for bar in bars if bar.intensity >= threshold for note in sing(bar, mood.tune, motif, home)]
    return sorted(note for note in notes if note.start < seconds)
