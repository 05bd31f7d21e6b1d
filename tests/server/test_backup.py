"""A backup taken while the server runs holds all that cannot be made again, and brings it back."""

import json
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import select

from engine.cli import run
from engine.commands.surroundings import Surroundings
from engine.errors import ReelhouseError, UsageError
from server import backup as backups
from server.backup import back_up, restore
from server.commands.backup import backup as backup_command
from server.commands.backup import restore as restore_command
from server.commands.gc import gc as gc_command
from server.media.library import path_of, path_of_name, remove
from server.media.models import Media
from server.place import Folders, Place, open_place
from server.settings import Settings
from tests.server.media_rooms import a_file, a_story, files_below
from tests.server.people import a_user


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", home=tmp_path / "home")


@pytest.fixture
def place(settings: Settings) -> Iterator[Place]:
    place = open_place(settings)
    yield place
    place.close()


@pytest.fixture
def user(place: Place) -> str:
    return a_user(place)


def silent(_: str) -> None:
    pass


def contents(place: Place) -> dict[str, bytes]:
    with place.db.reading() as session:
        rows = session.scalars(select(Media)).all()
    return {media.id: path_of(place.folders, media).read_bytes() for media in rows}


def test_what_was_backed_up_while_the_server_ran_comes_back_elsewhere(
    place: Place, settings: Settings, user: str, tmp_path: Path
) -> None:
    a_story(place, user)
    a_file(place, user, "char_1", b"picture", ".png")
    made = back_up(settings, tmp_path / "backup", silent)
    assert (made.path, made.files, made.missing) == (str(tmp_path / "backup"), 2, ())
    assert sorted(path.name for path in (tmp_path / "backup").iterdir()) == [
        "app.db",
        "backup.json",
        "media",
        "secret.key",
    ]
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o700
    elsewhere = Settings(data=tmp_path / "elsewhere")
    done = restore(elsewhere, tmp_path / "backup", silent)
    assert (done.data, done.files, done.moved_aside) == (str(tmp_path / "elsewhere"), 2, None)
    again = open_place(elsewhere)
    try:
        assert contents(again) == contents(place)
        assert again.secret == place.secret
    finally:
        again.close()


def test_a_backup_is_whole_whatever_is_written_and_removed_meanwhile(
    place: Place, settings: Settings, user: str, tmp_path: Path
) -> None:
    stop = threading.Event()

    def work() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            a_file(place, user, f"story-{number}", str(number).encode())
            with place.db.writing() as session:
                remove(session, place.folders, f"story-{number - 3}")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(5):
            target = tmp_path / f"backup-{number}"
            made = back_up(settings, target, silent)
            rows, _ = backups._read_database(target / "app.db")
            whole = {row.name for row in rows} - set(made.missing)
            assert {path.name for path in files_below(target / "media")} == whole
    finally:
        stop.set()
        thread.join()


def test_a_file_removed_between_database_and_media_is_not_missed(
    place: Place, settings: Settings, user: str, tmp_path: Path
) -> None:
    a_file(place, user, "stays", b"stays")
    a_file(place, user, "goes", b"goes")
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if len(told) == 1:
            return
        with place.db.writing() as session:
            remove(session, place.folders, "goes")

    real = backups._read_database

    def read_then_remove(copy: Path) -> Any:
        found = real(copy)
        tell("read")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backups, "_read_database", read_then_remove)
        made = back_up(settings, tmp_path / "backup", tell)
    assert (made.files, made.missing) == (1, ())
    assert told.count("copying the database") == 2


def test_a_file_that_was_missing_before_is_reported_and_the_rest_is_backed_up_and_restored(
    place: Place, settings: Settings, user: str, tmp_path: Path
) -> None:
    gone, _ = a_file(place, user, "one", b"one"), a_file(place, user, "two", b"two")
    path_of(place.folders, gone).unlink()
    made = back_up(settings, tmp_path / "backup", silent)
    assert made.missing == (f"{gone.id}.mp4",)
    assert restore(Settings(data=tmp_path / "elsewhere"), tmp_path / "backup", silent).files == 1


def test_a_backup_that_fails_leaves_nothing(
    place: Place, settings: Settings, user: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_file(place, user, "story", b"film")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "place_file", full)
    with pytest.raises(ReelhouseError, match="disk is full"):
        back_up(settings, tmp_path / "backup", silent)
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


def test_a_backup_goes_into_a_new_folder_outside_of_the_data(place: Place, settings: Settings, tmp_path: Path) -> None:
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="not empty"):
        back_up(settings, occupied, silent)
    with pytest.raises(UsageError, match="data folder itself"):
        back_up(settings, place.folders.root / "backup", silent)
    with pytest.raises(UsageError, match="no data"):
        back_up(Settings(data=tmp_path / "nothing"), tmp_path / "backup", silent)
    assert not (tmp_path / "nothing").exists()
    back_up(settings, tmp_path / "empty", silent)


def test_with_postgresql_its_own_tools_are_named(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, database_url="postgresql://localhost/films")
    for act in (back_up, restore):
        with pytest.raises(UsageError, match="pg_dump"):
            act(settings, tmp_path / "backup", silent)


