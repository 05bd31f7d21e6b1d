"""How numbers, money, units, percentages, ranges and ordinals are read. Knows nothing of dates and times."""

from __future__ import annotations

import re

from engine.speaking.rule import GAP, GENDERS, SIGNS, Parts, Rule, Voicing

START = r"(?<!\w)(?<!\d[.,:/])"
END = r"(?!\w)(?![.,:/]\d)"
DASH = r"[ \u00a0]?[-–—][ \u00a0]?"
SYMBOLS = {"US$": "USD", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "R$": "BRL"}
CODES = "USD EUR GBP JPY INR CHF CAD AUD NZD CNY SEK NOK DKK PLN CZK HUF TRY BRL MXN ZAR".split()
UNITS = {
    "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "mi": "mile", "ft": "foot", "yd": "yard",
    "km²": "square-kilometer", "m²": "square-meter", "m³": "cubic-meter", "ha": "hectare", "kg": "kilogram",
    "g": "gram",
    "mg": "milligram", "lb": "pound", "lbs": "pound", "oz": "ounce", "t": "tonne", "l": "liter", "L": "liter",
    "ml": "milliliter", "mL": "milliliter", "km/h": "kilometer-per-hour", "kph": "kilometer-per-hour",
    "mph": "mile-per-hour", "m/s": "meter-per-second", "°C": "celsius", "℃": "celsius", "°F": "fahrenheit",
    "℉": "fahrenheit", "°": "degree", "h": "hour", "hr": "hour", "hrs": "hour", "min": "minute", "s": "second",
    "sec": "second", "ms": "millisecond", "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte",
    "TB": "terabyte", "W": "watt", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt", "kWh": "kilowatt-hour",
    "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz", "V": "volt", "hp": "horsepower",
}  # fmt: skip
PAIRED = frozenset({"°C", "℃", "°F", "℉", "°", "%"})


NO_NOUNS = frozenset(
    "y e o u de del di da do der die das und oder bis et ou à a al per por para con in en la las los el il lo".split()
)
"""After a number these begin something else, in any of the languages whose numbers mind what follows."""


def alternatives(words: object) -> str:
    """A pattern of these words, the longest first; matches nothing if there are none."""
    return "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True)) or r"(?!)"  # type: ignore[arg-type,call-overload]


