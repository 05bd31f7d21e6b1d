"""Which models a film needs and this machine has not, and the commands that bring them. Opens and fetches nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.catalog import ModelSpec
from engine.errors import ModelMissing
from engine.weights import find_weights, repair, sources_of


def is_here(spec: ModelSpec, home: Path) -> bool:
    """Whether there is something where its weights belong; whether that is whole is told when it is opened."""
    try:
        path = find_weights(spec, home)
    except ModelMissing:
        return False
    return path is None or path.exists()


def bytes_to_pull(spec: ModelSpec) -> int | None:
    """Of all its files, as they are pinned; None if nobody has pinned them, 0 for what comes over no network."""
    sources = sources_of(spec).values()
    if not all(weights.pinned for weights in sources):
        return None
    return sum(sum(weights.sizes.values()) for weights in sources)


def how_to_bring(absent: Iterable[ModelSpec]) -> str:
    """The commands that bring all of them, as an imperative."""
    absent = list(absent)
    fetched = [spec for spec in absent if sources_of(spec)]
    loose = [spec.id for spec in fetched if not spec.pinned]
    steps = [f"run `reelhouse models pin {' '.join(loose)}`"] if loose else []
    steps += [f"run `reelhouse models pull {' '.join(spec.id for spec in fetched)}`"] if fetched else []
    steps += dict.fromkeys(repair(spec) for spec in absent if spec not in fetched)
    return ", then ".join(steps)


def check_here(specs: Iterable[ModelSpec], home: Path) -> None:
    """Raise `ModelMissing` naming all of these that are not on this machine, so that nobody learns of them one by one,
    the last after hours of work for the others."""
    absent = list({spec.id: spec for spec in specs if not is_here(spec, home)}.values())
    if absent:
        named = ", ".join(spec.id for spec in absent)
        which = f"Model {named} is" if len(absent) == 1 else f"The models {named} are"
        raise ModelMissing(f"{which} not on this machine: {how_to_bring(absent)}.")
