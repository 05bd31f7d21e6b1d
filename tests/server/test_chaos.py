"""The short form of `scripts/chaos`: one round of each kind, and nothing broken after it."""

from __future__ import annotations

import random

import pytest

from tests.server.chaos import SHORT, plans, play

SEED = 20


@pytest.mark.parametrize("name", SHORT)
def test_after_a_round_of_chaos_nothing_is_broken(name, tmp_path):
    (plan,) = [plan for plan in plans(random.Random(SEED), 1) if plan.name.startswith(name)]
    with (tmp_path / "chaos.log").open("wb") as log:
        row = play(plan, log.fileno())
    assert row is not None and row.broken == [], row
    assert row.again <= 1, row
