"""Lines of what the prompt itself supplies: its own sentences, and patterns filled with its facts. Asks no model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from engine.types import Frozen
from engine.writing.facts import SORTS, facts_of, sorted_statements, statements_of, subjects_of
from engine.writing.pen import Pen
from engine.writing.steps import Steps, fill
from engine.writing.topic import Topic, words_of

OFF = 0.6
"""A line may miss its words by this share; the next lines make up for it."""
WHOLE = ("?", ".")
"""What an opener ends with that is a line already."""
QUOTING = frozenset("question asked answer called claim claim_two statement said measured disputed coming deed".split())
"""What an opener may take from the prompt that makes it better than one that does not."""


class Sure(Frozen, frozen=True):
    """A line that says only what the prompt supplies: its pattern, its place among the beat's, and what it is about."""

    text: str
    pattern: str
    about: str
    rank: int


class Supplied:
    """One prompt's sentences and facts, and what of them was said how often. `beats`: those of the script's shots."""

    def __init__(self, steps: Steps, beats: Sequence[str], topic: Topic, fields: Mapping[str, str], pen: Pen) -> None:
        self._steps = steps
        self._beats = beats
        self._fields = fields
        self._pen = pen
        self._statements = {"statement": statements_of(topic.text), **sorted_statements(topic.text)}
        self._facts, self._subjects = facts_of(topic.text, fields), subjects_of(topic, fields)
        self._said: Counter[str] = Counter()

    def filled(self, openers: Sequence[str]) -> list[str]:
        """`openers` with their fields filled, without those for which the prompt supplies nothing."""
        return [one for opener in openers if (one := fill(opener, self._fields))]

    def due(self, beat: str, index: int, target: int, told: Sequence[str]) -> str | None:
        """The sentences of a report's prompt that are due: they come before whatever is said about them, one a shot, or
        two where the shots that are left are too few. None if the others are kept for later, or if all are told."""
        if not self._steps.supplied_only:
            return None
        heard = " ".join(told)
        left = [text for text in self._statements["statement"] if text not in heard]
        own = self.whole(beat, index, told)
        free = [own] if own is not None else [text for text in left if text not in self._for_later(index)]
        if not free:
            return None
        rest = [text for text in left if text != free[0]]
        line, second = free[0], next((text for text in rest if text not in self._for_later(index)), None)
        room = len(words_of(line)) + len(words_of(second or "")) <= target + max(4, round(OFF * target))
        shots = len(self._beats) - index - 1
        return f"{line} {second}" if second is not None and room and index > 0 and len(rest) > shots else line

    def whole(self, beat: str, index: int, told: Sequence[str]) -> str | None:
        """A line that is one already: the prompt's own sentence, else one that quotes it, else any of the beat's."""
        quoting, others = [], []
        for opener in self._steps.beats.get(beat, ()):
            kind = opener.strip("{}")
            if kind in self._statements:
                quoting += self._sentences(kind, index)
            elif opener.endswith(WHOLE) or kind == "question":
                quoted = not QUOTING.isdisjoint(re.findall(r"\{(\w+)\}", opener))
                (quoting if quoted else others).extend(self.filled([opener]))
        spare, free = ([text for text in some if not any(text in line for line in told)] for some in (quoting, others))
        return spare[0] if spare else free[self._pen.choice(len(free), "whole", index)] if free else None

    def _sentences(self, kind: str, index: int) -> list[str]:
        """The prompt's sentences of that kind, without those that a later shot is better for."""
        if kind != "statement":
            return self._statements[kind]
        return [text for text in self._statements[kind] if text not in self._for_later(index)]

    def _for_later(self, index: int) -> set[str]:
        """The prompt's sentences that a shot after this one is better for."""
        later = [opener.strip("{}") for beat in self._beats[index + 1 :] for opener in self._steps.beats.get(beat, ())]
        return {text for sort in SORTS for text in _last(self._statements[sort], later.count(sort))}

    def sure(self, beat: str, index: int, heard: Sequence[str]) -> list[Sure]:
        """What can be said without the model and was not `heard`: the beat's own patterns, or else any beat's, of each
        fact and thing."""
        others = [text for patterns in self._steps.sure.values() for text in patterns]
        later = self._for_later(index)
        known = [fields for fields in self._facts if fields.get("statement") not in later]
        for patterns in (self._steps.sure.get(beat, ()), others if self._steps.sure else ()):
            lines: dict[str, Sure] = {}
            for rank, pattern in enumerate(patterns):
                facts = "{core}" in pattern or "{details}" in pattern
                subjects = self._subjects if "{the_noun}" in pattern else (self._fields,)
                for place, fields in enumerate(known if facts else subjects):
                    line = fill(pattern, fields)
                    if line and not any(line in one for one in heard):
                        about = fields.get("core", "") if facts else fields.get("the_noun", "")
                        lines.setdefault(
                            line, Sure(text=line, pattern=pattern, about=about, rank=rank + (0 if facts else 3 * place))
                        )
            if lines:
                return list(lines.values())
        return []

    def say(self, sure: Sequence[Sure], index: int, target: int, heard: Sequence[str]) -> str:
        """One of the sure lines, of a fitting length, whose pattern and fact came as seldom as may be in what was
        `heard`; and one more where that fills the line better."""

        def off(one: Sure) -> float:
            again = 8 * self._said[one.pattern] + 4 * self._said[one.about]
            again += 20 * ("{core}" in one.pattern and set(words_of(one.about.lower())) <= words)
            return abs(len(words_of(one.text)) - target) + one.rank + again + 2 * self._pen.choice(4, index, one.text)

        words = set(words_of(" ".join(heard).lower()))
        first = min(sure, key=off)
        missing = target - len(words_of(first.text))
        rest = [one for one in sure if one.pattern != first.pattern and (one.about != first.about or not one.about)]
        fitting = [one for one in rest if abs(len(words_of(one.text)) - missing) + 2 < missing]
        chosen = [first, min(fitting, key=off)] if fitting else [first]
        self._said.update(name for one in chosen for name in (one.pattern, one.about) if name)
        return " ".join(one.text for one in chosen)


def _last(texts: Sequence[str], count: int) -> Sequence[str]:
    return texts[len(texts) - count :] if count < len(texts) else texts
