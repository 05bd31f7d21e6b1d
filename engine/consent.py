"""Which notices somebody here has accepted. Knows nothing of how models come onto the machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from engine.artifacts import disk_errors, write_atomically
from engine.catalog import ModelSpec
from engine.errors import LicenceRefused, StorageUnwritable

ACCEPTED = "licences.json"
"""Below the home folder: model → a hash of the licence's name and the notice, so that a changed one is asked anew."""


def read_notice(spec: ModelSpec, home: Path, accept: Collection[str], say: Callable[[str], None]) -> None:
    """Say the notice of `spec` once per home, and keep that it was said; of an opt-in model, that it was accepted.

    Raises `LicenceRefused` if it is one that nobody has accepted, neither before nor in `accept`.
    """
    if not spec.notice:
        return
    known = _read(home)
    mark = hashlib.sha256(f"{spec.licence}\n{spec.notice}".encode()).hexdigest()
    if known.get(spec.id) == mark:
        return
    if spec.opt_in and spec.id not in accept:
        raise LicenceRefused(
            f"model {spec.id} is licensed {spec.licence}. {spec.notice} If you accept that, say "
            f"--accept-licence {spec.id}."
        )
    say(f"{spec.id}: licensed {spec.licence}. {spec.notice}")
    with disk_errors(home):
        home.mkdir(parents=True, exist_ok=True)
    write_atomically(home / ACCEPTED, msgspec.json.format(msgspec.json.encode(known | {spec.id: mark})))


def _read(home: Path) -> dict[str, str]:
    file = home / ACCEPTED
    if not file.is_file():
        return {}
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StorageUnwritable(f"{file} is spoilt: remove it; notices are then told again.") from error
