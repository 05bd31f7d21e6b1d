"""What was found out about this machine, kept as JSON beside the models: it is found out once. Knows no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from engine.artifacts import write_atomically


class Findings:
    """Named findings in `file`, or for this process only if None. A name says all that a finding depends on: the GPU,
    the versions of what computes, the model; so nothing found elsewhere or before an update is ever believed.

    Of several processes that write at once the last one wins; what the other found is found once more.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: dict[str, Any] = self._read()

    def of(self, name: str) -> Any:
        """What was found under that name, JSON values, or None."""
        return self._known.get(name)

    def keep(self, name: str, finding: Any) -> None:
        """Raises `StorageFull`, `StorageUnwritable`."""
        self._known = {**self._read(), **self._known, name: finding}
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, msgspec.json.format(msgspec.json.encode(self._known)))

    def _read(self) -> dict[str, Any]:
        if self._file is None:
            return {}
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, Any])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}  # nothing was found yet, or somebody edited it: it is found again
