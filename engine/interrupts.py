"""Signals while a film is made: the first one asks the work to stop, the second one, or no answer in time, ends it.

The work runs in a thread of its own, because Python handles signals in the main thread only, and only between its own
instructions: inside a long native call they would wait.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Generic, TypeVar

import psutil

from engine.errors import Cancelled

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 5.0
"""How long asked-for work may take to stop; every artefact is written whole or not at all, so nothing is lost then."""


def run_interruptibly(work: Callable[[threading.Event], T], on_first: Callable[[], None]) -> T:
    """What `work(cancelled)` returns or raises. `on_first` is called, in the main thread, at the first signal.

    Raises `Cancelled` at the second signal or after `GRACE_SECONDS`: then child processes are killed and the thread is
    left behind, so the process should end soon. Call it in the main thread.
    """
    running = _Running(work)
    with _heard() as signals:
        running.start()
        patience = math.inf
        while running.is_alive():
            running.join(0.05)
            if signals.count and not running.cancelled.is_set():
                running.cancelled.set()
                patience = time.monotonic() + GRACE_SECONDS
                on_first()
            if running.is_alive() and (signals.count > 1 or time.monotonic() > patience):
                kill_children()
                raise Cancelled()
        return running.outcome.result()


class _Running(threading.Thread, Generic[T]):
    def __init__(self, work: Callable[[threading.Event], T]) -> None:
        super().__init__(name="make", daemon=True)
        self.cancelled = threading.Event()
        self.outcome: Future[T] = Future()
        self._work = work

    def run(self) -> None:
        try:
            self.outcome.set_result(self._work(self.cancelled))
        except BaseException as error:  # noqa: BLE001 - carried over to the thread that waits, which raises it
            self.outcome.set_exception(error)


class _Signals:
    count = 0

    def hear(self, number: int, frame: object) -> None:
        self.count += 1


@contextlib.contextmanager
def _heard() -> Iterator[_Signals]:
    signals = _Signals()
    # What is ignored stays so: that is how nohup and background jobs of a shell are meant.
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signals.hear)
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def kill_children() -> None:
    """Kill every process that this one has started, and theirs, and wait until they are gone: killed, a process lives
    until it is next scheduled."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, GRACE_SECONDS)
