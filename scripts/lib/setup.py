"""Makes .venv step by step, each step stamped when it is done. Runs on a bare Python; knows nothing of the product.

The slowest step, compiling llama.cpp, runs beside the downloads. Interrupt it at any time and run it again: finished
steps are kept, half-made ones are made again.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import steps
from environment import Environment
from llama import install_llama, start_building_llama
from machine import Unfit, look_around
from running import Failed, say, stop_all

ROOT = Path(__file__).resolve().parents[2]
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SETTINGS = """
REELHOUSE_TORCH_INDEX   an index address, or a folder of wheels, to take torch from
PYTHON                  the interpreter to use, if not the first fitting one on PATH

Example: scripts/setup --with test
"""


class Stopped(BaseException):
    """Somebody asked to stop, by this signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def only_one(root: Path) -> Iterator[None]:
    """One setup at a time per checkout. The lock is on a file that is there anyway, and ends with the process."""
    with (root / "pyproject.toml").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another setup works in this folder: waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def set_up(home: Environment, *, tools: bool, quiet: bool) -> None:
    """Bring the environment to what pyproject.toml and constraints.txt ask for. Raises `Unfit`, `Failed`."""
    began = time.monotonic()
    wanted = (*steps.STEPS, *(steps.STEPS_OF_TOOLS if tools else ()))
    if home.is_complete(wanted, [*steps.EXTRA, *(home.tools if tools else ())]):
        if not quiet:
            say(f"Everything is there (checked in {time.monotonic() - began:.1f} s): {home.folder}")
        return
    say(f"Setting up {home.folder} for Python {sys.version.split()[0]} (the first time takes 5 to 10 minutes).")
    machine = look_around(home.root)
    for fact in machine.facts:
        say(f"  {fact}")
    home.make()
    building = start_building_llama(home, machine)
    steps.install_torch(home, machine)
    steps.install_libraries(home)
    steps.install_writer_model(home)
    if tools:
        steps.install_tools(home)
    install_llama(home, machine, building)
    steps.install_project(home)
    steps.fit_torchaudio(home)
    steps.prove(home, tools=tools)
    shutil.rmtree(home.state / "tmp", ignore_errors=True)
    say(f"Set up in {time.monotonic() - began:.0f} s.")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/setup",
        description=__doc__,
        epilog=SETTINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--with", dest="extra", choices=["test"], help="also the test tools")
    parser.add_argument("--quiet", action="store_true", help="say nothing when nothing is to be done")
    wanted = parser.parse_args()
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wishes
            signal.signal(number, _stop)
    try:
        with only_one(ROOT):
            set_up(Environment(ROOT), tools=wanted.extra == "test", quiet=wanted.quiet)
    except (Unfit, Failed) as problem:
        say(f"setup: {problem}")
        return 1
    except OSError as problem:
        place = problem.filename or ROOT
        say(f"setup: {problem.strerror or problem} ({place}): make room or give write access, then run it again.")
        return 1
    except Stopped as stopped:
        say("setup: stopped; run it again to go on from the last finished step.")
        return 128 + stopped.number
    finally:
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C would leave behind what is being stopped
        stop_all()
    return 0


def _stop(number: int, _: object) -> None:
    raise Stopped(number)


if __name__ == "__main__":
    sys.exit(main())
