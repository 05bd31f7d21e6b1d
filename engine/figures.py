"""Finds numbers in a text that a chart may show: shares of a whole, a value over the years, a vote. Pure.

Sure or silent: every value stands in the text as it is shown, with its own label beside it, and all values of a chart
measure the same thing. What could be read in two ways makes no chart. Knows words, not pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from engine.types import Frozen


class Point(Frozen, frozen=True):
    """One value: what it is called, how much, and how the text spells it (without its year or label)."""

    label: str
    value: float
    shown: str


class Chart(Frozen, frozen=True):
    """Bars side by side, or a line through time. `title` is what is measured, in the text's own words, or ""."""

    kind: Literal["bars", "line"]
    points: tuple[Point, ...]
    title: str = ""


MOST_POINTS = 6
LABEL_LETTERS = 28

_SCALES = {
    1e3: "thousand k",
    1e6: "million millions m mio millionen millones milioni milhões miljoen",
    1e9: "billion billions bn mrd milliarde milliarden milliard milliards miljard",
    1e12: "trillion trillions",
}
SCALES = {word: scale for scale, words in _SCALES.items() for word in words.split()}
_SCALE = "|".join(sorted(SCALES, key=len, reverse=True))
_DIGITS = r"(?:\d{1,3}(?:[,\u00a0\u202f]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)(?![\d])"
_IN = r"(?:in|by|en|im Jahr|im|em|nel|during|for)\s+"
_NO_UNIT = r"(?!(?:in|by|to|en|im|em|and|from|between|during|for)\b)"


def _value(group: str = "") -> str:
    return (
        rf"(?P<money{group}>[$€£¥])?\s?(?P<digits{group}>(?<![\w.,:/–-]){_DIGITS})"
        rf"(?:\s?(?P<percent{group}>%|per\s?cent\b|Prozent\b)|\s?(?P<scale{group}>(?:{_SCALE})\b\.?))?"
        rf"(?:\s(?P<unit{group}>{_NO_UNIT}[^\W\d_]{{2,}}(?:\s{_NO_UNIT}[^\W\d_]{{2,}})?))?"
    )


def _year(group: str = "") -> str:
    return rf"(?P<year{group}>1[5-9]\d\d|20\d\d)(?!\d|[.,]\d|\s?%)"


_VALUE_IN_YEAR = re.compile(_value() + r",?\s+" + _IN + _year(), re.IGNORECASE)
_IN_YEAR_VALUE = re.compile(
    rf"\b{_IN}{_year()},?\s+(?:(?:it|they|there)\s)?(?:(?:was|were|is|had|has|sold|made|reached)\s)?{_value()}",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    rf"\bfrom\s+{_value('1')}\s+to\s+{_value('2')},?\s+"
    rf"(?:between\s+{_year('1')}\s+and|from\s+{_year('3')}\s+to)\s+{_year('2')}",
    re.IGNORECASE,
)

_SHARE = re.compile(
    r"(?P<digits>(?<![\w.,:/–-])\d{1,3}(?:[.,]\d+)?)\s?(?P<percent>%|per\s?cent\b|Prozent\b)\s+"
    r"(?:of\s+(?:the\s+|all\s+)?|are\s+|were\s+|is\s+|de\s+|der\s+)?(?P<label>[^\W\d_][^\d%:;,.!?()]*?)$",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"^(?P<label>[^\W\d_][\w’'&. -]*?)\s*(?::|\(|=)\s*(?P<value>" + _value() + r")\s*\)?$", re.IGNORECASE
)
_LIST = re.compile(r"\s*(?:[,;]\s*(?:and|und|et|y|e|en|och|og)\s+|[,;]\s+|\s+(?:and|und|et|y)\s+)", re.IGNORECASE)

