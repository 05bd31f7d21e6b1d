"""What is pulled is exactly what is meant, whole, or it is not there; nothing else is left of the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine import downloads
from engine.catalog import Weights
from engine.downloads import Network
from engine.errors import DownloadFailed, ModelCorrupt, NotPinned, StorageFull
from engine.hub import choose_files, read_repository
from engine.pins import read_pins
from engine.pulling import Pulled, Staging
from engine.weights import fetched_folder, verify_model
from tests.hub_server import Hub, serving
from tests.pulling import FILES, TAKEN, TOKEN, entry, installed, is_sound, pinned, pull, tensors


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as hub:
        hub.push("toys/model", FILES)
        yield hub


@pytest.fixture
def network(hub: Hub) -> Iterator[Network]:
    with Network(token=TOKEN, origin=hub.address, tries=4, patience=20, sleep=lambda _: None) as network:
        yield network


def test_a_pinned_model_comes_whole_and_without_pickles_code_or_pictures(
    hub: Hub, network: Network, tmp_path: Path
) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    heard: list[tuple[str, int, int]] = []
    pulled = pull(spec, hub, network, tmp_path, progress=lambda *told: heard.append(told))
    assert installed(spec, tmp_path) == {name: FILES[name] for name in TAKEN}
    assert is_sound(spec, tmp_path)
    assert pulled.fresh
    total = sum(len(FILES[name]) for name in TAKEN)
    assert heard[-2][1:] == (total, total)
    assert [done for _, done, _ in heard[:-1]] == sorted(done for _, done, _ in heard[:-1])


def test_what_is_here_whole_is_not_asked_for_again(hub: Hub, network: Network, tmp_path: Path) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    pull(spec, hub, network, tmp_path)
    hub.seen.clear()
    assert not pull(spec, hub, network, tmp_path).fresh
    assert hub.seen == []


def test_only_the_files_that_the_entry_names_are_taken(hub: Hub, network: Network, tmp_path: Path) -> None:
    one = pinned(entry(repo="toys/model", file="vae/model.safetensors"), hub, network, tmp_path)
    pull(one, hub, network, tmp_path)
    assert set(installed(one, tmp_path)) == {"vae/model.safetensors"}
    assert is_sound(one, tmp_path)
    some = pinned(entry(repo="toys/model", only=["*/config.json", "vae/*"]), hub, network, tmp_path)
    pull(some, hub, network, tmp_path)
    assert set(installed(some, tmp_path)) == {"unet/config.json", "vae/config.json", "vae/model.safetensors"}


def test_what_an_entry_names_and_the_repository_has_not_is_told(hub: Hub, network: Network, tmp_path: Path) -> None:
    for weights in ({"file": "gone.gguf"}, {"only": ["nothing/*"]}):
        with pytest.raises(DownloadFailed, match=r"has no file '(gone\.gguf|nothing/\*)'.*models\.yaml"):
            read_pins(entry(repo="toys/model", **weights), network, hub.address, Staging(tmp_path / "x").place_of)


def test_a_pickle_is_taken_only_where_it_is_named_itself(hub: Hub, network: Network) -> None:
    repository = read_repository(network, hub.address, "toys/model", None)
    assert "model.bin" not in choose_files(Weights(repo="toys/model", only=("*",)), repository)
    assert "model.bin" in choose_files(Weights(repo="toys/model", only=("model.bin",)), repository)
    with pytest.raises(DownloadFailed):
        choose_files(Weights(repo="toys/model", only=("modeling.py",)), repository)


def test_a_repository_of_pickles_only_is_not_pinned_and_one_under_a_good_name_is_not_installed(
    hub: Hub, network: Network, tmp_path: Path
) -> None:
    place_of = Staging(tmp_path / "x").place_of
    hub.push("toys/pickles", {"config.json": b"{}", "model.bin": b"a pickle"})
    with pytest.raises(DownloadFailed, match=r"as pickles only \(.*model\.bin.*safetensors or GGUF in models\.yaml"):
        read_pins(entry(repo="toys/pickles"), network, hub.address, place_of)
    hub.push("toys/renamed", {"model.safetensors": b"\x80\x04\x95" + b"x" * 100})
    spec = pinned(entry(repo="toys/renamed"), hub, network, tmp_path)
    with pytest.raises(ModelCorrupt, match=r"is a pickle.*name another one in models\.yaml") as told:
        pull(spec, hub, network, tmp_path)
    assert "models pull" not in told.value.message  # which would bring the same again
    assert not (tmp_path / "models" / "toys--renamed").exists()


def test_what_is_not_pinned_is_taken_only_when_told(hub: Hub, network: Network, tmp_path: Path) -> None:
    with pytest.raises(NotPinned, match=r"reelhouse models pin mine.*--unpinned"):
        pull(entry(), hub, network, tmp_path)
    assert hub.seen == []
    pull(entry(), hub, network, tmp_path, unpinned=True)
    assert set(installed(entry(), tmp_path)) == TAKEN
    assert [finding.problem for finding in verify_model(entry(), tmp_path) if finding.problem] == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\\b", "a//b", "a/./b", "x/sha256.json"])
def test_a_listing_cannot_name_a_place_outside(hub: Hub, network: Network, tmp_path: Path, name: str) -> None:
    hub.push("toys/model", {**FILES, name: b"root"})
    with pytest.raises(DownloadFailed, match="is not taken"):
        pull(entry(), hub, network, tmp_path, unpinned=True)


def test_a_small_file_that_is_not_the_listed_one_is_not_pinned(hub: Hub, network: Network, tmp_path: Path) -> None:
    hub.lies = {"config.json": b'{"small": 1234}'}
    with pytest.raises(DownloadFailed, match=r"config\.json of toys/model is not what the hub lists"):
        read_pins(entry(), network, hub.address, Staging(tmp_path / "x").place_of)


def test_a_page_that_is_no_hub_is_told(hub: Hub, network: Network, tmp_path: Path) -> None:
    hub.archives["/api/models/toys/model"] = b"<html>"
    with pytest.raises(DownloadFailed, match=r"has no toys/model at main|is it a hub"):
        read_repository(network, f"{hub.address}/nowhere", "toys/model", None)


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    hub: Hub, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    monkeypatch.setattr(downloads, "SPARE", 1 << 60)
    with pytest.raises(StorageFull, match=r"are needed at .*REELHOUSE_HOME"):
        pull(spec, hub, network, tmp_path)
    assert hub.seen == []


def test_files_that_another_model_has_are_not_fetched_twice(hub: Hub, network: Network, tmp_path: Path) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    pull(spec, hub, network, tmp_path)
    again = pinned(entry(repo="toys/model", only=["unet/*"]), hub, network, tmp_path)
    pulled = pull(again, hub, network, tmp_path)
    assert (pulled.fetched, hub.asked_for_files()) == (0, [])
    assert set(installed(again, tmp_path)) == {"unet/config.json", "unet/model.safetensors"}


def test_a_new_pin_replaces_the_old_commit_and_fetches_what_changed(hub: Hub, network: Network, tmp_path: Path) -> None:
    pull(pinned(entry(), hub, network, tmp_path), hub, network, tmp_path)
    hub.push("toys/model", {**FILES, "vae/model.safetensors": tensors(5, 8_000)})
    newer = pinned(entry(), hub, network, tmp_path)
    with pytest.raises(ModelCorrupt, match=r"vae/model\.safetensors is altered.*models pull mine"):
        is_sound(newer, tmp_path)
    pull(newer, hub, network, tmp_path)
    assert is_sound(newer, tmp_path)
    assert hub.sent == len(tensors(5, 8_000))


@pytest.mark.parametrize("harm", ["truncated", "swapped", "removed"])
def test_spoilt_files_are_named_and_a_pull_mends_just_them(
    hub: Hub, network: Network, tmp_path: Path, harm: str
) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    pull(spec, hub, network, tmp_path)
    folder = fetched_folder(spec, tmp_path)
    assert folder is not None
    unet, vae = folder / "unet/model.safetensors", folder / "vae/model.safetensors"
    if harm == "truncated":
        vae.write_bytes(vae.read_bytes()[:-1])
    elif harm == "swapped":
        vae.unlink()
        vae.write_bytes(unet.read_bytes())
    else:
        vae.unlink()
    assert [finding.file for finding in verify_model(spec, tmp_path) if finding.problem] == [str(vae)]
    hub.sent = 0
    assert pull(spec, hub, network, tmp_path).fresh
    assert is_sound(spec, tmp_path)
    assert hub.sent == len(FILES["vae/model.safetensors"])


def test_parts_of_several_repositories_come_together(hub: Hub, network: Network, tmp_path: Path) -> None:
    hub.push("toys/vae", {"config.json": b"{}", "vae.safetensors": tensors(4)})
    spec = msgspec.structs.replace(entry(), parts={"vae": Weights(repo="toys/vae", only=("*.safetensors",))})
    spec = pinned(spec, hub, network, tmp_path)
    pull(spec, hub, network, tmp_path)
    assert installed(spec, tmp_path)["parts/vae/vae.safetensors"] == tensors(4)
    assert is_sound(spec, tmp_path)


def test_parts_of_an_own_checkpoint_come_without_it(hub: Hub, network: Network, tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(tensors(8))
    spec = msgspec.structs.replace(
        entry(local=str(own)), parts={"vae": Weights(repo="toys/model", file="vae/model.safetensors")}
    )
    spec = pinned(spec, hub, network, tmp_path)
    with pytest.raises(ModelCorrupt, match=r"parts/vae is missing.*models pull mine"):
        is_sound(spec, tmp_path)
    pull(spec, hub, network, tmp_path)
    assert is_sound(spec, tmp_path)
    own.write_bytes(tensors(8)[:100])
    with pytest.raises(ModelCorrupt, match=r"own\.safetensors .*truncated"):
        is_sound(spec, tmp_path)


def test_two_at_once_fetch_one_model_once(hub: Hub, tmp_path: Path) -> None:
    heard: list[str] = []
    with Network(sleep=lambda _: None) as first, Network(sleep=lambda _: None) as second:
        spec = pinned(entry(), hub, first, tmp_path)
        hub.bytes_a_second = 400_000
        results: list[Pulled] = []
        threads = [
            threading.Thread(target=lambda n=n: results.append(pull(spec, hub, n, tmp_path, say=heard.append)))
            for n in (first, second)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(result.fresh for result in results) == [False, True]
    assert len(hub.asked_for_files()) == len(set(hub.asked_for_files()))
    assert is_sound(spec, tmp_path)
    assert heard in ([], ["another process brings toys--model already: waiting for it"])


def test_nothing_of_the_way_is_left_behind(hub: Hub, network: Network, tmp_path: Path) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    hub.cuts = [3, 3, 3]
    pull(spec, hub, network, tmp_path)
    left = [path for path in (tmp_path / "models" / ".pulling").iterdir() if path.suffix != ".lock"]
    assert left == []
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"toys--model", ".pulling"}
