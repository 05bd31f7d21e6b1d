"""Runs of the same answer in a row of answers. Knows not what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby


def longest_run(faults: Sequence[bool]) -> tuple[int, int]:
    """Where the longest run of faults begins, and how long it is."""
    best, at = (0, 0), 0
    for fault, run in groupby(faults):
        length = len(list(run))
        if fault and length > best[1]:
            best = (at, length)
        at += length
    return best
