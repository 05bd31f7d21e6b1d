"""Chaos: real processes are killed, suspended, starved and lied to, and the invariants looked at after each round.

`scripts/chaos [--seed N] [--rounds N] [--short]` prints a Markdown table; the exit code is 1 if anything was broken.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
from sqlalchemy import update

from server.jobs.models import Delivery, Job
from server.place import Place
from server.queue import open_queue, ring_for
from tests.server.chaos_rig import LEASE, PATIENCE, Rig
from tests.server.making import wait_until

DEADLINE = 12.0
"""Of a stage, where a child is suspended over it."""
SUBMITTER = ("accepted",)
CHILD = ("rename", "renamed", "mux")
WORKER = (
    "claimed", "commit", "script-published", "artefact-published", "before-terminal", "terminal", "after-terminal",
    "webhook", "webhook-sent",
)  # fmt: skip
LATER = {"commit": (4, 16), "artefact-published": (1, 5), "rename": (1, 9), "renamed": (1, 9)}
"""From which to which time at a point the fault may strike; else the first."""


class Row(NamedTuple):
    """`claimed`: seconds from the fault until what was lost was claimed again; `ended`: until all jobs had ended."""

    fault: str
    jobs: int
    claimed: float | None
    ended: float
    again: int
    broken: list[str]


# ---- rounds ---------------------------------------------------------------------------------------------------------


def at_boundary(rig: Rig, point: str, how: str, number: int) -> None:
    """`point` is passed for the `number`-th time by whoever passes it: `kill` or `stop` them."""
    fault = f"{point}:{number}:{how}"
    if point in SUBMITTER:
        process = rig.submitter(2, "k", 2, fault)
        wait_until(lambda: process.poll() is not None or _stopped(process.pid), f"{fault} struck")
        rig.strike(lost=True)
        rig.worker()
        wait_until(rig.all_ended, "what was accepted ended", PATIENCE)
        _release(process)
        assert process.stdout is not None
        process.stdout.close()
        first = {job.id for job in rig.jobs()}
        assert first <= set(rig.submit()), "the same key made another job"
        return
    rig.submit()
    if point in CHILD:
        first = rig.worker(child_fault=fault, **({"BENCH_DEADLINE": str(DEADLINE)} if how == "stop" else {}))
        child = wait_until(lambda: rig.workers.child(first), "the child is there")
        wait_until(lambda: not child.is_running() or _stopped(child.pid), f"{fault} struck")
        rig.strike(lost=True)
        return
    first = rig.worker(fault=fault)
    (worker,) = rig.workers.processes
    wait_until(lambda: worker.poll() is not None or _stopped(first), f"{fault} struck")
    rig.strike(lost=True)
    if how == "stop" and _locked(rig.place):  # in a transaction of SQLite: everybody waits for it
        time.sleep(2 * LEASE)
        rig.workers.kill(first, signal.SIGCONT)
    if point.startswith("webhook"):
        _a_minute_passes(rig)
    rig.worker()
    if _stopped(first):
        wait_until(rig.all_ended, "the other worker ended all jobs", PATIENCE)
        rig.workers.kill(first, signal.SIGCONT)


def failing(rig: Rig, point: str, number: int) -> None:
    fault = f"{point}:{number}:fail"
    rig.submit()
    rig.strike()
    rig.worker(**{"child_fault" if point in ("fsync", *CHILD) else "fault": fault})


def each_message_thrice(rig: Rig) -> None:
    for job_id in rig.submit(3):
        ring_for(rig.place, job_id)
        ring_for(rig.place, job_id)
    rig.strike()
    rig.worker()
    rig.worker()


def queue_deleted(rig: Rig, waiting: int) -> None:
    rig.worker()
    rig.submit(waiting, lines=1)
    (rig.place.folders.root / "queue.db").unlink()
    rig.strike()
    rig.submit(1, key="later", lines=1)


def junk(rig: Rig, chance: random.Random) -> None:
    rig.worker()
    storage = open_queue(rig.place).queue.storage
    for _ in range(30):
        storage.enqueue(chance.randbytes(chance.randrange(400)))
    rig.strike()
    rig.submit()
    for _ in range(30):
        storage.enqueue(chance.randbytes(chance.randrange(400)))


def database_locked(rig: Rig, seconds: float) -> None:
    rig.submit()
    rig.worker()
    wait_until(lambda: rig.workers.clips_begun(), "a clip is begun", PATIENCE)
    holder = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None);"
        "c.execute('BEGIN EXCLUSIVE'); time.sleep(float(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", holder, rig.place.folders.root / "app.db", str(seconds)], check=True)
    rig.strike()


def killed_at_random(rig: Rig, chance: random.Random, kills: int) -> None:
    """Again and again a worker, its child, or what makes the jobs, at any moment."""
    rig.strike()
    worker = rig.worker()
    for number in range(kills):
        rig.submit(1, key=f"r{number}", lines=chance.randint(1, 2))
        time.sleep(chance.uniform(0.0, 2.5))
        child = rig.workers.child(worker)
        if child is not None and chance.random() < 0.4:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        else:
            rig.workers.kill(worker)
            worker = rig.worker()
        # A job that has taken three workers down has failed, which is right and is not looked for here.
        wait_until(rig.all_ended, f"the job of kill {number} ended", PATIENCE)


def disk_full(rig: Rig) -> None:
    """Everything lies on a disk that is as good as full; once it no longer is, service goes on."""
    rig.submit(2, key="before")
    root = rig.place.folders.root
    ballast, free = root / "ballast", os.statvfs(root)
    ballast.write_bytes(b"\0" * (free.f_bavail * free.f_frsize - 500_000))
    rig.strike()
    rig.worker()
    assert rig.submit(1, key="meanwhile") == [], "the door is open on a full disk"
    with contextlib.suppress(AssertionError):  # the database is on that disk too, and may be unable to note an end
        wait_until(rig.all_ended, "what found no space ended", 20)
    ballast.unlink()
    wait_until(rig.all_ended, "what found no space ended", PATIENCE)
    codes = {job.error_code for job in rig.jobs()}
    assert codes <= {"insufficient_storage", "worker_crashed", None}, codes
    (last,) = rig.submit(1, key="again")
    wait_until(rig.all_ended, "the job after it ended", PATIENCE)
    with rig.place.db.reading() as session:
        assert session.get_one(Job, last).status == "completed"


# ---- the machine ----------------------------------------------------------------------------------------------------


def _stopped(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    return False


def _release(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
    process.wait()


def _locked(place: Place) -> bool:
    connection = sqlite3.connect(place.folders.root / "app.db", timeout=0.5, isolation_level=None)
    with contextlib.closing(connection):
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


def _a_minute_passes(rig: Rig) -> None:
    """For whoever had taken a webhook and died over it."""
    with rig.place.db.writing() as session:
        session.execute(update(Delivery).values(taken_until=0))


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """Whether `folder` is now a disk of that size: only root may do that."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)


