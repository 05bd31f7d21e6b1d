"""What is true of any recorded line: its pauses, and which written word each spoken one belongs to. Knows no model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np

from engine.types import Word

LONGEST_PAUSE = 0.45
"""Seconds of silence that a line keeps at most between two of its words."""

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


def tighten(
    samples: np.ndarray, rate: int, words: Sequence[Word], *, longest: float = LONGEST_PAUSE
) -> tuple[np.ndarray, tuple[Word, ...]]:
    """Cut the silence around a line, and what is over `longest` seconds of any pause inside it.

    `samples`: mono float32; `words`: spans in seconds of it, in order. A word that reaches into a pause is drawn back
    to where it is heard; then all times follow the cuts. Cuts lie inside pauses and are cross-faded over 5 ms.
    """
    pauses = silences(samples, rate)
    heard = _to_the_sound(words, [(a / rate, b / rate) for a, b in pauses])
    cuts: list[tuple[int, int]] = []
    for start, end in pauses:
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
