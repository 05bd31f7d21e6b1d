"""From an error's code, as it came over the wire, back to the error. Knows the engine's tree and nothing else."""

from __future__ import annotations

from engine.errors import ReelhouseError


def error_of(code: str, message: str) -> ReelhouseError:
    """The engine's error with that code; the root of the tree if a later release has new ones."""
    kind = _by_code().get(code, ReelhouseError)
    error = kind.__new__(kind)
    ReelhouseError.__init__(error, message)
    return error


def _by_code() -> dict[str, type[ReelhouseError]]:
    found: dict[str, type[ReelhouseError]] = {}
    waiting: list[type[ReelhouseError]] = [ReelhouseError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)  # a subclass that has no code of its own answers to its parent's
        waiting += kind.__subclasses__()
    return found
