"""Finds what is worth showing large: words in quotation marks, or a line that somebody in the film says. Pure.

Knows text, not pictures. What it gives are whole sentences as they were said; it never shortens what a person said.
"""

from __future__ import annotations

import re

from engine.typeset import columns

SHORTEST, LONGEST = 12, 150
"""Of a quote, in Latin letters (East Asian ones count two): fewer are a name, more cannot be read in a shot."""

FEWEST_WORDS = 3
MARKS = ("“”", "„“", "„”", "«»", "»«", "「」", "『』", '""', "‹›")
"""Opening and closing quotation marks. Single ones are left out: they look like apostrophes."""

_QUOTED = re.compile("|".join(f"{re.escape(a)}([^{re.escape(a + b)}]+){re.escape(b)}" for a, b in MARKS))
_SENTENCE = re.compile(r"(?<=[.!?。！？؟।])\s*(?=\S)")


def quoted(line: str) -> str:
    """The longest passage of `line` in quotation marks that is worth showing, without them; "" if there is none."""
    passages = (next(part for part in match.groups() if part).strip(" ,") for match in _QUOTED.finditer(line))
    return max((passage for passage in passages if _worth(passage)), key=columns, default="")


def spoken(line: str) -> str:
    """As many whole sentences from the beginning of what somebody says as can be read in a shot; "" if none can."""
    shown = ""
    for sentence in _SENTENCE.split(" ".join(line.split())):
        longer = f"{shown} {sentence}".strip() if sentence.isascii() or not shown else _appended(shown, sentence)
        if columns(longer) > LONGEST:
            break
        shown = longer
    return shown if _worth(shown) else ""


def _appended(shown: str, sentence: str) -> str:
    return shown + ("" if shown[-1] in "。！？" else " ") + sentence


def _worth(passage: str) -> bool:
    spaced = len(passage.split()) >= FEWEST_WORDS or not re.search(r"[A-Za-z\u00c0-\u052f]", passage)
    return spaced and SHORTEST <= columns(passage) <= LONGEST
