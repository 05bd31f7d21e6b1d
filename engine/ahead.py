"""Work that is done one thing ahead on a thread of its own, while the caller finishes the thing before. Knows nothing
of what it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Generic, TypeVar

from engine.errors import Cancelled

T = TypeVar("T")


class Ahead(Generic[T]):
    """At most one thing is under way, so at most one result waits. Leaving the context stops what is under way, at its
    next `check`, and waits for it: whatever it uses is free afterwards."""

    def __init__(self) -> None:
        self._lane = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead")
        self._coming: Future[T] | None = None
        self._stopped = threading.Event()

    def start(self, work: Callable[[], T]) -> None:
        assert self._coming is None, "what was started before was not taken"
        self._coming = self._lane.submit(work)

    def settle(self) -> None:
        """Wait until nothing is under way; what came of it is told when it is taken."""
        if self._coming is not None:
            wait([self._coming])

    def take_or(self, make: Callable[[], T]) -> T:
        """What was started, when it is done, and whatever it raised; if nothing was, what `make` returns."""
        coming, self._coming = self._coming, None
        return make() if coming is None else coming.result()

    def check(self) -> None:
        """For the work to call at its steps: raises `Cancelled` once nobody waits for it any more."""
        if self._stopped.is_set():
            raise Cancelled()

    def __enter__(self) -> Ahead[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._stopped.set()
        self._lane.shutdown(wait=True, cancel_futures=True)
