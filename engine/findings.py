"""What is measured of a picture or a film, and what a review finds: frozen structs. Knows no limits of taste."""

from __future__ import annotations

from typing import Literal, get_args

from engine.types import Camel, Frozen

Check = Literal[
    "decodes", "length", "frames", "black", "flat", "frozen", "same", "narration", "silence", "loudness", "peaks",
    "sound", "captions", "chapters",
]  # fmt: skip
CHECKS: tuple[Check, ...] = get_args(Check)


class Look(Frozen, frozen=True):
    """What is seen of a picture or a film, `rate` samples a second (0: one picture), each series one value a sample.

    `light`: the luma that a hundredth of the pixels passes, 0–255. `spread`: standard deviation of luma and colour
    together, 0–255. `void`: share of whole rows or columns that are black. `moved`: per mille of the picture that
    looks otherwise than a second before (or than the first sample, where it lasts no second), from the sample `lag` on.
    `frames` were decoded, none of them spoiled unless `spoiled`. `thumbnail`: luma of the middle sample, 32×32.
    """

    frames: int
    rate: float
    light: tuple[int, ...]
    spread: tuple[int, ...]
    void: tuple[float, ...]
    moved: tuple[int, ...]
    lag: int
    thumbnail: bytes
    spoiled: bool = False


class Finding(Camel, frozen=True):
    """Something a viewer would complain about. `shot` counts from 0, None for the whole film or a card; `at` is film
    time in seconds; `measured` and `limit` are in the check's own unit, None where there is nothing to count."""

    check: Check
    sentence: str
    shot: int | None = None
    at: float | None = None
    measured: float | None = None
    limit: float | None = None


class Review(Camel, frozen=True):
    """What was looked at, and what was found; `passed` if that is nothing. `figures` are the film's own: seconds,
    loudness, peak and the like."""

    passed: bool
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...] = ()
    figures: dict[str, float] = {}
