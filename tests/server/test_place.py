"""Where a server keeps things, as its settings say."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import BadSetting
from server.db.database import Database
from server.place import folders_of, open_place
from server.settings import Settings


def test_media_lie_in_the_data_folder_unless_a_url_says_otherwise(tmp_path: Path) -> None:
    assert folders_of(Settings(home=tmp_path)).media == tmp_path / "data/media"
    elsewhere = Settings(home=tmp_path, media_url=f"file://{tmp_path}/far%20away")
    assert folders_of(elsewhere).media == tmp_path / "far away"
    place = open_place(elsewhere)
    assert place.folders.media.is_dir() and not (tmp_path / "data/media").exists()
    place.close()


@pytest.mark.parametrize("url", ["s3://bucket", "file:relative", "file://host/path", "nonsense"])
def test_a_store_of_another_kind_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadSetting, match="MEDIA_URL"):
        folders_of(Settings(home=tmp_path, media_url=url))


@pytest.mark.parametrize("url", ["mysql://host/name", "nonsense", "sqlite://"])
def test_a_database_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(BadSetting, match="DATABASE_URL"):
        Database(url)


def test_the_secret_is_made_once_by_however_many_and_is_its_owners_alone(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from server.place import open_place; from server.settings import "
    program += "Settings; print(open_place(Settings(home=Path(sys.argv[1]))).secret.decode())"
    command = [sys.executable, "-c", program, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    secrets = {process.communicate(timeout=60)[0] for process in started}
    assert len(secrets) == 1 and len(secrets.pop().strip()) == 64
    assert stat.S_IMODE((tmp_path / "data/secret.key").stat().st_mode) == 0o600
