"""What is pulled is exactly what is meant, whole, or it is not there; whatever the other side does."""

from __future__ import annotations

import json
import shutil
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import downloads
from engine.catalog import ModelSpec, Weights
from engine.commands.models_network import progress_line
from engine.downloads import Network, Wanted
from engine.errors import DownloadFailed, ModelCorrupt, NotPinned, StorageFull
from engine.hub import choose_files, read_repository
from engine.pins import read_pins
from engine.pulling import Pulled, Staging, pull_model
from engine.weights import check_weights, fetched_folder, find_weights, verify_model, with_places
from tests.hub_server import Hub, serving

TOKEN = "hf_secret_that_must_not_travel"


def tensors(seed: int, size: int = 40_000) -> bytes:
    """A whole safetensors file of that many bytes of values."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    values = b"".join(struct.pack("<Q", seed * 1_000_003 + n) for n in range(size // 8))
    return struct.pack("<Q", len(header)) + header + values


FILES = {
    "config.json": b'{"small": true}',
    "unet/model.safetensors": tensors(1),
    "unet/config.json": b"{}",
    "vae/model.safetensors": tensors(2, 8_000),
    "vae/config.json": b"{}",
    "notes.txt": b"",
    "model.bin": b"a pickle" * 1000,
    "modeling.py": b"print('hello')",
    ".gitattributes": b"*",
    "picture.png": b"png",
}
TAKEN = {
    "config.json",
    "notes.txt",
    "vae/config.json",
    "unet/model.safetensors",
    "unet/config.json",
    "vae/model.safetensors",
}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as hub:
        hub.push("toys/model", FILES)
        yield hub


@pytest.fixture
def network(hub: Hub) -> Iterator[Network]:
    with Network(token=TOKEN, origin=hub.address, tries=4, patience=20, sleep=lambda _: None) as network:
        yield network


def entry(**weights: Any) -> ModelSpec:
    return ModelSpec(
        id="mine",
        role="artist",
        family="noop",
        licence="MIT",
        commercial=True,
        weights=Weights(**(weights or {"repo": "toys/model"})),
    )


def pinned(spec: ModelSpec, hub: Hub, network: Network, home: Path) -> ModelSpec:
    folder = fetched_folder(spec, home)
    assert folder is not None
    found = read_pins(spec, network, hub.address, Staging(folder).place_of)
    hub.seen.clear()
    hub.sent = 0
    return found


def pull(spec: ModelSpec, hub: Hub, network: Network, home: Path, **more: Any) -> Pulled:
    return pull_model(spec, home, network, hub.address, **more)


def installed(spec: ModelSpec, home: Path) -> dict[str, bytes]:
    folder = fetched_folder(spec, home)
    assert folder is not None
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    files.pop("sha256.json", None)
    return files


def is_sound(spec: ModelSpec, home: Path) -> bool:
    path = find_weights(spec, home)
    assert path is not None
    check_weights(with_places(spec, home), path)
    return True


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


@pytest.mark.parametrize("tenth", range(1, 10))
def test_cut_anywhere_it_goes_on_from_there(hub: Hub, network: Network, tmp_path: Path, tenth: int) -> None:
    spec = pinned(entry(repo="toys/model", only=["unet/model.safetensors"]), hub, network, tmp_path)
    size = len(FILES["unet/model.safetensors"])
    hub.cuts = [size * tenth // 10]
    pull(spec, hub, network, tmp_path)
    assert is_sound(spec, tmp_path)
    assert hub.sent == size
    assert len(hub.seen) == 2
    ranges = [headers.get("range") for _, headers in hub.seen]
    assert ranges == [None, f"bytes={size * tenth // 10}-"]
    assert hub.seen[1][1]["if-range"]


def test_a_pull_that_was_given_up_goes_on_the_next_time(hub: Hub, network: Network, tmp_path: Path) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    size = len(FILES["unet/model.safetensors"])
    hub.statuses, hub.cuts = [], [15, 2, size // 2, 0, 0, 0, 0, 0]
    with pytest.raises(DownloadFailed, match=r"run the same command again"):
        pull(spec, hub, network, tmp_path)
    folder = fetched_folder(spec, tmp_path)
    assert folder is not None
    assert not folder.exists()
    hub.cuts, hub.sent = [], 0
    pull(spec, hub, network, tmp_path)
    assert is_sound(spec, tmp_path)
    assert hub.sent < size


def test_without_ranges_it_begins_anew_and_comes_all_the_same(hub: Hub, network: Network, tmp_path: Path) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    hub.ranges, hub.cuts = False, [5, 7, 1000]
    pull(spec, hub, network, tmp_path)
    assert installed(spec, tmp_path) == {name: FILES[name] for name in TAKEN}


def test_what_changed_meanwhile_is_not_glued_together(hub: Hub, network: Network, tmp_path: Path) -> None:
    """The first half of another file lies here; its hash tells, and it is fetched from the beginning once."""
    spec = pinned(entry(repo="toys/model", only=["unet/model.safetensors"]), hub, network, tmp_path)
    folder = fetched_folder(spec, tmp_path)
    assert folder is not None
    part = Staging(folder).place_of("", "unet/model.safetensors")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.with_name(f"{part.name}.part").write_bytes(tensors(9)[:20_000])
    pull(spec, hub, network, tmp_path)
    assert installed(spec, tmp_path) == {"unet/model.safetensors": FILES["unet/model.safetensors"]}


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        (tensors(3), r"is another file than the one meant.*models pin"),
        (tensors(1)[:-8], r"has \d+ bytes, and the file that is meant has \d+"),
        (tensors(1) + b"more", r"has \d+ bytes, and the file that is meant has \d+"),
    ],
)
def test_another_file_than_the_pinned_one_is_refused(
    hub: Hub, network: Network, tmp_path: Path, lie: bytes, told: str
) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    hub.lies = {"unet/model.safetensors": lie}
    with pytest.raises(DownloadFailed, match=told):
        pull(spec, hub, network, tmp_path)
    folder = fetched_folder(spec, tmp_path)
    assert folder is not None
    assert not folder.exists()
    hub.lies = {}
    pull(spec, hub, network, tmp_path)
    assert is_sound(spec, tmp_path)


@pytest.mark.parametrize(
    ("status", "requests", "told"),
    [
        (401, 1, "HF_TOKEN"),
        (403, 1, "accept its terms"),
        (404, 1, "models pin"),
        (451, 1, "answers 451"),
        (429, 4, "answers 429"),
        (500, 4, "answers 500"),
        (503, 4, "answers 503"),
    ],
)
def test_refusals_are_told_and_faults_tried_again_so_often_and_no_more(
    hub: Hub, network: Network, tmp_path: Path, status: int, requests: int, told: str
) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    hub.statuses = [status] * 100
    with pytest.raises(DownloadFailed, match=told):
        pull(spec, hub, network, tmp_path)
    assert len(hub.seen) == requests


def test_a_passing_fault_is_waited_out_as_long_as_it_says(hub: Hub, tmp_path: Path) -> None:
    slept: list[float] = []
    with Network(tries=4, sleep=slept.append) as network:
        spec = pinned(entry(), hub, network, tmp_path)
        hub.statuses, hub.headers = [429, 503], {"Retry-After": "7"}
        pull(spec, hub, network, tmp_path)
    assert slept == [7, 7]
    assert is_sound(spec, tmp_path)


def test_the_branch_may_move_and_the_pinned_commit_is_taken(hub: Hub, network: Network, tmp_path: Path) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    hub.push("toys/model", {"config.json": b"{}", "unet/model.safetensors": tensors(7)})
    pull(spec, hub, network, tmp_path)
    assert installed(spec, tmp_path)["unet/model.safetensors"] == FILES["unet/model.safetensors"]


def test_a_commit_that_is_gone_is_told(hub: Hub, network: Network, tmp_path: Path) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    hub.repos["toys/model"].clear()
    with pytest.raises(DownloadFailed, match=r"toys/model at [0-9a-f]{12}.*moved or removed"):
        pull(spec, hub, network, tmp_path)


def test_a_token_stays_with_the_host_that_it_is_for(hub: Hub, network: Network, tmp_path: Path) -> None:
    hub.secret = TOKEN
    with serving("localhost") as other:
        other.repos, hub.elsewhere = hub.repos, other.address
        spec = pinned(entry(), hub, network, tmp_path)
        other.seen.clear()
        pull(spec, hub, network, tmp_path)
        assert {headers.get("authorization") for _, headers in hub.seen} == {f"Bearer {TOKEN}"}
        assert other.seen
        assert [headers for _, headers in other.seen if "authorization" in headers] == []
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_redirects_without_end_are_left(hub: Hub, network: Network, tmp_path: Path) -> None:
    spec = pinned(entry(), hub, network, tmp_path)
    hub.elsewhere = hub.address
    with pytest.raises(DownloadFailed, match="sends us on and on"):
        pull(spec, hub, network, tmp_path)
    assert len(hub.seen) <= downloads.REDIRECTS + 1


def test_whoever_sends_one_byte_at_a_time_is_left(hub: Hub, tmp_path: Path) -> None:
    with Network(tries=2, patience=0.4, sleep=lambda _: None) as network:
        spec = pinned(entry(), hub, network, tmp_path)
        hub.bytes_a_second = 40
        with pytest.raises(DownloadFailed, match=r"sends less than 1024 bytes a second"):
            pull(spec, hub, network, tmp_path)


def test_whoever_sends_nothing_at_all_is_left(tmp_path: Path) -> None:
    import socket

    with socket.socket() as deaf, Network(tries=2, patience=0.3, sleep=lambda _: None) as network:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        with pytest.raises(DownloadFailed, match="did not come, in 2 tries"):
            read_pins(entry(), network, f"http://127.0.0.1:{deaf.getsockname()[1]}", Staging(tmp_path / "x").place_of)


def test_a_hub_that_is_not_there_is_told_after_so_many_tries(tmp_path: Path) -> None:
    slept: list[float] = []
    with Network(sleep=slept.append) as network, pytest.raises(DownloadFailed, match="did not come, in 6 tries"):
        read_pins(entry(), network, "http://127.0.0.1:9", Staging(tmp_path / "x").place_of)
    assert slept == [1, 2, 4, 8, 16]


def test_proxies_of_the_environment_are_used(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", hub.address)
    monkeypatch.setenv("NO_PROXY", "")
    with Network(tries=1) as network:
        repository = read_repository(network, "http://hub.invalid", "toys/model", None)
    assert set(FILES) == set(repository.files)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="a certificate is made with the program openssl")
def test_a_certificate_is_trusted_when_the_environment_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving("localhost", context) as hub:
        hub.push("toys/model", FILES)
        with Network(tries=3) as network, pytest.raises(DownloadFailed, match=r"not trusted.*SSL_CERT_FILE"):
            read_repository(network, hub.address, "toys/model", None)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Network(tries=1) as network:
            assert read_repository(network, hub.address, "toys/model", None).files
        with serving("localhost") as plain, Network(tries=1) as network:
            plain.repos, plain.branches, hub.elsewhere = hub.repos, hub.branches, plain.address
            with pytest.raises(DownloadFailed, match="a place without encryption"):
                network.fetch(
                    Wanted(name="x", url=f"{hub.address}/toys/model/resolve/main/config.json"), tmp_path / "x"
                )
            assert plain.seen == []


def test_a_line_of_progress_says_how_far_and_how_long() -> None:
    told = progress_line("big", "unet/model.safetensors", 2_500_000_000, 10_000_000_000, 25e6)
    assert told == "big: 2500 of 10000 MB, 25 %, 25.0 MB/s, 5:00 left (model.safetensors)"
    assert progress_line("big", "x", 0, 7_400_000_000, 1e6).endswith("2:03:20 left (x)")
    assert "left" not in progress_line("big", "x", 0, 10, 0)


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
