"""One shot changed, added or taken out: the script that results, and what of the film is made again for it."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from engine.own_script import MAX_SHOTS, check_script
from engine.shots import seen
from engine.types import Script, Shot
from server.errors import BadInput, Conflict

PER_SHOT: tuple[str, ...] = ("voices", "stills", "clips", "segments")
WHOLE: tuple[str, ...] = ("film", "review")


class Edit(NamedTuple):
    """`script` after the change; `shot` is the index that it has there, None for one that was taken out. `stages` are
    those which that shot passes again."""

    script: Script
    shot: int | None
    stages: frozenset[str]


def change(script: Script, index: int, changed: Shot) -> Edit:
    """Shot `index` becomes `changed`. Raises `BadScript`; `BadInput` if nothing would be other."""
    before = script.shots[index]
    if changed == before:
        raise BadInput.of("shot", "it is like that already: change its narration, visual, camera or speaker")
    shots = (*script.shots[:index], changed, *script.shots[index + 1 :])
    stages = {"segments"}
    if (before.narration, before.speaker) != (changed.narration, changed.speaker):
        stages |= {"voices", "clips"}  # a line of another length makes a clip of another length
    if (seen(before), before.speaker) != (seen(changed), changed.speaker):
        stages |= {"stills", "clips"}
    if before.camera != changed.camera:
        stages |= {"clips"}
    return Edit(check_script(replace(script, shots=shots)), index, frozenset(stages))


def insert(script: Script, index: int, shot: Shot) -> Edit:
    """`shot` becomes number `index`. Raises `BadScript`, `Conflict` if there are too many."""
    if len(script.shots) >= MAX_SHOTS:
        raise Conflict(f"The story has {MAX_SHOTS} shots, more are not possible.")
    shots = (*script.shots[:index], shot, *script.shots[index:])
    return Edit(check_script(replace(script, shots=shots)), index, frozenset(PER_SHOT))


def take_out(script: Script, index: int) -> Edit:
    """Raises `Conflict` for the last shot that is left."""
    if len(script.shots) == 1:
        raise Conflict("This is the story's only shot: delete the story instead.")
    shots = (*script.shots[:index], *script.shots[index + 1 :])
    return Edit(check_script(replace(script, shots=shots)), None, frozenset())


def seconds_again(edit: Edit, estimate: dict[str, float]) -> dict[str, float]:
    """Seconds by stage, from the estimate of the whole film: one shot's share, and the film's own stages."""
    shots = len(edit.script.shots)
    again = {stage: round(estimate[stage] / shots, 1) for stage in PER_SHOT if stage in edit.stages & estimate.keys()}
    return again | {stage: estimate[stage] for stage in WHOLE if stage in estimate}