def test_data_that_is_there_is_only_moved_aside_by_force(
    place: Place, settings: Settings, user: str, tmp_path: Path
) -> None:
    a_file(place, user, "story", b"first")
    back_up(settings, tmp_path / "backup", silent)
    second = a_file(place, user, "story", b"second")
    place.close()
    with pytest.raises(UsageError, match="--force"):
        restore(settings, tmp_path / "backup", silent)
    done = restore(settings, tmp_path / "backup", silent, force=True)
    assert done.moved_aside is not None
    aside = Folders(Path(done.moved_aside))
    assert path_of_name(aside, second.id, ".mp4").read_bytes() == b"second"
    again = open_place(settings)
    try:
        assert list(contents(again).values()) == [b"first"]
    finally:
        again.close()
    old = open_place(Settings(data=aside.root))
    try:
        assert sorted(contents(old).values()) == [b"first", b"second"]
    finally:
        old.close()


def test_a_database_that_lies_elsewhere_is_moved_aside_too(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", database_url=f"sqlite:////{str(tmp_path / 'db' / 'x.db').lstrip('/')}")
    place = open_place(settings)
    a_file(place, a_user(place), "story", b"film")
    back_up(settings, tmp_path / "backup", silent)
    place.close()
    done = restore(settings, tmp_path / "backup", silent, force=True)
    assert (Path(done.moved_aside or "") / "x.db").is_file()
    again = open_place(settings)
    try:
        assert list(contents(again).values()) == [b"film"]
    finally:
        again.close()


SERVER = """
import sys
from pathlib import Path
from server.place import open_place
from server.settings import Settings
place = open_place(Settings(data=Path(sys.argv[1])))
print("ready", flush=True)
sys.stdin.read()
"""


def test_nothing_is_restored_while_another_process_has_the_data_open(
    place: Place, settings: Settings, user: str, tmp_path: Path, root: Path
) -> None:
    a_file(place, user, "story", b"film")
    back_up(settings, tmp_path / "backup", silent)
    place.close()
    command = [sys.executable, "-c", SERVER, str(settings.data)]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        assert server.stdout.readline() == "ready\n"
        with pytest.raises(ReelhouseError, match="stop it first"):
            restore(settings, tmp_path / "backup", silent, force=True)
        server.stdin.close()
    again = open_place(settings)
    try:
        assert list(contents(again).values()) == [b"film"]
    finally:
        again.close()
    assert not list((tmp_path / "data").glob("before-*")) + list((tmp_path / "data").glob(".restore-*"))
    restore(settings, tmp_path / "backup", silent, force=True)


@pytest.mark.parametrize(
    "harm", ["no manifest", "no database", "half a database", "a file gone", "a file cut", "newer"]
)
def test_what_is_no_whole_backup_is_refused_and_nothing_is_touched(
    place: Place, settings: Settings, user: str, tmp_path: Path, harm: str
) -> None:
    a_file(place, user, "story", b"film")
    backup = tmp_path / "backup"
    back_up(settings, backup, silent)
    film = files_below(backup / "media")[0]
    match harm:
        case "no manifest":
            (backup / "backup.json").unlink()
        case "no database":
            (backup / "app.db").unlink()
        case "half a database":
            (backup / "app.db").write_bytes((backup / "app.db").read_bytes()[:20000])
        case "a file gone":
            film.unlink()
        case "a file cut":
            film.unlink()
            film.write_bytes(b"fi")
        case "newer":
            database = backups._open(backup / "app.db")
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            database.close()
    place.close()
    before = files_below(tmp_path / "data")
    with pytest.raises(UsageError, match=r"backup|damaged|later release"):
        restore(settings, backup, silent, force=True)
    assert files_below(tmp_path / "data") == before


# ---- the command line -----------------------------------------------------------------------------------------------


def command_line(settings: Settings, *arguments: str) -> int:
    app = typer.Typer()

    @app.callback()
    def root(context: typer.Context) -> None:
        context.obj = Surroundings(settings=lambda: settings, catalog=lambda: None)  # type: ignore[arg-type,return-value]

    app.command()(backup_command)
    app.command()(restore_command)
    app.command()(gc_command)
    return run(app, arguments)


def test_the_commands_print_one_document_and_tell_progress_aside(
    place: Place, settings: Settings, user: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    a_file(place, user, "story", b"film")
    backup = str(tmp_path / "backup")
    assert command_line(settings, "backup", backup, "--json") == 0
    out, err = capfdbinary.readouterr()
    assert json.loads(out)["files"] == 1
    assert b"media: 1 of 1" in err
    assert command_line(settings, "restore", backup, "--data", str(tmp_path / "elsewhere"), "--json") == 0
    assert json.loads(capfdbinary.readouterr().out)["movedAside"] is None
    assert command_line(settings, "restore", backup, "--json") == 2
    assert json.loads(capfdbinary.readouterr().out)["error"]["code"] == "bad_request"
    assert command_line(settings, "gc", "--dry-run", "--json") == 0
    assert json.loads(capfdbinary.readouterr().out) == {
        "dryRun": True,
        "stories": 0,
        "storyBytes": 0,
        "mediaFiles": 0,
        "mediaBytes": 0,
        "workFolders": 0,
        "workBytes": 0,
        "idempotencyKeys": 0,
        "deliveries": 0,
        "jobEvents": 0,
        "logins": 0,
        "missingFiles": [],
    }
    assert command_line(settings, "gc") == 0
    assert b"files without a row removed" in capfdbinary.readouterr().out
