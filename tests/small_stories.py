"""Stories that are made in a second or two: models that wait for nothing, films of a few hundred pixels."""

from __future__ import annotations

import msgspec

from engine.bench_rig import PROFILE, bench_catalog
from engine.catalog import Catalog
from engine.types import Character, Item, Scene, Script, Shot, StoryRequest

LINES = ("A fox ran.", "It saw a lamp.", "The lamp was lit.", "Night fell.")


def small_catalog(**params: float) -> Catalog:
    """The measuring catalog with a profile of 64 pixels and 8 frames a second."""
    catalog = bench_catalog(**params)
    small = msgspec.structs.replace(catalog.profiles[PROFILE], short_side=64, fps=8)
    return msgspec.structs.replace(catalog, profiles={**catalog.profiles, PROFILE: small})


def small_script(*lines: str) -> Script:
    return Script(
        title="The Lamp",
        characters=(Character(name="Fox"),),
        scenes=(Scene(description="a river valley", time_of_day="night"),),
        items=(Item(name="lamp"),),
        shots=tuple(Shot(narration=line, visual=line) for line in lines or LINES),
    )


def small_request(*lines: str, **fields) -> StoryRequest:
    return StoryRequest(**{"prompt": "A fox", "script": small_script(*lines), "profile": PROFILE, **fields})
