"""Ids say what they name and cannot be guessed."""

import re
import time

import pytest

from server.ids import cuid, is_cuid, media_token, prefixed


def test_jobs_stories_series_and_users_have_ids_of_25_characters_newer_ones_behind_older_ones() -> None:
    earlier = cuid()
    time.sleep(0.002)
    later = cuid()
    assert all(re.fullmatch(r"c[a-z0-9]{24}", one) and is_cuid(one) for one in (earlier, later))
    assert earlier < later


@pytest.mark.parametrize("prefix", ["char", "scene", "item", "clip", "key"])
def test_what_belongs_to_them_has_a_prefix(prefix: str) -> None:
    assert re.fullmatch(rf"{prefix}_[a-z0-9]{{20}}", prefixed(prefix))


def test_no_two_are_alike() -> None:
    assert len({cuid() for _ in range(2000)}) == len({media_token() for _ in range(2000)}) == 2000
    assert all(len(media_token()) == 31 for _ in range(100))


@pytest.mark.parametrize(
    "text", ["", "c", "C" + "a" * 24, "c" + "a" * 23, "c" + "a" * 25, "c" + "A" * 24, "../" + "a" * 22]
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert not is_cuid(text)
