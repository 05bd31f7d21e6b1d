"""Turns a shot's word times into cues: what is shown together, on which lines, from when until when.

Knows words and how a format wants them to look; not who spoke them, nor the film around the shot. Cue times are in
seconds from the start of the shot; whoever wants film time moves them. A cue obeys the limits of subtitlers: 42
characters a line, two lines, and as long as it takes to read wherever the shot is long enough for its line.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from engine.cue_times import place_cues
from engine.fonts import capitals, printable
from engine.formats import CaptionStyle
from engine.made import Timing, Voice, Word
from engine.phrases import BOUND, CLAUSE_END, SENTENCE_END, break_prices, ends_with
from engine.reading import CHARACTERS_PER_SECOND, characters, reading_seconds, reading_speed
from engine.types import Frozen
from engine.typeset import break_lines, has_cjk, joined, pieces
from engine.typeset import columns as width

CAPTIONS_VERSION = 2
SIDECAR = CaptionStyle(look="outline", max_lines=2, max_chars=42)
"""What players expect of a file of their own: two lines of 42 letters."""

LONGEST_WORD = 20
"""A word that is longer is cut; one that is longer than a narrow picture's line is drawn smaller."""

MAX_SECONDS, PAUSE = 6.0, 0.45
SOUND_SECONDS = 3.0
NOTE = "♪"


class Cue(Frozen, frozen=True):
    """Shown from `start` to `end`: lines of words that keep their own times."""

    start: float
    end: float
    lines: tuple[tuple[Word, ...], ...]

    @property
    def text(self) -> tuple[str, ...]:
        return tuple(joined([word.text for word in line]) for line in self.lines)

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for line in self.lines for word in line)

    @property
    def speed(self) -> float:
        """Characters a second that its reader must read."""
        return reading_speed(" ".join(self.text), self.end - self.start)


def shot_words(narration: str, voice: Voice, timing: Timing, fps: int) -> tuple[Word, ...]:
    """The words of a shot, in seconds from its start. Lines that nobody speaks are spread over the whole shot."""
    seconds = timing.frames / fps
    written = narration.split()
    if voice.words:
        spellings = written if len(written) == len(voice.words) else [word.text for word in voice.words]
        words = [
            Word(text=printable(text), start=word.start + timing.lead, end=word.end + timing.lead)
            for text, word in zip(spellings, voice.words, strict=True)
        ]
    else:
        words = _spread([printable(word) for word in written], 0.1 * seconds, 0.95 * seconds)
    kept, last = [], 0.0
    for word in words:
        if word.text:
            start = min(max(word.start, last), seconds)
            last = start
            kept.append(Word(text=word.text, start=start, end=min(max(word.end, start), seconds)))
    return tuple(kept)


def _spread(words: Sequence[str], start: float, end: float) -> list[Word]:
    """Words laid over a stretch of time in proportion to their letters."""
    total = sum(len(word) + 1 for word in words) or 1
    timed, at = [], start
    for word in words:
        share = (end - start) * (len(word) + 1) / total
        timed.append(Word(text=word, start=at, end=at + share))
        at += share
    return timed


def cut_cues(
    words: Sequence[Word],
    seconds: float,
    look: CaptionStyle,
    columns: int = 0,
    lines: int = 0,
    *,
    locale: str = "en",
    speaker: str = "",
    sung: bool = False,
) -> list[Cue]:
    """Cues of a shot that lasts `seconds`: the cheapest partition of its words, where breaks after sentences and
    clauses are cheap, and single words, broken phrases, cues too short to read or across a pause are dear.

    `speaker` is put before the first word; `sung` puts a note before and after each cue, as lyrics have it.
    """
    limit, most = columns or look.max_chars, lines or look.max_lines
    limit -= 2 * len(f"{NOTE} ") if sung else 0
    named = [Word(text=text, start=words[0].start, end=words[0].start) for text in speaker.split()] if words else []
    units = [unit for word in (*named, *words) for unit in _units(word, limit, look)]
    texts = [unit.text for unit in units]
    prices = break_prices(texts, locale)
    prices[: len(named)] = [BOUND] * len(named)
    weights = [0.0]
    for text in texts:
        weights.append(weights[-1] + characters(text) + 1)

    def price(first: int, last: int, ranges: Sequence[range]) -> float:
        until = units[last].start if last < len(units) else seconds
        need = (weights[last] - weights[first] - 1) / CHARACTERS_PER_SECOND
        late = max(0.0, need - (until - (units[first].start if first else 0.0)))
        parted = sum(prices[first + line.stop - 1] for line in ranges[:-1])
        return _price(units[first:last], prices[last - 1], parted, len(units), last == len(units)) + LATE * late

    best: list[tuple[float, int]] = [(0.0, 0)]
    for last in range(1, len(units) + 1):
        options = []
        for first in range(last - 1, -1, -1):
            ranges = _lines(texts[first:last], limit, most, prices[first:last])
            if ranges is None:
                break
            options.append((best[first][0] + price(first, last, ranges), first))
        best.append(min(options))
    cuts = [len(units)]
    while cuts[-1] > 0:
        cuts.append(best[cuts[-1]][1])
    cuts.reverse()
    groups = []
    for first, last in pairwise(cuts):
        ranges = _lines(texts[first:last], limit, most, prices[first:last]) or [range(last - first)]
        group = [tuple(units[first + i] for i in line) for line in ranges]
        groups.append(_with_notes(group) if sung else group)
    return _timed(groups, seconds)


