"""Models by the command line, over real HTTP: pinned, pulled, verified, packed, installed elsewhere, made use of."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.catalog import CATALOG_FILE, load_catalog
from engine.commands.models_network import wanted
from engine.types import Quality
from tests.hub_server import Hub, serving
from tests.pulling import tensors
from tests.toy_weights import shared_home

PROGRAM = """
import sys
from pathlib import Path
from engine.catalog import load_catalog
from engine.cli import build_app, exit_with
from server.settings import Settings
catalog = Path(sys.argv.pop(1))
exit_with(build_app(Settings, lambda: load_catalog(catalog)))
"""
TOKEN = "hf_secret_that_must_not_be_told"


class Reelhouse:
    """`reelhouse` with a models.yaml of its own and a home in `folder`."""

    def __init__(self, folder: Path, hub: Hub, catalog: Path) -> None:
        self.folder, self.home, self.catalog = folder, folder / "home", catalog
        folder.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("REELHOUSE_", "HF_"))}
        self.environ = kept | {
            "REELHOUSE_HOME": str(self.home),
            "XDG_CONFIG_HOME": str(folder),
            "HF_ENDPOINT": hub.address,
            "HF_TOKEN": TOKEN,
        }

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.catalog), *arguments],
            cwd=self.folder,
            env=self.environ | more.pop("environ", {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def __call__(self, *arguments: str, code: int = 0, **more: Any) -> str:
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, out + err
        assert TOKEN not in out + err
        return out + err


def write_catalog(path: Path, **models: dict[str, Any]) -> Path:
    """The shipped models.yaml with these entries more, and a profile `mine` that is `tiny` with those of them that have
    a role of their own there."""
    declared = yaml.safe_load(CATALOG_FILE.read_text(encoding="utf-8"))
    declared["models"] |= models
    declared["profiles"]["mine"] = declared["profiles"]["tiny"] | {"about": "tests"}
    roles = {entry["role"]: name for name, entry in models.items()}
    declared["profiles"]["mine"]["models"] = declared["profiles"]["tiny"]["models"] | roles
    path.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
    return path


FREE = {"licence": "Apache-2.0", "commercial": True}
PLAIN = {"role": "artist", "family": "noop", "weights": {"repo": "toys/plain"}, **FREE}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as hub:
        hub.push("toys/plain", {"config.json": b"{}", "model.safetensors": tensors(1, 400_000)})
        yield hub


@pytest.fixture
def reelhouse(tmp_path: Path, hub: Hub) -> Reelhouse:
    return Reelhouse(tmp_path / "first", hub, write_catalog(tmp_path / "models.yaml", plain=PLAIN))


def test_a_film_with_models_that_came_as_a_pack(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, hub: Hub
) -> None:
    toys = shared_home(tmp_path_factory, "toy-sdxl", "toy-wan", "toy-llama", "toy-vits")
    shipped = yaml.safe_load(CATALOG_FILE.read_text(encoding="utf-8"))["models"]
    entries = {}
    for name in ("toy-sdxl", "toy-llama", "toy-vits", "toy-wan"):
        hub.push_folder(f"toys/{name}", toys / "toys" / name)
        weights = {"repo": f"toys/{name}"} | ({"file": "toy.gguf"} if name == "toy-llama" else {})
        entries[f"my-{name}"] = shipped[name] | {"weights": weights}
    reelhouse = Reelhouse(tmp_path / "first", hub, write_catalog(tmp_path / "models.yaml", **entries))
    assert "not pinned" in reelhouse("models", "list")
    told = reelhouse("make", "A fox", "--profile", "mine", "--seconds", "5", "--out", "no.mp4", code=1)
    assert "begins" not in told  # all that is missing is told at once, before anything is made
    ids = "my-toy-llama my-toy-vits my-toy-sdxl my-toy-wan"
    assert set(told.partition("`reelhouse models pin ")[2].partition("`")[0].split()) == set(ids.split())
    assert set(told.partition("`reelhouse models pull ")[2].partition("`")[0].split()) == set(ids.split())
    planned = reelhouse("plan", "A fox", "--profile", "mine", "--seconds", "5")
    assert "run `reelhouse models pin" in planned
    reelhouse("models", "pin", *entries)
    lock = json.loads((tmp_path / "models.lock").read_text())
    assert set(lock) == set(entries)
    reelhouse("models", "pull", "--profile", "mine")
    verified = json.loads(reelhouse("models", "verify", *entries, "--json").partition("\n}\n")[0] + "}")
    assert {model["state"] for model in verified["models"]} == {"unaltered"}
    reelhouse("models", "export", "--profile", "mine", "--out", "all.reelpack")

    hub.seen.clear()
    other = Reelhouse(tmp_path / "second", hub, reelhouse.catalog)
    other("models", "import", str(reelhouse.folder / "all.reelpack"))
    other("models", "verify", *entries)
    make = ("make", "A fox finds a lantern", "--profile", "mine", "--seconds", "6", "--work", "work")
    other(*make, "--out", "fox.mp4")
    assert (other.folder / "fox.mp4").stat().st_size > 10_000
    shutil.rmtree(other.home / "models")  # as where a work folder was carried to
    other(*make, "--captions", "none", "--out", "plain.mp4")
    assert (other.folder / "plain.mp4").stat().st_size > 10_000
    assert hub.seen == []


def test_pulled_unpinned_only_when_told_and_pinned_from_then_on(reelhouse: Reelhouse, hub: Hub, tmp_path: Path) -> None:
    assert "--unpinned" in reelhouse("models", "pull", "plain", code=2)
    assert "0.4 MB fetched" in reelhouse("models", "pull", "plain", "--unpinned")
    reelhouse("models", "pin", "plain")
    assert "was here already" in reelhouse("models", "pull", "plain")
    first = json.loads((tmp_path / "models.lock").read_text())["plain"][""]["revision"]
    hub.push("toys/plain", {"config.json": b"{}", "model.safetensors": tensors(2, 400_000)})
    reelhouse("models", "pin", "plain", "--revision", first)
    assert "was here already" in reelhouse("models", "pull", "plain")
    reelhouse("models", "pin", "plain")
    assert "altered" in reelhouse("models", "verify", "plain", code=1)
    assert "MB fetched" in reelhouse("models", "pull", "plain")
    reelhouse("models", "verify", "plain")


def test_lists_say_what_is_to_be_pulled_and_what_is_here_verifies_in_a_few_lines(reelhouse: Reelhouse) -> None:
    reelhouse("models", "pin", "plain")
    rows = reelhouse("models", "list").splitlines()
    (plain,) = (row for row in rows if row.startswith("plain "))
    assert "not here" in plain
    assert "(0.4 MB to pull)" in plain
    assert len({row.index(" animator ") for row in rows if " animator " in row}) == 1  # columns, whatever the id
    told = reelhouse("models", "verify").splitlines()
    assert any(line.startswith("smollm2-135m: ") for line in told)
    assert not any(line.startswith("plain: ") for line in told)
    assert "are not on this machine" in told[-1]


def test_what_models_yaml_pins_itself_stays_as_it_is(tmp_path: Path, hub: Hub) -> None:
    first = hub.branches["toys/plain"]
    entry = PLAIN | {"weights": {"repo": "toys/plain", "revision": first}}
    reelhouse = Reelhouse(tmp_path / "first", hub, write_catalog(tmp_path / "models.yaml", plain=entry))
    hub.push("toys/plain", {"model.safetensors": tensors(2, 800)})
    for _ in range(2):
        assert first in reelhouse("models", "pin", "plain")
    assert "0.4 MB fetched" in reelhouse("models", "pull", "plain")
    pins = json.loads((tmp_path / "models.lock").read_text())["plain"][""]
    (tmp_path / "models.lock").unlink()
    entry = PLAIN | {"weights": {key: pins[key] for key in ("repo", "revision", "sha256", "sizes")}}
    write_catalog(tmp_path / "models.yaml", plain=entry)
    assert "pinned by models.yaml itself" in reelhouse("models", "pin", "plain")
    assert "was here already" in reelhouse("models", "pull", "plain")


def test_killed_while_it_pulls_it_goes_on_and_nothing_half_written_loads(reelhouse: Reelhouse, hub: Hub) -> None:
    reelhouse("models", "pin", "plain")
    size = len(tensors(1, 400_000))
    for _ in range(3):
        hub.sent, hub.bytes_a_second = 0, 400_000
        process = reelhouse.start("models", "pull", "plain")
        deadline = time.monotonic() + 60
        while hub.sent < size // 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert "not on this machine" in reelhouse("models", "verify", "plain", code=1)
        assert sorted(path.name for path in (reelhouse.home / "models").iterdir()) == [".pulling"]
    hub.sent, hub.bytes_a_second = 0, None
    reelhouse("models", "pull", "plain")
    assert 0 < hub.sent < size // 2
    reelhouse("models", "verify", "plain")


def test_a_disk_that_fills_up_is_told_and_what_came_is_kept(reelhouse: Reelhouse, hub: Hub) -> None:
    reelhouse("models", "pin", "plain")

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    told = reelhouse("models", "pull", "plain", code=1, preexec_fn=little_room)
    assert "The disk is full" in told
    hub.sent = 0
    reelhouse("models", "pull", "plain")
    assert hub.sent < 300_000
    reelhouse("models", "verify", "plain")


def test_an_opt_in_model_is_fetched_when_its_notice_was_accepted_once(tmp_path: Path, hub: Hub) -> None:
    hub.push("toys/plain", {"model.safetensors": tensors(1, 800)})
    entry = PLAIN | {"licence": "CPML", "commercial": False, "opt_in": True, "notice": "Not for sale."}
    reelhouse = Reelhouse(tmp_path / "first", hub, write_catalog(tmp_path / "models.yaml", plain=entry))
    reelhouse("models", "pin", "plain")
    hub.seen.clear()
    told = reelhouse("models", "pull", "plain", code=2)
    assert "licensed CPML. Not for sale." in told
    assert "--accept-licence plain" in told
    assert hub.seen == []
    assert "Not for sale." in reelhouse("models", "pull", "plain", "--accept-licence", "plain")
    assert "Not for sale." not in reelhouse("models", "pull", "plain")
    assert set(json.loads((reelhouse.home / "licences.json").read_text())) == {"plain"}

    reelhouse("models", "export", "plain", "--out", "p")
    other = Reelhouse(tmp_path / "second", hub, reelhouse.catalog)
    assert "--accept-licence plain" in other("models", "import", str(reelhouse.folder / "p"), code=2)
    other("models", "import", str(reelhouse.folder / "p"), "--accept-licence", "plain")
    for command in ("plan", "make"):
        refused = other(command, "A fox", "--profile", "mine", code=2)
        assert "does not allow commercial use: take sketch (profile cpu)" in refused
        assert "--use personal" in refused
    assert "profile mine" in other("plan", "A fox", "--profile", "mine", "--use", "personal")


def test_nothing_is_fetched_where_offline_is_strict(reelhouse: Reelhouse, hub: Hub) -> None:
    for command in ("pull", "pin"):
        told = reelhouse("models", command, "plain", code=2, environ={"REELHOUSE_OFFLINE": "strict"})
        assert "REELHOUSE_OFFLINE is strict" in told
        assert "models import" in told
    assert hub.seen == []


def test_an_unknown_family_is_told_before_anything_is_made(tmp_path: Path, hub: Hub) -> None:
    entry = {"role": "artist", "family": "sdxx", **FREE}
    reelhouse = Reelhouse(tmp_path / "first", hub, write_catalog(tmp_path / "models.yaml", odd=entry))
    told = reelhouse("make", "A fox", "--profile", "mine", "--seconds", "5", "--out", "fox.mp4", code=2)
    assert "models.odd.family: there is no family 'sdxx' of artists" in told
    assert "begins" not in told


def test_what_is_named_wrongly_is_told_with_what_there_is(reelhouse: Reelhouse) -> None:
    assert "name models" in reelhouse("models", "pull", code=2)
    assert "no model is called 'plane'" in reelhouse("models", "pull", "plane", code=2)
    assert "no model is called 'plane'" in reelhouse("models", "pull", "plain", "--accept-licence", "plane", code=2)
    assert "comes over no network" in reelhouse("models", "pull", "hibari", code=2)
    assert "name the --profile too" in reelhouse("models", "pull", "--quality", "high", code=2)
    assert "name one model" in reelhouse("models", "pin", "plain", "sdxl", "--revision", "x", code=2)
    assert "is not there" in reelhouse("models", "import", "nowhere", code=1)
    assert "nothing to pull" in reelhouse("models", "pull", "--profile", "cpu")


def test_a_profiles_models_are_those_of_the_quality_that_is_named() -> None:
    catalog = load_catalog()
    profile = catalog.profiles["gpu-8gb"]

    def of(*quality: Quality) -> list[str]:
        return [spec.id for spec in wanted(catalog, None, "gpu-8gb", *quality)]

    assert of() == of("standard") == list(profile.models.values())
    assert of("high") == list({**profile.models, **profile.high}.values())
    assert set(of("high")) - set(of()) == set(profile.high.values())
