"""What is true of any recorded line: its pauses, and which written word each spoken one belongs to. Knows no model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np

from engine.made import Word

LONGEST_PAUSE = 0.45
"""Seconds of silence that a line keeps at most between two of its words."""

LONGEST_PLAIN = 0.25
"""The same between two words that no mark parts."""

PAUSES = {
    **dict.fromkeys(",،、，", 0.18),
    **dict.fromkeys(":：", 0.28),
    **dict.fromkeys(";；؛", 0.3),
    **dict.fromkeys("—–", 0.28),
    **dict.fromkeys(".。!！?？؟।", 0.42),
    "…": 0.48,
}
"""Seconds after a mark in even prose."""

PARAGRAPH_PAUSE = 0.6
LONGEST_AT_MARK, LONGEST_WANTED = 0.55, 0.72
"""Within a paragraph, and between two, however slow the voice: the review takes anything above 0.8 s for a hole."""

HOP = 0.005
"""Seconds between two looks at the level; a pause is found to this precision."""

CLAUSE_STARTS = re.compile(
    "and|but|or|so|yet|because|when|while|until|before|after|where|which|who|that|if|as|then", re.IGNORECASE
)

REACH = 0.12
"""Seconds by which a word may be drawn out to the edge of the pause beside it."""

EDGE = (0.03, 0.08)
"""Seconds kept before the first sound and after the last: enough for a soft onset and a release."""


def silences(samples: np.ndarray, rate: int, *, below_db: float = -42, shortest: float = 0.06) -> list[tuple[int, int]]:
    """Stretches, in samples, at least `shortest` seconds long whose level stays `below_db` under the line's own.

    The level is the RMS of 10 ms around each look; the line's own level is the 95th percentile of these, so that one
    loud plosive does not turn the rest into silence.
    """
    hop = max(1, round(HOP * rate))
    power = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    at = np.arange(0, len(samples), hop)
    left, right = np.maximum(at - hop, 0), np.minimum(at + hop, len(samples))
    level = (power[right] - power[left]) / np.maximum(right - left, 1)
    if not level.size or level.max() <= 0:
        return [(0, len(samples))]
    quiet = level < np.percentile(level, 95) * 10 ** (below_db / 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    runs = [(int(a) * hop, min(int(b) * hop, len(samples))) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [(a, b) for a, b in runs if (b - a) >= shortest * rate or b == len(samples) or a == 0]


def wanted_pauses(text: str, scale: float = 1.0) -> tuple[float, ...]:
    """Seconds of silence after each word of `text`, by the mark that it ends with; without one, the most there may be.

    `scale` is the format's, and slower than 1 where the voice is. Paragraphs are divided by a blank line.
    """
    wanted = []
    for match in re.finditer(r"(\S+)(\s*)", text):
        bare = match[1].rstrip("\"”’')]}»")
        mark = "…" if bare.endswith("...") else bare[-1:]
        if match[2].count("\n") > 1:
            wanted.append(min(LONGEST_WANTED, PARAGRAPH_PAUSE * scale))
        else:
            wanted.append(min(LONGEST_AT_MARK, PAUSES.get(mark, 0.0) * scale))
    return tuple(wanted)


def tighten(
    samples: np.ndarray, rate: int, words: Sequence[Word], wanted: Sequence[float] = ()
) -> tuple[np.ndarray, tuple[Word, ...]]:
    """Cut the silence around a line, and give each pause inside it the length that its mark asks for.

    `samples`: mono float32; `words`: spans in seconds of it, in order; `wanted`: seconds after each of them, see
    `wanted_pauses`. A pause without a mark keeps `LONGEST_PLAIN` at most, one within a word `LONGEST_PAUSE`. Where the
    voice makes none at a mark, none is made: words that run into each other cannot be parted. A word that reaches into
    a pause is drawn back to where it is heard; then all times follow. Cuts lie inside pauses and are cross-faded over
    5 ms; what is added repeats the pause's own sound backwards.
    """
    pauses = silences(samples, rate)
    heard = _to_the_sound(words, [(a / rate, b / rate) for a, b in pauses])
    limits = [_limit((a / rate, b / rate), heard, wanted) for a, b in pauses]
    inner = [a > 0 and b < len(samples) for a, b in pauses]
    added = [
        ((a + b) // 2, round((least - (b - a) / rate) * rate) if inside and least > (b - a) / rate else 0)
        for (a, b), (least, _), inside in zip(pauses, limits, inner, strict=True)
    ]
    samples = _with_more(samples, pauses, added)

    def later(at: float) -> float:
        return at + sum(count for middle, count in added if middle < at)

    pauses = [(round(later(a)), round(later(b))) for a, b in pauses]
    heard = [Word(text=w.text, start=later(w.start * rate) / rate, end=later(w.end * rate) / rate) for w in heard]
    cuts: list[tuple[int, int]] = []
    for (start, end), (_, longest) in zip(pauses, limits, strict=True):
        if start == 0:
            cuts.append((0, max(0, end - round(EDGE[0] * rate))))
        elif end >= len(samples):
            cuts.append((min(len(samples), start + round(EDGE[1] * rate)), len(samples)))
        elif end - start > longest * rate:
            middle = start + round(longest * rate / 2)
            cuts.append((middle, middle + (end - start) - round(longest * rate)))
    cuts = [(a, b) for a, b in cuts if b > a]
    kept = _without(samples, cuts, fade=round(0.005 * rate))
    limit = len(kept) / rate

    def moved(seconds: float) -> float:
        gone = sum(max(0.0, min(seconds, b / rate) - a / rate) for a, b in cuts)
        return min(max(0.0, seconds - gone), limit)

    return kept, tuple(Word(text=w.text, start=moved(w.start), end=moved(w.end)) for w in heard)


def _between(seconds: float, heard: Sequence[Word]) -> tuple[int, int] | None:
    """The words that are heard right before and after that moment, by number; None within a word or around the line."""
    before = [i for i, word in enumerate(heard) if word.end > word.start and word.end <= seconds]
    after = next((i for i, word in enumerate(heard) if word.end > word.start and word.start >= seconds), None)
    if not before or after is None or any(word.start < seconds < word.end for word in heard):
        return None
    return before[-1], after


def _limit(pause: tuple[float, float], heard: Sequence[Word], wanted: Sequence[float]) -> tuple[float, float]:
    """The least and the most seconds that this pause may have: by the marks between the two words that it parts."""
    place = _between(sum(pause) / 2, heard)
    if not wanted or place is None:
        return 0.0, LONGEST_PAUSE
    marks = max(wanted[place[0] : place[1]])
    return (marks, marks) if marks else (0.0, LONGEST_PLAIN)


def _with_more(samples: np.ndarray, pauses: Sequence[tuple[int, int]], added: Sequence[tuple[int, int]]) -> np.ndarray:
    """`samples` with so many more in the middle of each pause: its own, backwards and forwards, so that the room's
    sound goes on."""
    pieces, at = [], 0
    for (start, end), (middle, count) in zip(pauses, added, strict=True):
        if count:
            own = samples[start:end]
            pieces += [samples[at:middle], np.resize(np.concatenate([own[::-1], own]), count)]
            at = middle
    return np.concatenate([*pieces, samples[at:]])


def _to_the_sound(words: Sequence[Word], pauses: Sequence[tuple[float, float]]) -> list[Word]:
    """Words beside a pause begin and end where the sound does: drawn back out of the pause, or out to its edge if
    that is at most `REACH` away and nobody else's."""
    spans = [[word.start, word.end] for word in words]
    sounding = [i for i, word in enumerate(words) if word.end > word.start]
    for before, pause_end in pauses:
        for here, i in enumerate(sounding):
            start, end = spans[i]
            last_end = spans[sounding[here - 1]][1] if here else 0.0
            next_start = spans[sounding[here + 1]][0] if here + 1 < len(sounding) else float("inf")
            if before <= start < pause_end < end or (0 < start - pause_end <= REACH and last_end <= pause_end):
                spans[i][0] = pause_end
            if start < before < end <= pause_end or (0 < before - end <= REACH and next_start >= before):
                spans[i][1] = before
    for i in range(1, len(words)):
        if i not in sounding:
            spans[i] = [spans[i - 1][1]] * 2
    return [Word(text=word.text, start=a, end=b) for word, (a, b) in zip(words, spans, strict=True)]


