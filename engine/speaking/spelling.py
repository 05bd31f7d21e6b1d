"""Numbers, units, months and currencies in words, as CLDR has them for a locale. The only importer of ICU.

ICU's rule-based number format spells numbers out; what it has no words for is None, never a guess.
https://unicode-org.github.io/icu/userguide/format_parse/messages/
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache, cached_property
from typing import Any, Literal

from icu4py.messageformat import MessageFormat

Gender = Literal["masculine", "feminine", "neuter"]
DIGITS = re.compile(r"\d")
NUMBER = re.compile(r"-?\d[\d.,\s’']*")
LONGEST = 15
"""Digits: further ones are beyond what a double keeps, and beyond what anybody says."""


@cache
def speller(locale: str) -> Speller:
    return Speller(locale)


class Speller:
    """What a locale calls things. `locale` is a BCP 47 tag."""

    def __init__(self, locale: str) -> None:
        self.locale = locale.replace("-", "_")
        self.language = locale.replace("_", "-").split("-")[0].lower()

    def cardinal(self, value: str, gender: Gender | None = None) -> str | None:
        """`value` is decimal digits, perhaps with a minus and a point; None where this locale has no words for it."""
        if len(value.strip("-").replace(".", "")) > LONGEST:
            return None
        whole = "." not in value
        number: int | float = int(value) if whole else float(value)
        if not whole and value[-1] == "0":  # "3.50" is said as it is written: the zeros are a precision
            stem = value.rstrip("0")
            zeros = len(value) - len(stem)
            if stem.endswith("."):
                stem, zeros = value[: value.index(".") + 2], zeros - 1
            said, zero = self._spelled(float(stem)), self._spelled(0)
            if stem.endswith(".0"):
                half, none = self._spelled(int(stem[:-2]) + 0.5), self._spelled(5)
                said = half[: -len(none or "")] + (zero or "") if half and none and half.endswith(none) else None
            return None if said is None or zero is None else " ".join([said, *[zero] * zeros])
        return self._spelled(number, f"cardinal-{gender}" if gender and whole else "")

    def ordinal(self, value: int, form: str = "") -> str | None:
        """`form` names one of ICU's sets for this language, such as `masculine`, or `n` in German."""
        said = self._spelled(value, f"ordinal-{form}" if form else "ordinal")
        return None if said == self._spelled(value) else said

    def year(self, value: int) -> str | None:
        return self._spelled(value, "numbering-year")

    def unit(self, name: str, value: str) -> str | None:
        """What stands beside the number: ("", "kilometres") for five. `name` is CLDR's; None if it has none."""
        said = self._format(f"{{n,number,::unit/{name} unit-width-full-name}}", n=float(value))
        return self._beside(said)

    def percent(self, value: str) -> str | None:
        said = self._format("{n,number,::percent unit-width-full-name}", n=float(value))
        return self._beside(said)

    def currency(self, code: str, value: str) -> str | None:
        """The currency's full name for so many of it."""
        said = self._format(f"{{n,number,::currency/{code} unit-width-full-name .##}}", n=float(value))
        return self._beside(said)

    @cached_property
    def months(self) -> tuple[tuple[str, ...], ...]:
        """Per month its full name, as it is written in a date, and its abbreviation without a point."""
        names = []
        for month in range(1, 13):
            day = date(2024, month, 3)
            full = self._format("{d,date,::MMMM}", d=day) or ""
            inside = [w for w in (self._format("{d,date,::MMMMd}", d=day) or "").split() if not DIGITS.search(w)]
            short = (self._format("{d,date,::MMM}", d=day) or "").rstrip(".")
            names.append((inside[-1] if inside and self.language in ("cs", "pl", "ru") else full, full, short))
        return tuple(names)

    @cached_property
    def day_first(self) -> bool:
        """Whether 05/03/2024 is the fifth of March rather than the third of May."""
        shown = self._format("{d,date,short}", d=date(2024, 5, 3)) or ""
        return shown.find("5") > shown.find("3")

    @cached_property
    def marks(self) -> tuple[str, str]:
        """What groups thousands, and what stands before decimals."""
        shown = self._format("{n,number}", n=1234567.5) or "1,234,567.5"
        return shown[1], shown[-2]

    def _beside(self, said: str | None) -> str | None:
        if said is None or not NUMBER.match(said):
            return None
        rest = NUMBER.sub("", said, count=1).strip()
        return rest if rest and not DIGITS.search(rest) and any(c.isalpha() for c in rest) else None

    def _spelled(self, value: int | float, ruleset: str = "") -> str | None:
        style = f"spellout,%spellout-{ruleset}" if ruleset else "spellout"
        said = self._format(f"{{n,{style}}}", n=value)
        if said is None or any(c.isdecimal() for c in said):
            return None
        return " ".join("één" if word == "een" and self.language == "nl" else word for word in said.split())

    def _format(self, pattern: str, **values: Any) -> str | None:
        """None where ICU has nothing of this language and would answer in English."""
        if not _has_words(self.locale, self.language):
            return None
        try:
            said = MessageFormat(pattern, self.locale).format(values)
        except ValueError:
            return None
        return said.replace("\u00ad", "").replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'")


@cache
def _has_words(locale: str, language: str) -> bool:
    try:
        ours, english = (MessageFormat("{n,spellout}", name).format({"n": 1234}) for name in (locale, "en"))
    except ValueError:
        return False
    return language == "en" or ours != english
