"""The worker processes of `serve`: started, started again when one dies, asked to leave at the end. Knows no job."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence

import structlog

from engine.errors import ModelUnavailable
from server.place import Place

log = structlog.get_logger("reelhouse.workers")

FIRST_REST, LONGEST_REST = 1.0, 60.0
"""Seconds before a worker that died is started again: doubled each time, until one has lived for `SETTLED`."""
SETTLED = 60.0
LEAVE_SECONDS = 9.0
PROGRAM = "from server.cli import main; main()"


class Workforce:
    """One worker per entry of `gpus`; None is the machine's own choice."""

    def __init__(self, place: Place, gpus: Sequence[str | None]) -> None:
        self._place = place
        self._gpus = gpus
        self._running: set[asyncio.subprocess.Process] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._leaving = False

    def start(self) -> None:
        """To be called in the loop of the main thread: workers die with the thread that started them."""
        self._tasks = [asyncio.create_task(self._keep(gpu)) for gpu in self._gpus]

    async def leave(self) -> None:
        """Ask all to leave, and kill those that have not after some seconds."""
        self._leaving = True
        for task in self._tasks:
            task.cancel()
        running = list(self._running)
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(process.wait() for process in running)), LEAVE_SECONDS)
        for process in running:
            if process.returncode is None:
                log.warning("a worker did not leave in time", pid=process.pid)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    async def _keep(self, gpu: str | None) -> None:
        rest = FIRST_REST
        while not self._leaving:
            began = time.monotonic()
            try:
                process = await self._open(gpu)
            except OSError as error:
                log.error("no worker can be started", reason=str(error))
            else:
                self._running.add(process)
                log.info("worker started", pid=process.pid, gpu=gpu)
                code = await process.wait()
                self._running.discard(process)
                log.warning("worker died", pid=process.pid, how=_how(code), again_in=rest)
            if time.monotonic() - began > SETTLED:
                rest = FIRST_REST
            await asyncio.sleep(rest)
            rest = min(LONGEST_REST, 2 * rest)

    async def _open(self, gpu: str | None) -> asyncio.subprocess.Process:
        place = self._place
        environ = {**os.environ, "REELHOUSE_HOME": str(place.settings.home)}
        environ["REELHOUSE_PROFILE"] = place.settings.profile
        if gpu is not None:
            environ["CUDA_VISIBLE_DEVICES"] = gpu
        arguments = ["worker", "--data", str(place.folders.root), "--parent", str(os.getpid())]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            *arguments,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr,  # our stdout says one thing, and says it once
            start_new_session=True,  # Ctrl-C in a terminal means this process; it tells the others
        )


def gpus_of(text: str | None) -> tuple[str | None, ...]:
    """What `--gpus` names, each once: `0,1`, or `all`, which are those that CUDA_VISIBLE_DEVICES leaves, where it is
    set. Raises `ModelUnavailable` if there are none."""
    if text is None:
        return (None,)
    every = text.strip().lower() == "all"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    named = visible if every and visible != "-1" else "" if every else text
    numbers = tuple(dict.fromkeys(part.strip() for part in named.split(",") if part.strip()))
    if numbers or not every:
        return numbers or (None,)
    count = _count_gpus()
    if count == 0:
        raise ModelUnavailable("--gpus all: no NVIDIA GPU is seen here; leave --gpus out to work on the CPU.")
    return tuple(str(number) for number in range(count))


def _count_gpus() -> int:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # noqa: BLE001 - neither library nor driver: the same answer
        return 0
    try:
        return int(pynvml.nvmlDeviceGetCount())
    finally:
        pynvml.nvmlShutdown()


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
