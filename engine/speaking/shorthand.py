"""How abbreviations, Roman figures, addresses, telephone numbers and signs are read. Knows nothing of other numbers."""

from __future__ import annotations

import re

from engine.speaking.amounts import alternatives
from engine.speaking.rule import GAP, Parts, Rule, Voicing, deal

ROMAN = r"(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})"
VALUES = {"I": 1, "V": 5, "X": 10}
WEB = (
    r"(?:https?://)?(?:[A-Za-z0-9-]+\.)+(?:com|org|net|edu|gov|info|io|ai|app|dev|tv|co|eu|uk|de|fr|es|it|pt|br|nl|be|at|ch)"
    r"(?:/[\w./~-]*[\w/])?"
)


class Shorthand:
    """The rules of one locale, most particular first."""

    def __init__(self, voicing: Voicing) -> None:
        self._speller, self._language = voicing.speller, voicing.language
        language, gap = self._language, "[ \u00a0]"
        before, start = alternatives(language.before_number), r"(?<![\w.@])"
        regnal, numbered = alternatives(language.regnal), alternatives(language.numbered)
        rules: list[tuple[str, object]] = [
            (r"(?<![\w.@])[\w.+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?!\w)", self._address),
            (rf"(?<![\w.@/]){WEB}(?![\w@])", self._address),
            (rf"{start}(?P<w>{before}){gap}?(?=\d)", self._before_number),
            (rf"{start}(?P<w>{numbered}){gap}(?P<r>{ROMAN})(?![\w’'])", self._numbered),
            (rf"{start}(?P<w>{regnal}){gap}(?P<r>{ROMAN})(?P<dot>\.|er|)(?![\w’'])", self._regnal),
            (rf"{start}(?P<w>[A-Z][\w’'-]+){gap}(?P<r>(?=[IVX]{{2}}){ROMAN})(?![\w’'])", self._numbered),
            (rf"(?<=\w{gap})(?P<w>{alternatives(language.after_name)})(?!\w)", self._after_name),
            (rf"{start}(?P<w>{alternatives(language.titles)}){gap}(?=[^\W\d_])(?P<next>\w)", self._title),
            (rf"{start}(?P<w>{alternatives(language.abbreviations)})(?!\w)", self._abbreviation),
        ]
        if language.century[0]:
            ending = language.century[0].replace(" ", gap)
            rules.insert(3, (rf"{start}(?P<r>{ROMAN}){ending}(?!\w)", self._century))
        self.rules = tuple(Rule(pattern=re.compile(pattern), read=read) for pattern, read in rules)  # type: ignore[arg-type]
        self.phones = tuple(
            Rule(pattern=re.compile(pattern), read=self._phone)
            for pattern in (
                r"(?<![\w.,])\+\d[\d \u00a0()/-]{5,}\d(?![\w%])",
                r"(?<![\w.,/-])(?:\(\d{3}\)[ -]?|\d{3}-)?\d{3}-\d{4}(?![\w%-])",
                r"(?<![\w.,:/-])0\d+(?:[ \u00a0/-]\d{2,})*(?![\w%.,:/]?\d)(?!\w)",
                r"(?<![\w.,:/-])\d{10,}(?!\w)(?![.,:/]\d)",
            )
        )
        """After dates and times, which look alike, and before numbers."""
        self.symbols = (Rule(pattern=re.compile(alternatives(language.symbols)), read=self._symbol),)

    def _address(self, m: re.Match[str]) -> str:
        """A scheme and www are left out, as nobody says them; what is between the signs is left to the narrator."""
        address, names = m[0], self._language.address
        address = re.sub(r"^https?://", "", address).removeprefix("www.").rstrip("/")
        for sign, name in (
            (".", "dot"),
            ("@", "at"),
            ("/", "slash"),
            ("_", "underscore"),
            ("-", "dash"),
            ("~", "dash"),
        ):
            address = address.replace(sign, f" {names[name]} ")
        return " ".join(address.split())

    def _digits(self, run: str) -> str | None:
        said = [self._speller.cardinal(digit) for digit in run]
        return " ".join(s or "" for s in said) if all(said) else None

    def _phone(self, m: re.Match[str]) -> Parts | None:
        """Digit by digit, with a breath between the groups."""
        parts = []
        for piece in GAP.split(m[0]):
            said = [self._digits(run) for run in re.findall(r"\d+", piece)]
            if not all(said):
                return None
            plus = f"{self._language.symbols.get('+', 'plus')} " if piece.startswith("+") else ""
            parts.append(plus + ", ".join(s or "" for s in said))
        return [*(f"{part}," for part in parts[:-1]), parts[-1]]

    def _before_number(self, m: re.Match[str]) -> Parts:
        word = self._language.before_number[m["w"]]
        return [word, ""] if m[0] != m["w"] else [f"{word} "]

    def _title(self, m: re.Match[str]) -> Parts | None:
        if not m["next"].isupper():
            return None
        return [self._language.titles[m["w"]], m["next"]]

    def _after_name(self, m: re.Match[str]) -> str | None:
        """ "Baker St." is a street, and at the end of a sentence its point ends that too."""
        before = GAP.split(m.string[: m.start()].rstrip())[-1:]
        if not before or not before[0][:1].isupper():
            return None
        if m["w"] in self._language.titles and (after := _capital_after(m)) and after not in self._language.openers:
            return None  # "At St. Paul"
        return self._language.after_name[m["w"]] + _ending(m)

    def _abbreviation(self, m: re.Match[str]) -> Parts:
        return deal(self._language.abbreviations[m["w"]] + _ending(m), len(GAP.split(m[0])))

    def _numbered(self, m: re.Match[str]) -> Parts | None:
        said = self._speller.cardinal(str(_roman(m["r"])))
        return None if said is None else [m["w"], said]

    def _regnal(self, m: re.Match[str]) -> Parts | None:
        """ "Henry I" may be the beginning of another sentence about me, so a single I is left alone."""
        value = _roman(m["r"])
        if value == 1 and self._speller.language == "en":
            return None
        ordinal = value <= self._language.regnal_last or (value == 1 and self._speller.language == "fr")
        form = self._language.regnal_form or ("masculine" if self._speller.language == "fr" else "")
        said = self._speller.ordinal(value, form) if ordinal else self._speller.cardinal(str(value))
        if said is None:
            return None
        dot = m["dot"].removesuffix("er")
        if dot and self._speller.language == "de" and m.end() < len(m.string):
            dot = ""
        return [m["w"], self._language.regnal_text.format(n=said) + dot]

    def _century(self, m: re.Match[str]) -> Parts | None:
        said = self._speller.ordinal(_roman(m["r"]), self._language.century[1])
        rest = GAP.split(m[0])[1:]
        return None if said is None else [said, *rest]

    def _symbol(self, m: re.Match[str]) -> str | None:
        word = self._language.symbols[m[0]]
        left, right = m.string[: m.start()], m.string[m.end() :]
        close = left[-1:].isalnum() and right[:1].isalnum()
        apart = left[-1:].isspace() and right[:1].isspace()
        if m[0] != "&" and not (close or apart or (m[0] == "+" and right[:1].isdigit())):
            return None
        return f" {word} " if not apart else word


def _roman(figures: str) -> int:
    values = [VALUES[figure] for figure in figures]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def _capital_after(m: re.Match[str]) -> str:
    """The next word, if it begins with a capital."""
    after = re.match(r"[ \u00a0](\w+)", m.string[m.end() :])
    return after[1] if after and after[1][0].isupper() else ""


def _ending(m: re.Match[str]) -> str:
    """The point of an abbreviation that a sentence ends with: before nothing."""
    return "." if m["w"].endswith(".") and not m.string[m.end() :].strip().strip("\"”’')»") else ""
