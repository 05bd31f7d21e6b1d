"""Stage `clips`: each still is set in motion for exactly as long as its shot lasts. Knows the animator only by its
protocol and limits."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from engine.ahead import Ahead
from engine.artifacts import Store, content_key
from engine.backends.protocols import ClipJob, Exposing, Exposure, Handle, Tick, Tunable, TwoPartModel, VideoModel
from engine.catalog import ModelSpec
from engine.coming import Coming
from engine.errors import MediaFailed, OutOfMemory
from engine.formats import Format
from engine.ladder import AS_ASKED, CLIP_RUNGS, Ladder, Rung, name_of, step_down
from engine.made import Clip, Still, Timing
from engine.media import clip_codec
from engine.progress import Control
from engine.reviewing.pictures import LOOK_VERSION, judge_picture, judge_shot
from engine.shooting import ClipSpoiled, shoot
from engine.shots import another_seed, camera_of, clip_prompt, shot_seeds, style_of
from engine.takes import Take, clip_job
from engine.types import Frozen, Plan, Script, Stage, StoryRequest

NAME: Stage = "clips"
STAGE_VERSION = 3
CAMERA = CLIP_RUNGS[-1]


def animate_clips(
    request: StoryRequest,
    plan: Plan,
    script: Script,
    fmt: Format,
    stills: tuple[Still, ...],
    timings: tuple[Timing, ...],
    *,
    animator: Handle[VideoModel],
    fallback: Handle[VideoModel],
    store: Store,
    control: Control,
    ladder: Ladder | None = None,
    coming: Coming | None = None,
) -> Generator[Clip]:
    """A clip per shot, in shot order, each as soon as it is there; what is kept opens no model.

    The call itself makes the first halves of all clips, where an animator needs other weights for the second ones: call
    it for each story of a wave before the first is iterated, and all weights are brought once.

    The animator makes as many frames as its limits need at its own rate; the clip has exactly `timings[i].frames` at
    the film's. While one is written, fitted and looked at, an animator that is `Exposing` makes the next on a thread of
    its own: close the generator to stop that.

    One that came out black, empty or frozen, or does not decode, is made once more with another seed, while the
    animator is still open. Out of memory walks the ladder, whose last rung is `fallback`, a camera move over the
    still: told as a warning. `coming` is what other stories of the wave want of the animator. Raises `MediaFailed`,
    `OutOfMemory` if not even that fits, and what the models raise.
    """
    ladder, coming = ladder or Ladder(), coming or Coming()
    control.emit("stage", NAME, total=len(script.shots))
    takes = _takes(request, plan, script, fmt, stills, timings)
    _announce(takes, animator.spec, store, control, coming)
    studio = _Studio(animator, fallback, store, control, ladder, coming, Ahead())
    studio.begin_halves(takes)
    return _animated(studio, takes, stills)


def announce_clips(
    request: StoryRequest,
    plan: Plan,
    script: Script,
    fmt: Format,
    stills: tuple[Still, ...],
    timings: tuple[Timing, ...],
    *,
    animator: ModelSpec,
    store: Store,
    control: Control,
    coming: Coming,
) -> None:
    """Say what is going to be asked of that animator. For every story of a wave, before the first clip is made, so that
    all of their texts are read at once."""
    _announce(_takes(request, plan, script, fmt, stills, timings), animator, store, control, coming)


def _announce(takes: Sequence[Take], animator: ModelSpec, store: Store, control: Control, coming: Coming) -> None:
    def unmade(rung: Rung) -> Sequence[ClipJob]:
        wanted = [take for take in takes if store.find(NAME, _key(take, rung, animator), Clip) is None]
        return [job for take in wanted if (job := clip_job(take, animator, rung)) is not None]

    coming.announce(animator.id, control.story, unmade)


def _takes(
    request: StoryRequest,
    plan: Plan,
    script: Script,
    fmt: Format,
    stills: tuple[Still, ...],
    timings: tuple[Timing, ...],
) -> list[Take]:
    style = style_of(request, fmt)
    takes = []
    for shot, seed, still, timing in zip(script.shots, shot_seeds(plan, script), stills, timings, strict=True):
        camera = camera_of(shot, fmt, seed)
        take = Take(
            still=msgspec.structs.replace(still, look=None),
            prompt=clip_prompt(shot, camera, style),
            negative=request.negative_prompt,
            camera=camera,
            seed=seed,
            width=plan.width,
            height=plan.height,
            frames=timing.frames,
            fps=plan.fps,
            made=plan.clip_size,
        )
        takes.append(take)
    return takes


def _animated(studio: _Studio, takes: Sequence[Take], stills: Sequence[Still]) -> Generator[Clip]:
    control, total = studio.control, len(takes)
    with studio.ahead as ahead:
        for i, (take, still) in enumerate(zip(takes, stills, strict=True)):
            control.check()
            begun = ahead.take_or(partial(studio.begin, i, take))
            # The model is free: its next clip is made while this one is written; but not the same clip again.
            if begun.exposed and i + 1 < total and takes[i + 1] != take:
                ahead.start(partial(studio.begin, i + 1, takes[i + 1]))
            # What is wrong with a picture the stills stage has tried to mend, and no animator will.
            hopeless = still.look is not None and any(judge_picture(still.look, i))
            clip, reused = studio.finish_good(i, take, begun, hopeless)
            control.emit("shot", NAME, shot=i, done=i + 1, total=total, reused=reused, made=clip)
            yield clip


class Half(Frozen, frozen=True):
    """Of a clip, as far as its animator's first weights make it."""

    latents: Path


