"""A script's lines one by one: how long each is to be, and who says it. Knows formats and words, not pictures."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from engine.formats import Format
from engine.types import Plan
from engine.writing.lexicon import Lexicon
from engine.writing.pen import Pen
from engine.writing.scribe import Line, Scribe
from engine.writing.steps import Figures, steps_of
from engine.writing.supplied import OFF
from engine.writing.topic import LIVING, Phrase, Topic, find_phrases, words_of

TOLERANCE = 0.1
"""The words of all lines may miss the plan by this share: the film's length follows from them."""
LEAST = 0.4
"""Of its words a line is asked for at least this share, however long the others became."""
VOICED = (*LIVING, "names")
"""Kinds of figures that can speak."""


def write_lines(
    plan: Plan, fmt: Format, topic: Topic, figures: Figures, lexicon: Lexicon, pen: Pen, *, form_only: bool = False
) -> tuple[Line, ...]:
    """A line (a sentence or two) per planned shot, "" where the format has none; all but the spare ones together as
    many words as planned, within `TOLERANCE`, or as many as the format's lines may have.

    The spare ones come last, each as what may be said at its place: so the others are one story without them. One for
    which nothing was found is "". Raises `WriterFailed` when nothing acceptable came of another's bounded attempts.
    """
    core = [index for index, shot in enumerate(plan.shots) if not shot.spare]
    shots = [plan.shots[index] for index in core]
    beats = [shot.beat for shot in shots]
    scribe = Scribe(fmt, beats, topic, figures, lexicon, pen, form_only)
    speakers = Speakers(fmt, figures)
    lines: list[Line] = []
    told: list[str] = []
    total = sum(shot.words for shot in shots)
    for index, shot in enumerate(shots):
        if _place_in_beat(beats, index) % fmt.line_every:
            lines.append(Line(text=""))
            continue
        left = total - sum(len(words_of(line.text)) for line in lines)
        target = max(3, round(LEAST * shot.words), round(left * shot.words / sum(s.words for s in shots[index:])))
        if fmt.line_words:
            target = min(target, fmt.line_words)
        slack = max(4, round(OFF * target))
        if index == len(shots) - 1 and not fmt.line_words:
            slack = max(4, min(slack, round(TOLERANCE * total)))
        pen.shot = core[index]
        by = speakers.of(shot.beat, lines)
        spoken = scribe.speech(index, shot.beat, by, target, told) if by else None
        line = Line(text=spoken, by=by) if spoken else Line(text=scribe.line(index, shot.beat, target, slack, told))
        speakers.hear(line, find_phrases(line.text, lexicon))
        lines.append(line)
        told.append(scribe.as_told(line))
    written = dict(zip(core, lines, strict=True))
    for index, shot in enumerate(plan.shots):
        if shot.spare:
            pen.shot = index
            before, after = (
                [scribe.as_told(written[i]) for i in sorted(written) if (i < index) is earlier and written[i].text]
                for earlier in (True, False)
            )
            text = scribe.spare_line(index, shot.beat, max(3, shot.words), before, after)
            written[index] = Line(text=text)
    pen.shot = None
    return tuple(written[index] for index in range(len(plan.shots)))


def _place_in_beat(beats: Sequence[str], index: int) -> int:
    """How many shots of the same beat stand right before."""
    return sum(1 for _ in itertools.takewhile(lambda beat: beat == beats[index], reversed(beats[:index])))


class Speakers:
    """Who says a line aloud: in beats that have speech, after a line that was told, those who act, in turn: the hero,
    the other of the prompt, and whoever else the narrator has named."""

    def __init__(self, fmt: Format, figures: Figures) -> None:
        self._speech = steps_of(fmt).speech if fmt.voices > 1 else {}
        self._most = fmt.voices - 1  # one is the narrator's
        self._able: dict[str, Phrase] = {}
        self._last = ""
        # one robot beside "two robots" is one of them
        self._several = {p.head.lower() for p in (figures.hero, figures.other) if p is not None and p.plural}
        for phrase in (figures.hero, figures.other):
            self._add(phrase)

    def of(self, beat: str, before: Sequence[Line]) -> Phrase | None:
        if beat not in self._speech or not self._able or not before or before[-1].by is not None:
            return None
        able = list(self._able)
        at = able.index(self._last) + 1 if self._last else 0
        return self._able[able[at % len(able)]]

    def hear(self, line: Line, phrases: Sequence[Phrase]) -> None:
        if line.by is not None:
            self._last = line.by.head.lower()
        else:
            for phrase in phrases:
                self._add(phrase)

    def _add(self, phrase: Phrase | None) -> None:
        if (
            phrase is None
            or phrase.plural
            or phrase.aside
            or phrase.kind not in VOICED
            or phrase.head.lower() in self._several
        ):
            return
        if len(self._able) < self._most:
            self._able.setdefault(phrase.head.lower(), phrase)
