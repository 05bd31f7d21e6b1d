"""Runs a command with its output in a log and a sign of life on the terminal. Knows not what the command does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

HEARTBEAT = 15.0  # seconds between two signs of life
GRACE = 3.0  # seconds that a process has to end by itself
PR_SET_PDEATHSIG = 1

UNREACHABLE = ("NewConnectionError", "Temporary failure in name resolution", "Read timed out", "ConnectionResetError")

_running: list[subprocess.Popen[bytes]] = []
_began = time.monotonic()


class Failed(Exception):
    """A command ended badly; the message has its last lines and where its log is."""


def say(text: str) -> None:
    print(f"[{_clock(time.monotonic() - _began)}] {text}", flush=True)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _die_with_parent() -> None:
    # A killed setup must not leave a compiler running for minutes.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Background:
    """A command under way. `progress` makes a few words of its log's end, for the sign of life."""

    def __init__(
        self,
        what: str,
        command: Sequence[str | Path],
        log: Path,
        environment: dict[str, str],
        progress: Callable[[str], str] | None = None,
    ) -> None:
        self.what, self.log, self.progress = what, log, progress or _last_line
        self.began = time.monotonic()
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # its own group, so that stopping reaches the compiler below pip too
                preexec_fn=_die_with_parent,
            )
        _running.append(self.process)

    def wait(self) -> str:
        """Its whole output, once it has ended well. Raises `Failed`."""
        last = time.monotonic()
        while (code := self.process.poll()) is None:
            time.sleep(0.1)
            if time.monotonic() - last >= HEARTBEAT:
                last = time.monotonic()
                say(f"    {self.what}: {_clock(last - self.began)} so far; {self.progress(self._text()[-30_000:])}")
        _running.remove(self.process)
        text = self._text()
        if code != 0:
            tail = "\n".join(f"    | {line[:200]}" for line in text.strip().splitlines()[-12:])
            raise Failed(f"{self.what} failed (exit {code}){_remedy(text)}. Its last lines, of {self.log}:\n{tail}")
        return text

    def _text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def run(what: str, command: Sequence[str | Path], log: Path, environment: dict[str, str]) -> str:
    """Run a command to its end and return its output. Raises `Failed`."""
    return Background(what, command, log, environment).wait()


def stop_all() -> None:
    """End everything that is still running, with all that it started; when this returns, none of it runs any more.

    What does not end within `GRACE` seconds of being asked is killed. A process that hangs in the kernel, which no
    signal reaches, is given up after as long again.
    """
    left = list(_running)
    for how in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)  # also after its leader has gone: the compiler may be left
        until = time.monotonic() + GRACE
        while left := [process for process in left if _is_alive(process)]:
            if time.monotonic() > until:
                break
            time.sleep(0.01)
    _running.clear()


def _is_alive(process: subprocess.Popen[bytes]) -> bool:
    """Whether anything of its group still runs. Having been sent a signal is not having died: that takes the kernel
    until the process is next scheduled. A zombie is dead, even if nobody ever asks how it died."""
    if process.poll() is None:
        return True
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # what macOS says of zombies
        return False
    members = [_group_and_state(file) for file in Path("/proc").glob("[0-9]*/stat")]
    running = {group for group, state in members if state not in "ZX"}
    return process.pid in running if members else True


def _group_and_state(file: Path) -> tuple[int, str]:
    """Of a process, from its /proc/N/stat; its name in there may hold spaces and parentheses."""
    try:
        state, _, group = file.read_text(errors="replace").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return 0, "X"  # ended while we looked
    return int(group), state


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    return f"pip says: {lines[-1][:90]}" if lines else "starting"


def compiled(text: str) -> str:
    """How far ninja or make is, from their counters."""
    counts = re.findall(r"\[\s*(\d+)/(\d+)\]", text)
    percents = re.findall(r"\[\s*(\d+)%\]", text)
    return f"{counts[-1][0]} of {counts[-1][1]} parts" if counts else f"{percents[-1]} %" if percents else "preparing"


def _remedy(text: str) -> str:
    """What may help, from what pip is known to print."""
    if "No space left on device" in text:
        return ": the disk is full; make room and run setup again"
    if any(sign in text for sign in UNREACHABLE):
        return ": pip could not reach its index; check the network and `pip config list`, and run setup again"
    if "No matching distribution" in text:
        return ": No matching distribution is in the index that pip is set to; see `pip config list`"
    return ""
