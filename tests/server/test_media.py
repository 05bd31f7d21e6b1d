"""Files with public addresses: kept whole, found by their whole names, removed with their rows."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.errors import StorageUnwritable
from server.errors import NotFound
from server.media import library
from server.media.library import find, keep, path_of, remove, remove_some, url_of, url_of_id, urls_of
from server.media.models import Media
from server.place import Place, open_place
from server.settings import Settings
from tests.server.media_rooms import DATA, SIZE, a_file, files_below, name_of
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


def test_a_kept_file_is_there_with_its_size_and_hash(place: Place, film: Media) -> None:
    path = path_of(place.folders, film)
    assert path.read_bytes() == DATA
    assert path == place.folders.media / film.id[:2] / name_of(film)
    assert (film.bytes, film.sha256) == (SIZE, hashlib.sha256(DATA).hexdigest())
    assert url_of("http://host", film.id, film.suffix) == f"http://host/media/{film.id}.mp4"


def test_keeping_costs_no_second_copy_where_the_disk_can_link(place: Place, user: str) -> None:
    source = place.folders.work / "film.mp4"
    source.write_bytes(DATA)
    with place.db.writing() as session:
        media = keep(session, place.folders, source, user_id=user, owner="story", suffix=".mp4")
    assert path_of(place.folders, media).samefile(source)


def test_where_the_disk_cannot_link_the_file_is_copied(
    place: Place, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(library.os, "link", refuse)
    assert path_of(place.folders, a_file(place, user, "story", DATA)).read_bytes() == DATA


@pytest.mark.parametrize("suffix", [".html", ".svg", ".exe", "", "mp4"])
def test_what_a_browser_would_run_is_never_kept(place: Place, user: str, suffix: str) -> None:
    with pytest.raises(ValueError, match="none of"):
        a_file(place, user, "story", b"<script>", suffix)
    assert not files_below(place.folders.media)


def test_a_copy_that_fails_leaves_nothing(place: Place, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(source: Path, target: Path) -> None:
        target.write_bytes(DATA[:10])
        raise OSError(5, "Input/output error")

    def refuse(*_: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(library.os, "link", refuse)
    monkeypatch.setattr(shutil, "copyfile", half)
    with pytest.raises(StorageUnwritable, match="Input"):
        a_file(place, user, "story", DATA)
    assert not files_below(place.folders.media)


def test_removing_takes_the_row_in_the_transaction_and_the_file_after_it(place: Place, film: Media) -> None:
    path = path_of(place.folders, film)
    with place.db.writing() as session:
        assert remove(session, place.folders, film.owner) == SIZE
        assert path.exists()
    assert not path.exists()
    with place.db.reading() as session:
        assert session.get(Media, film.id) is None


def test_a_removal_that_is_rolled_back_removes_nothing(place: Place, film: Media) -> None:
    with pytest.raises(RuntimeError), place.db.writing() as session:
        remove(session, place.folders, film.owner)
        raise RuntimeError
    with place.db.reading() as session:
        assert session.get(Media, film.id) is not None
    assert path_of(place.folders, film).exists()


def test_a_savepoint_inside_a_removal_does_not_take_the_file_too_soon(place: Place, film: Media) -> None:
    path = path_of(place.folders, film)
    with pytest.raises(RuntimeError), place.db.writing() as session:
        remove(session, place.folders, film.owner)
        with session.begin_nested():
            session.scalar(select(func.count()).select_from(Media))
        assert path.exists()
        raise RuntimeError
    assert path.exists()


def test_single_files_can_be_removed_and_the_others_of_their_owner_stay(place: Place, user: str) -> None:
    first, second = a_file(place, user, "story", b"1"), a_file(place, user, "story", b"2")
    with place.db.writing() as session:
        remove_some(session, place.folders, [first.id, None])
    assert [path.name for path in files_below(place.folders.media)] == [name_of(second)]


def test_addresses_of_what_is_gone_are_left_out(place: Place, film: Media) -> None:
    with place.db.reading() as session:
        assert urls_of(session, "http://h", [film.id, None, "x" * 31]) == {film.id: f"http://h/media/{name_of(film)}"}
        assert url_of_id(session, "http://h", None) is None
        assert url_of_id(session, "http://h", "x" * 31) is None


@pytest.mark.parametrize("change", [lambda n: n[:-1], lambda n: n.replace(".mp4", ".png"), lambda n: "a" * 31 + ".mp4"])
def test_only_the_whole_name_finds_a_file(place: Place, film: Media, change: Any) -> None:
    with place.db.reading() as session:
        assert find(session, name_of(film)).id == film.id
        with pytest.raises(NotFound):
            find(session, change(name_of(film)))
