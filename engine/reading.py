"""How long a text takes to read, by subtitlers' guidelines. Knows letters; not when a text is shown, nor who says it.

Limits and counting follow Netflix's Timed Text Style Guides (partnerhelp.netflixstudios.com, "Reading Speed Limits"):
17 characters a second, spaces and punctuation counted; 12 Korean, 9 Chinese, 4 Japanese ones.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from engine.fonts import printable

CHARACTERS_PER_SECOND = 17
"""What a grown viewer reads of an alphabet."""

KOREAN, CHINESE, JAPANESE = 12, 9, 4
ROUNDING = 0.01
"""Share of time that is given besides: caption files count in thousandths, burned ones in hundredths of a second."""


@lru_cache(maxsize=20_000)
def characters(text: str) -> float:
    """How many characters `text` counts, as it is shown: spaces and punctuation too, marks on letters and joiners not.

    An East Asian letter counts as many letters of an alphabet as are read in its time, so that one limit holds for all.
    Han is read at the Japanese pace where there are kana in the text, else at the Chinese one.
    """
    shown = printable(text)
    han = CHARACTERS_PER_SECOND / (JAPANESE if any("\u3040" <= c <= "\u30ff" for c in shown) else CHINESE)
    return sum(_weight(character, han) for character in shown)


def _weight(character: str, han: float) -> float:
    if unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf"):
        return 0.0
    code = ord(character)
    if 0xAC00 <= code <= 0xD7AF or 0x1100 <= code <= 0x11FF or 0x3130 <= code <= 0x318F:
        return CHARACTERS_PER_SECOND / KOREAN
    east_asian = unicodedata.east_asian_width(character) in "WF" and unicodedata.category(character) != "So"
    return han if east_asian else 1.0  # emoji are as wide as Han, but one look


def reading_seconds(text: str) -> float:
    """The least seconds that `text` must be shown, 0 for an empty one.

    It never grows when a text is cut in two: the parts together need at most what the whole needs. So cues that fit
    exist for every shot that lasts as long as its line needs.
    """
    return characters(text) * (1 + ROUNDING) / CHARACTERS_PER_SECOND


def reading_speed(text: str, seconds: float) -> float:
    """Characters a second of a text that is shown for `seconds`; infinite where it is not shown at all."""
    return characters(text) / seconds if seconds > 0 else float("inf") if characters(text) else 0.0
