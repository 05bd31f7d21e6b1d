"""The review: what a viewer would complain about, found by measuring what was made; it mends nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from engine.progress import Control
from engine.types import Plan, Still

# A film may miss the requested length by this share.
LENGTH_TOLERANCE = 0.05
# Below this standard deviation (of 255) of its luma a picture shows nothing; below this mean it is black.
EMPTY, BLACK = 4.0, 6.0
# Two 32×32 thumbnails that differ by less (mean absolute, of 255) are the same picture to a viewer.
SAME = 2.0


def thumbnails_of(stills: Sequence[Still]) -> list[np.ndarray]:
    """What the review looks at: each picture's luma, 32×32, 0–255. Made while clips are, since reading large pictures
    takes longer than the last cut."""
    return [_thumbnail(still) for still in stills]


def review_film(plan: Plan, thumbnails: Sequence[np.ndarray], seconds: float, *, control: Control) -> None:
    """Warn of a missed length (`seconds` is the film's) and of empty, black and repeated pictures."""
    control.emit("stage", "review", total=len(thumbnails))
    target = plan.target_seconds
    if target is not None and abs(seconds - target) > LENGTH_TOLERANCE * target:
        control.emit(
            "warning",
            "review",
            message=f"the film lasts {seconds:.1f} s where {target:g} s were asked for: "
            f"the script has too {'much' if seconds > target else 'little'} to say",
        )
    previous = None
    for index, thumbnail in enumerate(thumbnails):
        if thumbnail.mean() < BLACK:
            control.emit("warning", "review", shot=index, message=f"the picture of shot {index + 1} is nearly black")
        elif thumbnail.std() < EMPTY:
            control.emit("warning", "review", shot=index, message=f"the picture of shot {index + 1} is nearly empty")
        if previous is not None and np.abs(thumbnail - previous).mean() < SAME:
            control.emit(
                "warning", "review", shot=index, message=f"shots {index} and {index + 1} show the same picture"
            )
        previous = thumbnail
        control.emit("shot", "review", shot=index, done=index + 1, total=len(thumbnails))


def _thumbnail(still: Still) -> np.ndarray:
    with Image.open(still.image, formats=("PNG",)) as image:
        return np.asarray(image.convert("L").resize((32, 32), Image.Resampling.BOX), dtype=np.float32)
