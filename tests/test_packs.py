"""A pack is what was exported, to the last bit, or nothing of it is installed."""

from __future__ import annotations

import io
import json
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from engine.catalog import Catalog, ModelSpec, Weights
from engine.errors import LicenceRefused, ModelCorrupt, ModelMissing, PackRefused
from engine.packs import export_pack, import_pack
from engine.weights import check_weights, fetched_folder, find_weights, with_places, write_checksums
from tests.pulling import tensors

LONG = "a/" * 8 + "n" * 150 + ".json"


def entry(name: str, **fields: Any) -> ModelSpec:
    known: dict[str, Any] = {"role": "artist", "family": "noop", "licence": "MIT", "commercial": True}
    return ModelSpec(**{"id": name, "weights": Weights(repo=f"toys/{name}"), **known, **fields})


def catalog(*specs: ModelSpec) -> Catalog:
    return Catalog(profiles={}, models={spec.id: spec for spec in specs})


ONE, TWO = entry("one"), entry("two", parts={"vae": Weights(repo="toys/vae")})
BOTH = catalog(ONE, TWO)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with both models."""
    home = tmp_path / "home"
    for spec, files in (
        (ONE, {"model.safetensors": tensors(1, 3000), "config.json": b"{}", LONG: b"[]"}),
        (TWO, {"unet/model.safetensors": tensors(2, 800), "parts/vae/vae.safetensors": tensors(3, 800)}),
    ):
        folder = fetched_folder(spec, home)
        assert folder is not None
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        write_checksums(folder)
    return home


@pytest.fixture
def pack(home: Path, tmp_path: Path) -> Path:
    export_pack([ONE, TWO], home, tmp_path / "models.reelpack")
    return tmp_path / "models.reelpack"


def contents(home: Path) -> dict[str, bytes]:
    return {
        p.relative_to(home).as_posix(): p.read_bytes()
        for p in home.rglob("*")
        if p.is_file() and ".pulling" not in p.parts
    }


def refused(pack: Path, tmp_path: Path, told: str, models: Catalog = BOTH) -> None:
    other = tmp_path / "other"
    with pytest.raises(PackRefused, match=told):
        import_pack(pack, models, other)
    assert contents(other) == {}
    assert [p for p in other.rglob("*") if p.name.startswith("pack-")] == []


def test_what_was_exported_is_installed_elsewhere_and_verifies(home: Path, pack: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    heard: list[int] = []
    specs = import_pack(pack, BOTH, other, progress=lambda done, total: heard.append(done))
    assert [spec.id for spec in specs] == ["one", "two"]
    assert contents(other) == contents(home)
    assert heard[-1] == pack.stat().st_size - 65
    for spec in specs:
        path = find_weights(spec, other)
        assert path is not None
        check_weights(with_places(spec, other), path)


def test_the_same_models_give_the_same_bytes(home: Path, pack: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    import_pack(pack, BOTH, other)
    export_pack([TWO, ONE], other, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == pack.read_bytes()


def test_any_tar_reads_it(pack: Path) -> None:
    with tarfile.open(pack) as tar:
        names = tar.getnames()
    assert names[0] == "pack.json"
    assert "toys--one/model.safetensors" in names


def test_one_flipped_bit_is_found_wherever_it_is(pack: Path, tmp_path: Path) -> None:
    whole = pack.read_bytes()
    spoilt = tmp_path / "spoilt"
    for at in [*range(0, len(whole), 397), len(whole) - 1, len(whole) - 60, len(whole) - 70]:
        spoilt.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        refused(spoilt, tmp_path, "spoilt")


@pytest.mark.parametrize("tenth", range(10))
def test_a_pack_that_was_cut_off_is_refused(pack: Path, tmp_path: Path, tenth: int) -> None:
    whole = pack.read_bytes()
    pack.write_bytes(whole[: len(whole) * tenth // 10])
    refused(pack, tmp_path, r"damaged|no pack|begin with|it lists")


def test_what_is_no_pack_is_told(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", tmp_path, "is not there")
    (tmp_path / "text").write_bytes(b"hello " * 10_000)
    refused(tmp_path / "text", tmp_path, "damaged or no pack")


def member(name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[Any, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    return info, content if kind == tarfile.REGTYPE else b""


def forged(
    path: Path, listed: dict[str, tuple[int, str]], *members: tuple[Any, bytes], folder: str = "toys--one"
) -> Path:
    """A pack that is sound as a file, with a right last line, and says and holds what it is given."""
    manifest = {"format": 1, "models": {"one": {"folder": folder, "licence": "MIT", "files": listed}}}
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in (member("pack.json", json.dumps(manifest).encode()), *members):
            tar.addfile(info, io.BytesIO(content))
    data = body.getvalue()
    path.write_bytes(data + f"{sha256(data).hexdigest()}\n".encode())
    return path


X = (1, sha256(b"x").hexdigest())


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "a\\evil", "a//evil", "sha256.json", "a/\x1bevil"]
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    pack = forged(tmp_path / "p", {name: X}, member(f"toys--one/{name}"))
    refused(pack, tmp_path, r"is refused: '")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "toys--one/b"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
        (tarfile.DIRTYPE, ""),
    ],
)
def test_links_devices_and_folders_are_refused(tmp_path: Path, kind: bytes, link: str) -> None:
    pack = forged(tmp_path / "p", {"a": X}, member("toys--one/a", kind=kind, link=link))
    refused(pack, tmp_path, "a link, a device or a folder")


@pytest.mark.parametrize(
    ("listed", "members", "told"),
    [
        ({"a": X}, ["a", "a"], "not in its list, or comes twice"),
        ({"a": X}, ["a", "b"], "not in its list"),
        ({"a": X, "b": X}, ["a"], "is in its list and not in it"),
        ({"a": X, "a/b": X}, ["a", "a/b"], "is in it twice"),
        ({"A": X, "a": X}, ["A", "a"], "is in it twice"),
        ({"a": (2, X[1])}, ["a"], "has 1 bytes, listed are 2"),
        ({"a": (1, "0" * 64)}, ["a"], "damaged at"),
        ({"a": (1 << 50, X[1])}, ["a"], r"lists \d+ bytes and has"),
        ({"a": (-1, X[1])}, ["a"], "lists"),
    ],
)
def test_a_pack_that_is_not_what_it_lists_is_refused(
    tmp_path: Path, listed: dict[str, tuple[int, str]], members: list[str], told: str
) -> None:
    pack = forged(tmp_path / "p", listed, *(member(f"toys--one/{name}") for name in members))
    refused(pack, tmp_path, told)


def test_a_sparse_bomb_is_refused(tmp_path: Path) -> None:
    info, content = member("toys--one/a")
    info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 40), "GNU.sparse.name": "toys--one/a"}
    pack = forged(tmp_path / "p", {"a": X}, (info, content))
    refused(pack, tmp_path, "a link, a device|listed are|not in its list")


def test_a_model_that_is_not_named_here_is_refused(pack: Path, tmp_path: Path) -> None:
    refused(pack, tmp_path, "models.yaml here has no such entry", catalog(ONE))
    refused(forged(tmp_path / "p", {"a": X}, folder="toys--two"), tmp_path, "models.yaml here has no such entry")


def test_weights_of_a_refused_kind_are_refused_in_a_pack_too(tmp_path: Path) -> None:
    pack = forged(tmp_path / "p", {"a.pt": X}, member("toys--one/a.pt"))
    with pytest.raises(ModelCorrupt, match=r"a\.pt is a pickle"):
        import_pack(pack, BOTH, tmp_path / "other")
    assert contents(tmp_path / "other") == {}


def test_another_version_than_is_pinned_here_is_refused(pack: Path, tmp_path: Path) -> None:
    pins = {"model.safetensors": "0" * 64}
    weights = Weights(repo="toys/one", revision="0" * 40, sha256=pins, sizes={"model.safetensors": 1})
    with pytest.raises(ModelCorrupt, match=r"model\.safetensors is altered"):
        import_pack(pack, catalog(entry("one", weights=weights), TWO), tmp_path / "other")
    assert contents(tmp_path / "other") == {}


def test_a_refused_licence_comes_before_anything_is_written(pack: Path, tmp_path: Path) -> None:
    def refuse(spec: ModelSpec) -> None:
        raise LicenceRefused(f"not {spec.id}")

    with pytest.raises(LicenceRefused):
        import_pack(pack, BOTH, tmp_path / "other", allow=refuse)
    assert contents(tmp_path / "other") == {}


def test_only_whole_models_are_exported(home: Path, tmp_path: Path) -> None:
    file = home / "models/toys--one/model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelCorrupt, match=r"model\.safetensors"):
        export_pack([ONE], home, tmp_path / "p")
    with pytest.raises(ModelMissing, match="models pull three"):
        export_pack([entry("three")], home, tmp_path / "p")
    with pytest.raises(ModelMissing, match="goes into no pack"):
        export_pack([entry("toy", weights=Weights(toy="toy"))], home, tmp_path / "p")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
