"""What the server fetches: a picture from an allowed host, at the address that was judged, and nothing else. The
servers are real, on 127.0.0.1, which is refused unless it is allowed."""

import shutil
import socket
import ssl
import subprocess
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from server import fetching
from server.errors import BadInput
from server.fetching import check_target, fetch_image
from server.settings import Settings
from tests.server.fetching_rooms import LOCAL, PICTURE, Names, allowing, at, nobody, refusal
from tests.server.media_rooms import data_url, gives, web_server

# ---- fetching -------------------------------------------------------------------------------------------------------


def test_a_picture_is_fetched_from_an_allowed_host() -> None:
    seen: list[BaseHTTPRequestHandler] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        seen.append(request)
        gives(PICTURE)(request)

    with web_server(answer) as port:
        assert fetch_image(at(port, "/a.png?size=1&x=%20y"), LOCAL) == PICTURE
    assert seen[0].path == "/a.png?size=1&x=%20y"
    assert seen[0].headers["host"] == f"127.0.0.1:{port}"
    assert not {"cookie", "authorization"} & {name.lower() for name in seen[0].headers}


def test_it_is_refused_where_nobody_allowed_it_and_nothing_is_asked() -> None:
    asked: list[str] = []
    with web_server(lambda request: asked.append(request.path)) as port:
        assert "REELHOUSE_ALLOWED_FETCH" in refusal(at(port))
        assert "not a public address" in refusal(at(port), allowing(f"127.0.0.1:{port + 1}"))
    assert not asked


def test_a_name_is_looked_up_once_and_connected_to_at_that_address_only() -> None:
    """Rebinding: the second answer would lead to another host."""
    names = Names(nas_lan=[["127.0.0.1"], ["127.0.0.2"], ["169.254.169.254"]])
    with web_server(gives(PICTURE)) as port:
        assert fetch_image(at(port, host="nas.lan"), allowing("nas.lan"), resolve=names) == PICTURE
    assert names.asked == ["nas.lan"]


def test_a_name_that_first_answers_publicly_and_then_privately_never_gets_to_the_second() -> None:
    names = Names(a_example=[["127.0.0.1"], ["8.8.8.8"]])
    assert "not a public address" in refusal("http://a.example/", resolve=names)
    assert len(names.asked) == 1


def test_the_next_address_is_tried_if_nobody_is_at_the_first() -> None:
    names = Names(nas_lan=[["127.0.0.9", "127.0.0.1"]])
    with web_server(gives(PICTURE)) as port:
        assert fetch_image(at(port, host="nas.lan"), allowing("nas.lan"), resolve=names) == PICTURE


def redirects_to(*targets: str, status: int = 302):
    def answer(request: BaseHTTPRequestHandler) -> None:
        step = int(request.path.strip("/") or 0)
        if step < len(targets):
            gives(b"", status=status, location=targets[step])(request)
        else:
            gives(PICTURE)(request)

    return answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_three_redirects_are_followed_and_a_fourth_is_not(status: int) -> None:
    with web_server(redirects_to("/1", "2", "./3", status=status)) as port:
        assert fetch_image(at(port, "/"), LOCAL) == PICTURE
    with web_server(redirects_to("/1", "/2", "/3", "/4", status=status)) as port:
        assert "more than 3 redirects" in refusal(at(port, "/"), LOCAL)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("http://127.0.0.2/", "not a public address"),
        ("http://169.254.169.254/latest/meta-data", "not a public address"),
        ("http://[::1]/", "not a public address"),
        ("//10.0.0.1/", "not a public address"),
        ("http://2130706433/", "usual form"),
        ("file:///etc/passwd", "http://"),
        ("data:image/png;base64,AAAA", "http://"),
        ("http://user:x@127.0.0.1/", "user name"),
        ("http://[", "not the name of a host"),
    ],
)
def test_each_redirect_is_judged_anew(location: str, told: str) -> None:
    with web_server(redirects_to(location)) as port:
        assert told in refusal(at(port, "/"), LOCAL)


def test_a_redirect_by_name_is_looked_up_and_judged() -> None:
    names = Names(nas_lan=[["127.0.0.1"]], inside_example=[["10.1.1.1"]])
    with web_server(redirects_to("http://inside.example/")) as port:
        told = refusal(at(port, "/", "nas.lan"), allowing("nas.lan"), resolve=names)
    assert "inside.example" in told
    assert "10.1.1.1" not in told  # what names mean inside is nobody's business
    assert names.asked == ["nas.lan", "inside.example"]


@pytest.mark.parametrize("status", [204, 206, 400, 401, 404, 500])
def test_any_other_answer_than_200_is_told(status: int) -> None:
    with web_server(gives(b"", status=status)) as port:
        assert f"answered {status}" in refusal(at(port), LOCAL)


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "image/gif", "application/json", "image/pngx"])
def test_what_says_that_it_is_no_picture_is_refused(kind: str) -> None:
    with web_server(gives(PICTURE, kind)) as port:
        assert kind in refusal(at(port), LOCAL)


@pytest.mark.parametrize(
    "kind", ["image/png", "IMAGE/PNG; charset=x", "application/octet-stream", "binary/octet-stream"]
)
def test_pictures_and_what_says_nothing_are_taken(kind: str) -> None:
    with web_server(gives(PICTURE, kind)) as port:
        assert fetch_image(at(port), LOCAL) == PICTURE


