"""`reelhouse serve` as a real process: ready soon, light, supervising, gone in good order."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from server.place import open_place
from server.settings import Settings
from tests.server.people import PASSWORD, add_key, add_user

PROGRAM = (sys.executable, "-c", "from server.cli import main; main()")
LONG = 60.0
"""Seconds after which what should have happened counts as not happening."""


class Served:
    """A server, and what it said on stdout and stderr."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self.errors = errors
        assert process.stdout is not None
        self.first = process.stdout.readline()
        self.url = self.first.strip().removeprefix("ready ")

    @property
    def workers(self) -> list[psutil.Process]:
        """Those that live: one that was killed is a zombie until the server has looked after it."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                found += [child] if "worker" in child.cmdline() else []
        return found

    def told(self) -> str:
        return self.errors.read_text(encoding="utf-8")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(LONG)


def until(what: Callable[[], Any]) -> Any:
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    with serving(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without workers that several tests talk with, and none ends."""
    with serving(tmp_path_factory.mktemp("standing")) as start:
        yield start("--no-worker")


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Callable[..., Served]]:
    """What starts servers on `folder`; whichever still runs in the end is killed."""
    started: list[Served] = []

    def start(*flags: str) -> Served:
        errors = folder / f"stderr-{len(started)}"
        command = [*PROGRAM, "serve", "--port", "0", "--data", str(folder / "data"), "--profile", "tiny", *flags]
        with errors.open("w") as stderr:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
        started.append(Served(process, errors))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
            served.process.wait()


def test_it_says_that_it_is_ready_and_leaves_when_asked(serve: Callable[..., Served]) -> None:
    served = serve("--no-worker")
    assert served.first.startswith("ready http://127.0.0.1:")
    assert httpx2.get(f"{served.url}/health/ready").status_code == 200
    assert httpx2.get(f"{served.url}/metrics").text.count("reelhouse_requests_total")
    modules = Path(f"/proc/{served.process.pid}/maps").read_text()
    assert "torch" not in modules
    assert "onnxruntime" not in modules
    assert served.end() == 0
    assert served.process.stdout is not None
    assert served.process.stdout.read() == ""


def test_ctrl_c_ends_it_as_an_interruption(serve: Callable[..., Served]) -> None:
    assert serve("--no-worker").end(signal.SIGINT) == 130


def test_with_json_stdout_holds_one_document(serve: Callable[..., Served]) -> None:
    served = serve("--no-worker", "--json")
    assert served.process.stdout is not None
    served.end()
    document = json.loads(served.first + served.process.stdout.read())
    assert document["url"].startswith("http://127.0.0.1:")
    assert document["workers"] == 0


def test_the_first_user_is_made_with_the_token_of_the_console(serve: Callable[..., Served]) -> None:
    served = serve("--no-worker")
    token = served.told().partition("with the token ")[2].split()[0]
    person = {"email": "first@example.com", "password": PASSWORD}
    with httpx2.Client(base_url=f"{served.url}/api/v1") as client:
        assert client.post("/setup", json={"token": "guess", **person}).status_code == 403
        made = client.post("/setup", json={"token": token, **person})
        assert made.status_code == 201
        assert client.get("/session").json()["user"]["role"] == "admin"
        assert client.post("/setup", json={"token": token, **person}).status_code == 404
    served.end()
    again = serve("--no-worker")
    assert "token" not in again.told()
    log = (served.errors.parent / "data" / "logs" / "server.log").read_text()
    assert token not in log
    assert PASSWORD not in log


def test_a_port_that_is_taken_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [*PROGRAM, "serve", "--no-worker", "--port", port, "--data", str(tmp_path / "data")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"{port} is in use already" in done.stderr


def test_a_worker_that_dies_is_started_again_and_all_end_with_the_server(serve: Callable[..., Served]) -> None:
    served = serve()
    (first,) = until(lambda: served.workers)
    first.kill()
    (second,) = until(lambda: [one for one in served.workers if one.pid != first.pid])
    until(lambda: second.is_running() and second.num_threads() > 1)
    assert served.end() == 0
    assert not second.is_running()


def test_workers_die_with_a_server_that_is_killed(serve: Callable[..., Served]) -> None:
    served = serve()
    (worker,) = until(lambda: served.workers)
    until(lambda: worker.num_threads() > 1)  # it has come as far as to ask the kernel for that
    served.process.kill()
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_open_streams_do_not_keep_it(serve: Callable[..., Served], tmp_path: Path) -> None:
    place = open_place(Settings(home=Path(os.environ["REELHOUSE_HOME"]), data=tmp_path / "data"))
    key = add_key(place, add_user(place))
    place.close()
    served = serve("--no-worker")
    with httpx2.Client(base_url=f"{served.url}/api/v1", headers={"Authorization": f"Bearer {key}"}) as client:
        job = client.post("/stories/generate", json={"prompt": "A fox finds a lantern"}).json()
        with client.stream("GET", f"{job['pollUrl'].removeprefix('/api/v1')}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: status"
            assert served.end() == 0
            assert [line for line in lines if line.startswith("event")] == []


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET  /\r\n\r\n"])
def test_what_is_no_http_is_told_so_in_the_usual_shape(standing: Served, junk: bytes) -> None:
    host, _, port = standing.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(junk + b"\r\n\r\n")
        answer = b""
        while part := connection.recv(4096):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 400 " in head.partition(b"\r\n")[0]
    assert json.loads(body)["error"]["code"] == "bad_request"
    assert httpx2.get(f"{standing.url}/health/live").status_code == 200


def test_an_announced_body_that_does_not_come_is_not_waited_for(serve: Callable[..., Served]) -> None:
    served = serve("--no-worker")
    host, _, port = served.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /api/v1/setup HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999\r\n\r\n{"
        )
        assert b"413" in connection.recv(4096).partition(b"\r\n")[0]
    assert served.end() == 0
