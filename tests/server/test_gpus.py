"""A worker per GPU, each with a lock that counts for the whole machine. Real processes; the GPUs are names only."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import psutil
import pytest

from engine.errors import ModelUnavailable
from server import workforce
from server.place import Place
from server.workforce import gpus_of
from tests.server.making import Workers, a_place, submit, wait_for_end, wait_until
from tests.server.people import a_user


class Server:
    """A place with data of its own."""

    def __init__(self, folder: Path, machine: Path) -> None:
        folder.mkdir()
        self.place: Place = a_place(folder, lease_seconds=2.5, sweep_seconds=1.0)
        self.workers = Workers(self.place)
        self.user = a_user(self.place)
        self._machine = machine

    def start(self, gpu: str) -> int:
        return self.workers.start(BENCH_GPU=gpu, TMPDIR=str(self._machine), clip_seconds=0.5)

    def ready(self) -> list[str | None]:
        log = self.place.folders.logs / "worker.log"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line["gpu"] for line in lines if line["event"] == "ready"]

    def close(self) -> None:
        self.workers.close()
        self.place.close()


@pytest.fixture
def servers(tmp_path: Path):
    machine = tmp_path / "tmp"
    machine.mkdir()
    made = [Server(tmp_path / name, machine) for name in ("one", "other")]
    yield made
    for server in made:
        server.close()


def test_two_workers_never_have_one_gpu_even_of_two_servers_and_each_has_its_own(servers: list[Server]) -> None:
    one, other = servers
    first = one.start("fake-0")
    wait_until(lambda: one.ready() == ["fake-0"], "the first worker has the GPU")
    other.start("fake-0")
    other.start("fake-1")
    wait_until(lambda: other.ready() == ["fake-1"], "the worker with a GPU of its own is ready")
    submitted = [submit(server.place, server.user, "A fox ran.") for server in servers]
    for server, job_id in zip(servers, submitted, strict=True):
        assert [told.status for told in wait_for_end(server.place, job_id)] == ["completed"]
    child = one.workers.child(first)
    assert child is not None
    assert child.environ()["CUDA_VISIBLE_DEVICES"] == "fake-0"
    assert other.ready() == ["fake-1"], "while the first worker lives, its GPU is its own"
    one.workers.kill(first, signal.SIGTERM)
    wait_until(lambda: sorted(map(str, other.ready())) == ["fake-0", "fake-1"], "who waited has the GPU")


def test_a_gpu_is_free_only_when_the_child_of_a_killed_worker_has_gone_too(servers: list[Server]) -> None:
    """The kernel kills it with its worker, but what hangs in a driver takes its time: here it is suspended first, and
    its death is told by nobody but the lock."""
    one, other = servers
    first = one.start("fake-0")
    assert [told.status for told in wait_for_end(one.place, submit(one.place, one.user, "A fox ran."))] == ["completed"]
    child = one.workers.child(first)
    assert child is not None
    other.start("fake-0")
    time.sleep(1.0)
    assert other.ready() == []
    lock = one._machine / "reelhouse-gpus" / "fake-0" / ".lock"
    held = {Path(file.path) for file in psutil.Process(child.pid).open_files()}
    assert lock in held, "the child holds the lock as long as it lives"
    one.workers.kill(first)
    wait_until(lambda: other.ready() == ["fake-0"], "who waited has the GPU")
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_gpus_are_named_once_each_and_all_are_those_that_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(workforce, "_count_gpus", lambda: 3)
    assert gpus_of(None) == (None,)
    assert gpus_of("1, 0,1") == ("1", "0")
    assert gpus_of("all") == ("0", "1", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-4711")
    assert gpus_of("all") == ("2", "GPU-4711")
    assert gpus_of("0") == ("0",)
    monkeypatch.setattr(workforce, "_count_gpus", lambda: 0)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    with pytest.raises(ModelUnavailable, match="no NVIDIA GPU"):
        gpus_of("all")
