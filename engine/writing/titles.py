"""What a film is called: by its prompt's own words, or by who acts in it. Knows no model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.formats import Format
from engine.writing.facts import capital
from engine.writing.lexicon import load_lexicon
from engine.writing.own_words import BREATH
from engine.writing.sentences import DANGLING
from engine.writing.steps import QUESTION, Figures, asked_in, deed_in
from engine.writing.topic import Phrase, Topic, clip

SMALL = frozenset("a an the and or of in on at to for by with from how".split())
LEADING = frozenset("until that which who when while because into about after before over under as its their".split())
HEADLINE_LENGTH = 90
STARTING = LEADING | frozenset("of in on at to for by with from and but or".split())
"""Words with which a phrase begins."""
FEWEST = 4
"""Words that a headline keeps at least, if it has to be cut."""
LONGEST_SONG = 7
"""Words of a song's title."""
LONGEST_TITLE = 9
"""Words of a prompt that are a title as they stand."""


def title_of(fmt: Format, topic: Topic, figures: Figures) -> str:
    """A report has a headline, an advertisement its product's name, a host what they did, a story who acts in it."""
    hero, other = figures.hero, figures.other
    if fmt.name == "ad_spot" and topic.english:
        return figures.topic.called or titled(figures.topic.text)
    if fmt.first_person and topic.english and deed_in(topic.text):
        return titled(f"how I {deed_in(topic.text)}")
    if fmt.name == "cinematic_story" and topic.english and hero and other:
        return titled(f"{_called(hero)} and {_called(other)}")
    words = topic.text.split()
    asked = asked_in(topic.text)
    if topic.english and QUESTION.match(asked) and len(asked.split()) <= LONGEST_TITLE and len(asked.split()) > 2:
        return titled(asked if "?" not in topic.text else f"{asked}?")
    if not words or not topic.english:
        return titled(hero.with_article("the")) if hero else "Untitled"
    if fmt.supplied_facts_only:
        return headline(words)
    if len(words) <= LONGEST_TITLE:
        return titled(" ".join(words).strip(" .!,;:"))
    if fmt.line_words and (line := _first_phrases(topic.text)):
        return titled(line)
    phrases = [phrase for phrase in topic.phrases if phrase.kind != "abstract"][:2]
    return titled(" and ".join(map(_called, phrases)) if phrases else " ".join(words[:8]))


def _called(phrase: Phrase) -> str:
    return phrase.called or phrase.with_article("the")


def _first_phrases(text: str) -> str:
    """As many of the phrases that `text` begins with as a song's title holds; "" if the first has too many words."""
    line, *rest = BREATH.split(re.split(r"[.!?;:,]\s", text)[0])
    for part in rest:
        if len(f"{line} {part}".split()) > LONGEST_SONG:
            break
        line = f"{line} {part}"
    return line.strip(" .!?,;:") if 2 <= len(line.split()) <= LONGEST_SONG else ""


def headline(words: Sequence[str]) -> str:
    """The first sentence; of one that is longer than a headline as many whole phrases as it holds."""
    text = " ".join(words)
    whole = re.split(r"(?<=[.!?])\s+(?=[A-Z\d])", text)[0]
    line = clip(whole, HEADLINE_LENGTH).split()
    if len(" ".join(line)) < len(whole.rstrip()):
        ends = [i for i, word in enumerate(whole.split()[: len(line) + 1]) if word.lower() in STARTING and i >= FEWEST]
        line = line[: ends[-1]] if ends else line
    leading = SMALL | LEADING | DANGLING | set(load_lexicon().adjectives)
    while len(line) > 1 and line[-1].strip(",;:") in leading:
        line.pop()
    return capital(" ".join(line).strip(" .!,;:"))


def titled(text: str) -> str:
    """Title case: the first and last word and every word that is not small."""
    words = text.split()
    last = len(words) - 1
    return " ".join(
        word if any(c.isupper() for c in word) or (0 < i < last and word in SMALL) else capital(word)
        for i, word in enumerate(words)
    )
