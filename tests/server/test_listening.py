"""Connections of those who say nothing, or say it slowly, are not kept; those that are used are."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from server import listening
from server.app import create_app
from server.place import Place

GET = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def port(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(listening, "HEAD_SECONDS", 1.0)
    bound = listening.bind("127.0.0.1", 0)
    config = uvicorn.Config(create_app(place), log_config=None, access_log=False, ws="none", http=listening.Wire)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield bound.getsockname()[1]
    server.should_exit = True
    thread.join()


def ends(connection: socket.socket) -> bool:
    connection.settimeout(10)
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHos"])
def test_who_does_not_come_to_the_point_is_left(port: int, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(said)
        assert ends(connection)


def test_a_letter_at_a_time_is_no_way_to_stay(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began, letters = time.monotonic(), iter(b"GET / HTTP/1.1\r\nX: " + b"x" * 1000)
        with pytest.raises(OSError):
            while time.monotonic() - began < 20:
                connection.sendall(bytes([next(letters)]))
                time.sleep(0.1)


def test_a_connection_serves_one_request_after_another_for_as_long_as_they_come(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(10)
        for _ in range(4):  # longer than the patience, all in all
            connection.sendall(GET)
            read_answers(connection, 1)
            time.sleep(0.5)
        connection.sendall(GET * 3)
        read_answers(connection, 3)


def read_answers(connection: socket.socket, count: int) -> None:
    got = b""
    while got.count(b'{"status":"live"}') < count:
        part = connection.recv(4096)
        assert part
        got += part
