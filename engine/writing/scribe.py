"""Writes one line: it goes on from the last, and the best of several sentences is kept. Knows words, not pictures."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.errors import WriterFailed
from engine.formats import Format
from engine.types import Frozen
from engine.writing.drafts import Drafts, Gap, Scored
from engine.writing.facts import capital
from engine.writing.lexicon import Lexicon
from engine.writing.own_words import own_line
from engine.writing.pen import Pen
from engine.writing.sentences import Rules
from engine.writing.steps import Figures, opener_fields, steps_of
from engine.writing.supplied import OFF, WHOLE, Supplied
from engine.writing.topic import Phrase, Topic, words_of

ENOUGH, AT_MOST, ROUNDS, SPARE = 3, 7, 3, 5
"""Sentences drawn per opener: at least so many, and up to so many while none is `GOOD`; so many openers are tried. Of a
spare line up to so many are drawn."""
GOOD = 2.1
ROOM = 4
"""Words that a line needs behind its opener to say anything."""
LONGEST_SPEECH = 14
"""Words that a character says at once: small writers lose their thread in longer speech."""


class Line(Frozen, frozen=True):
    """What is said in a shot, "" for nothing, and `by` whom of those that the film is about: None is the narrator."""

    text: str
    by: Phrase | None = None


class Scribe:
    """One script's lines in the making: which openers are used up, which words are allowed."""

    def __init__(
        self,
        fmt: Format,
        beats: Sequence[str],
        topic: Topic,
        figures: Figures,
        lexicon: Lexicon,
        pen: Pen,
        form_only: bool,
    ) -> None:
        self._steps = steps = steps_of(fmt)
        self._topic = topic
        self._pen = pen
        self._shots = len(beats)
        self._used: set[str] = set()
        own = {word.lower() for word in topic.words} | ({"report", "reports"} if steps.supplied_only else set())
        self._rules = Rules(
            first=steps.first,
            second=steps.second,
            past=steps.past,
            form_only=form_only,
            meta=frozenset(own),
            lyric=bool(fmt.line_words),
        )
        fields = opener_fields(topic, figures)
        self._supplied = Supplied(steps, beats, topic, fields, pen)
        any_word = form_only or (steps.any_word and topic.english)
        self._drafts = Drafts(steps, topic, figures, fields, lexicon, pen, any_word=any_word)

    def as_told(self, line: Line) -> str:
        """The line as a story tells it: what is said aloud stands in quotation marks."""
        return f'{self._saying(line.by)}{line.text}"' if line.by else line.text

    def _saying(self, who: Phrase) -> str:
        return f'{capital(who.with_article("the"))} said, "'

    def speech(self, index: int, beat: str, by: Phrase, target: int, told: Sequence[str]) -> str | None:
        """What `by` says aloud in about `target` words; None where nothing acceptable came of it, so that the
        narrator goes on."""
        opener = self._steps.speech[beat][self._pen.choice(len(self._steps.speech[beat]), "speech", index)]
        target = min(target, LONGEST_SPEECH)
        rules = msgspec.structs.replace(self._rules, first=True, second=True, past=False)
        gap = Gap(index=index, opener=opener, target=target, told=told, rules=rules, aloud=self._saying(by))
        best: Scored | None = None
        for attempt in range(AT_MOST):
            if attempt >= ENOUGH and best is not None:
                break
            for one in self._drafts.draw(gap, 200 + attempt, []):
                if len(words_of(one[1])) <= target + max(2, round(OFF / 2 * target)) and (best is None or one < best):
                    best = one
        return best[1] if best else None

    def line(self, index: int, beat: str, target: int, slack: int, told: Sequence[str]) -> str:
        """A line of about `target` words, at most `slack` off unless it is the prompt's own sentence, a sure one, or
        all that was found."""
        due = self._supplied.due(beat, index, target, told)
        if due is not None:
            return due
        missed: list[Scored] = []
        sure = self._supplied.sure(beat, index, told)
        objections: list[str] = []
        for round_ in range(ROUNDS):
            opener = self._opener(beat, index, round_, told)
            if opener is not None and opener.endswith(WHOLE):
                return opener if opener.endswith("?") else self._closed(opener, index, target, told)
            if opener is None or sure:
                break  # what a small model says beside the facts is worth less than a sure line
            if round_ == ROUNDS - 1:
                slack = max(slack, round(OFF * target))
            aim = max(target, len(words_of(opener)) + ROOM)
            gap = Gap(index=index, opener=opener, target=aim, told=told, rules=self._rules)
            best = self._best(gap, round_, slack, AT_MOST, objections, missed)
            if best is not None:
                self._used.add(opener)
                return self._closed(best[1], index, target, told)
        if sure:
            return self._supplied.say(sure, index, target, told)
        if self._steps.supplied_only:
            raise WriterFailed(
                f"The prompt supplies too few facts for {index + 1} shots or more, and a report adds none: "
                "supply more facts, or ask for a shorter film."
            )
        if missed:
            return min(missed)[1]
        others = self._supplied.filled(["{Topic}", "{The_hero}", "{The_other}", "{a_topic}", "{a_hero}", "{a_other}"])
        longest = round((1 + OFF) * target)
        own = own_line(self._topic, others, longest, told, refrain=self._rules.lyric)
        if own is not None:
            return own
        raise WriterFailed(
            f"The writer found no sentence for shot {index + 1} ({beat}) in {ROUNDS * AT_MOST} attempts (the last: "
            f"{objections[-1] if objections else 'too long or too short'}): say the prompt in other words, take "
            "another seed, or give an own script."
        )

    def spare_line(self, index: int, beat: str, target: int, told: Sequence[str], after: Sequence[str]) -> str:
        """A line between those `told` before it and those `after` it, which it does not repeat; "" if there is none."""
        heard = [*told, *after]
        text = " ".join(heard).lower()
        sure = [
            one
            for one in self._supplied.sure(beat, self._shots, heard)
            if "{core}" not in one.pattern or one.about.lower() not in text  # a fact that is told anyway
        ]
        if sure:
            return self._supplied.say(sure, index, target, heard)
        opener = None if self._steps.supplied_only else self._opener(beat, index, 1, told)
        if opener is None:
            return ""
        gap = Gap(index=index, opener=opener, target=target, told=told, rules=self._rules, after=after)
        best = self._best(gap, 1, max(4, round(OFF * target)), SPARE, [], [])
        if best is None:
            return ""
        self._used.add(opener)
        return best[1]

    def _best(
        self, gap: Gap, round_: int, slack: int, most: int, objections: list[str], missed: list[Scored]
    ) -> Scored | None:
        """The best sentence of up to `most` attempts; what is good but for its length goes to `missed`."""
        best: Scored | None = None
        for attempt in range(most):
            if attempt >= ENOUGH and best is not None and best[0] < GOOD:
                break
            for one in self._drafts.draw(gap, round_ * AT_MOST + attempt, objections):
                if abs(len(words_of(one[1])) - gap.target) <= slack:
                    best = one if best is None else min(best, one)
                else:
                    missed.append(one)
        return best

    def _closed(self, first: str, index: int, target: int, told: Sequence[str]) -> str:
        """`first`, with a second sentence where a good one closes the gap to `target`."""
        missing = target - len(words_of(first))
        if missing < max(4, 0.4 * target) or self._steps.supplied_only:
            return first
        gap = Gap(index=index, opener="", target=missing, told=[*told, first], rules=self._rules)
        best: Scored | None = None
        for attempt in range(ENOUGH):
            for one in self._drafts.draw(gap, 100 + attempt, []):
                if len(words_of(one[1])) < 2 * missing and one[0] < GOOD + 1 and (best is None or one < best):
                    best = one
        return first if best is None else f"{first} {best[1]}"

    def _opener(self, beat: str, index: int, round_: int, told: Sequence[str]) -> str | None:
        """How the line begins, an opener that was not used yet; a whole line of the prompt's own comes first."""
        whole = self._supplied.whole(beat, index, told) if round_ == 0 else None
        if whole is not None:
            return whole
        own, more = (self._supplied.filled(some) for some in (self._steps.beats.get(beat, ()), self._steps.more))
        for openers in (own, more):
            spare = [text for text in openers if not text.endswith(WHOLE) and text not in self._used]
            if spare:
                return spare[(self._pen.choice(len(spare), "opener", index) + round_) % len(spare)]
        self._used.clear()
        again = [text for text in more if not text.endswith(WHOLE)]
        return again[self._pen.choice(len(again), "opener", index, round_)] if again else None
