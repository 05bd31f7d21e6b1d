"""Faults on purpose, for tests of faults only: `REELHOUSE_FAULT=point:n[:how]` strikes the n-th time `point` is passed.

`how` is `kill` (default: SIGKILL to this very process), `stop` (SIGSTOP), or `fail` (raises OSError). Unset, which it
is for every user, each point costs one look at a module's variable.
"""

from __future__ import annotations

import errno
import os
import signal

_armed: dict[str, tuple[int, str]] = {}
_passed: dict[str, int] = {}


def arm(spec: str | None) -> None:
    """Read the setting `fault`, as `claimed:2:stop`; several are joined by commas."""
    for one in (spec or "").split(","):
        if one:
            point, _, rest = one.partition(":")
            number, _, how = rest.partition(":")
            _armed[point] = (int(number or 1), how or "kill")


def fault(point: str) -> None:
    """Pass `point`."""
    if point not in _armed:
        return
    number, how = _armed[point]
    _passed[point] = _passed.get(point, 0) + 1
    if _passed[point] != number:
        return
    if how == "fail":
        raise OSError(errno.EIO, f"a fault at {point}, on purpose")
    os.kill(os.getpid(), signal.SIGSTOP if how == "stop" else signal.SIGKILL)
