"""Whatever the way to a hub does, files come whole or a sentence says why not, and a token goes nowhere else."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import downloads
from engine.commands.models_network import progress_line
from engine.downloads import Network, Wanted
from engine.errors import DownloadFailed
from engine.hub import read_repository
from engine.pins import read_pins
from engine.pulling import Staging
from engine.weights import fetched_folder
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
