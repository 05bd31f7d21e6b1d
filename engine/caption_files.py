"""Captions as files for players: SubRip and WebVTT, whatever their text holds. Knows cues, no film."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from html import escape

import pysubs2

from engine.captions import Cue
from engine.requests import LOCALE

HIDDEN = str.maketrans({"{": "\ue000", "}": "\ue001", "\\": "\ue002"})
SHOWN = str.maketrans({"\ue000": "{", "\ue001": "}", "\ue002": "\\"})
"""pysubs2 reads braces and backslashes as ASS; private code points, which `printable` keeps out, carry them past."""

RIGHT_TO_LEFT_MARK = "\u200f"
USUAL_BOTTOM, LINE_SHARE = 0.1, 0.06
"""Share of the picture's height that players leave below captions by themselves, and that a line of theirs takes."""


def srt(cues: Sequence[Cue]) -> str:
    """SubRip. It has no escapes, but players read tags in it: a word joiner breaks a tag, and an arrow an arrow. It has
    no direction either: a line that runs from right to left is held between two marks of that direction, or its full
    stop would stand at the wrong end."""

    def clean(line: str) -> str:
        marked = f"{RIGHT_TO_LEFT_MARK}{line}{RIGHT_TO_LEFT_MARK}" if runs_right_to_left(line) else line
        return marked.replace("-->", "→").replace("<", "<\u2060")

    return _sidecar(cues, "srt", clean)


def vtt(cues: Sequence[Cue], locale: str = "", bottom: float = USUAL_BOTTOM) -> str:
    """WebVTT (https://www.w3.org/TR/webvtt1/), `&`, `<` and `>` escaped, the language in its header.

    `bottom`: the share of the height that captions keep clear below them in the picture itself; where that is more than
    players do, each cue says at what height it begins. Direction follows the first letter of a line that has one; a
    mark helps a line that begins with letters of the other.
    """

    def clean(line: str) -> str:
        first = next((c for c in line if unicodedata.bidirectional(c) in ("L", "R", "AL")), "")
        odd = runs_right_to_left(line) and unicodedata.bidirectional(first) == "L"
        return escape(RIGHT_TO_LEFT_MARK + line if odd else line, quote=False)

    text = _sidecar(cues, "vtt", clean)
    language = f"Language: {locale.replace('_', '-')}\n" if LOCALE.fullmatch(locale) else ""
    text = text.replace("WEBVTT\n", f"WEBVTT\nKind: captions\n{language}", 1)
    if bottom <= USUAL_BOTTOM + 1e-9:
        return text
    heights = iter(round(100 * max(0.0, 1 - bottom - LINE_SHARE * len(cue.lines))) for cue in cues)
    # No cue's text holds an arrow: `>` is escaped.
    return "\n".join(f"{row} line:{next(heights)}%" if " --> " in row else row for row in text.split("\n"))


def runs_right_to_left(line: str) -> bool:
    """Whether more of its letters run that way than the other."""
    kinds = [unicodedata.bidirectional(letter) for letter in line]
    return kinds.count("R") + kinds.count("AL") > kinds.count("L")


def _sidecar(cues: Sequence[Cue], kind: str, clean: Callable[[str], str]) -> str:
    file = pysubs2.SSAFile()
    for cue in cues:
        text = "\\N".join(clean(line).translate(HIDDEN) for line in cue.text)
        file.append(pysubs2.SSAEvent(start=round(cue.start * 1000), end=round(cue.end * 1000), text=text))
    return file.to_string(kind, keep_ssa_tags=True).translate(SHOWN)