def test_more_than_20_mb_are_refused_when_announced_and_when_they_come() -> None:
    def announced(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("content-type", "image/png")
        request.send_header("content-length", "20000001")
        request.end_headers()

    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("content-type", "image/png")
        request.end_headers()
        try:
            while True:
                request.wfile.write(bytes(1_000_000))
        except OSError:
            return

    for answer in (announced, endless):
        with web_server(answer) as port:
            assert "larger than 20 MB" in refusal(at(port), LOCAL)


def test_what_comes_compressed_is_not_unpacked() -> None:
    with web_server(gives(b"\x1f\x8b", content_encoding="gzip")) as port:
        assert "compressed" in refusal(at(port), LOCAL)


def trickle(head: bytes):
    """Sends `head`, then a byte now and then, for ever."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        try:
            request.wfile.write(head)
            while True:
                request.wfile.write(b"a")
                request.wfile.flush()
                time.sleep(0.02)
        except OSError:
            return

    return answer


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n"],
    ids=["", "head", "body"],
)
def test_who_dawdles_is_left_at_the_deadline_however_little_comes_at_a_time(head: bytes) -> None:
    with web_server(trickle(head)) as port:
        told = refusal(at(port), LOCAL, seconds=0.5)
    assert "took too long" in told or "cannot be reached" in told


def test_who_never_answers_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "took too long" in refusal(at(silent.getsockname()[1]), LOCAL, seconds=0.3)


@pytest.mark.parametrize(
    "said", [b"nonsense\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", b"\0" * 99]
)
def test_what_is_not_http_is_told_in_a_sentence(said: bytes) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(said)
        request.close_connection = True

    with web_server(answer) as port:
        assert "cannot be reached" in refusal(at(port), LOCAL)


def test_where_nobody_listens_it_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert "cannot be reached" in refusal(at(port), LOCAL)


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with web_server(gives(PICTURE)) as port:
        assert fetch_image(at(port), LOCAL) == PICTURE


# ---- under TLS ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of nas.lan, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    folder = tmp_path_factory.mktemp("tls")
    pem, key = folder / "pem", folder / "key"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=nas.lan"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:nas.lan", "-keyout", key, "-out", pem],
        check=True,
        capture_output=True,
    )
    return pem, key


def test_the_certificate_must_be_for_the_name_not_for_the_address(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, key = certificate
    asked: list[str | None] = []
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(pem, key)
    ours.sni_callback = lambda _, name, __: asked.append(name)
    trusting = ssl.create_default_context(cafile=pem)
    names = Names(nas_lan=[["127.0.0.1"]], other_lan=[["127.0.0.1"]])
    settings = allowing("nas.lan", "other.lan", "127.0.0.1")

    def wrap(socket: Any) -> Any:
        return ours.wrap_socket(socket, server_side=True, do_handshake_on_connect=False)

    with web_server(gives(PICTURE), wrap) as port:
        assert "cannot be reached" in refusal(f"https://nas.lan:{port}/", settings, resolve=names)
        monkeypatch.setattr(fetching, "_tls", lambda: trusting)
        assert fetch_image(f"https://nas.lan:{port}/", settings, resolve=names) == PICTURE
        for other in ("other.lan", "127.0.0.1"):
            assert "cannot be reached" in refusal(f"https://{other}:{port}/", settings, resolve=names)
    assert asked[:2] == ["nas.lan", "nas.lan"]


# ---- strictly offline -----------------------------------------------------------------------------------------------


def test_strictly_offline_nothing_is_looked_up_and_the_ways_out_are_named() -> None:
    told = refusal("http://a.example/a.png", Settings(offline="strict"), resolve=nobody)
    assert "REELHOUSE_ALLOWED_FETCH" in told
    assert "data: URL" in told
    told = refusal("http://8.8.8.8/a.png", Settings(offline="strict"), resolve=nobody)
    assert "data: URL" in told
    with pytest.raises(BadInput, match="REELHOUSE_ALLOWED_FETCH"):
        check_target("http://a.example/", Settings(offline="strict"), "webhookUrl", resolve=nobody)


def test_strictly_offline_allowed_hosts_and_data_urls_still_work() -> None:
    strict = allowing("nas.lan", "127.0.0.1", offline="strict")
    with web_server(gives(PICTURE)) as port:
        assert fetch_image(at(port), strict) == PICTURE
        assert fetch_image(at(port, host="nas.lan"), strict, resolve=Names(nas_lan=[["127.0.0.1"]])) == PICTURE
    assert fetch_image(data_url(PICTURE), strict, resolve=nobody) == PICTURE


# ---- data: URLs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/webp", "IMAGE/PNG", "image/png;charset=utf-8"])
def test_a_picture_can_come_in_its_address(kind: str) -> None:
    assert fetch_image(data_url(PICTURE, kind), Settings(), resolve=nobody) == PICTURE
    assert fetch_image(data_url(PICTURE, kind).replace("+", "%2B"), Settings(), resolve=nobody) == PICTURE


@pytest.mark.parametrize(
    "url",
    [
        "data:",
        "data:,x",
        "data:image/png,x",
        "data:image/png;base64,!!!",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:text/html;base64,AAAA",
        "data:image/gif;base64,AAAA",
        "data:;base64,AAAA",
        "data:image/png;base64,A",
        "data:image/png;base64,AAAA\u00e9",
        "data:image/png;base64,AA AA",
        "DATA:text/plain;base64,AAAA",
    ],
)
def test_other_data_urls_are_refused(url: str) -> None:
    refusal(url, resolve=nobody)


def test_a_data_url_holds_20_mb_at_most() -> None:
    assert "20 MB" in refusal(data_url(bytes(20_000_001)))
