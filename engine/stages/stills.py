"""Stage `stills`: one picture per shot, of exactly the film's size. Knows the artist by protocol and limits only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from PIL import Image, ImageOps

from engine.artifacts import Store, content_key
from engine.backends.protocols import Handle, ImageModel, StillJob, Tick, Tunable
from engine.burned_captions import clear_above
from engine.catalog import ModelSpec
from engine.coming import Coming
from engine.errors import MediaFailed
from engine.formats import Format
from engine.ladder import STILL_RUNGS, Ladder, Rung, name_of, step_down
from engine.made import Still
from engine.progress import Control
from engine.reviewing.pictures import LOOK_VERSION, judge_picture, look_at_picture
from engine.shots import (
    another_seed,
    description_of,
    framing_of,
    pictured,
    references_of,
    scene_of,
    shot_seeds,
    still_prompt,
    style_of,
)
from engine.types import Plan, Script, Shot, Stage, StoryRequest

NAME: Stage = "stills"
STAGE_VERSION = 8
WORDS_PER_TOKEN = 0.7
"""Of English, through the tokenizers of CLIP and T5; for an artist whose entry says how many tokens it reads."""


def paint_stills(
    request: StoryRequest,
    plan: Plan,
    script: Script,
    fmt: Format,
    *,
    artist: Handle[ImageModel],
    store: Store,
    control: Control,
    ladder: Ladder | None = None,
    coming: Coming | None = None,
) -> tuple[Still, ...]:
    """A still per shot of `script`, in its order; what is kept is not painted again and opens no model.

    A picture depends on what is seen, its scene, its subjects and the pictures that they must look like, the look and
    the seed, not on its line or its number. One that came out black or empty is painted once more with
    another seed. Of more references than the artist keeps, the first subjects' count.
    `ladder` remembers what fits the GPU, `coming` what other stories of the wave want of the artist. Raises
    `MediaFailed` for a picture that is none, `OutOfMemory` when not even the smallest fits, and what the model raises.
    """
    ladder, coming = ladder or Ladder(), coming or Coming()
    total, spec = len(script.shots), artist.spec
    control.emit("stage", NAME, total=total)
    if total and _size(spec, plan, STILL_RUNGS[0]) != (plan.width, plan.height):
        control.emit("decision", NAME, message=_size_in_words(spec, plan))
    _tell_what_is_not_kept(request, script, fmt, spec, control)
    seeds = shot_seeds(plan, script)
    jobs = _jobs(request, plan, script, fmt, spec)
    _announce(jobs, plan, spec, store, control, coming)
    stills = []
    for i, (job, seed) in enumerate(zip(jobs, seeds, strict=True)):
        control.check()
        still, reused = _find_or_paint(i, job, plan, artist, store, control, ladder, coming)
        if still.look is not None and (faults := list(judge_picture(still.look, i))):
            job = msgspec.structs.replace(job, seed=another_seed(seed))
            still, reused = _find_or_paint(i, job, plan, artist, store, control, ladder, coming)
            told = f"{faults[0].sentence}: it was painted again with another seed"
            control.emit("decision", NAME, shot=i, message=told)
        stills.append(still)
        control.emit("shot", NAME, shot=i, done=i + 1, total=total, reused=reused, made=still)
    return tuple(stills)


def announce_stills(
    request: StoryRequest,
    plan: Plan,
    script: Script,
    fmt: Format,
    *,
    artist: ModelSpec,
    store: Store,
    control: Control,
    coming: Coming,
) -> None:
    """Say what is going to be asked of that artist. For every story of a wave, before the first picture is painted, so
    that all of their texts are read at once; a script that is not fitted to its voices yet has a few lines more."""
    _announce(_jobs(request, plan, script, fmt, artist), plan, artist, store, control, coming)


def _announce(
    jobs: Sequence[StillJob], plan: Plan, artist: ModelSpec, store: Store, control: Control, coming: Coming
) -> None:
    def unmade(rung: Rung) -> Sequence[StillJob]:
        wanted = [_on_rung(job, rung, artist, plan) for job in jobs]
        return [job for job in wanted if store.find(NAME, _key(job, plan, artist), Still) is None]

    coming.announce(artist.id, control.story, unmade)


def _jobs(request: StoryRequest, plan: Plan, script: Script, fmt: Format, spec: ModelSpec) -> list[StillJob]:
    seeds = shot_seeds(plan, script)
    return [still_job(request, plan, script, fmt, *shot, spec) for shot in zip(script.shots, seeds, strict=True)]


def still_job(
    request: StoryRequest, plan: Plan, script: Script, fmt: Format, shot: Shot, seed: int, spec: ModelSpec
) -> StillJob:
    """What the artist is asked for, at its own nearest size that covers the film's."""
    tokens = spec.limits.context
    subjects = pictured(shot, script, fmt)
    width, height = _size(spec, plan, STILL_RUNGS[0])
    return StillJob(
        prompt=still_prompt(shot, script, fmt, None if tokens is None else int(tokens * WORDS_PER_TOKEN)),
        width=width,
        height=height,
        seed=seed,
        negative=request.negative_prompt,
        scene=scene_of(shot, script),
        subjects=tuple(subject.name for subject in subjects),
        descriptions={subject.name: text for subject in subjects if (text := description_of(subject))},
        framing=framing_of(shot, fmt),
        clear=round(clear_above(plan.width, plan.height, fmt), 3),
        style=style_of(request, fmt),
        references=dict(list(references_of(subjects, request.references).items())[: spec.limits.references]),
    )