_WHEN = (
    r"(?:,?\s+(?:(?:late\s|early\s)?(?:on|last|this)\s(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|night|week|month)"
    r"|today|yesterday|tonight)(?:\s(?:morning|afternoon|evening|night))?,?(?=\s))?"
)
"""When it was voted may stand between the numbers and what was voted for."""
_VOTED = re.compile(
    r"\b(?P<verb>vote[ds]?|approve[ds]?|passe[ds]|reject(?:s|ed)|rule[ds]?|decide[ds]?)\b[^.!?;:\d]{0,60}?"
    rf"\b(?P<for>\d{{1,3}})\s?(?:to|[–:-])\s?(?P<against>\d{{1,3}})\b(?![.,:]?\d|\s?%){_WHEN}"
    r"(?P<then>\s+\w+(?:\s+\w+)?)?",
    re.IGNORECASE,
)
_BEAT = re.compile(
    r"(?P<winner>(?:[^\W\d_a-z][\w’'-]*\s){1,3})(?:beat|beats|defeated|defeats)\s"
    r"(?P<loser>[^\W\d_a-z][\w’'-]*(?:\s[^\W\d_a-z][\w’'-]*){0,2})\s(?:by\s)?"
    r"(?P<high>\d{1,3})\s?(?:to|[–:-])\s?(?P<low>\d{1,3})\b(?![.,:]?\d|\s?%)"
)
_MOVED = re.compile(
    r"(?:^|[.!?]\s+|,\s+)(?:the\s+|its\s+|their\s+|our\s+)?(?P<what>[^\W\d_][^\d,.;:!?]{1,38}?)\s+(?:has\s+|have\s+)?"
    r"(?:rose|rises?|risen|grew|grows?|grown|fell|falls?|fallen|dropped|drops?|climbed|climbs?|went|increased?|increases|"
    r"decreased?|decreases|declined?|declines|doubled|doubles|jumped|jumps|sank|shrank|was|were|stood)\b",
    re.IGNORECASE,
)


def find_chart(text: str) -> Chart | None:
    """The one chart that `text` is sure to describe; None if it describes none, or several."""
    text = " ".join(text.split())
    charts = [chart for find in (_over_years, _vote, _match) if (chart := find(text))]
    charts = charts or [chart for sentence in _sentences(text) if (chart := _shares(sentence))]
    return charts[0] if len(charts) == 1 else None


def mentions(text: str, chart: Chart) -> bool:
    """Whether `text` speaks of a value of `chart`: a number that it shows, digit by digit."""
    said = set(re.findall(_DIGITS, text))
    return any(number in said for point in chart.points for number in re.findall(_DIGITS, point.shown))


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[^\d][.!?])\s+|(?<=\d[.!?])\s+(?=[^\W\d_])", text)


# ---- a value over the years -----------------------------------------------------------------------------------------


def _over_years(text: str) -> Chart | None:
    found: dict[str, tuple[Point, tuple[str, ...]]] = {}
    for match, value, year in _dated(text):
        measured = _measure(match, value)
        if measured is None:
            return None
        number, shown, measure = measured
        point = Point(label=year, value=number, shown=shown)
        if year in found and found[year][0] != point:
            return None
        found[year] = (point, measure)
    if not 2 <= len(found) <= MOST_POINTS or not _alike([measure for _, measure in found.values()]):
        return None
    points = tuple(found[year][0] for year in sorted(found))
    title = _subject(text)
    measured = title or any(part for _, measure in found.values() for part in measure)
    if not measured or not _same_magnitude(points):
        return None
    return Chart(kind="line", points=points, title=title)


def _dated(text: str) -> Iterator[tuple[re.Match[str], str, str]]:
    """Every value that a year belongs to: the match, the suffix of the value's groups, the year."""
    for between in _BETWEEN.finditer(text):
        yield between, "1", between["year1"] or between["year3"]
        yield between, "2", between["year2"]
    taken: list[tuple[int, int]] = []
    for match in _VALUE_IN_YEAR.finditer(text):
        taken.append(match.span())
        yield match, "", match["year"]
    for match in _IN_YEAR_VALUE.finditer(text):
        # "3 in 2020, 5 in 2023" also reads "in 2020, 5": what a year follows belongs to that year.
        if not any(match.start() < last and first < match.end() for first, last in taken):
            yield match, "", match["year"]


def _measure(match: re.Match[str], group: str = "") -> tuple[float, str, tuple[str, ...]] | None:
    """Number, spelling, and what it measures (currency, percent, unit); None where the digits are ambiguous."""
    digits, scale = match[f"digits{group}"], (match[f"scale{group}"] or "").lower().rstrip(".")
    number = _number(digits)
    if number is None:
        return None
    unit = match.groupdict().get(f"unit{group}") or ""
    money, percent = match[f"money{group}"] or "", match[f"percent{group}"] or ""
    shown = money + digits + (f" {match[f'scale{group}']}" if scale else "") + (" %" if percent else "")
    return number * SCALES.get(scale, 1), shown, (money, "%" if percent else "", unit.lower(), scale)


def _number(digits: str) -> float | None:
    """1,500 and 1 500 are thousands, 3,5 and 3.5 are halves; 1.500 is either, hence nothing."""
    plain = re.sub("[\u00a0\u202f]", ",", digits)
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", plain):
        return float(plain.replace(",", ""))
    if re.fullmatch(r"\d{1,3}\.\d{3}", plain):
        return None
    return float(plain.replace(",", "."))


