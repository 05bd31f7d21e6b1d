"""Asks the writer for a sentence that fills a gap, and says how good each form of it is. Knows words, not stories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from engine.types import Frozen
from engine.writing.lexicon import Lexicon
from engine.writing.pen import Pen
from engine.writing.relevance import relevance, stem
from engine.writing.sentences import Rules, awkwardness, clipped, objection, shortened, tidy
from engine.writing.steps import QUESTION, Figures, Steps
from engine.writing.topic import Topic, words_of

CONTEXT_LINES = 8
Scored = tuple[float, str]


class Gap(Frozen, frozen=True):
    """Where a sentence is missing: about `target` words that begin with `opener`, in the shot `index`, after the lines
    `told` and before those `after` it. `aloud` is what stands before a sentence that somebody says."""

    index: int
    opener: str
    target: int
    told: Sequence[str]
    rules: Rules
    after: Sequence[str] = ()
    aloud: str = ""


class Drafts:
    """What the model says of one prompt. `fields` are what openers take from it, `any_word` lets it use every word."""

    def __init__(
        self, steps: Steps, topic: Topic, figures: Figures, fields: Mapping[str, str], lexicon: Lexicon, pen: Pen, *,
        any_word: bool,
    ) -> None:  # fmt: skip
        self._steps = steps
        self._topic = topic
        self._fields = fields
        self._lexicon = lexicon
        self._pen = pen
        self._any_word = any_word
        answer = fields.get("answer")
        self._kept = [f"{answer}."] if answer else []  # which is said word by word
        self._prompt = steps.ask.format(prompt=topic.text if topic.english else figures.topic.with_article("a"))
        keys = [word.lower() for word in topic.words if word.lower() not in lexicon.function]
        self._keys = {stem(word, lexicon) for word in keys}

    def draw(self, gap: Gap, attempt: int, objections: list[str]) -> list[Scored]:
        """Acceptable sentences of one attempt with their scores: 0 is perfect, a unit is one of surprise. What was not
        acceptable adds its reason to `objections`."""
        opener, told, rules = gap.opener, gap.told, gap.rules
        before = " ".join([*told[:1], *told[1:][-CONTEXT_LINES:], gap.aloud + opener]).strip()
        answer = self._pen.write(
            [("system", self._steps.system), ("user", self._prompt), ("assistant", before)],
            max_tokens=max(10, round(1.45 * (gap.target - len(opener.split()))) + 8),
            name=("line", gap.index, opener),
            attempt=attempt,
            temperature=0.55 + 0.05 * min(attempt, 6),
            repeat_penalty=self._steps.repeat_penalty,
            stop=(".", "!", "?", "\n", '"') if gap.aloud else (".", "!", "?", "\n"),
            words=self._words,
        )
        asks = bool(gap.aloud) and QUESTION.match(opener) is not None and not opener.startswith("Do not")
        sentence = tidy(f"{opener} {answer.text}") + ("?" if asks else ".")
        if not answer.whole:
            objections.append("cut off")
        forms = shortened(sentence)[0 if answer.whole else 1 :]
        if rules.lyric:  # a line of a song ends where its music does
            part = clipped(sentence, gap.target, self._lexicon.adjectives)
            forms += [part] if part not in ("", *forms) else []
        others = [*told, *gap.after, *self._kept]
        scored = []
        for form in forms:
            wrong = objection(form, others, rules, self._lexicon.adjectives) or self._strays(form, gap)
            if wrong:
                objections.append(wrong)
                continue
            near = 0.0 if rules.form_only else relevance(form[len(opener) :], self._keys, told, self._lexicon)
            scored.append((answer.surprise + awkwardness(form, gap.target, rules) - near, form))
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

    def _strays(self, sentence: str, gap: Gap) -> str | None:
        """Why `sentence` says too little or, in a report, what nobody supplied."""
        tail = words_of(sentence.lower())[len(words_of(gap.opener)) :]
        if gap.rules.form_only:
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
