"""How dates, years, decades and times of day are read. Knows nothing of other numbers."""

from __future__ import annotations

import calendar
import re

from engine.speaking.amounts import END, START, alternatives
from engine.speaking.rule import GAP, GENDERS, Parts, Rule, Voicing, deal

HALVES = re.compile(r"([aApP])\.?[ \u00a0]?[mM](?:\.|\b)")


class Moments:
    """The rules of one locale, most particular first."""

    def __init__(self, voicing: Voicing) -> None:
        self._speller, self._language = voicing.speller, voicing.language
        self._months: dict[str, int] = {}
        for number, names in enumerate(self._speller.months, start=1):
            self._months |= dict.fromkeys((name for name in names if name), number)
        if self._speller.language == "en":
            self._months["Sept"] = 9
        month = alternatives(self._months)
        clock = self._language.clock
        space = r"[ \u00a0]"
        day = rf"(?P<d>\d{{1,2}})(?:\.|st|nd|rd|th|er|º|\.º|°)?{space}"
        of = rf"(?:de{space}|of{space})?"
        year = rf"(?:,?{space}(?:de{space}|del{space})?(?P<y>\d{{4}}))?"
        half = rf"(?P<half>{space}?[ap]\.?{space}?m\b\.?)"
        cue = "am|vom|zum|bis|dem|den|der|seit|ab"
        rules = [
            (r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})(?:T(?=\d))?", self._numeric, END),
            (r"(?P<a>\d{1,2})(?P<sep>[/.-])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})", self._local, END),
            (rf"{day}{of}(?P<m>{month})(?:\.(?={space}\d))?(?!\w){year}", self._day_first, r"(?![\w:%])"),
            (rf"(?P<m>{month})\.?{space}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?{year}", self._month_first, rf"(?![:%]){END}"),
            (rf"(?P<cue>{cue}){space}(?P<d>\d{{1,2}})\.(?P<m>\d{{1,2}})\.", self._short_german, r"(?!\w)"),
            (r"(?P<d>(?:1[1-9]|20)\d0|[’']?\d0)(?P<apostrophe>[’']?)(?P<end>s|er)", self._decade, r"(?!\w)"),
            (rf"(?P<h>\d{{1,2}}):(?P<min>\d{{2}})(?::(?P<s>\d{{2}}))?{half}", self._clock, r"(?!\w)"),
            (rf"(?P<h>\d{{1,2}}){half}", self._clock, r"(?!\w)"),
        ]  # fmt: skip
        word = rf"(?P<word>{space}(?:{clock.word})(?!\w))" if clock.word else "(?P<word>(?!))"
        if clock.dotted:
            rules.append((rf"(?P<h>\d{{1,2}})\.(?P<min>\d{{2}}){word}", self._clock, ""))
        if clock.h:
            rules.append((rf"(?P<h>\d{{1,2}}){space}?h{space}?(?P<min>\d{{2}})?", self._clock, END))
        rules.append((rf"(?P<h>\d{{1,2}}):(?P<min>\d{{2}})(?::(?P<s>\d{{2}}))?{word}?", self._clock, r"(?!\w)(?!:\d)"))
        self.rules = tuple(
            Rule(pattern=re.compile(START + pattern + end, re.IGNORECASE if "half" in pattern else 0), read=read)
            for pattern, read, end in rules
        )

    def _year(self, written: str) -> str | None:
        value = int(written)
        return self._speller.year(value) if self._language.years else self._speller.cardinal(str(value))

    def _day(self, value: int, before: str = "") -> str | None:
        dates = self._language.dates
        if value == 1 and dates.first:
            return dates.first
        if dates.day == "cardinal":
            return self._speller.cardinal(str(value))
        if self._speller.language != "de":
            return self._speller.ordinal(value)
        form = self._language.ordinal_cues.get(before.lower(), "r")
        return self._speller.ordinal(value, form)

    def _date(self, match: re.Match[str], year: str, month: int, day: int) -> str | None:
        """A date in figures, in the order in which it is said here."""
        if len(year) == 2:
            year = ("19" if int(year) > 50 else "20") + year
        if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(int(year), month)[1]:
            return None
        said_day, said_year = self._day(day, _word_before(match)), self._year(year)
        name = self._speller.months[month - 1][0]
        if said_day is None or said_year is None or not name:
            return None
        if self._speller.language == "en" and self._speller.day_first:
            the = "" if _word_before(match).lower() == "the" else "the "
            return f"{the}{said_day} of {name}, {said_year}"
        return self._language.dates.text.format(d=said_day, m=name, y=said_year)

    def _numeric(self, m: re.Match[str]) -> str | None:
        return self._date(m, m["y"], int(m["m"]), int(m["d"]))

    def _local(self, m: re.Match[str]) -> str | None:
        a, b = int(m["a"]), int(m["b"])
        if m["sep"] != "/" and len(m["y"]) == 2 and m["sep"] == "-":
            return None  # 3-5-24 is as likely a score or a code
        day, month = (a, b) if self._speller.day_first or m["sep"] == "." else (b, a)
        if month > 12:
            day, month = month, day
        return self._date(m, m["y"], month, day)

    def _day_first(self, m: re.Match[str]) -> Parts | None:
        number, day = self._months[m["m"]], int(m["d"])
        before = _word_before(m)
        said = self._day(day, before) if 1 <= day <= 31 else None
        if said is None:
            return None
        if self._speller.language == "en":
            linked = " of" if " of " not in m[0].replace("\u00a0", " ") else ""
            said = f"{'' if before.lower() == 'the' else 'the '}{said}{linked}"
        return self._parts(m, number, said)

    def _month_first(self, m: re.Match[str]) -> Parts | None:
        day = int(m["d"])
        if self._speller.language != "en" or not 1 <= day <= 31:
            return None
        said = self._day(day)
        return None if said is None else self._parts(m, self._months[m["m"]], said)

    def _parts(self, m: re.Match[str], month: int, day: str) -> Parts | None:
        """As it is written, word for word: only figures and abbreviations are read out."""
        year = self._year(m["y"]) if m["y"] else ""
        if year is None:
            return None
        parts, at = [], m.start()
        for piece in GAP.split(m[0]):
            end = at + len(piece)
            comma = "," if piece.endswith(",") else ""
            if at <= m.start("d") < end:
                parts.append(day + comma)
            elif at <= m.start("m") < end:
                parts.append(self._speller.months[month - 1][0] + comma)
            elif m["y"] and at <= m.start("y") < end:
                parts.append(year)
            else:
                parts.append(piece)
            at = end + 1
        return parts

    def _short_german(self, m: re.Match[str]) -> Parts | None:
        day, month = int(m["d"]), int(m["m"])
        if self._speller.language != "de" or not 1 <= day <= 31 or not 1 <= month <= 12:
            return None
        said = self._day(day, m["cue"])
        return None if said is None else [m["cue"], f"{said} {self._speller.months[month - 1][0]}"]

    def _decade(self, m: re.Match[str]) -> str | None:
        """The 1990s are the nineteen nineties, in German die neunzehnhundertneunziger."""
        if m["end"] != self._language.decade:
            return None
        value = int(m["d"].strip("’'"))
        said = self._year(str(value)) if value > 99 else self._speller.cardinal(str(value))
        if said is None:
            return None
        if self._speller.language == "de":
            return f"{said}er" if value > 99 else f"{said.capitalize()}er"
        return said[:-1] + "ies" if said.endswith("y") else f"{said}s"

    def _clock(self, m: re.Match[str]) -> Parts | None:
        clock, found = self._language.clock, m.groupdict()
        hour, minute = int(m["h"]), int(found.get("min") or 0)
        if hour > 24 or minute > 59 or (found.get("half") and not 1 <= hour <= 12):
            return None
        gender = GENDERS[clock.gender] if self._speller.language != "en" else None
        h, minutes = self._speller.cardinal(str(hour), gender), self._speller.cardinal(str(minute))
        if h is None or minutes is None:
            return None
        hours = clock.hours[0] if hour == 1 or (hour == 0 and self._speller.language == "fr") else clock.hours[1]
        half = HALVES.search(found.get("half") or "")
        if minute == 0:
            text = "{h}" if half else clock.full
        else:
            text = clock.small if minute < 10 and clock.small else clock.minutes
        said = text.format(h=h, m=minutes, hours=hours)
        if half:
            if self._speller.language != "en":
                return None
            end = "." if m[0].endswith(".") and m.end() == len(m.string) else ""
            silent = [""] * (len(GAP.split(m[0])) - 2)
            name = f"{half[1].upper()}M{end}"
            return [said, name, *silent] if GAP.search(m[0]) else f"{said} {name}"
        if found.get("word"):
            # The word is said where it stands, and the minutes after it: "neun" over 9:30, "Uhr dreißig" over Uhr.
            written = GAP.split(m[0])[-1]
            if f" {written}" in f" {said}":
                head, _, tail = said.partition(written)
                return [head.strip(), f"{written}{tail}".strip()]
            return [said, written]
        return deal(said, len(GAP.split(m[0])))


def _word_before(match: re.Match[str]) -> str:
    before = GAP.split(match.string[: match.start()].rstrip())
    return before[-1] if before else ""