def _without(samples: np.ndarray, cuts: Sequence[tuple[int, int]], fade: int) -> np.ndarray:
    """`samples` without `cuts`. An inner cut blends the `fade` samples before it into those before its end, so the
    length is exactly what the cuts leave."""
    pieces, at = [], 0
    for start, end in cuts:
        piece = samples[at:start].copy()
        if start > 0 and end < len(samples) and len(piece) >= fade:
            ramp = np.linspace(0, 1, fade, dtype=np.float32)
            piece[-fade:] = piece[-fade:] * (1 - ramp) + samples[end - fade : end] * ramp
        pieces.append(piece)
        at = end
    pieces.append(samples[at:].copy())
    kept = np.concatenate(pieces)
    if len(kept) > 2 * fade:
        ramp = np.linspace(0, 1, fade, dtype=np.float32)
        kept[:fade] *= ramp
        kept[-fade:] *= ramp[::-1]
    return kept


def match_words(written: Sequence[str], spoken: Sequence[str], shares: Sequence[int]) -> list[tuple[int, int]]:
    """For each written word the range of `spoken` words that it became ("9:30" → "nine thirty").

    Ranges are in order, do not overlap, and cover all of `spoken` if anything is written. Equal words anchor the
    match; between anchors spoken words are dealt out by `shares`, the number of words each written one is read as
    when it stands alone. A written word may get an empty range.
    """
    bounds = [0] * (len(written) + 1)
    plain = [_plain(w) for w in written], [_plain(w) for w in spoken]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, *plain, autojunk=False).get_opcodes():
        if tag == "equal":
            for i in range(i1, i2):
                bounds[i + 1] = j1 + (i - i1) + 1
            continue
        total = sum(shares[i1:i2])
        dealt = 0
        for i in range(i1, i2):
            dealt += shares[i]
            bounds[i + 1] = j1 + (round((j2 - j1) * dealt / total) if total else 0)
        if i2 > i1:
            bounds[i2] = j2
        else:
            bounds[i1] = j2  # nothing written stands for them: they belong to the word before, or to the first
    if len(written):
        bounds[0], bounds[-1] = 0, len(spoken)
    return list(pairwise(bounds))


