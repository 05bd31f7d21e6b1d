"""Files over HTTP: whole or by ranges, with all that players and caches need; nothing a client says becomes a path."""

import os
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import anyio
import pytest

from server.api import media as api
from server.media.library import path_of
from server.media.models import Media
from server.media.serving import FileFacts, answer
from server.place import Place, open_place
from server.settings import Settings
from tests.server.media_rooms import DATA, SIZE, a_file, client_of, name_of
from tests.server.people import a_user


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = open_place(Settings(data=tmp_path / "data"))
    yield place
    place.close()


@pytest.fixture
def user(place: Place) -> str:
    return a_user(place)


@pytest.fixture
def film(place: Place, user: str) -> Media:
    return a_file(place, user, "c" + "0" * 24, DATA)


# ---- the answer -----------------------------------------------------------------------------------------------------

FACTS = FileFacts("film.mp4", ".mp4", 1000, "ab" * 32, 1_775_000_000)


CHANGED = formatdate(FACTS.changed, usegmt=True)


LATER = formatdate(FACTS.changed + 60, usegmt=True)


EARLIER = formatdate(FACTS.changed - 60, usegmt=True)


@pytest.mark.parametrize(
    ("asked", "start", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-499", 0, 500),
        ("bytes=500-", 500, 500),
        ("bytes=990-5000", 990, 10),
        ("bytes=-1", 999, 1),
        ("bytes=-5000", 0, 1000),
        ("bytes = 3 - 4 ", 3, 2),
        ("BYTES=3-4", 3, 2),
        ("bytes=0-999999999999999999", 0, 1000),
    ],
)
def test_a_range_is_answered_by_just_those_bytes(asked: str, start: int, length: int) -> None:
    reply = answer("GET", {"range": asked}, FACTS)
    assert (reply.status, reply.start, reply.length) == (206, start, length)
    assert reply.headers["content-range"] == f"bytes {start}-{start + length - 1}/1000"
    assert reply.headers["content-length"] == str(length)


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-4",
        "items=0-1",
        "bytes=0-1,5-6",
        "nonsense",
        "bytes=" + "9" * 99 + "-",
        "bytes=٣-٤",
        "bytes=--1",
    ],
)
def test_what_is_no_single_range_is_answered_by_the_whole(asked: str) -> None:
    reply = answer("GET", {"range": asked}, FACTS)
    assert (reply.status, reply.length, reply.headers["content-length"]) == (200, 1000, "1000")


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_outside_of_the_file_cannot_be_satisfied(asked: str) -> None:
    reply = answer("GET", {"range": asked}, FACTS)
    assert (reply.status, reply.headers["content-range"]) == (416, "bytes */1000")


def test_an_empty_file_has_no_range() -> None:
    empty = FACTS._replace(bytes=0)
    assert answer("GET", {"range": "bytes=0-"}, empty).status == 416
    assert answer("GET", {"range": "bytes=-5"}, empty).status == 416
    assert answer("GET", {}, empty).headers["content-length"] == "0"


def test_head_knows_no_range() -> None:
    assert answer("HEAD", {"range": "bytes=0-1"}, FACTS).status == 200


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (FACTS.etag, 206),
        (f"W/{FACTS.etag}", 200),
        ('"other"', 200),
        (CHANGED, 206),
        (EARLIER, 200),
        (LATER, 200),
        ("nonsense", 200),
    ],
)
def test_if_range_gives_a_part_only_of_the_very_same_file(condition: str, status: int) -> None:
    assert answer("GET", {"range": "bytes=0-9", "if-range": condition}, FACTS).status == status


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"if-none-match": FACTS.etag}, 304),
        ({"if-none-match": f'"x", W/{FACTS.etag}'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"x"'}, 200),
        ({"if-none-match": '"x"', "if-modified-since": LATER}, 200),
        ({"if-modified-since": CHANGED}, 304),
        ({"if-modified-since": LATER}, 304),
        ({"if-modified-since": EARLIER}, 200),
        ({"if-modified-since": "yesterday"}, 200),
        ({"if-none-match": FACTS.etag, "range": "bytes=0-1"}, 304),
    ],
)
def test_what_the_client_has_already_is_not_sent_again(asked: dict[str, str], status: int) -> None:
    for method in ("GET", "HEAD"):
        reply = answer(method, asked, FACTS)
        assert reply.status == status
        assert reply.headers["etag"] == FACTS.etag
        assert "immutable" in reply.headers["cache-control"]
        assert ("content-length" in reply.headers) == (status == 200)


# ---- over HTTP ------------------------------------------------------------------------------------------------------


