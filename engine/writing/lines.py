"""A script's lines, written one by one: each continues the last, the best of several is kept. Knows formats and words,
not pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from engine.errors import WriterFailed
from engine.formats import Format
from engine.types import Frozen, Plan
from engine.writing.lexicon import Lexicon
from engine.writing.pen import Pen
from engine.writing.sentences import Rules, awkwardness, objection, shortened, tidy
from engine.writing.steps import Figures, facts_of, fill, load_steps, opener_fields, statements_of, subjects_of
from engine.writing.topic import Topic, find_phrases, words_of

ENOUGH, AT_MOST, ROUNDS = 3, 7, 3
"""Sentences drawn per opener: at least so many, and up to so many while none is `GOOD`; so many openers are tried."""
GOOD = 2.1
OFF = 0.6
"""A line may miss its words by this share; the next lines make up for it."""
TOLERANCE = 0.1
"""The words of all lines may miss the plan by this share: the film's length follows from them."""
CONTEXT_LINES = 8
WHOLE = ("?", ".")
"""What an opener ends with that is a line already."""
Scored = tuple[float, str]


class Sure(Frozen, frozen=True):
    """A line that says only what the prompt supplies: its pattern, its place among the beat's, and what it is about."""

    text: str
    pattern: str
    about: str
    rank: int


def write_lines(
    plan: Plan, fmt: Format, topic: Topic, figures: Figures, lexicon: Lexicon, pen: Pen, *, form_only: bool = False
) -> tuple[str, ...]:
    """One line (a sentence or two) per planned shot; all together as many words as planned, within `TOLERANCE`.

    Raises `WriterFailed` when nothing acceptable came of a line's bounded attempts.
    """
    scribe = _Scribe(fmt, topic, figures, lexicon, pen, form_only)
    lines: list[str] = []
    total = sum(shot.words for shot in plan.shots)
    for index, shot in enumerate(plan.shots):
        left = total - sum(len(words_of(line)) for line in lines)
        target = max(3, round(left * shot.words / sum(s.words for s in plan.shots[index:])))
        slack = max(4, round(OFF * target))
        if index == len(plan.shots) - 1:
            slack = max(2, min(slack, round(TOLERANCE * total)))
        pen.shot = index
        lines.append(scribe.line(index, shot.beat, target, slack, lines))
    pen.shot = None
    return tuple(lines)


