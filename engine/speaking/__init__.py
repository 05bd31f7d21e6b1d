"""What is said of a written line: numbers and abbreviations in words, names as a lexicon has them. Pure; no narrator.

A line is read once from left to right; what a rule or an entry answers is never read again. Each written word keeps the
words that are said for it, so that a caption shows "9:30" while "nine thirty" is heard.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from engine.errors import ModelError
from engine.made import Word
from engine.speaking.amounts import Amounts
from engine.speaking.language import NUMBERS_ONLY, load_language
from engine.speaking.lexicon import IPA, Lexicon
from engine.speaking.moments import Moments
from engine.speaking.rule import GAP, Parts, Rule, Voicing, deal
from engine.speaking.shorthand import Shorthand
from engine.speaking.spelling import speller
from engine.types import Frozen

NO_BREAK = re.compile("[\u00a0\u202f\u2007]")
BREAK = re.compile(r"\n\s*\n")
PARAGRAPH = "\n\n"
"""Between words of a reading: where one paragraph ends and the next begins."""


class Said(Frozen, frozen=True):
    """A written word, and the words that are said for it: "" where it is silent. `ends_paragraph`: a longer pause
    follows it."""

    written: str
    spoken: str
    ends_paragraph: bool = False


class Reading(Frozen, frozen=True):
    """`words` are the line's written words in order; `sounds` the IPA of spoken words, by their number in `text`;
    `unread` written words whose figures no rule had words for, and which the narrator reads in its own way."""

    words: tuple[Said, ...]
    sounds: dict[int, str] = {}
    unread: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is said, as prose."""
        pieces: list[str] = []
        for word in self.words:
            if word.spoken:
                pieces.append(word.spoken)
            if pieces and word.ends_paragraph:
                pieces[-1] += PARAGRAPH
        return " ".join(pieces).replace(f"{PARAGRAPH} ", PARAGRAPH).strip()


def spoken_text(text: str, locale: str, lexicon: Lexicon | None = None) -> Reading:
    """What is said of `text` in `locale` (a BCP 47 tag), by the rules of that language and by `lexicon`.

    Written words are what blanks divide. Entries of the lexicon come before all rules. A language without rules here
    has its numbers in words only; what has no words stays as it is written, and `unread` tells so.
    """
    words, ends = _written(text)
    line = "".join(word + gap for word, gap in words)
    heard, sounds = _read(line, _rules(locale), lexicon or Lexicon())
    said: list[Said] = []
    numbered: dict[int, str] = {}
    at = 0
    unread: list[str] = []
    for number, (raw, (plain, _)) in enumerate(zip(text.split(), words, strict=True)):
        spoken = " ".join(heard[number].split())
        if said and spoken and not any(c.isalnum() for c in spoken) and any(c.isalnum() for c in plain):
            # The word itself is said with the one before, so the comma behind it goes there too.
            said[-1] = Said(written=said[-1].written, spoken=said[-1].spoken + spoken)
            spoken = ""
        said.append(Said(written=raw, spoken=spoken, ends_paragraph=number in ends))
        if number in sounds:
            numbered[at] = sounds[number]
        at += len(spoken.split())
        if any(c.isdigit() for c in spoken) and any(c.isdigit() for c in plain):
            unread.append(raw)
    return Reading(words=tuple(said), sounds=numbered, unread=tuple(unread))


def written_words(reading: Reading, heard: Sequence[Word]) -> tuple[Word, ...]:
    """When each written word is heard, given when each spoken one is. A silent word has no length and stands at the end
    of the one before it. Raises `ModelError` where the narrator told of other words than it was given."""
    counts = [len(word.spoken.split()) for word in reading.words]
    if sum(counts) != len(heard):
        raise ModelError(
            f"The narrator told times of {len(heard)} words and was given {sum(counts)}: report this line."
        )
    placed: list[Word] = []
    at = 0
    for word, count in zip(reading.words, counts, strict=True):
        span = heard[at : at + count]
        at += count
        before = placed[-1].end if placed else (heard[0].start if heard else 0.0)
        start, end = (span[0].start, span[-1].end) if span else (before, before)
        placed.append(Word(text=word.written, start=start, end=end))
    return tuple(placed)


@cache
def _rules(locale: str) -> tuple[Rule, ...]:
    language = load_language(locale.replace("_", "-").split("-")[0].lower())
    voicing = Voicing(speller=speller(locale), language=language or NUMBERS_ONLY)
    if language is None:
        return Amounts(voicing).rules
    short = Shorthand(voicing)
    return (*short.rules, *Moments(voicing).rules, *short.phones, *Amounts(voicing).rules, *short.symbols)


def _written(text: str) -> tuple[list[tuple[str, str]], set[int]]:
    """Each word, composed, with the gap after it, and the numbers of the words that end a paragraph."""
    words: list[tuple[str, str]] = []
    ends: set[int] = set()
    for match in re.finditer(r"(\S+)(\s*)", text):
        gap = match[2]
        mark = "" if match.end() == len(text.rstrip()) or not gap else "\u00a0" if NO_BREAK.fullmatch(gap) else " "
        if BREAK.search(gap) and text[match.end() :].strip():
            ends.add(len(words))
        words.append((unicodedata.normalize("NFC", match[1]), mark))
    if words:
        words[-1] = (words[-1][0], "")
    return words, ends


def _read(line: str, rules: Sequence[Rule], lexicon: Lexicon) -> tuple[list[str], dict[int, str]]:
    """What is said for each written word of `line`, and the IPA of those that have some, both by their number."""
    heard = [""]
    sounds: dict[int, str] = {}
    at = 0
    while at < len(line):
        found = lexicon.find(line, at) if lexicon else None
        if found is not None:
            end, said = found
            gaps = len(GAP.findall(line[at:end]))
            if IPA.fullmatch(said):
                sounds[len(heard) - 1] = said.strip("/")
                heard[-1] += "".join(line[at:end].split())
                heard += [""] * gaps
            else:
                respelled = " ".join(_read(said, rules, Lexicon())[0])
                _hear(heard, deal(respelled, gaps + 1))
            at = end
            continue
        for rule in rules:
            match = rule.pattern.match(line, at)
            if match is None or match.end() == at:
                continue
            answer: Parts | str | None = rule.read(match)
            if answer is not None and not (lexicon and _has_entry(line, at + 1, match.end(), lexicon)):
                parts = [answer] if isinstance(answer, str) else list(answer)
                _hear(heard, parts)
                at = match.end()
                break
        else:
            if GAP.match(line[at]):
                heard.append("")
            else:
                heard[-1] += line[at]
            at += 1
    return heard, sounds


def _has_entry(line: str, start: int, end: int, lexicon: Lexicon) -> bool:
    """Whether a word that the lexicon has begins between them: "5 km" is no measure for who says km otherwise."""
    return any(lexicon.find(line, at) for at in range(start, end))


def _hear(heard: list[str], parts: Sequence[str]) -> None:
    heard[-1] += parts[0]
    heard.extend(parts[1:])