def test_a_film_is_served_whole_with_all_that_players_and_caches_need(place: Place, film: Media) -> None:
    with client_of(place) as client:
        got = client.get(f"/media/{name_of(film)}")
        head = client.head(f"/media/{name_of(film)}")
    assert (got.status_code, got.content) == (200, DATA)
    assert (head.status_code, head.content) == (200, b"")
    for reply in (got, head):
        assert reply.headers["content-type"] == "video/mp4"
        assert reply.headers["content-length"] == str(SIZE)
        assert reply.headers["accept-ranges"] == "bytes"
        assert reply.headers["etag"] == f'"{film.sha256}"'
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["content-security-policy"].startswith("default-src 'none'")
        assert "sandbox" in reply.headers["content-security-policy"]
        assert reply.headers["content-disposition"] == f'inline; filename="{name_of(film)}"'
        assert reply.headers["access-control-allow-origin"] == "*"
        assert reply.headers["last-modified"].endswith("GMT")
        assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        (".png", "image/png"),
        (".jpg", "image/jpeg"),
        (".webp", "image/webp"),
        (".wav", "audio/wav"),
        (".m4a", "audio/mp4"),
        (".srt", "application/x-subrip; charset=utf-8"),
        (".vtt", "text/vtt; charset=utf-8"),
    ],
)
def test_each_kind_has_its_type(place: Place, user: str, suffix: str, kind: str) -> None:
    media = a_file(place, user, "story", b"x", suffix)
    with client_of(place) as client:
        assert client.get(f"/media/{name_of(media)}").headers["content-type"] == kind


def test_parts_put_together_are_the_file(place: Place, film: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "CHUNK", 100)
    with client_of(place) as client:
        parts = [
            client.get(f"/media/{name_of(film)}", headers={"Range": f"bytes={at}-{at + 999}"})
            for at in range(0, SIZE, 1000)
        ]
    assert {part.status_code for part in parts} == {206}
    assert b"".join(part.content for part in parts) == DATA


def test_a_range_outside_is_refused_in_the_shape_of_every_error(place: Place, film: Media) -> None:
    with client_of(place) as client:
        got = client.get(f"/media/{name_of(film)}", headers={"Range": f"bytes={SIZE}-"})
    assert got.status_code == 416
    assert got.headers["content-range"] == f"bytes */{SIZE}"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["cache-control"] == "no-store"
    error = got.json()["error"]
    assert (error["code"], error["status"]) == ("range_not_satisfiable", 416)


def test_not_modified_has_no_body(place: Place, film: Media) -> None:
    with client_of(place) as client:
        got = client.get(f"/media/{name_of(film)}", headers={"If-None-Match": f'"{film.sha256}"'})
    assert (got.status_code, got.content) == (304, b"")
    assert "content-type" not in got.headers


@pytest.mark.parametrize(
    "path",
    [
        "nothing.mp4",
        "..%2fsecret.key",
        "%2e%2e%2fapp.db",
        "..%5capp.db",
        "%00.mp4",
        "a" * 31 + ".mp4",
        "a" * 5000,
        "%ff%fe.mp4",
        "....//app.db",
        "~root",
        "{film}%00.mp4",
        "{film}/../../secret.key",
        "{film}.mp4.html",
    ],
)
def test_no_string_of_a_client_becomes_a_path(place: Place, film: Media, path: str) -> None:
    with client_of(place) as client:
        got = client.get(f"/media/{path.replace('{film}', film.id)}")
    assert got.status_code == 404
    assert got.json()["error"]["code"] == "not_found"


def test_a_file_that_has_gone_from_the_disk_is_not_found(place: Place, film: Media) -> None:
    path_of(place.folders, film).unlink()
    with client_of(place) as client:
        assert client.get(f"/media/{name_of(film)}").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_files_can_only_be_read(place: Place, film: Media, method: str) -> None:
    with client_of(place) as client:
        assert client.request(method, f"/media/{name_of(film)}").status_code == 405


def open_files() -> list[str]:
    found = []
    for handle in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(handle.readlink()))
        except OSError:
            continue
    return found


def test_a_client_that_goes_stops_the_reading_and_no_file_stays_open(
    place: Place, film: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "CHUNK", 100)
    path = path_of(place.folders, film)
    facts = FileFacts(path.name, ".mp4", SIZE, film.sha256, 0)
    sent: list[Any] = []

    async def play() -> None:
        gone = anyio.Event()

        async def receive() -> Any:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 4:
                gone.set()
                await anyio.sleep(3600)  # what it is like to write to a client who no longer reads

        await api._FilePart(answer("GET", {}, facts), path)({}, receive, send)  # type: ignore[arg-type]

    anyio.run(play)
    assert len(sent) == 4
    assert str(path) not in open_files()


def test_many_clients_at_once_each_get_all(place: Place, film: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "CHUNK", 500)
    path = path_of(place.folders, film)
    facts = FileFacts(path.name, ".mp4", SIZE, film.sha256, 0)
    bodies: list[bytes] = []

    async def one() -> None:
        body = bytearray()

        async def send(message: Any) -> None:
            body.extend(message.get("body", b""))

        await api._FilePart(answer("GET", {}, facts), path)({}, anyio.sleep_forever, send)  # type: ignore[arg-type]
        bodies.append(bytes(body))

    async def play() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(one)

    anyio.run(play)
    assert bodies == [DATA] * 100
    assert str(path) not in open_files()


def test_what_is_read_is_never_the_whole_file_at_once(place: Place, film: Media) -> None:
    os.truncate(path_of(place.folders, film), 10 * api.CHUNK)
    facts = FileFacts("film.mp4", ".mp4", 10 * api.CHUNK, film.sha256, 0)
    sizes: list[int] = []

    async def send(message: Any) -> None:
        sizes.append(len(message.get("body", b"")))

    async def play() -> None:
        part = api._FilePart(answer("GET", {}, facts), path_of(place.folders, film))
        await part({}, anyio.sleep_forever, send)  # type: ignore[arg-type]

    anyio.run(play)
    assert max(sizes) <= api.CHUNK