class Amounts:
    """The rules of one locale, most particular first."""

    def __init__(self, voicing: Voicing) -> None:
        self._speller, self._language, self._voicing = voicing.speller, voicing.language, voicing
        number, unit = voicing.number, alternatives(UNITS)
        names = set(self._language.currencies) | set(CODES)
        money = alternatives([*SYMBOLS, *names])
        scale = alternatives({w for pair in self._language.scales.values() for w in pair if " " not in w})
        short = alternatives(self._language.suffixes)
        large = rf"(?:(?P<short>{short})(?!\w)|[ \u00a0](?P<scale>{scale}|{short})(?!\w))?"
        sign = rf"(?P<sign>(?<![\w)])[{SIGNS}](?=[^ ]))?"
        to, gap = rf"(?P<b>{number}))?", "[ \u00a0]?"
        self.rules = (
            self._rule(rf"{sign}(?P<cur>{money}){gap}(?P<a>{number})(?:{DASH}(?:{money})?{to}{large}", self._money),
            self._rule(rf"{sign}(?P<a>{number})(?:{DASH}{to}{large}[ \u00a0]?(?P<cur>{money})", self._money),
            self._rule(rf"{sign}(?P<a>{number})(?:[ \u00a0]?%?{DASH}(?P<b>{number}))?[ \u00a0]?%", self._percent),
            self._rule(rf"{sign}(?P<a>{number})(?:{DASH}(?P<b>{number}))?[ \u00a0]?(?P<unit>{unit})", self._unit),
            self._rule(rf"(?P<a>1\d{{3}}|20\d\d)(?:{DASH})(?P<b>1\d{{3}}|20\d\d|\d\d)", self._years),
            self._rule(rf"{sign}(?P<a>{number}){DASH}(?P<b>{number})", self._range),
            self._rule(rf"(?P<a>\d+)(?P<end>{alternatives(self._language.ordinals)})", self._ordinal),
            self._rule(r"(?P<cue>\w+)[ \u00a0](?P<a>\d{1,4})\.(?=[ \u00a0]\w)", self._cued, end=""),
            self._rule(rf"(?P<a>\d*)(?P<f>[{''.join(self._language.fractions) or '½'}])", self._fraction),
            self._rule(r"(?P<a>\d+(?:\.\d+){2,})", self._version),
            self._rule(rf"{sign}(?P<a>{number})(?P<next>[ \u00a0][^\W\d_]+)", self._counted),
            self._rule(rf"{sign}(?P<a>{number})", self._plain),
        )  # fmt: skip

    def _rule(self, pattern: str, read: object, end: str = END) -> Rule:
        return Rule(pattern=re.compile(START + pattern + end), read=read)  # type: ignore[arg-type]

    def _cardinal(self, value: str, gender: str = "", sign: str | None = None) -> str | None:
        return self._speller.cardinal(("-" if sign else "") + value, GENDERS.get(gender))

    def _joined(self, m: re.Match[str], gender: str = "") -> str | None:
        """The number, or both ends of a range with the word between them."""
        first = self._cardinal(self._voicing.value(m["a"]), gender, m["sign"])
        if first is None or m["b"] is None:
            return first
        last = self._cardinal(self._voicing.value(m["b"]), gender)
        return None if last is None or not self._language.to else f"{first} {self._language.to} {last}"

    def _money(self, m: re.Match[str]) -> Parts | None:
        code = SYMBOLS.get(m["cur"], m["cur"])
        value = self._voicing.value(m["b"] or m["a"])
        names = self._language.currencies.get(code)
        scale = m["short"] or m["scale"]
        if scale:
            count = self._joined(m)
            key = self._language.suffixes.get(scale) or next(k for k, v in self._language.scales.items() if scale in v)
            one, many = self._language.scales[key]
            name = (names.many if names else None) or self._speller.currency(code, "1000000")
            if count is None or name is None:
                return None
            if one[0].isupper() and self._voicing.one(value) and not m["b"] and "." not in value:
                count = self._cardinal(value, "f") or count
            elif one.endswith(("n", "ão", "e", "o")) and value == "1" and one != many:
                count = self._cardinal(value, "m") or count
            said = one if self._voicing.one(value) else many
            if key == "k" and value == "1" and self._speller.language not in ("en", "de"):
                count = ""
            link = f"{self._language.of} " if self._language.of and key != "k" else ""
            if self._speller.language == "fr" and link and name[0].lower() in "aeiouyé":
                link = "d'"
            return self._spread(m, count or said, f"{said if count else ''} {link}{name}".strip())
        if names is not None and names.cent and re.fullmatch(r"\d+\.\d\d", value) and m["b"] is None:
            return self._with_cents(m, value)
        gender = names.gender if names else ""
        count = self._joined(m, gender)
        name = (names.one if self._voicing.one(value) else names.many) if names else self._speller.currency(code, value)
        return None if count is None or name is None else self._spread(m, count, name)

    def _with_cents(self, m: re.Match[str], value: str) -> Parts | None:
        names = self._language.currencies[SYMBOLS.get(m["cur"], m["cur"])]
        whole, hundredths = value.split(".")
        major, minor = (
            self._cardinal(whole, names.gender, m["sign"]),
            self._cardinal(str(int(hundredths)), names.cent_gender),
        )
        bare = self._cardinal(str(int(hundredths)))
        if major is None or minor is None or bare is None:
            return None
        major = f"{major} {names.one if self._voicing.one(whole) and whole != '0' else names.many}"
        minor = f"{minor} {names.cent if hundredths == '01' else names.cents}"
        if int(hundredths) == 0:
            return self._spread(m, major)
        if int(whole) == 0:
            return self._spread(m, minor)
        return self._spread(m, self._language.cents.format(major=major, minor=minor, n=bare))

    def _percent(self, m: re.Match[str]) -> Parts | None:
        count, name = self._joined(m), self._speller.percent(self._voicing.value(m["b"] or m["a"]))
        return None if count is None or name is None else self._spread(m, count, name)

    def _unit(self, m: re.Match[str]) -> Parts | None:
        unit = UNITS[m["unit"]]
        if (
            m["unit"] not in PAIRED
            and len(m["unit"]) == 1
            and "\u00a0" not in m[0]
            and " " not in m[0]
            and "." in m["a"]
        ):
            return None  # "2.0L" and the like are as often names as measures
        value = self._voicing.value(m["b"] or m["a"])
        name = self._language.units.get(unit) or self._speller.unit(unit, value)
        gender = "f" if unit in self._language.feminine_units else "n" if self._speller.language == "de" else "m"
        count = self._joined(m, gender if self._speller.language != "en" else "")
        return None if count is None or name is None else self._spread(m, count, name)

    def _years(self, m: re.Match[str]) -> Parts | None:
        first, last = int(m["a"]), int(m["b"])
        if len(m["b"]) == 2 and not first % 100 < last:
            return None
        said = self.year(first), self.year(last) if last > 99 else self._cardinal(m["b"])
        return self._spread(m, f"{said[0]} {self._language.to} {said[1]}") if all(said) and self._language.to else None

    def _range(self, m: re.Match[str]) -> Parts | None:
        first, last = (float(self._voicing.value(m[end])) for end in "ab")
        if m["a"].startswith("0") and len(m["a"]) > 1 and "." not in m["a"]:
            return None
        if first < last:
            said = self._joined(m)
        else:  # a score, or numbers side by side
            if not self._language.to:
                return None
            both = [self._cardinal(self._voicing.value(m[end])) for end in "ab"]
            said = " ".join(part for part in both if part) if all(both) else None
        return None if said is None else self._spread(m, said)

    def _ordinal(self, m: re.Match[str]) -> str | None:
        form = self._language.ordinals[m["end"]]
        if self._speller.language == "en" and m["end"] != _english_end(int(m["a"])):
            return None
        return self._speller.ordinal(int(m["a"]), form)

    def _cued(self, m: re.Match[str]) -> Parts | None:
        form = self._language.ordinal_cues.get(m["cue"].lower())
        said = None if form is None else self._speller.ordinal(int(m["a"]), form)
        return None if said is None else [m["cue"], said]

    def _fraction(self, m: re.Match[str]) -> str | None:
        fraction = self._language.fractions.get(m["f"])
        if fraction is None or not m["a"]:
            return fraction
        whole = self._cardinal(m["a"])
        return None if whole is None else self._language.and_fraction.format(n=whole, f=fraction)

    def _version(self, m: re.Match[str]) -> str | None:
        if not self._language.to:
            return None
        point = self._language.address["dot"] if self._speller.language != "en" else "point"
        said = [self._cardinal(part) for part in m["a"].split(".")]
        return f" {point} ".join(part or "" for part in said) if all(said) else None

    def _counted(self, m: re.Match[str]) -> Parts | None:
        """Before a noun one is "un" or "una"; English and Dutch do not mind."""
        value, noun = self._voicing.value(m["a"]), m["next"][1:]
        if self._speller.language in ("en", "nl") or "." in value or self._is_year(m["a"]):
            return None
        gender = "m"
        if self._speller.language in ("es", "it", "pt"):
            ends = ("a", "as") if self._speller.language != "it" else ("a",)
            if noun.lower().endswith(ends) and noun.lower() not in self._language.masculine_a:
                gender = "f"
        elif not noun[0].isupper() or self._speller.language == "fr":
            return None  # German capitals tell nouns; French cannot tell the gender
        if not noun[0].islower() and self._speller.language != "de":
            return None
        if noun.lower() in NO_NOUNS:
            return None
        said = self._cardinal(value, gender, m["sign"])
        return None if said is None else [*_shared(said, len(GAP.split(m["a"]))), noun]

    def _plain(self, m: re.Match[str]) -> Parts | None:
        if self._is_year(m["a"]) and not m["sign"]:
            said = self.year(int(m["a"]))
        elif m["a"].startswith("0") and m["a"].isdigit() and len(m["a"]) > 1:
            return None
        else:
            said = self._cardinal(self._voicing.value(m["a"]), "", m["sign"])
        return None if said is None else self._spread(m, said)

    def year(self, value: int) -> str | None:
        return self._speller.year(value) if self._language.years else self._speller.cardinal(str(value))

    def _is_year(self, written: str) -> bool:
        return len(written) == 4 and written.isdigit() and 1100 <= int(written) <= 2099

    def _spread(self, m: re.Match[str], count: str, name: str = "") -> Parts:
        """`count` over the written words with figures, `name` over the others; a sign that stands before the figures
        cannot be said there, so the first word gets the figures."""
        pieces = GAP.split(m[0])
        figures = sum(any(c.isdigit() for c in piece) for piece in pieces)
        if not name or figures == len(pieces):
            return _shared(f"{count} {name}".strip(), len(pieces))
        return [*_shared(count, figures), *_shared(name, len(pieces) - figures)]


def _shared(said: str, pieces: int) -> list[str]:
    parts, words = [""] * pieces, said.split(" ")
    for place, word in enumerate(words):
        at = place * pieces // len(words)
        parts[at] = f"{parts[at]} {word}".strip()
    return parts


def _english_end(value: int) -> str:
    if 11 <= value % 100 <= 13:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
