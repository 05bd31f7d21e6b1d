"""A writer in hand: one small request at a time, each with its own seed, counted and cancellable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from engine.backends.protocols import Completion, Message, TextJob, TextModel
from engine.progress import Control

CHOOSING = "You describe what is seen in a story in a few words."


class Pen:
    """`seed` decides everything; `choice(name, n)` is a seeded number below `n` that no model is asked for."""

    def __init__(self, model: TextModel, seed: int, control: Control) -> None:
        self._model = model
        self._seed = seed
        self._control = control
        self.shot: int | None = None

    def seed(self, *names: object) -> int:
        digest = hashlib.sha256(json.dumps([self._seed, *map(str, names)]).encode()).digest()
        return int.from_bytes(digest[:6], "big")

    def choice(self, count: int, *names: object) -> int:
        return self.seed("choice", *names) % count

    def write(
        self,
        messages: Sequence[tuple[str, str]],
        *,
        max_tokens: int,
        name: object,
        attempt: int = 0,
        temperature: float = 0.6,
        repeat_penalty: float = 1.15,
        stop: Sequence[str] = (),
        words: tuple[str, ...] = (),
        schema: dict[str, Any] | None = None,
    ) -> Completion:
        """One completion; `name` and `attempt` choose its seed. A trailing assistant message is continued."""
        job = TextJob(
            messages=tuple(Message(role=role, content=content) for role, content in messages),
            max_tokens=max_tokens,
            seed=self.seed(name, attempt),
            temperature=temperature,
            repeat_penalty=repeat_penalty,
            stop=tuple(stop),
            words=words,
            schema=schema,
        )
        return self._model.complete(job, tick=lambda done, total: self._control.step("script", self.shot, done, total))

    def choose(self, story: str, label: str, options: Sequence[str]) -> str:
        """One of `options` for what `label` asks about `story`, by grammar: the answer cannot be anything else.

        All choices about a story share their beginning, which the model then reads only once.
        """
        messages = [("system", CHOOSING), ("user", story), ("assistant", f"{label}: ")]
        answer = self.write(
            messages, max_tokens=24, name=("pick", label), temperature=1.0, schema={"enum": list(options)}
        )
        text = answer.text.strip().strip('"')
        return text if text in options else options[self.choice(len(options), label)]
