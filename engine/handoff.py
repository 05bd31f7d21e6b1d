"""From one lane to the other: what one thread makes, another takes, in order. Knows nothing of what it carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, TypeVar

from engine.errors import Cancelled

T = TypeVar("T")
_END = object()


class Handoff(Generic[T]):
    """Iterate it on the taking side; on the making side, `with handoff:` around `for x in handoff.passing(things)`.

    If the making side fails, the taking side's iteration raises `Cancelled`; if the taking side has failed, `passing`
    raises its error at the next thing instead of making all the others in vain.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[Any] = SimpleQueue()

    def passing(self, things: Iterable[T], to: Future[Any]) -> Iterator[T]:
        for thing in things:
            self._queue.put(thing)
            if to.done():
                to.result()
            yield thing

    def __enter__(self) -> Handoff[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._queue.put(_END if error is None else Cancelled())

    def __iter__(self) -> Iterator[T]:
        while (thing := self._queue.get()) is not _END:
            if isinstance(thing, Cancelled):
                raise thing
            yield thing