def _find_or_paint(
    i: int,
    job: StillJob,
    plan: Plan,
    artist: Handle[ImageModel],
    store: Store,
    control: Control,
    ladder: Ladder,
    coming: Coming,
) -> tuple[Still, bool]:
    spec = artist.spec
    shape = (job.width, job.height, 1)
    first = ladder.first(STILL_RUNGS, name_of(spec), shape)
    for rung in STILL_RUNGS[: first + 1]:
        kept = store.find(NAME, _key(_on_rung(job, rung, spec, plan), plan, spec), Still)
        if kept is not None:
            _tell(i, rung, spec, control)
            return kept, True

    def tick(done: int, steps: int) -> None:
        control.step(NAME, i, done, steps)

    model = artist.open()

    def attempt(rung: Rung) -> Still:
        asked = _on_rung(job, rung, spec, plan)
        key = _key(asked, plan, spec)
        coming.tell(model, rung)
        return store.keep(NAME, key, Still, lambda folder: _paint(model, asked, plan, folder, tick))

    def make_room() -> bool:
        control.check()
        return artist.alone()

    still, number = step_down(STILL_RUNGS, first, attempt, make_room)
    if isinstance(model, Tunable):
        for choice in model.take_decisions():
            control.emit("decision", NAME, message=choice)
    if number > first:
        ladder.remember(name_of(spec), shape, STILL_RUNGS[number])
    _tell(i, STILL_RUNGS[number], spec, control)
    return still, False


def _paint(model: ImageModel, job: StillJob, plan: Plan, folder: Path, tick: Tick) -> Still:
    still = model.paint(job, folder, tick=tick)
    try:
        with Image.open(still.image, formats=("PNG",)) as picture:
            picture.load()
            if picture.size != (plan.width, plan.height) or picture.mode != "RGB":
                fitted = ImageOps.fit(picture.convert("RGB"), (plan.width, plan.height), Image.Resampling.LANCZOS)
                fitted.save(still.image)
        for layer in still.layers:
            with Image.open(layer, formats=("PNG",)) as picture:
                picture.verify()
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaFailed(f"model {model.spec.id} painted something that is no PNG picture: run it again.") from error
    return msgspec.structs.replace(still, look=look_at_picture(still.image))


def _on_rung(job: StillJob, rung: Rung, spec: ModelSpec, plan: Plan) -> StillJob:
    width, height = _size(spec, plan, rung)
    return msgspec.structs.replace(job, width=width, height=height, memory=rung.memory)


def _size(spec: ModelSpec, plan: Plan, rung: Rung) -> tuple[int, int]:
    """The least multiples of the artist's step that cover the film's size, or the smaller one that a generating artist
    is asked for, times the rung's."""
    step = spec.limits.size_step
    asked = plan.still_size if plan.still_size is not None and spec.limits.sized else (plan.width, plan.height)
    width, height = (max(step, -(-round(side * rung.size) // step) * step) for side in asked)
    return width, height


def _size_in_words(spec: ModelSpec, plan: Plan) -> str:
    width, height = _size(spec, plan, STILL_RUNGS[0])
    if plan.still_size is not None and spec.limits.sized:
        return f"pictures are painted at {width}×{height}, for which {spec.id} is made, and enlarged to the film's size"
    return (
        f"pictures are painted at {width}×{height} and cropped to {plan.width}×{plan.height}, "
        f"because the sides that {spec.id} makes are multiples of {spec.limits.size_step}"
    )


def _tell_what_is_not_kept(
    request: StoryRequest, script: Script, fmt: Format, spec: ModelSpec, control: Control
) -> None:
    """Once for a story: whose pictures the artist has no use for, or in which shots it takes only the first."""
    seen = [list(references_of(pictured(shot, script, fmt), request.references)) for shot in script.shots]
    wanted = list(dict.fromkeys(name for names in seen for name in names))
    most = spec.limits.references
    if not wanted or all(len(names) <= most for names in seen):
        return
    if most == 0:
        message = f"{spec.id} keeps no faces: the pictures of {', '.join(wanted)} are not used."
    else:
        crowded = ", ".join(str(i + 1) for i, names in enumerate(seen) if len(names) > most)
        only = "the first" if most == 1 else f"the first {most}"
        message = f"{spec.id} keeps {most} of the faces in a picture: in shots {crowded} only {only} named."
    control.emit("warning", NAME, message=message)


def _key(job: StillJob, plan: Plan, spec: ModelSpec) -> str:
    # Offloading moves weights about and changes no pixel; tiling does.
    picture = msgspec.structs.replace(job, memory=2 if job.memory >= 2 else 0)
    return content_key(
        stage=NAME,
        version=(STAGE_VERSION, LOOK_VERSION),
        model=spec.id,
        revision=spec.revision,
        params=spec.params,
        job=picture,
        size=(plan.width, plan.height),
    )


def _tell(i: int, rung: Rung, spec: ModelSpec, control: Control) -> None:
    if rung.degraded:
        message = f"Shot {i + 1}: the memory did not hold {spec.id} at full size; the picture was painted smaller."
        control.emit("warning", NAME, shot=i, message=message)
    elif rung.memory:
        control.emit("decision", NAME, shot=i, message=f"{spec.id} runs with {rung.name}, because memory was short")
