"""Addresses and pictures that a request names: nothing inside is reached, nothing that is no picture is kept."""

from __future__ import annotations

import base64
import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from server.media.models import Media
from server.place import Place
from server.series.models import SeriesCharacter
from server.settings import Settings
from tests.server.conftest import Api
from tests.server.operations import (
    is_error,
    rows,
    with_settings,
)

GENERATE, PLAN = "/api/v1/stories/generate", "/api/v1/stories/plan"
ENSURE = "/api/v1/series-assets/ensure-character-image"
JSON = {"Content-Type": "application/json"}


# ---- addresses that are named, pictures -----------------------------------------------------------------------------


class Trap:
    """Listens on loopback; `visits` counts who came. With `location`, it redirects there."""

    def __init__(self, location: str = "") -> None:
        self.visits = 0
        self._answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            with connection:
                connection.recv(4096)
                connection.sendall(self._answer)

    def close(self) -> None:
        self._socket.close()


INSIDE = [
    "http://127.0.0.1:{port}/x.png", "http://localhost:{port}/x.png", "http://2130706433:{port}/x.png",
    "http://0x7f000001:{port}/x.png", "http://0177.0.0.1:{port}/x.png", "http://127.1:{port}/x.png",
    "http://0:{port}/x.png", "http://0.0.0.0:{port}/x.png", "http://[::1]:{port}/x.png", "http://[::]:{port}/x.png",
    "http://[::ffff:127.0.0.1]:{port}/x.png", "http://[::ffff:7f00:1]:{port}/x.png", "http://[::127.0.0.1]:{port}/x.png",
    "http://[64:ff9b::7f00:1]:{port}/x.png", "http://[64:ff9b:1::7f00:1]/x.png", "http://[2002:7f00:1::]:{port}/x.png",
    "http://[fe80::1%25lo]:{port}/x.png", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/",
    "http://100.64.0.1/", "http://user:pw@127.0.0.1:{port}/x.png", "http://example.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.com/",
    "http://127。0。0。1:{port}/", "http://①②⑦.0.0.1:{port}/", "http:\\\\127.0.0.1:{port}\\x.png",
    "http:/127.0.0.1:{port}/", "//127.0.0.1:{port}/", "file:///etc/passwd", "file://localhost/etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "ftp://127.0.0.1:{port}/x.png", "dict://127.0.0.1:{port}/", "jar:http://127.0.0.1:{port}!/",
    "http://127.0.0.1:{port} /", "http://127.0.0.1:{port}/\r\nX: y", "http://127.0.0.1:99999/",
    "http://", "http://:{port}/", "javascript:alert(1)",
    "unix:///var/run/docker.sock", "data:text/html;base64,PHNjcmlwdD4=",
]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
@pytest.mark.one_server
def test_no_address_of_a_request_reaches_inside(api: Api, place: Place, url: str) -> None:
    trap = Trap()
    before = rows(place)
    try:
        named = url.replace("{port}", str(trap.port))
        picture = {"seriesId": "c" + "0" * 24, "characterName": "Vix", "imageUrl": named}
        answers = {
            "imageUrl": api.post(ENSURE, json=picture),
            "webhookUrl": api.post(GENERATE, json={"prompt": "x", "webhookUrl": named}),
        }
        for field, answer in answers.items():
            assert is_error(answer, 400), answer.text
            assert answer.json()["error"]["details"][0]["field"] == field
            assert "root:" not in answer.text
    finally:
        trap.close()
    assert trap.visits == 0
    assert rows(place) == before


class TestWithAnAllowedHost:
    @pytest.fixture
    def trap(self) -> Iterator[Trap]:
        trap = Trap()
        yield trap
        trap.close()

    @pytest.fixture
    def door(self, trap: Trap) -> Iterator[Trap]:
        door = Trap(f"http://127.0.0.1:{trap.port}/x.png")
        yield door
        door.close()

    @pytest.fixture
    def settings(self, settings: Settings, door: Trap) -> Settings:
        return with_settings(settings, allowed_fetch=(f"127.0.0.1:{door.port}",))

    def test_a_redirect_to_inside_is_not_followed(self, api: Api, place: Place, trap: Trap, door: Trap) -> None:
        url = f"http://127.0.0.1:{door.port}/x.png"
        answer = api.post(ENSURE, json={"seriesId": "c" + "0" * 24, "characterName": "Vix", "imageUrl": url})
        assert is_error(answer, 400)
        assert (door.visits, trap.visits) == (1, 0)


def picture(kind: str, size: tuple[int, int] = (80, 80), **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **more)
    return out.getvalue()


def data_url(kind: str, data: bytes | None = None, called: str = "image/png") -> str:
    return f"data:{called};base64,{base64.b64encode(picture(kind) if data is None else data).decode()}"


def bomb() -> bytes:
    """65,535 pixels a side, said in a header of a few bytes."""
    data = bytearray(picture("PNG"))
    data[16:24] = (65_535).to_bytes(4, "big") * 2
    return bytes(data)


PICTURES = {
    "a GIF called PNG": data_url("GIF"),
    "a BMP called JPEG": data_url("BMP", called="image/jpeg"),
    "a PDF called PNG": data_url("PDF"),
    "SVG called PNG": data_url("", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
    "SVG": data_url("", b"<svg/>", "image/svg+xml"),
    "HTML called PNG": data_url("", b"<script>alert(1)</script>"),
    "a bomb": data_url("", bomb()),
    "half a picture": data_url("", picture("PNG")[:60]),
    "nothing": data_url("", b""),
    "too small": data_url("", picture("PNG", (63, 80))),
    "too large": data_url("", picture("PNG", (8193, 64))),
    "an animation": data_url("", picture("GIF", save_all=True, append_images=[Image.new("RGB", (80, 80))])),
    "no base64": "data:image/png;base64,!!!!",
    "no type": "data:;base64,AAAA",
    "not base64 at all": "data:image/png,AAAA",
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.one_server
def test_what_is_no_such_picture_is_refused_and_leaves_nothing(api: Api, place: Place, name: str) -> None:
    before, kept = rows(place), media_of(place)
    body = {"seriesId": "c" + "0" * 24, "characterName": "Vix", "imageUrl": PICTURES[name]}
    assert is_error(api.post(ENSURE, json=body), 400)
    assert rows(place) == before
    assert media_of(place) == kept


def media_of(place: Place) -> set[Path]:
    return {path for path in place.folders.media.rglob("*") if path.is_file()}


def test_a_refused_picture_leaves_the_one_that_was_there(api: Api, place: Place) -> None:
    body = {"seriesId": "c" + "0" * 24, "characterName": "Vix", "imageUrl": data_url("PNG")}
    first = api.post(ENSURE, json=body).json()
    for url in PICTURES.values():
        assert is_error(api.post(ENSURE, json=body | {"imageUrl": url}), 400)
    with place.db.reading() as session:
        (media,), (character,) = session.scalars(select(Media)).all(), session.scalars(select(SeriesCharacter)).all()
    assert first["imageUrl"].endswith(f"/media/{character.image_id}{media.suffix}")
    assert api.get(first["imageUrl"]).status_code == 200
