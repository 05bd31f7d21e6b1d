"""Which commit of a source is meant, and which files with which hashes: read from the source, kept in models.lock.

Knows the hub and the lock; brings no model onto the machine, except the small files that the hub tells no SHA-256 of,
and archives, which have to be read to be known.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.artifacts import file_hash, write_atomically
from engine.catalog import Catalog, ModelSpec, Weights, lock_entry
from engine.downloads import Network, Wanted, git_blob
from engine.errors import BadCatalog, DownloadFailed
from engine.hub import choose_files, file_at, read_repository
from engine.weights import sources_of

Where = Callable[[str, str], Path]
"""From the place of a source and a file's name to where that file is fetched to."""


def read_pins(spec: ModelSpec, network: Network, hub: str, where: Where, revision: str | None = None) -> ModelSpec:
    """`spec` with every source pinned to what it is now, or to the commit that the entry names already. `revision`
    takes another one of the model's own repository. Raises `DownloadFailed`."""
    found = {
        place: _pin(weights, place, network, hub, where, revision if place == "" else None)
        for place, weights in sources_of(spec).items()
    }
    parts = {name: found.get(f"parts/{name}", part) for name, part in spec.parts.items()}
    return msgspec.structs.replace(spec, weights=found.get("", spec.weights), parts=parts)


def _pin(given: Weights, place: str, network: Network, hub: str, where: Where, revision: str | None) -> Weights:
    if given.url is not None:
        name = Path(given.url).name
        target = where(place, name)
        if not target.is_file():
            network.fetch(Wanted(name=name, url=given.url), target)
        return msgspec.structs.replace(given, sha256={name: file_hash(target)}, sizes={name: target.stat().st_size})
    assert given.repo is not None
    repository = read_repository(network, hub, given.repo, revision or given.revision)
    chosen = choose_files(given, repository)
    hashes = {}
    for name, file in sorted(chosen.items()):
        digest = file.sha256
        if digest is None:
            target = where(place, name)
            digest = network.fetch(file_at(hub, given.repo, repository.revision, name, file.size, None), target)
            if git_blob(target) != file.blob:
                target.unlink()
                raise DownloadFailed(f"{name} of {given.repo} is not what the hub lists at {repository.revision[:12]}.")
        hashes[name] = digest
    sizes = {name: chosen[name].size for name in hashes}
    return msgspec.structs.replace(given, revision=repository.revision, sha256=hashes, sizes=sizes)


def lock_path(catalog: Catalog) -> Path:
    """Where the pins of this catalog are kept. Raises `BadCatalog` for one that was read from no file."""
    if catalog.path is None:
        raise BadCatalog("these models come from no file, so their pins have no place")
    return catalog.path.with_suffix(".lock")


def keep_pins(catalog: Catalog, pinned: list[ModelSpec]) -> Path:
    """Enter the pins of these models into models.lock, beside those of others. Raises `StorageUnwritable`."""
    lock = lock_path(catalog)
    entries = {spec.id: lock_entry(spec) for spec in catalog.models.values() if spec.pinned and lock_entry(spec)}
    entries |= {spec.id: lock_entry(spec) for spec in pinned}
    write_atomically(lock, msgspec.json.format(msgspec.json.encode(entries, order="sorted"), indent=1) + b"\n")
    return lock