def _plain(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum()) or word


def split_line(words: Sequence[Word], parts: int) -> list[str]:
    """The text of `words` in `parts` pieces of about equal length, cut after clauses where one ends near enough."""
    if parts < 2 or len(words) < 2:
        return [" ".join(word.text for word in words)]
    parts = min(parts, len(words))
    step = words[-1].end / parts
    cuts = [0]
    for k in range(1, parts):
        last = len(words) - (parts - k)
        cuts.append(min(range(cuts[-1] + 1, last + 1), key=lambda i: _cut_cost(words, i, k * step, step)))
    return [" ".join(w.text for w in words[a:b]) for a, b in zip(cuts, [*cuts[1:], len(words)], strict=True)]


def _cut_cost(words: Sequence[Word], i: int, wanted: float, step: float) -> float:
    """How bad it is to cut before word `i`: distance from the wanted second, less what the clause is worth."""
    before, after = words[i - 1].text.rstrip("\"”’')"), words[i].text
    worth = 0.0
    if before.endswith((".", "!", "?", "…")):
        worth = 0.5
    elif before.endswith((",", ";", ":", "—")):
        worth = 0.35
    elif CLAUSE_STARTS.fullmatch(after):
        worth = 0.25
    return abs(words[i].start - wanted) - worth * step