def _alike(measures: Sequence[tuple[str, ...]]) -> bool:
    """Same currency, all or none percent, no two different units; numbers with and without a scale do not mix."""
    money, percent, units, scales = (set(column) for column in zip(*measures, strict=True))
    return len(money) == len(percent) == 1 and len(units - {""}) <= 1 and ("" not in scales or len(scales) == 1)


def _same_magnitude(points: Sequence[Point]) -> bool:
    """Whether the least can be seen beside the most."""
    most = max(point.value for point in points)
    return most > 0 and min(point.value for point in points) >= most / 200


def _subject(text: str) -> str:
    """ "Sales" of "The sales rose from …": only words that the text has, only where one verb of change is."""
    found = [match["what"].strip() for match in _MOVED.finditer(text)]
    return found[0][:1].upper() + found[0][1:] if len(found) == 1 and len(found[0].split()) <= 4 else ""


# ---- shares, and numbers by name ------------------------------------------------------------------------------------


def _shares(sentence: str) -> Chart | None:
    title, _, rest = sentence.partition(": ") if sentence.count(":") == 1 else ("", "", sentence)
    lists = [(sentence.rstrip(".!? "), "")] if not title or len(title.split()) > 5 else [(rest.rstrip(".!? "), title)]
    if title:
        lists.append((sentence.rstrip(".!? "), ""))
    for text, named in lists:
        parts = [part for part in _LIST.split(text) if part]
        points = _percentages(parts) or _by_name(parts)
        if points and len({point.label.casefold() for point in points}) == len(points) and _same_magnitude(points):
            return Chart(kind="bars", points=points, title=named.strip())
    return None


def _percentages(parts: Sequence[str]) -> tuple[Point, ...]:
    """ "40 % cats", "35 % of the dogs": every part must be one, from its beginning save for the first's lead-in."""
    points = []
    for number, part in enumerate(parts):
        match = _SHARE.search(part)
        label = match["label"].strip() if match else ""
        if match is None or not _is_label(label) or (number and match.start() > 0):
            return ()
        value = _number(match["digits"])
        if value is None or value > 100:
            return ()
        points.append(Point(label=label, value=value, shown=match["digits"] + " %"))
    whole = sum(point.value for point in points)
    return tuple(points) if 2 <= len(points) <= MOST_POINTS and whole <= 100.5 else ()


def _by_name(parts: Sequence[str]) -> tuple[Point, ...]:
    """ "Berlin: 12 %, Paris: 8 %", "cats (40 %), dogs (35 %)": every part must be one from end to end."""
    points, measures = [], []
    for part in parts:
        match = _NAMED.fullmatch(part.strip())
        measured = _measure(match) if match else None
        if match is None or measured is None or not _is_label(match["label"]):
            return ()
        points.append(Point(label=match["label"].strip(), value=measured[0], shown=measured[1]))
        measures.append(measured[2])
    return tuple(points) if 2 <= len(points) <= MOST_POINTS and _alike(measures) else ()


def _is_label(text: str) -> bool:
    return 0 < len(text) <= LABEL_LETTERS and len(text.split()) <= 4


# ---- votes and matches ----------------------------------------------------------------------------------------------


def _vote(text: str) -> Chart | None:
    """ "voted 7 to 2 for the bridge": the first number is of those who carried it."""
    found = list(_VOTED.finditer(text))
    if len(found) != 1:
        return None
    match = found[0]
    verb, then = match["verb"].lower(), (match["then"] or "").split()
    if verb.startswith(("approve", "pass")):
        carried = True
    elif verb.startswith("reject"):
        carried = False
    elif then[:1] in (["for"], ["to"]) or [word.lower() for word in then[:2]] in (["in", "favour"], ["in", "favor"]):
        carried = True
    elif then[:1] == ["against"]:
        carried = False
    else:
        return None
    labels = ("For", "Against") if carried else ("Against", "For")
    return _pair(labels, (match["for"], match["against"]), "Vote")


def _match(text: str) -> Chart | None:
    """ "Lindau beat Bregenz 3 to 1"."""
    found = list(_BEAT.finditer(text))
    if len(found) != 1:
        return None
    match = found[0]
    winner, loser = match["winner"].strip(), match["loser"].strip()
    return _pair((winner, loser), (match["high"], match["low"]), "") if int(match["high"]) > int(match["low"]) else None


def _pair(labels: tuple[str, str], numbers: tuple[str, str], title: str) -> Chart:
    points = tuple(Point(label=name, value=float(n), shown=n) for name, n in zip(labels, numbers, strict=True))
    return Chart(kind="bars", points=points, title=title)