@dataclass(frozen=True)
class _Begun:
    """A clip that is there, or of which all is done that needs the animator: `finish` gives it. `rung` and `why` are
    what is to be told of it."""

    finish: Callable[[], Clip]
    rung: Rung
    why: str
    reused: bool = False
    exposed: bool = False


@dataclass(frozen=True)
class _Studio:
    """The models and places that every take of a story needs."""

    animator: Handle[VideoModel]
    fallback: Handle[VideoModel]
    store: Store
    control: Control
    ladder: Ladder
    coming: Coming
    ahead: Ahead[_Begun]
    told: set[str] = field(default_factory=set)
    """What the story was told of how its clips are written."""

    def finish_good(self, i: int, take: Take, begun: _Begun, hopeless: bool) -> tuple[Clip, bool]:
        """The clip, and whether it was kept from before; from a second seed where the first clip is spoiled, and that
        one stays, whatever it is like.

        `hopeless`: of this still no good clip can be made. Raises what the second attempt raises."""
        again = msgspec.structs.replace(take, seed=another_seed(take.seed))
        try:
            clip, reused = self._finish(i, begun)
            fault = next(judge_shot(clip.look, i, 0.0, moves=take.camera != "hold"), None) if clip.look else None
            why = fault.sentence if fault is not None else ""
        except ClipSpoiled as error:
            why = f"shot {i + 1}: {error.message}"
            clip, reused = self._find_or_make(i, again)
        else:
            if hopeless or not why:
                return clip, reused
            clip, reused = self._find_or_make(i, again)
        self.control.emit("decision", NAME, shot=i, message=f"{why}: it was made again with another seed")
        return clip, reused

    def _find_or_make(self, i: int, take: Take) -> tuple[Clip, bool]:
        self.ahead.settle()  # the animator makes one clip at a time
        return self._finish(i, self.begin(i, take))

    def _finish(self, i: int, begun: _Begun) -> tuple[Clip, bool]:
        clip = begun.finish()
        self._tell(i, begun.rung, begun.why)
        return clip, begun.reused

    def begin(self, i: int, take: Take) -> _Begun:
        """Whatever of that clip is to be done by the animator, on a rung of the ladder that holds it."""
        spec = self.animator.spec
        rungs, first, why = self._rungs(take)
        for rung in rungs[: first + 1]:
            kept = self.store.find(NAME, _key(take, rung, self._spec(rung)), Clip)
            if kept is not None:
                return _Begun(partial(_as_it_is, kept), rung, why, reused=True)
        shape = (*take.made_by(spec), take.frames)
        if not self._opens(rungs[first]):
            first = len(rungs) - 1
            self.ladder.remember(name_of(spec), (1, 1, 1), rungs[first])  # no clip is so small that it would help
        (finish, exposed), number = step_down(rungs, first, partial(self._make, i, take), self._make_room)
        if number > first:
            self.ladder.remember(name_of(spec), shape, rungs[number])
        return _Begun(finish, rungs[number], why, exposed=exposed)

    def begin_halves(self, takes: Sequence[Take]) -> None:
        """All first halves, where an animator has to bring other weights for the second ones. What is begun is kept
        until its clip is; what does not fit is left to its shot's own ladder."""
        for i, take in enumerate(takes):
            self.control.check()
            rungs, first, _ = self._rungs(take)
            rung = rungs[first]
            job = None if rung.camera else clip_job(take, self.animator.spec, rung)
            keys = [_key(take, one, self._spec(one)) for one in rungs[: first + 1]]
            if job is None or any(self.store.find(NAME, key, Clip) is not None for key in keys):
                continue
            if not self._opens(rung):
                self.ladder.remember(name_of(self.animator.spec), (1, 1, 1), rungs[-1])
                return
            model = self.animator.open()
            if not isinstance(model, TwoPartModel) or not model.in_turns:
                return
            with suppress(OutOfMemory):
                self._announce(model, rung)
                begin = partial(_begin, model, job, partial(self.control.step, NAME, i))
                if self.store.find(NAME, self._half(take, rung), Half) is None:
                    self.store.keep(NAME, self._half(take, rung), Half, begin)

    def _half(self, take: Take, rung: Rung) -> str:
        return content_key(half=_key(take, rung, self._spec(rung)))

    def _exposed(self, model: Exposing, job: ClipJob, half: str, tick: Tick) -> Exposure:
        begun = self.store.find(NAME, half, Half) if isinstance(model, TwoPartModel) and model.in_turns else None
        if begun is None or not isinstance(model, TwoPartModel):
            return model.expose(job, tick=tick)
        return model.finish(job, begun.latents, tick=tick)

    def _make_room(self) -> bool:
        self.control.check()
        return self.animator.alone()

    def _opens(self, rung: Rung) -> bool:
        """Whether the animator, if that rung needs it, can be loaded at all; if not, no rung of its own helps."""
        if rung.camera or self.animator.spec.family == self.fallback.spec.family:
            return True
        try:
            self.animator.open()
        except OutOfMemory:
            return False
        return True

    def _rungs(self, take: Take) -> tuple[tuple[Rung, ...], int, str]:
        """The rungs that this take has, the one to begin with, and what to say of a lower one."""
        spec = self.animator.spec
        if spec.family == self.fallback.spec.family:
            return (AS_ASKED,), 0, ""
        if clip_job(take, spec, AS_ASKED) is None:
            longest = f"{spec.limits.max_frames} frames"
            return (CAMERA,), 0, f"the shot is longer than the {longest} that {spec.id} makes at once"
        first = self.ladder.first(CLIP_RUNGS, name_of(spec), (*take.made_by(spec), take.frames))
        width, height = take.made_by(spec)
        return CLIP_RUNGS, first, f"the memory did not hold {spec.id} at {width}×{height}"

    def _spec(self, rung: Rung) -> ModelSpec:
        return self.fallback.spec if rung.camera else self.animator.spec

    def _make(self, i: int, take: Take, rung: Rung) -> tuple[Callable[[], Clip], bool]:
        """What gives the clip, and whether that is still to be written."""
        handle = self.fallback if rung.camera else self.animator
        job = clip_job(take, handle.spec, rung)
        if job is None:
            raise MediaFailed(f"{handle.spec.id} cannot make {take.frames} frames at once: choose shorter shots.")
        model = handle.open()
        if not rung.camera:
            self._announce(model, rung)

        half = self._half(take, rung)

        def tick(done: int, steps: int) -> None:
            self.ahead.check()
            self.control.step(NAME, i, done, steps)

        def keep(write: Callable[[Path], None]) -> Clip:
            make = partial(shoot, handle.spec, write, job, take, self.control)
            clip = self.store.keep(NAME, _key(take, rung, self._spec(rung)), Clip, make)
            self.store.drop(NAME, half)
            return clip

        if isinstance(model, Exposing):
            exposure = self._exposed(model, job, half, tick)
            self._tell_choices(model)
            return partial(keep, exposure.write), True
        made: Clip | ClipSpoiled
        try:
            made = keep(lambda out: model.animate(job, out, tick=tick))
        except ClipSpoiled as error:  # told when it is finished, as of a clip that was exposed
            made = error
        self._tell_choices(model)
        return partial(_as_it_is, made), False

    def _announce(self, model: VideoModel, rung: Rung) -> None:
        """Tell an animator that it helps of everything that is still to be made, as on this rung."""
        self.coming.tell(model, rung)
        if isinstance(model, Tunable) and model.spec.needs_gpu and not self.told:
            self.told.add(clip_codec().sentence)
            self.control.emit("decision", NAME, message=clip_codec().sentence)
        self._tell_choices(model)

    def _tell_choices(self, model: VideoModel) -> None:
        if isinstance(model, Tunable):
            for choice in model.take_decisions():
                self.control.emit("decision", NAME, message=choice)

    def _tell(self, i: int, rung: Rung, why: str) -> None:
        if not rung.degraded:
            if rung.memory:
                self.control.emit(
                    "decision", NAME, shot=i, message=f"{self.animator.spec.id} runs with {rung.name}, because {why}"
                )
            return
        instead = "a camera moves over the still instead" if rung.camera else f"it was made with {rung.name}"
        self.control.emit("warning", NAME, shot=i, message=f"Shot {i + 1}: {why}; {instead}.")


def _key(take: Take, rung: Rung, spec: ModelSpec) -> str:
    return content_key(
        stage=NAME,
        version=(STAGE_VERSION, LOOK_VERSION),
        model=spec.id,
        revision=spec.revision,
        params=spec.params,
        # Offloading moves weights about and changes no pixel; the other rungs do.
        rung=(rung.memory >= 2, rung.frames, rung.size),
        take=take,
    )


def _begin(model: TwoPartModel, job: ClipJob, tick: Tick, folder: Path) -> Half:
    model.begin(job, folder / "latents.safetensors", tick=tick)
    return Half(latents=folder / "latents.safetensors")


def _as_it_is(made: Clip | ClipSpoiled) -> Clip:
    if isinstance(made, ClipSpoiled):
        raise made
    return made
