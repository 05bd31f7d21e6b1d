"""What all tests share: nobody's own settings, home or ignored signals, and the root of the checkout."""

import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.kept_fonts import FOLDER
from tests.shared import shared_folder

ROOT = Path(__file__).resolve().parents[1]

# As engine.models does before it imports a family; but test modules import torch and llama.cpp themselves, and OpenMP
# reads it only then. Spinning threads of several test processes on the same cores made one test take five minutes.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Toys are too small to share out; with a test process on every core, threads only waited for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


MODULES = pytest.StashKey[int]()
"""How many there were when they were last frozen."""
MANY = 100


def freeze_modules(config: pytest.Config) -> None:
    """What importing brings (torch, diffusers, Litestar: 900,000 objects) lives as long as the run.

    Looking through it again and again for garbage was an eighth of what the tests cost. What they make themselves is
    looked through as ever.
    """
    config.stash[MODULES] = len(sys.modules)
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        freeze_modules(session.config)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Pipelines of diffusers, and the voices' libraries, come only when a test opens a model."""
    if len(sys.modules) >= item.config.stash[MODULES] + MANY:
        freeze_modules(item.config)


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(autouse=True, scope="session")
def neutral_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting of whoever runs the tests reaches them, and nothing is left in their home.

    A shell's background job, or nohup, ignores signals, and its children would inherit that: tests that send them wait
    for ever then.
    """
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("REELHOUSE_"):
                patch.delenv(name)
        patch.setenv("REELHOUSE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv(FOLDER, str(shared_folder(tmp_path_factory, "fonts")))
        yield