class _Scribe:
    """One script's lines in the making: which openers are used up, which words are allowed."""

    def __init__(
        self, fmt: Format, topic: Topic, figures: Figures, lexicon: Lexicon, pen: Pen, form_only: bool
    ) -> None:
        self._steps = steps = load_steps(fmt.name)
        self._topic = topic
        self._lexicon = lexicon
        self._pen = pen
        self._fields = opener_fields(topic, figures)
        self._statements = statements_of(topic.text)
        self._facts, self._subjects = facts_of(topic.text, self._fields), subjects_of(topic, self._fields)
        self._said: Counter[str] = Counter()
        self._used: set[str] = set()
        self._prompt = steps.ask.format(prompt=topic.text if topic.english else figures.topic.with_article("a"))
        keys = [word.lower() for word in topic.words if word.lower() not in lexicon.function]
        self._keys = set(map(self._stem, keys))
        self._any_word = form_only or (steps.any_word and topic.english)
        own = {word.lower() for word in topic.words} | ({"report", "reports"} if steps.supplied_only else set())
        self._rules = Rules(
            first=steps.first, second=steps.second, past=steps.past, form_only=form_only, meta=frozenset(own)
        )

    def line(self, index: int, beat: str, target: int, slack: int, told: Sequence[str]) -> str:
        """A line of about `target` words, at most `slack` off unless it is the prompt's own sentence or a sure one."""
        sure = self._sure_lines(beat, told)
        objections: list[str] = []
        for round_ in range(ROUNDS):
            opener = self._opener(beat, index, round_, told)
            if opener is not None and opener.endswith(WHOLE):
                return self._closed(opener, index, target, told)
            if opener is None or sure:
                break  # what a small model says beside the facts is worth less than a sure line
            if round_ == ROUNDS - 1:
                slack = max(slack, round(OFF * target))
            best = self._best(opener, index, round_, target, slack, told, objections)
            if best is not None:
                self._used.add(opener)
                return self._closed(best[1], index, target, told)
        if sure:
            return self._sure(sure, index, target)
        if self._steps.supplied_only:
            raise WriterFailed(
                f"The prompt supplies too few facts for {index + 1} shots or more, and a report adds none: "
                "supply more facts, or ask for a shorter film."
            )
        raise WriterFailed(
            f"The writer found no sentence for shot {index + 1} ({beat}) in {ROUNDS * AT_MOST} attempts (the last: "
            f"{objections[-1] if objections else 'too long or too short'}): say the prompt in other words, take "
            "another seed, or give an own script."
        )

    def _sure_lines(self, beat: str, told: Sequence[str]) -> list[Sure]:
        """What can be said without the model: the beat's own patterns, or else any beat's, of each fact and thing."""
        others = [text for patterns in self._steps.sure.values() for text in patterns]
        for patterns in (self._steps.sure.get(beat, ()), others if self._steps.sure else ()):
            lines: dict[str, Sure] = {}
            for rank, pattern in enumerate(patterns):
                facts = "{core}" in pattern or "{details}" in pattern
                for fields in self._facts if facts else self._subjects if "{the_noun}" in pattern else (self._fields,):
                    line = fill(pattern, fields)
                    if line and not any(line in one for one in told):
                        about = fields.get("core", "") if facts else fields.get("the_noun", "")
                        lines.setdefault(line, Sure(text=line, pattern=pattern, about=about, rank=rank))
            if lines:
                return list(lines.values())
        return []

    def _sure(self, sure: list[Sure], index: int, target: int) -> str:
        """One of the sure lines, of a fitting length, in a pattern and of a fact heard as seldom as may be;
        and one more where that fills the line better."""

        def off(one: Sure) -> float:
            heard = 8 * self._said[one.pattern] + 4 * self._said[one.about]
            return abs(len(words_of(one.text)) - target) + one.rank + heard + 2 * self._pen.choice(4, index, one.text)

        first = min(sure, key=off)
        missing = target - len(words_of(first.text))
        rest = [one for one in sure if one.pattern != first.pattern and (one.about != first.about or not one.about)]
        fitting = [one for one in rest if abs(len(words_of(one.text)) - missing) + 2 < missing]
        chosen = [first, min(fitting, key=off)] if fitting else [first]
        self._said.update(name for one in chosen for name in (one.pattern, one.about) if name)
        return " ".join(one.text for one in chosen)

    def _best(
        self, opener: str, index: int, round_: int, target: int, slack: int, told: Sequence[str], objections: list[str]
    ) -> Scored | None:
        best: Scored | None = None
        for attempt in range(AT_MOST):
            if attempt >= ENOUGH and best is not None and best[0] < GOOD:
                break
            for one in self._candidates(opener, index, round_ * AT_MOST + attempt, target, told, objections):
                if abs(len(words_of(one[1])) - target) <= slack and (best is None or one < best):
                    best = one
        return best

    def _closed(self, first: str, index: int, target: int, told: Sequence[str]) -> str:
        """`first`, with a second sentence where a good one closes the gap to `target`."""
        missing = target - len(words_of(first))
        if missing < max(4, 0.4 * target) or self._steps.supplied_only:
            return first
        best: Scored | None = None
        for attempt in range(ENOUGH):
            for one in self._candidates("", index, 100 + attempt, missing, [*told, first], []):
                if len(words_of(one[1])) < 2 * missing and one[0] < GOOD + 1 and (best is None or one < best):
                    best = one
        return first if best is None else f"{first} {best[1]}"

    def _candidates(
        self, opener: str, index: int, attempt: int, target: int, told: Sequence[str], objections: list[str]
    ) -> list[Scored]:
        """Acceptable sentences of one attempt with their scores: 0 is perfect, a unit is one of surprise."""
        before = " ".join([*told[:1], *told[1:][-CONTEXT_LINES:], opener]).strip()
        answer = self._pen.write(
            [("system", self._steps.system), ("user", self._prompt), ("assistant", before)],
            max_tokens=max(10, round(1.45 * (target - len(opener.split()))) + 8),
            name=("line", index, opener),
            attempt=attempt,
            temperature=0.55 + 0.05 * min(attempt, 6),
            repeat_penalty=self._steps.repeat_penalty,
            stop=(".", "!", "?", "\n"),
            words=self._words,
        )
        sentence = tidy(f"{opener} {answer.text}") + "."
        if not answer.whole:
            objections.append("cut off")
        scored = []
        for form in shortened(sentence)[0 if answer.whole else 1 :]:
            wrong = objection(form, told, self._rules, self._lexicon.adjectives) or self._strays(form, opener)
            if wrong:
                objections.append(wrong)
                continue
            score = answer.surprise + awkwardness(form, target, self._rules) - self._relevance(form, opener)
            scored.append((score, form))
        return scored

    @cached_property
    def _words(self) -> tuple[str, ...]:
        """The words that a line is kept to; none: any."""
        if self._any_word:
            return ()
        named = [word for field in self._fields.values() for word in words_of(field)]
        base = self._lexicon.words
        if self._steps.supplied_only:
            inflected = [form for form, verb in self._lexicon.verbs.items() if verb in self._keys]
            base = (*self._steps.words.split(), *inflected)
        return tuple(dict.fromkeys((*base, *self._topic.words, *named)))

    def _strays(self, sentence: str, opener: str) -> str | None:
        """Why `sentence` says too little or, in a report, what nobody supplied."""
        tail = words_of(sentence.lower())[len(words_of(opener)) :]
        if self._rules.form_only:
            return None
        if len(tail) < 2:
            return "too short"
        binding = self._steps.words.split()
        if self._steps.supplied_only and any(w not in binding and self._stem(w) not in self._keys for w in tail):
            return "says what was not supplied"
        return None

    def _relevance(self, sentence: str, opener: str) -> float:
        """Up to 0.9 for what it shares with the prompt beyond its opener, and 0.1 for something to be seen."""
        tail = sentence[len(opener) :]
        shared = {self._stem(word.lower()) for word in words_of(tail)} & self._keys
        seen = any(phrase.kind != "unknown" for phrase in find_phrases(tail, self._lexicon))
        return 0.3 * min(3, len(shared)) + 0.1 * seen

    def _stem(self, word: str) -> str:
        return self._lexicon.verbs.get(word, word.rstrip("s"))

    def _filled(self, openers: Sequence[str]) -> list[str]:
        filled: list[str] = []
        for opener in openers:
            one = fill(opener, self._fields)
            filled += self._statements if opener == "{statement}" else [one] if one else []
        return filled

    def _opener(self, beat: str, index: int, round_: int, told: Sequence[str]) -> str | None:
        """How the line begins, an opener that was not used yet; a whole line of the prompt's own comes first."""
        own = self._filled(self._steps.beats.get(beat, ()))
        if round_ == 0:
            for whole in own:
                if whole.endswith(WHOLE) and not any(whole in line for line in told):
                    return whole
        for openers in (own, self._filled(self._steps.more)):
            spare = [text for text in openers if not text.endswith(WHOLE) and text not in self._used]
            if spare:
                return spare[(self._pen.choice(len(spare), "opener", index) + round_) % len(spare)]
        self._used.clear()
        again = [text for text in self._filled(self._steps.more) if not text.endswith(WHOLE)]
        return again[self._pen.choice(len(again), "opener", index, round_)] if again else None
