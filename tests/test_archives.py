"""A zip archive unpacks to what it lists, inside its folder, or not at all; pulled models come out of it prepared."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from engine.archives import unpack_zip
from engine.downloads import Network
from engine.errors import DownloadFailed, PackRefused
from engine.weights import fetched_folder
from tests.hub_server import serving
from tests.pulling import entry, installed, pinned, pull


def zipped(path: Path, files: dict[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def test_a_single_folder_at_the_top_is_left_out(tmp_path: Path) -> None:
    unpack_zip(zipped(tmp_path / "a.zip", {"voice/config.json": b"{}", "voice/sub/x": b"y"}), tmp_path / "out")
    assert (tmp_path / "out/sub/x").read_bytes() == b"y"
    unpack_zip(zipped(tmp_path / "b.zip", {"voice/config.json": b"{}", "README": b"y"}), tmp_path / "flat")
    assert (tmp_path / "flat/voice/config.json").is_file()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "C:/evil"])
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    archive = zipped(tmp_path / "a.zip", {"good": b"x"})
    data = archive.read_bytes().replace(b"good", name.encode()) if len(name) == 4 else None
    if data is None:
        zipped(archive, {name: b"x"})
    with pytest.raises(PackRefused, match="is not unpacked"):
        unpack_zip(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_links_bombs_doubles_and_damage_are_refused(tmp_path: Path) -> None:
    link = zipped(tmp_path / "link.zip", {"a": b"/etc/passwd"}, stat.S_IFLNK | 0o777)
    bomb = zipped(tmp_path / "bomb.zip", {"a": b"\0" * 5_000_000})
    double = zipped(tmp_path / "double.zip", {"a": b"x", "A": b"y"})
    for archive, told in ((link, "is a link"), (bomb, "would grow to"), (double, "is in it twice")):
        with pytest.raises(PackRefused, match=told):
            unpack_zip(archive, tmp_path / "out")
    whole = zipped(tmp_path / "c.zip", {"a": bytes(range(256)) * 40}).read_bytes()
    for at in (0, 60, len(whole) // 2, len(whole) - 1):
        cut = tmp_path / "cut.zip"
        cut.write_bytes(whole[:at])
        with pytest.raises(PackRefused, match="damaged or no zip archive"):
            unpack_zip(cut, tmp_path / f"out{at}")


def test_an_archive_is_pinned_pulled_unpacked_and_prepared(tmp_path: Path) -> None:
    with serving() as hub, Network(tries=2, sleep=lambda _: None) as network:
        archive = zipped(tmp_path / "voice.zip", {"voice/config.json": b"{}", "voice/model.pth": b"pickled"})
        hub.archives["/releases/voice.zip"] = archive.read_bytes()
        spec = pinned(entry(url=f"{hub.address}/releases/voice.zip"), hub, network, tmp_path)

        def prepare(_: object, folder: Path) -> None:
            (folder / "weights.json").write_bytes((folder / "model.pth").read_bytes())
            (folder / "model.pth").unlink()

        pull(spec, hub, network, tmp_path, prepare=prepare)
        assert hub.asked_for_files() == []  # it was read when it was pinned
        assert installed(spec, tmp_path) == {"config.json": b"{}", "weights.json": b"pickled"}
        assert not pull(spec, hub, network, tmp_path).fresh

        folder = fetched_folder(spec, tmp_path)
        assert folder is not None
        (folder / "config.json").write_bytes(b"[]")
        hub.archives["/releases/voice.zip"] = b"another"
        with pytest.raises(DownloadFailed, match=r"voice\.zip has \d+ bytes"):
            pull(spec, hub, network, tmp_path)
        assert folder.exists()
