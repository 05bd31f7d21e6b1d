"""What a way of writing is read as: a pattern, and the words for each of the written words that it covers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from engine.speaking.language import Language
from engine.speaking.spelling import Gender, Speller
from engine.types import Frozen

GAP = re.compile("[ \u00a0]")
"""Between written words in a line as it is read; a no-break space may stand inside a number."""

SIGNS = "-−–"
GENDERS: dict[str, Gender] = {"m": "masculine", "f": "feminine", "n": "neuter"}

Parts = Sequence[str]
"""What is said for each written word of a match, "" for one that is silent."""


class Rule(Frozen, frozen=True):
    """`read` answers None where the pattern matched something that is not meant, or that has no words."""

    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], Parts | str | None]


class Voicing(Frozen, frozen=True):
    """A locale's words: CLDR's, and what this project adds to them."""

    speller: Speller
    language: Language

    @property
    def group(self) -> str:
        """A class of what may stand between thousands."""
        mark = self.speller.marks[0]
        return "[ \u00a0\u202f]" if mark.isspace() else f"[{re.escape(mark)}\u00a0\u202f]"

    @property
    def number(self) -> str:
        """A pattern, without groups, of an amount: 5, 1,200, 3.50; the sign is not part of it."""
        return rf"(?:\d{{1,3}}(?:{self.group}\d{{3}})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"

    def value(self, written: str) -> str:
        """Decimal digits of an amount as `number` matches it: "1.200,5" in German is "1200.5"."""
        if re.fullmatch(rf"\d{{1,3}}(?:{self.group}\d{{3}})+(?:[.,]\d+)?", written):
            written = re.sub(rf"{self.group}(?=\d{{3}})", "", written)
        return written.replace(",", ".")

    def one(self, value: str) -> bool:
        """Whether so many of something are one of it, grammatically."""
        return float(value) == 1 or abs(float(value)) < self.language.singular_below


def deal(said: str, count: int) -> Parts:
    """`said` over `count` written words: the first ones get a word each, the last one what is left."""
    words = said.split(" ")
    if len(words) <= count:
        return [*words, *[""] * (count - len(words))]
    return [*words[: count - 1], " ".join(words[count - 1 :])]
