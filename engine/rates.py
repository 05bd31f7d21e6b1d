"""How fast a GPU was measured to compute, kept between runs: FLOP a second in matrix products, how near models come.

Written by `reelhouse bench`, read by estimates. A GPU that was never measured has no figure here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from engine.artifacts import disk_errors, write_atomically
from engine.types import Frozen

FILE = "rates.json"


class Rate(Frozen, frozen=True):
    """`tflops`: 10¹² operations a second in large half precision products. `times_floor`, by family: how many times the
    seconds that its FLOP would take at that rate its model took. `to_device_gb_s`: 10⁹ bytes a second that come from
    main memory, None if nobody has measured it."""

    tflops: float
    times_floor: dict[str, float] = {}
    to_device_gb_s: float | None = None

    def seconds(self, flops: float, family: str) -> tuple[float, Literal["arithmetic", "floor"]]:
        """What so much work takes; of a family that was not measured the floor, which nothing comes below."""
        least = flops / (self.tflops * 1e12)
        times = self.times_floor.get(family)
        return (least, "floor") if times is None else (least * times, "arithmetic")


class Card(Frozen, frozen=True):
    """What a card does, as it was tried: `device` and `dtype` as torch spells them, `attention` the kernel."""

    device: str
    dtype: str
    tflops: float
    to_device_gb_s: float
    attention: str


def read_rate(home: Path, gpu: str | None) -> Rate | None:
    """Of the GPU of that name; None without one, or where it was not measured, or the memory cannot be read."""
    return None if gpu is None else _read(home).get(gpu)


def remember_rate(home: Path, gpu: str, rate: Rate) -> None:
    """Keep it, families that were measured before included. Raises `StorageFull`, `StorageUnwritable`."""
    known = _read(home)
    before = known.get(gpu, rate)
    known[gpu] = msgspec.structs.replace(
        rate,
        times_floor={**before.times_floor, **rate.times_floor},
        to_device_gb_s=rate.to_device_gb_s or before.to_device_gb_s,
    )
    with disk_errors(home):
        home.mkdir(parents=True, exist_ok=True)
    write_atomically(home / FILE, msgspec.json.format(msgspec.json.encode(known, order="sorted"), indent=1))


def remember_card(home: Path, gpu: str, card: Card) -> None:
    """Keep what was tried in two seconds; a rate that was faster stays, because a card that others use is slower.
    Raises `StorageFull`, `StorageUnwritable`."""
    before = read_rate(home, gpu) or Rate(tflops=0.0)
    copied = max(card.to_device_gb_s, before.to_device_gb_s or 0.0)
    remember_rate(home, gpu, Rate(tflops=max(card.tflops, before.tflops), to_device_gb_s=copied))


def _read(home: Path) -> dict[str, Rate]:
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=dict[str, Rate])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
