"""What every command finds around it, read when it is first asked for: so `--help` works whatever they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from engine.catalog import Catalog
from engine.settings import EngineSettings


def nothing_more() -> Mapping[str, Any]:
    """For an engine by itself."""
    return {}


class Surroundings(NamedTuple):
    """`measurements` are what `bench` measures besides its own, by name; a server adds its own."""

    settings: Callable[[], EngineSettings]
    catalog: Callable[[], Catalog]
    measurements: Callable[[], Mapping[str, Any]] = nothing_more
