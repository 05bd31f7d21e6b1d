"""A real server for other projects' tests: the fixture `reelhouse` answers the whole contract with toy models.

Installing reelhouse makes the fixture known to pytest. A story of six seconds takes a few seconds; its words, voice and
pictures mean nothing, its form is that of the large models'.

    def test_my_program_makes_a_film(reelhouse):
        job = reelhouse.client.wait(reelhouse.client.generate("A fox", target_seconds=6), poll=0.5)
        assert job.video_url
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from server.client import Client

COMMAND = (sys.executable, "-c", "from server.cli import main; main()")


class RunningServer(NamedTuple):
    """`url` without /api/v1; `key` has all scopes, and its user more credits than any test spends."""

    url: str
    key: str
    client: Client
    data: Path


@pytest.fixture(scope="session")
def reelhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """`reelhouse serve --profile tiny` on a free port of 127.0.0.1, with a user and a key; gone after the tests."""
    from server.client import Client

    data = tmp_path_factory.mktemp("reelhouse")
    environ = {
        **os.environ,
        "REELHOUSE_DATA": str(data),
        "REELHOUSE_PROFILE": "tiny",
        "REELHOUSE_LIMITS_GENERATE": "10000/min",
        "REELHOUSE_LIMITS_READ": "100000/min",
    }
    _run(environ, "models", "build")
    _run(environ, "users", "create", "tests@example.org", "--credits", "1000000", "--password-stdin", given="for tests")
    key = _run(environ, "keys", "create", "--user", "tests@example.org", "--name", "tests").split()[-1]
    server = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"], env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        word, _, url = server.stdout.readline().strip().partition(" ")
        if word != "ready":
            raise RuntimeError(f"reelhouse serve did not start; its log is in {data / 'logs'}")
        with Client(url, key) as client:
            yield RunningServer(url, key, client, data)
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _run(environ: dict[str, str], *arguments: str, given: str | None = None) -> str:
    """What a command of `reelhouse` prints. Raises `RuntimeError` with what it said."""
    done = subprocess.run([*COMMAND, *arguments], env=environ, capture_output=True, text=True, input=given, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"reelhouse {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()
