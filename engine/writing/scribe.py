"""Writes one line: it goes on from the last, and the best of several sentences is kept. Knows words, not pictures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import msgspec

from engine.errors import WriterFailed
from engine.formats import Format
from engine.types import Frozen
from engine.writing.facts import SORTS, capital, facts_of, sorted_statements, statements_of, subjects_of
from engine.writing.lexicon import Lexicon
from engine.writing.own_words import own_line
from engine.writing.pen import Pen
from engine.writing.relevance import relevance, stem
from engine.writing.sentences import Rules, awkwardness, clipped, objection, shortened, tidy
from engine.writing.steps import QUESTION, Figures, fill, opener_fields, steps_of
from engine.writing.topic import Phrase, Topic, words_of

ENOUGH, AT_MOST, ROUNDS, SPARE = 3, 7, 3, 5
"""Sentences drawn per opener: at least so many, and up to so many while none is `GOOD`; so many openers are tried. Of a
spare line up to so many are drawn."""
GOOD = 2.1
OFF = 0.6
"""A line may miss its words by this share; the next lines make up for it."""
CONTEXT_LINES = 8
ROOM = 4
"""Words that a line needs behind its opener to say anything."""
WHOLE = ("?", ".")
"""What an opener ends with that is a line already."""
LONGEST_SPEECH = 14
"""Words that a character says at once: small writers lose their thread in longer speech."""
QUOTING = frozenset("question asked answer called claim claim_two statement said measured disputed coming deed".split())
"""What an opener may take from the prompt that makes it better than one that does not."""
Scored = tuple[float, str]


class Line(Frozen, frozen=True):
    """What is said in a shot, "" for nothing, and `by` whom of those that the film is about: None is the narrator."""

    text: str
    by: Phrase | None = None


class Sure(Frozen, frozen=True):
    """A line that says only what the prompt supplies: its pattern, its place among the beat's, and what it is about."""

    text: str
    pattern: str
    about: str
    rank: int


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
        self._beats = beats
        self._topic = topic
        self._lexicon = lexicon
        self._pen = pen
        self._fields = opener_fields(topic, figures)
        self._statements = {"statement": statements_of(topic.text), **sorted_statements(topic.text)}
        self._facts, self._subjects = facts_of(topic.text, self._fields), subjects_of(topic, self._fields)
        self._said: Counter[str] = Counter()
        self._after: Sequence[str] = ()
        answer = self._fields.get("answer")
        self._kept = [f"{answer}."] if answer else []  # which is said word by word
        self._used: set[str] = set()
        self._prompt = steps.ask.format(prompt=topic.text if topic.english else figures.topic.with_article("a"))
        keys = [word.lower() for word in topic.words if word.lower() not in lexicon.function]
        self._keys = {stem(word, lexicon) for word in keys}
        self._any_word = form_only or (steps.any_word and topic.english)
        own = {word.lower() for word in topic.words} | ({"report", "reports"} if steps.supplied_only else set())
        self._rules = Rules(
            first=steps.first,
            second=steps.second,
            past=steps.past,
            form_only=form_only,
            meta=frozenset(own),
            lyric=bool(fmt.line_words),
        )

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
        best: Scored | None = None
        for attempt in range(AT_MOST):
            if attempt >= ENOUGH and best is not None:
                break
            for one in self._candidates(opener, index, 200 + attempt, target, told, [], self._saying(by), rules):
                if len(words_of(one[1])) <= target + max(2, round(OFF / 2 * target)) and (best is None or one < best):
                    best = one
        return best[1] if best else None

    def line(self, index: int, beat: str, target: int, slack: int, told: Sequence[str]) -> str:
        """A line of about `target` words, at most `slack` off unless it is the prompt's own sentence, a sure one, or
        all that was found."""
        whole = self._unsaid(beat, index, target, told)
        if whole is not None:
            return whole
        missed: list[Scored] = []
        sure = self._sure_lines(beat, index, told)
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
            best = self._best(opener, index, round_, aim, slack, told, objections, missed=missed)
            if best is not None:
                self._used.add(opener)
                return self._closed(best[1], index, target, told)
        if sure:
            return self._sure(sure, index, target, told)
        if self._steps.supplied_only:
            raise WriterFailed(
                f"The prompt supplies too few facts for {index + 1} shots or more, and a report adds none: "
                "supply more facts, or ask for a shorter film."
            )
        if missed:
            return min(missed)[1]
        others = self._filled(["{Topic}", "{The_hero}", "{The_other}", "{a_topic}", "{a_hero}", "{a_other}"])
        longest = round((1 + OFF) * target)
        own = own_line(self._topic, others, longest, [*told, *self._after], refrain=self._rules.lyric)
        if own is not None:
            return own
        raise WriterFailed(
            f"The writer found no sentence for shot {index + 1} ({beat}) in {ROUNDS * AT_MOST} attempts (the last: "
            f"{objections[-1] if objections else 'too long or too short'}): say the prompt in other words, take "
            "another seed, or give an own script."
        )

    def spare_line(self, index: int, beat: str, target: int, told: Sequence[str], after: Sequence[str]) -> str:
        """A line between those `told` before it and those `after` it, which it does not repeat; "" if there is none."""
        self._after = after
        heard = " ".join((*told, *after)).lower()
        sure = [
            one
            for one in self._sure_lines(beat, len(self._beats), told)
            if "{core}" not in one.pattern or one.about.lower() not in heard  # a fact that is told anyway
        ]
        if sure:
            return self._sure(sure, index, target, [*told, *after])
        opener = None if self._steps.supplied_only else self._opener(beat, index, 1, told)
        slack = max(4, round(OFF * target))
        best = None if opener is None else self._best(opener, index, 1, target, slack, told, [], most=SPARE)
        if opener is None or best is None:
            return ""
        self._used.add(opener)
        return best[1]

    def _sure_lines(self, beat: str, index: int, told: Sequence[str]) -> list[Sure]:
        """What can be said without the model: the beat's own patterns, or else any beat's, of each fact and thing."""
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
                    if line and not any(line in one for one in (*told, *self._after)):
                        about = fields.get("core", "") if facts else fields.get("the_noun", "")
                        lines.setdefault(
                            line, Sure(text=line, pattern=pattern, about=about, rank=rank + (0 if facts else 3 * place))
                        )
            if lines:
                return list(lines.values())
        return []

    def _sure(self, sure: list[Sure], index: int, target: int, said: Sequence[str]) -> str:
        """One of the sure lines, of a fitting length, in a pattern and of a fact heard as seldom as may be in what was
        `said`; and one more where that fills the line better."""

        def off(one: Sure) -> float:
            heard = 8 * self._said[one.pattern] + 4 * self._said[one.about]
            heard += 20 * ("{core}" in one.pattern and set(words_of(one.about.lower())) <= words)
            return abs(len(words_of(one.text)) - target) + one.rank + heard + 2 * self._pen.choice(4, index, one.text)

        words = set(words_of(" ".join(said).lower()))
        first = min(sure, key=off)
        missing = target - len(words_of(first.text))
        rest = [one for one in sure if one.pattern != first.pattern and (one.about != first.about or not one.about)]
        fitting = [one for one in rest if abs(len(words_of(one.text)) - missing) + 2 < missing]
        chosen = [first, min(fitting, key=off)] if fitting else [first]
        self._said.update(name for one in chosen for name in (one.pattern, one.about) if name)
        return " ".join(one.text for one in chosen)

    def _best(
        self,
        opener: str,
        index: int,
        round_: int,
        target: int,
        slack: int,
        told: Sequence[str],
        objections: list[str],
        most: int = AT_MOST,
        missed: list[Scored] | None = None,
    ) -> Scored | None:
        """The best sentence of up to `most` attempts; what is good but for its length goes to `missed`."""
        best: Scored | None = None
        for attempt in range(most):
            if attempt >= ENOUGH and best is not None and best[0] < GOOD:
                break
            for one in self._candidates(opener, index, round_ * AT_MOST + attempt, target, told, objections):
                if abs(len(words_of(one[1])) - target) <= slack:
                    best = one if best is None else min(best, one)
                elif missed is not None:
                    missed.append(one)
        return best

    def _unsaid(self, beat: str, index: int, target: int, told: Sequence[str]) -> str | None:
        """The sentences of a report's prompt that are due: they come before whatever is said about them, one a shot, or
        two where the shots that are left are too few. None if the others are kept for later, or if all are told."""
        if not self._steps.supplied_only:
            return None
        heard = " ".join(told)
        left = [text for text in self._statements["statement"] if text not in heard]
        own = self._whole(beat, index, told)
        free = [own] if own is not None else [text for text in left if text not in self._for_later(index)]
        if not free:
            return None
        rest = [text for text in left if text != free[0]]
        line, second = free[0], next((text for text in rest if text not in self._for_later(index)), None)
        room = len(words_of(line)) + len(words_of(second or "")) <= target + max(4, round(OFF * target))
        shots = len(self._beats) - index - 1
        return f"{line} {second}" if second is not None and room and index > 0 and len(rest) > shots else line

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
        self,
        opener: str,
        index: int,
        attempt: int,
        target: int,
        told: Sequence[str],
        objections: list[str],
        aloud: str = "",
        rules: Rules | None = None,
    ) -> list[Scored]:
        """Acceptable sentences of one attempt with their scores: 0 is perfect, a unit is one of surprise. `aloud` is
        what stands before a sentence that somebody says."""
        rules = rules or self._rules
        before = " ".join([*told[:1], *told[1:][-CONTEXT_LINES:], aloud + opener]).strip()
        answer = self._pen.write(
            [("system", self._steps.system), ("user", self._prompt), ("assistant", before)],
            max_tokens=max(10, round(1.45 * (target - len(opener.split()))) + 8),
            name=("line", index, opener),
            attempt=attempt,
            temperature=0.55 + 0.05 * min(attempt, 6),
            repeat_penalty=self._steps.repeat_penalty,
            stop=(".", "!", "?", "\n", '"') if aloud else (".", "!", "?", "\n"),
            words=self._words,
        )
        asks = bool(aloud) and QUESTION.match(opener) is not None and not opener.startswith("Do not")
        sentence = tidy(f"{opener} {answer.text}") + ("?" if asks else ".")
        if not answer.whole:
            objections.append("cut off")
        scored = []
        forms = shortened(sentence)[0 if answer.whole else 1 :]
        if self._rules.lyric:  # a line of a song ends where its music does
            forms += [
                part for part in [clipped(sentence, target, self._lexicon.adjectives)] if part not in ("", *forms)
            ]
        others = [*told, *self._after, *self._kept]
        for form in forms:
            wrong = objection(form, others, rules, self._lexicon.adjectives) or self._strays(form, opener)
            if wrong:
                objections.append(wrong)
                continue
            score = (
                answer.surprise
                + awkwardness(form, target, rules)
                - (0.0 if rules.form_only else relevance(form[len(opener) :], self._keys, told, self._lexicon))
            )
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
        if any(word[0].isdigit() for word in tail):
            return "makes up a figure"
        binding = self._steps.words.split()
        if self._steps.supplied_only and any(
            w not in binding and stem(w, self._lexicon) not in self._keys for w in tail
        ):
            return "says what was not supplied"
        return None

    def _filled(self, openers: Sequence[str]) -> list[str]:
        """`openers` with their fields filled."""
        return [one for opener in openers if (one := fill(opener, self._fields))]

    def _whole(self, beat: str, index: int, told: Sequence[str]) -> str | None:
        """A line that is one already: the prompt's own sentence, else one that quotes it, else any of the beat's."""
        quoting, others = [], []
        for opener in self._steps.beats.get(beat, ()):
            kind = opener.strip("{}")
            if kind in self._statements:
                quoting += self._sentences(kind, index)
            elif opener.endswith(WHOLE) or kind == "question":
                quoted = not QUOTING.isdisjoint(re.findall(r"\{(\w+)\}", opener))
                (quoting if quoted else others).extend(self._filled([opener]))
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

    def _opener(self, beat: str, index: int, round_: int, told: Sequence[str]) -> str | None:
        """How the line begins, an opener that was not used yet; a whole line of the prompt's own comes first."""
        whole = self._whole(beat, index, told) if round_ == 0 else None
        if whole is not None:
            return whole
        own = self._filled(self._steps.beats.get(beat, ()))
        for openers in (own, self._filled(self._steps.more)):
            spare = [text for text in openers if not text.endswith(WHOLE) and text not in self._used]
            if spare:
                return spare[(self._pen.choice(len(spare), "opener", index) + round_) % len(spare)]
        self._used.clear()
        again = [text for text in self._filled(self._steps.more) if not text.endswith(WHOLE)]
        return again[self._pen.choice(len(again), "opener", index, round_)] if again else None


def _last(texts: Sequence[str], count: int) -> Sequence[str]:
    return texts[len(texts) - count :] if count < len(texts) else texts
