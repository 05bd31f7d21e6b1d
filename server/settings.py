"""Every setting of the product in one typed place: the engine's, and those of server and workers."""

from __future__ import annotations

from pathlib import Path

from engine.settings import EngineSettings


class Settings(EngineSettings, frozen=True):
    """`data` None: `data/` in `home`. The three URLs name other systems, None: embedded ones below `data`.

    `limits_*` are rates as `10/min`; `lease_seconds`, `sweep_seconds` in seconds; `wave` is stories per wave;
    `allowed_fetch` are hosts of the local network that may be fetched from; `secret` signs what goes through the
    queue, None: one that is made once and kept in `data`; `retain_days` None keeps films until somebody deletes them;
    `fault` is for tests of faults only.
    """

    data: Path | None = None
    database_url: str | None = None
    queue_url: str | None = None
    media_url: str | None = None
    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    allowed_fetch: tuple[str, ...] = ()
    lease_seconds: float = 60
    sweep_seconds: float = 20
    wave: int = 4
    limits_generate: str = "10/min"
    limits_read: str = "300/min"
    limits_login: str = "10/min"
    credits_story: int = 25
    credits_grant: int = 1000
    secret: str | None = None
    retain_days: float | None = None
    fault: str | None = None
