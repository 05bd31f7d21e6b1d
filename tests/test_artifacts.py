"""Artefacts are kept by content, whole or not at all."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from engine.artifacts import Store, content_key, write_atomically
from engine.errors import StorageFull, StorageUnwritable
from engine.made import Still


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "work")


def paint(folder: Path) -> Still:
    (folder / "still.png").write_bytes(b"picture")
    (folder / "layer-0.png").write_bytes(b"layer")
    return Still(image=folder / "still.png", layers=(folder / "layer-0.png",))


def test_what_was_kept_is_found_again_with_absolute_paths(store: Store) -> None:
    kept = store.keep("stills", "k", Still, paint)
    assert store.find("stills", "k", Still) == kept
    assert kept.image.read_bytes() == b"picture"
    assert kept.image.is_absolute() and kept.layers[0].parent == kept.image.parent


def test_a_work_folder_may_be_moved(store: Store, tmp_path: Path) -> None:
    store.keep("stills", "k", Still, paint)
    moved = store.folder.rename(tmp_path / "elsewhere")
    found = Store(moved).find("stills", "k", Still)
    assert found is not None and found.image.is_relative_to(moved)


@pytest.mark.parametrize("damage", [b"", b"pictura", b"picture and more"])
def test_an_altered_file_is_as_good_as_none_and_is_made_again(store: Store, damage: bytes) -> None:
    kept = store.keep("stills", "k", Still, paint)
    kept.image.write_bytes(damage)
    assert store.find("stills", "k", Still) is None
    assert store.keep("stills", "k", Still, paint).image.read_bytes() == b"picture"


def test_a_missing_file_and_a_broken_manifest_are_as_good_as_none(store: Store) -> None:
    kept = store.keep("stills", "k", Still, paint)
    (kept.image.parent / "manifest.json").write_text("{")
    assert store.find("stills", "k", Still) is None
    kept = store.keep("stills", "k", Still, paint)
    kept.layers[0].unlink()
    assert store.find("stills", "k", Still) is None


def test_a_failed_making_leaves_nothing(store: Store) -> None:
    def fail(folder: Path) -> Still:
        paint(folder)
        raise RuntimeError("out of paint")

    with pytest.raises(RuntimeError):
        store.keep("stills", "k", Still, fail)
    assert [p for p in store.folder.rglob("*") if p.is_file()] == []
    assert list((store.folder / "stills").iterdir()) == []


def test_what_an_interrupted_process_left_behind_is_swept_away(store: Store) -> None:
    half = store.folder / "stills" / ".k.tmp-0123"
    half.mkdir(parents=True)
    (half / "still.png").write_bytes(b"pic")
    store.sweep()
    assert not half.exists()


def test_a_full_disk_is_said_in_one_sentence(store: Store) -> None:
    def fill(folder: Path) -> Still:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageFull, match="free some space"):
        store.keep("stills", "k", Still, fill)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageUnwritable, match="file"):
        write_atomically(tmp_path / "file" / "story.json", b"{}")


def test_replacing_a_file_leaves_no_other_file(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.json", b"1")
    write_atomically(tmp_path / "a.json", b"2")
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"2"


def test_a_key_depends_on_every_input_and_on_the_content_of_files_not_their_place(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "still.png").write_bytes(b"same")
    one = content_key(still=tmp_path / "a" / "still.png", seed=1)
    assert one == content_key(seed=1, still=tmp_path / "b" / "still.png")
    assert one != content_key(still=tmp_path / "a" / "still.png", seed=2)
    (tmp_path / "b" / "still.png").write_bytes(b"other")
    assert one != content_key(still=tmp_path / "b" / "still.png", seed=1)


def test_a_file_that_was_written_again_has_another_key_though_its_first_content_was_kept(store: Store) -> None:
    kept = store.keep("stills", "k", Still, paint)
    before = content_key(still=kept.image)
    assert content_key(still=kept.image) == before
    kept.image.write_bytes(kept.image.read_bytes()[::-1])
    os.utime(kept.image, ns=(0, 0))
    assert content_key(still=kept.image) != before


def test_of_two_threads_that_make_the_same_the_quicker_ones_stays(store: Store) -> None:
    both = Barrier(2)

    def make(folder: Path) -> Still:
        both.wait(30)
        return paint(folder)

    with ThreadPoolExecutor(2) as threads:
        made = [threads.submit(store.keep, "stills", "k", Still, make) for _ in range(2)]
        assert [one.result() for one in made] == [store.find("stills", "k", Still)] * 2
    assert [path.name for path in (store.folder / "stills").iterdir()] == ["k"]
