"""What the server posts to: the address that was judged, byte by byte, again at each delivery, and no further."""

import socket
from http.server import BaseHTTPRequestHandler

import pytest

from server.fetching import FetchFailed, check_target, post
from server.settings import Settings
from tests.server.fetching_rooms import LOCAL, Names, at
from tests.server.media_rooms import gives, web_server


def test_a_webhook_is_posted_with_its_headers_and_body_to_the_byte() -> None:
    seen: list[tuple[str, bytes, str | None]] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        seen.append((request.command, body, request.headers["webhook-id"]))
        gives(b"thanks", "text/plain", 201)(request)

    body = '{"type": "story.completed", "é": 1}'.encode()
    with web_server(answer) as port:
        assert post(at(port, "/hook"), body, {"webhook-id": "msg_1"}, LOCAL) == 201
    assert seen == [("POST", body, "msg_1")]


def test_the_status_is_told_whatever_it_is_and_a_redirect_is_not_followed() -> None:
    paths: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        paths.append(request.path)
        status = int(request.path.strip("/"))
        gives(b"", "text/plain", status, location="/200")(request)

    with web_server(answer) as port:
        assert [post(at(port, f"/{status}"), b"{}", {}, LOCAL) for status in (204, 302, 410, 500)] == [
            204,
            302,
            410,
            500,
        ]
    assert paths == ["/204", "/302", "/410", "/500"]


def test_a_webhook_is_judged_again_at_each_delivery() -> None:
    names = Names(hooks_example=[["8.8.8.8"], ["127.0.0.1"]])
    check_target("http://hooks.example/", Settings(), "webhookUrl", resolve=names)
    with pytest.raises(FetchFailed, match="not a public address"):
        post("http://hooks.example/", b"{}", {}, Settings(), resolve=names)


def test_a_receiver_that_never_answers_fails_in_time() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(FetchFailed, match="took too long"),
    ):
        post(at(silent.getsockname()[1]), b"{}", {}, LOCAL, seconds=0.3)
