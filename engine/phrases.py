"""Where a phrase may be broken: what a break after each word of a line costs. Knows six languages by small word lists
(engine/phrases.yaml), all others by their punctuation, numbers and names.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import msgspec
import yaml

from engine.types import Frozen

SENTENCE_END, CLAUSE_END = ".!?…。！？؟।", ",;:，、；：،؛—–"
CLOSING = "\"'”’»)]}」』"
OPENING = "\"'“‘«([{「『¿¡„"

FREE, WELCOME, PLAIN, PARTED, BOUND = 0.0, 0.04, 0.1, 0.3, 0.6
"""What breaking costs: after punctuation; before a conjunction or a preposition; between any words; between a word that
describes and what it describes; inside what belongs together, as article and noun."""


class Language(Frozen, frozen=True):
    """Words, in lower case, by what a line must not end with. `endings` are those of words that describe a noun that
    follows; before a conjunction or preposition a line likes to break, if it is none of the `genitives`, which hang on
    the word before."""

    determiners: frozenset[str] = frozenset()
    prepositions: frozenset[str] = frozenset()
    conjunctions: frozenset[str] = frozenset()
    genitives: frozenset[str] = frozenset()
    auxiliaries: frozenset[str] = frozenset()
    pronouns: frozenset[str] = frozenset()
    adverbs: frozenset[str] = frozenset()
    adjectives: frozenset[str] = frozenset()
    endings: tuple[str, ...] = ()


def break_prices(words: Sequence[str], locale: str = "en") -> list[float]:
    """What a break after each word costs, `FREE` to `BOUND`; after the last one it is free."""
    language = _languages().get(locale.replace("_", "-").split("-")[0].lower(), Language())
    prices = [_price(word, following, language) for word, following in pairwise(words)]
    return [*prices, FREE][: len(words)]


def ends_with(word: str, marks: str) -> bool:
    return word.rstrip(CLOSING)[-1:] in tuple(marks)


def _price(word: str, following: str, language: Language) -> float:
    if ends_with(word, SENTENCE_END + CLAUSE_END):
        # "Dr. Ada": a title's full stop, or an initial's, ends nothing.
        return BOUND if _is_title(word, following) else FREE
    bare, after = word.strip(OPENING + CLOSING), following.strip(OPENING + CLOSING + SENTENCE_END + CLAUSE_END)
    low, next_low = bare.casefold(), after.casefold()
    if low in language.adjectives or (len(low) > 5 and low.endswith(language.endings)):
        return PARTED
    if any(
        low in group
        for group in (
            language.determiners,
            language.prepositions,
            language.conjunctions,
            language.auxiliaries,
            language.pronouns,
            language.adverbs,
        )
    ):
        return BOUND
    leads = next_low in language.conjunctions or next_low in language.prepositions
    if leads and next_low not in language.genitives:
        return WELCOME
    if bare[-1:].isdigit() and after[:1].isalpha():
        return BOUND
    if bare[:1].isupper() and after[:1].isupper() and bare != bare.upper():
        return BOUND
    return PLAIN


def _is_title(word: str, following: str) -> bool:
    letters = word.rstrip(".")
    short = word.endswith(".") and "." not in letters and letters[:1].isupper() and following[:1].isupper()
    return short and (len(letters) == 1 or letters.casefold() in _TITLES)


_TITLES = frozenset("dr mr mrs ms st prof sr sra fr hr mme mlle dott sig".split())


@cache
def _languages() -> dict[str, Language]:
    raw = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    split = {
        name: {kind: text.split() for kind, text in kinds.items()}  # a list a line would be longer than it is clear
        for name, kinds in raw.items()
    }
    return msgspec.convert(split, dict[str, Language])