LATE = 6.0


def _lines(words: Sequence[str], limit: int, most: int, prices: Sequence[float]) -> list[range] | None:
    """As `break_lines`; a single word is never too wide, since it is drawn smaller where it has to be."""

    def measure(text: str) -> float:
        single = " " not in text and not has_cjk(text)
        return min(width(text), limit) if single else width(text)

    return break_lines(words, limit, most, measure, prices)


def _units(word: Word, limit: int, look: CaptionStyle) -> list[Word]:
    text = capitals(word.text) if look.uppercase else word.text
    parts = pieces(text, max(limit, min(LONGEST_WORD, look.max_chars)))
    return [word] if parts == [word.text] else _spread_exactly(parts, word)


def _spread_exactly(parts: Sequence[str], word: Word) -> list[Word]:
    total = sum(map(len, parts))
    timed, before = [], 0
    for part in parts:
        start, end = (word.start + (word.end - word.start) * n / total for n in (before, before + len(part)))
        timed.append(Word(text=part, start=start, end=end))
        before += len(part)
    return timed


def _price(group: Sequence[Word], breaking: float, parted: float, total: int, final: bool) -> float:
    """What a cue of these words costs: `breaking` is the price of ending it there, `parted` of its own line breaks."""
    tail, seconds = group[-1].text, group[-1].end - group[0].start
    price = 6.0
    if not final:
        if ends_with(tail, CLAUSE_END):
            price += 1.5
        elif not ends_with(tail, SENTENCE_END) or breaking:
            price += 4 + 10 * breaking
    for word, following in pairwise(group):
        # Two sentences may share a cue; the beginning of a second one had better wait for the rest of it.
        price += (4 if ends_with(tail, SENTENCE_END) else 8) if ends_with(word.text, SENTENCE_END) else 0
        price += 8 if following.start - word.end > PAUSE else 0
    if len(group) == 1 < total:
        price += 8
    price += 6 * parted
    price += 4 * max(0.0, 0.7 - seconds) + 5 * max(0.0, seconds - MAX_SECONDS)
    return price


def _with_notes(lines: Sequence[tuple[Word, ...]]) -> list[tuple[Word, ...]]:
    (first, *_), (*_, last) = lines[0], lines[-1]
    noted = list(lines)
    noted[0] = (Word(text=NOTE, start=first.start, end=first.start), *noted[0])
    noted[-1] = (*noted[-1], Word(text=NOTE, start=last.end, end=last.end))
    return noted


def _timed(groups: Sequence[Sequence[tuple[Word, ...]]], seconds: float) -> list[Cue]:
    cues = [Cue(start=lines[0][0].start, end=lines[-1][-1].end, lines=tuple(lines)) for lines in groups]
    needs = [reading_seconds(" ".join(cue.text)) for cue in cues]
    placed = place_cues([(cue.start, cue.end) for cue in cues], needs, seconds)
    return [
        msgspec.structs.replace(cue, start=start, end=end)
        for cue, (start, end) in zip(cues, placed, strict=True)
        if end > start
    ]


def sound_cues(text: str, seconds: float, look: CaptionStyle) -> list[Cue]:
    """The cue that tells of a sound during a card of `seconds`; none where there is nothing to tell, or no time."""
    shown = min(seconds, SOUND_SECONDS)
    words = tuple(Word(text=word, start=0.0, end=shown) for word in printable(text).split())
    return cut_cues(words, shown, look) if seconds >= reading_seconds(text) else []


def moved(cues: Sequence[Cue], seconds: float) -> list[Cue]:
    """The cues later by `seconds` (their words keep shot time)."""
    return [msgspec.structs.replace(cue, start=cue.start + seconds, end=cue.end + seconds) for cue in cues]


def fastest(cues: Sequence[Cue]) -> float:
    """The reading speed of the cue that must be read fastest, in characters a second, 0 without cues; a shot that is
    long enough for its line has none above `CHARACTERS_PER_SECOND`."""
    return max((cue.speed for cue in cues), default=0.0)
