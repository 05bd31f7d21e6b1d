"""What CLDR does not tell of a language: abbreviations, how a clock is read, what stands between numbers. Data only."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
import yaml

from engine.types import Frozen

FOLDER = Path(__file__).resolve().parent / "languages"


class Money(Frozen, frozen=True):
    """Names for one and for many; genders `m`, `f` or `n` of whole and hundredth."""

    one: str
    many: str
    cent: str = ""
    cents: str = ""
    gender: str = "m"
    cent_gender: str = "m"


class Clock(Frozen, frozen=True):
    """`{h}` hours, `{m}` minutes, `{hours}` the word for hours. `word` may follow the figures in writing already;
    `dotted`: 9.30 before that word is a time too; `h`: so is 9h30."""

    full: str
    minutes: str
    small: str = ""
    hours: tuple[str, str] = ("", "")
    gender: str = "m"
    word: str = ""
    dotted: bool = False
    h: bool = False


class Dates(Frozen, frozen=True):
    """`text` of `{d}`, `{m}`, `{y}`; `day` is how the day is numbered, `first` what the first is called; `linked` what
    stands between day and month when they are read in that order."""

    text: str
    day: str = "cardinal"
    first: str = ""
    linked: str = ""


class Language(Frozen, frozen=True, kw_only=True):
    """`titles` are read out before a capital letter only (`openers` are words that rather begin a sentence),
    `abbreviations` anywhere, `before_number` before a figure.
    `suffixes` are what may stand behind an amount of money, as keys of `scales`, which are for one and for many.
    `ordinals`: what a figure ends with, and ICU's name of the form. `numbered` words take a cardinal after them when it
    is in Roman figures; `regnal` names an ordinal, up to `regnal_last`; `people` tells genders and ages by words."""

    to: str
    years: bool = False
    dates: Dates
    clock: Clock
    currencies: dict[str, Money]
    cents: str
    of: str = ""
    scales: dict[str, tuple[str, str]]
    suffixes: dict[str, str] = {}
    singular_below: float = 0
    titles: dict[str, str] = {}
    openers: tuple[str, ...] = ()
    after_name: dict[str, str] = {}
    abbreviations: dict[str, str] = {}
    before_number: dict[str, str] = {}
    symbols: dict[str, str] = {}
    fractions: dict[str, str] = {}
    and_fraction: str = "{n} {f}"
    ordinals: dict[str, str] = {}
    ordinal_cues: dict[str, str] = {}
    units: dict[str, str] = {}
    feminine_units: tuple[str, ...] = ()
    masculine_a: tuple[str, ...] = ()
    decade: str = ""
    numbered: tuple[str, ...] = ()
    regnal: tuple[str, ...] = ()
    regnal_text: str = ""
    regnal_form: str = ""
    regnal_last: int = 0
    century: tuple[str, str] = ("", "")
    address: dict[str, str]
    people: dict[str, tuple[str, ...]] = {}


NUMBERS_ONLY = Language(
    to="",
    dates=Dates(text=""),
    clock=Clock(full="", minutes=""),
    currencies={},
    cents="",
    scales={},
    address={"dot": ""},
)
"""A language of which only CLDR's words are known: amounts, and no ranges, for want of a word between."""


@cache
def load_language(code: str) -> Language | None:
    """The language of that ISO 639 code, None where nothing is known beyond CLDR."""
    path = FOLDER / f"{code}.yaml"
    if not code.isalpha() or not path.is_file():
        return None
    # YAML's plain readers would make truth values of "no" and "on", which are words here.
    raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return msgspec.convert(raw, Language, strict=False)
