"""The worker's side of a generation child: start it, talk with it, kill it with all that it started."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any

import psutil

from server.place import Place
from server.wire import Line, News

END_SECONDS = 2.0


class ChildDied(Exception):
    """The child has ended by itself; `code` is its exit code, negative if a signal ended it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the generation child ended with {code}")
        self.code = code


class Child:
    """One child process in a session of its own. Its models stay open as long as it lives."""

    def __init__(
        self, module: str, place: Place, environ: dict[str, str], log: IO[bytes], keep: Sequence[int] = ()
    ) -> None:
        """`keep`: descriptors that it inherits, and with them the locks that they hold."""
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", module, str(theirs.fileno()), str(os.getpid())]
        self.process = subprocess.Popen(
            [*command, str(place.settings.home)],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[theirs.fileno(), *keep],
            start_new_session=True,
        )
        theirs.close()
        self._line = Line(ours, News)
        self._news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="child-news", daemon=True).start()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def say(self, order: Any) -> None:
        """Raises `ChildDied`."""
        try:
            self._line.say(order)
        except OSError as error:
            raise ChildDied(self.process.wait()) from error

    def hear(self, timeout: float) -> News | None:
        """The next news, None if there was none within `timeout` seconds. Raises `ChildDied`."""
        try:
            news = self._news.get(timeout=timeout)
        except queue.Empty:
            return None
        if news is None:
            self._news.put(None)
            raise ChildDied(self.process.wait())
        return news

    def kill(self) -> None:
        """End it and everything below it, at once. What it was writing has no name yet."""
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._line.close()

    def end(self) -> None:
        """Let it go: it ends when its line does; if not soon, it is killed."""
        self._line.close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _listen(self) -> None:
        try:
            with contextlib.suppress(OSError, ValueError):  # ValueError: the line was closed while it was read
                for news in self._line.hear():
                    self._news.put(news)
        finally:
            self._news.put(None)
