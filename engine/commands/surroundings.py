"""What every command finds around it, read when it is first asked for: so `--help` works whatever they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from engine.catalog import Catalog
from engine.settings import EngineSettings


class Surroundings(NamedTuple):
    settings: Callable[[], EngineSettings]
    catalog: Callable[[], Catalog]
