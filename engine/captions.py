"""Turns word times into captions: cues, SRT, WebVTT, and the ASS that is burned into the picture.

Knows words and how a format wants them to look; not who spoke them, nor the film around the shot. Cue times are in
seconds from the start of the shot; whoever wants film time moves them.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

import msgspec
import pysubs2

from engine.fonts import HEAVY, MEDIUM, Fonts, printable
from engine.formats import CaptionStyle
from engine.types import Frozen, Timing, Voice, Word
from engine.typeset import (
    CLAUSE_END,
    SENTENCE_END,
    WEAK,
    break_lines,
    ends_with,
    joined,
    pieces,
    pixels,
    script,
    style,
    tagged,
)

CAPTIONS_VERSION = 1
SIDECAR = CaptionStyle(look="outline", max_lines=2, max_chars=42)
"""What players expect of a file of their own: two lines of 42 letters."""

MIN_SECONDS, MAX_SECONDS = 1.0, 6.0
LINGER, BRIDGE = 0.25, 0.35
"""Seconds that a cue stays after its last word; gaps shorter than `BRIDGE` are closed, because they flicker."""

PAUSE = 0.45
EM_PER_LETTER = {MEDIUM: 0.56, HEAVY: 0.62}
SMALLEST = 9


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


class Layout(Frozen, frozen=True):
    """How captions lie in the picture: letters of `size` pixels per em, at most `columns` Latin letters a line in
    `lines` lines no wider than `width`, `bottom` pixels above the lower edge."""

    frame: tuple[int, int]
    size: float
    weight: int
    width: int
    bottom: int
    columns: int
    lines: int


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


def cut_cues(words: Sequence[Word], seconds: float, look: CaptionStyle, columns: int = 0, lines: int = 0) -> list[Cue]:
    """Cues of a shot that lasts `seconds`: the cheapest partition of its words, where breaks after sentences and
    clauses are cheap, and single words, weak endings, cues too short to read or across a pause are dear."""
    limit, most = columns or look.max_chars, lines or look.max_lines
    units = [unit for word in words for unit in _units(word, limit, look.uppercase)]
    best: list[tuple[float, int]] = [(0.0, 0)]
    for last in range(1, len(units) + 1):
        options = []
        for first in range(last - 1, -1, -1):
            group = units[first:last]
            if break_lines([unit.text for unit in group], limit, most) is None:
                break
            options.append((best[first][0] + _price(group, len(units), last == len(units)), first))
        best.append(min(options))
    cuts = [len(units)]
    while cuts[-1] > 0:
        cuts.append(best[cuts[-1]][1])
    cuts.reverse()
    return _timed([units[a:b] for a, b in pairwise(cuts)], seconds, limit, most)


def _units(word: Word, limit: int, uppercase: bool) -> list[Word]:
    text = word.text.upper() if uppercase else word.text
    parts = pieces(text, limit)
    return [word] if parts == [word.text] else _spread_exactly(parts, word)


def _spread_exactly(parts: Sequence[str], word: Word) -> list[Word]:
    total = sum(map(len, parts))
    timed, before = [], 0
    for part in parts:
        start, end = (word.start + (word.end - word.start) * n / total for n in (before, before + len(part)))
        timed.append(Word(text=part, start=start, end=end))
        before += len(part)
    return timed


def _price(group: Sequence[Word], total: int, final: bool) -> float:
    tail, seconds = group[-1].text, group[-1].end - group[0].start
    price = 6.0
    if not final:
        if ends_with(tail, SENTENCE_END):
            price += 0
        elif ends_with(tail, CLAUSE_END):
            price += 1.5
        else:
            price += 9 if tail.lower() in WEAK else 5
    for word, following in pairwise(group):
        price += 4 if ends_with(word.text, SENTENCE_END) else 0
        price += 8 if following.start - word.end > PAUSE else 0
    if len(group) == 1 < total:
        price += 8
    price += 4 * max(0.0, 0.7 - seconds) + 5 * max(0.0, seconds - MAX_SECONDS)
    return price


def _timed(groups: Sequence[Sequence[Word]], seconds: float, limit: int, most: int) -> list[Cue]:
    cues = []
    for number, group in enumerate(groups):
        start = group[0].start
        until = groups[number + 1][0].start if number + 1 < len(groups) else seconds
        end = min(max(group[-1].end + LINGER, start + MIN_SECONDS), until)
        end = until if until - end < BRIDGE else end
        lines = break_lines([word.text for word in group], limit, most) or [range(len(group))]
        cues.append(Cue(start=start, end=end, lines=tuple(tuple(group[i] for i in line) for line in lines)))
    return [cue for cue in cues if cue.end > cue.start]


def moved(cues: Sequence[Cue], seconds: float) -> list[Cue]:
    """The cues later by `seconds` (their words keep shot time)."""
    return [msgspec.structs.replace(cue, start=cue.start + seconds, end=cue.end + seconds) for cue in cues]


# ---- files for players ----------------------------------------------------------------------------------------------

HIDDEN = str.maketrans({"{": "\ue000", "}": "\ue001", "\\": "\ue002"})
SHOWN = str.maketrans({"\ue000": "{", "\ue001": "}", "\ue002": "\\"})
"""pysubs2 reads braces and backslashes as ASS; private code points, which `printable` keeps out, carry them past."""


def srt(cues: Sequence[Cue]) -> str:
    """SubRip. It has no escapes, but players read tags in it: a word joiner breaks a tag, and an arrow an arrow."""
    return _sidecar(cues, "srt", lambda text: text.replace("-->", "→").replace("<", "<\u2060"))


def vtt(cues: Sequence[Cue]) -> str:
    """WebVTT, `&`, `<` and `>` escaped (https://www.w3.org/TR/webvtt1/, cue text)."""
    return _sidecar(cues, "vtt", lambda text: escape(text, quote=False))


def _sidecar(cues: Sequence[Cue], kind: str, clean) -> str:
    file = pysubs2.SSAFile()
    for cue in cues:
        text = "\\N".join(clean(line).translate(HIDDEN) for line in cue.text)
        file.append(pysubs2.SSAEvent(start=round(cue.start * 1000), end=round(cue.end * 1000), text=text))
    return file.to_string(kind, keep_ssa_tags=True).translate(SHOWN)


# ---- burned in ------------------------------------------------------------------------------------------------------


def lay_out(width: int, height: int, look: CaptionStyle, taken: int = 0) -> Layout:
    """Where captions go in a picture of that size; `taken` pixels at the lower edge belong to somebody else.

    Upright films keep clear of the lower fifth, where phones draw their own controls. Letters are never smaller than
    can be read; narrow pictures break lines earlier and get one line more for it.
    """
    short, upright = min(width, height), height > 1.3 * width
    share = {"outline": 0.05, "box": 0.046, "pop": 0.078}[look.look]
    size = max(SMALLEST, round(short * share * (1.12 if upright else 1)))
    weight = HEAVY if look.look == "pop" else MEDIUM
    room = round(width * (0.84 if width <= height else 0.76))
    bottom = round(height * (0.2 if upright and look.look != "pop" else 0.27 if upright else 0.075))
    letters = int(room / (size * EM_PER_LETTER[weight] * (1.12 if look.uppercase else 1)))
    columns = max(8, min(look.max_chars, letters))
    lines = look.max_lines + (1 if columns < 0.75 * look.max_chars else 0)
    bottom = max(bottom, taken + round(short * 0.035)) if taken else bottom
    return Layout(
        frame=(width, height), size=size, weight=weight, width=room, bottom=bottom, columns=columns, lines=lines
    )


def ass(cues: Sequence[Cue], look: CaptionStyle, layout: Layout, fonts: Fonts, accent: str) -> str:
    """The ASS of a shot; `accent` (#rrggbb) lights up the spoken word of the `pop` look."""
    size, weight = layout.size, layout.weight
    file = script(*layout.frame)
    side = round((layout.frame[0] - layout.width) / 4)
    common = {"alignment": pysubs2.Alignment.BOTTOM_CENTER, "marginl": side, "marginr": side, "marginv": layout.bottom}
    black, white = pysubs2.Color(0, 0, 0), pysubs2.Color(255, 255, 255)
    if look.look == "box":  # BorderStyle 4, libass's own: one box of BackColour behind the event, Shadow its padding
        fields = {"borderstyle": 4, "shadow": size * 0.34, "backcolor": pysubs2.Color(12, 14, 18, 56)}
    else:
        edge = 0.075 if look.look == "outline" else 0.1
        fields = {"outline": max(1.0, size * edge), "shadow": size * 0.035, "backcolor": pysubs2.Color(0, 0, 0, 110)}
    file.styles["Default"] = style(
        fonts,
        weight,
        size,
        primarycolor=white,
        outlinecolor=black,
        **common | fields,  # type: ignore[operator]
    )
    measure = pixels(fonts, weight, size)
    for cue in cues:
        widest = max((measure(line) for line in cue.text), default=0)
        fitted = size * min(1.0, layout.width / widest if widest else 1.0)
        if look.look == "pop":
            _light_up(file, cue, fonts, weight, fitted, _bright(accent))
        else:
            text = "\\N".join(tagged(line, fonts, weight, fitted) for line in cue.text)
            _add(file, cue.start, cue.end, text)
    return file.to_string("ass")


def _light_up(file: pysubs2.SSAFile, cue: Cue, fonts: Fonts, weight: int, size: float, colour: str) -> None:
    words = cue.words
    for number, word in enumerate(words):
        start = cue.start if number == 0 else word.start
        end = words[number + 1].start if number + 1 < len(words) else cue.end
        lines = []
        for line in cue.lines:
            texts = [tagged(w.text, fonts, weight, size) for w in line]
            lit = [
                f"{{\\1c{colour}}}{t}{{\\1c&HFFFFFF&}}" if w is word else t for w, t in zip(line, texts, strict=True)
            ]
            # joined() decides about spaces by letters, so it is asked with the words and answered with the tags.
            lines.append(_interleave([w.text for w in line], lit))
        grow = "{\\fscx86\\fscy86\\t(0,90,\\fscx100\\fscy100)}" if number == 0 else ""
        _add(file, start, end, grow + "\\N".join(lines))


def _interleave(words: Sequence[str], tags: Sequence[str]) -> str:
    text = tags[0]
    for number in range(1, len(words)):
        spaced = len(joined(words[number - 1 : number + 1])) > len(words[number - 1]) + len(words[number])
        text += (" " if spaced else "") + tags[number]
    return text


def _add(file: pysubs2.SSAFile, start: float, end: float, text: str) -> None:
    first, last = round(start * 100) * 10, round(end * 100) * 10
    if last > first:
        file.append(pysubs2.SSAEvent(start=first, end=last, text=text))


def _bright(accent: str) -> str:
    """`accent` as an ASS colour, mixed with white until it stands out from a black edge (relative luminance 0.45)."""
    red, green, blue = (int(accent[i : i + 2], 16) for i in (1, 3, 5))
    while 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5 * 255:
        red, green, blue = (value + (255 - value) // 8 + 1 if value < 255 else 255 for value in (red, green, blue))
    return f"&H{min(blue, 255):02X}{min(green, 255):02X}{min(red, 255):02X}&"