class Plan(NamedTuple):
    name: str
    run: Callable[[Rig], None]
    disk: int | None = None
    may_fail: bool = False


def plans(chance: random.Random, kills: int) -> list[Plan]:
    found = []
    for how in ("kill", "stop"):
        for point in (*SUBMITTER, *WORKER[:4], *CHILD, *WORKER[4:]):
            number = chance.randint(*LATER.get(point, (1, 1)))
            name = f"{'SIGKILL' if how == 'kill' else 'SIGSTOP'} at {point} {number}"
            found.append(Plan(name, lambda rig, p=point, h=how, n=number: at_boundary(rig, p, h, n)))
    for point, last in (("keep", 9), ("commit", 20), ("fsync", 15), ("rename", 9)):
        number = chance.randint(1, last)
        found.append(Plan(f"{point} {number} fails", lambda rig, p=point, n=number: failing(rig, p, n), None, True))
    found.append(Plan("each message three times, two workers", each_message_thrice))
    found.append(Plan("queue file deleted, 20 jobs waiting", lambda rig: queue_deleted(rig, 20)))
    found.append(Plan("60 junk messages", lambda rig: junk(rig, chance)))
    found.append(Plan("database locked for 6 s", lambda rig: database_locked(rig, 6.0)))
    found.append(Plan("database locked for 18 s", lambda rig: database_locked(rig, 18.0)))
    found.append(Plan("disk full (tmpfs)", disk_full, disk=120, may_fail=True))
    found.append(Plan(f"{kills} kills at random moments", lambda rig: killed_at_random(rig, chance, kills)))
    return found


SHORT = ("SIGKILL at accepted", "SIGKILL at rename ", "SIGKILL at terminal", "each message", "commit")


def play(plan: Plan, log: int) -> Row | None:
    """One round; None, said loudly, if this machine cannot play it."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as name, contextlib.ExitStack() as held:
        folder = Path(name)
        if plan.disk is not None:
            (folder / "data").mkdir()
            if not held.enter_context(small_disk(folder / "data", plan.disk)):
                print(f"SKIPPED, this user may mount no disk: {plan.name}", file=sys.stderr, flush=True)
                return None
        rig = Rig(folder, log)
        held.callback(rig.close)
        try:
            plan.run(rig)
            ended = rig.wait()
            found = rig.end(plan.may_fail)
        except Exception as error:  # noqa: BLE001 - the other rounds are played all the same
            ended, found = -1.0, [f"{type(error).__name__}: {error}".splitlines()[0]]
        return Row(plan.name, len(rig.jobs()), rig.claimed, ended, rig.workers.made_again(), found)


def table(rows: list[Row], seed: int) -> str:
    lines = [
        f"| round (seed {seed}) | fault | jobs | claimed again, s | all ended, s | shots made again | broken |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, row in enumerate(rows, 1):
        claimed = "–" if row.claimed is None else f"{row.claimed:.1f}"
        said = "; ".join(row.broken) or "nothing"
        lines.append(f"| {number} | {row.fault} | {row.jobs} | {claimed} | {row.ended:.1f} | {row.again} | {said} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=None, help="Repeats a run; printed if none is given.")
    parser.add_argument("--rounds", type=int, default=20, help="Kills at random moments.")
    parser.add_argument("--short", action="store_true", help="A few rounds only.")
    parser.add_argument("--only", default="", help="Rounds whose name matches this expression.")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if asked.seed is None else asked.seed
    print(f"seed {seed}", file=sys.stderr, flush=True)
    rows = []
    with Path(tempfile.gettempdir(), f"chaos-{seed}.log").open("wb") as log:
        for plan in plans(random.Random(seed), asked.rounds):
            if (asked.short and not plan.name.startswith(SHORT)) or not re.search(asked.only, plan.name):
                continue
            row = play(plan, log.fileno())
            if row is not None:
                rows.append(row)
                print(f"{plan.name}: {row.ended:.1f} s, broken: {row.broken}", file=sys.stderr, flush=True)
    print(table(rows, seed))
    sys.exit(any(row.broken for row in rows))


if __name__ == "__main__":
    main()
