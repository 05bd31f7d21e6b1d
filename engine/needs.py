"""What models were measured to need of a device's memory, kept from run to run. Opens no model and measures nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from engine.artifacts import content_key, write_atomically
from engine.catalog import ModelSpec
from engine.types import Frozen

FILE = "needs.json"


class Need(Frozen, frozen=True):
    """GiB of `device`: `resident` once it is loaded, `peak` at work, the most that was seen at any size. `offload` is
    how it had to be loaded when no more than `free` was there ("": as its entry says)."""

    device: str
    model: str
    params: str
    resident: float = 0.0
    peak: float = 0.0
    offload: str = ""
    free: float = 0.0


class Needs:
    """Kept in `file`, as JSON; delete it, and everything is measured anew. None: for this process only.

    Safe for several threads; of several processes the last one to write wins, and the other's find is found again.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._known = self._read()

    def of(self, spec: ModelSpec, device: str) -> Need:
        """What is known of that entry with its parameters; zeros mean nothing is."""
        key = _key(spec, device)
        return self._known.get(key, Need(device=key[0], model=key[1], params=key[2]))

    def note(self, need: Need) -> None:
        """Keep it; the larger `peak` stays. Raises `StorageFull`, `StorageUnwritable`."""
        key = need.device, need.model, need.params
        with self._lock:
            self._known = {**self._read(), **self._known}
            before = self._known.get(key)
            if before is not None:
                need = msgspec.structs.replace(need, peak=max(need.peak, before.peak))
            if need == before:
                return
            self._known[key] = need
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(self._file, msgspec.json.format(msgspec.json.encode(list(self._known.values()))))

    def _read(self) -> dict[tuple[str, str, str], Need]:
        if self._file is None:
            return {}
        try:
            known = msgspec.json.decode(self._file.read_bytes(), type=list[Need])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}  # nothing was measured yet, or somebody edited it: it is measured again
        return {(need.device, need.model, need.params): need for need in known}


def _key(spec: ModelSpec, device: str) -> tuple[str, str, str]:
    return device, spec.id, content_key(params=spec.params, parts=sorted(spec.parts))[:12]
