"""Stage `music`: a piece of the film's mood and exact length, or the user's own track laid to it. Knows no pictures."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

import msgspec

from engine.artifacts import Store, content_key
from engine.backends.protocols import Handle, MusicJob, MusicModel
from engine.catalog import ModelSpec
from engine.formats import Format
from engine.ladder import AS_ASKED, MUSIC_RUNGS, Ladder, Rung, name_of, step_down
from engine.made import Music, MusicSection, Track
from engine.on_the_beat import filled
from engine.own_track import beats_laid, check_track, hear_piece, hear_track, lay_track
from engine.progress import Control
from engine.types import Plan, Stage, StoryRequest

NAME: Stage = "music"
STAGE_VERSION = 3
TRACK_VERSION = 1

LONGEST, SPARE = 1.1, 30.0
"""How much of a track is listened to: so many times the film's length and so many seconds more."""

UNASKED_SECONDS = 600.0
"""The length reckoned with where none was asked for."""


class Source(NamedTuple):
    """A track that is there before the film is timed, and what was heard of it."""

    file: Path
    track: Track


def hear_own_track(request: StoryRequest, plan: Plan, *, store: Store, control: Control) -> Source | None:
    """The user's own track, if the request brings one. Raises `BadRequest` if it cannot be used."""
    file = request.music_file
    if file is None:
        return None
    check_track(file)
    most = LONGEST * (plan.target_seconds or UNASKED_SECONDS) + SPARE
    key = content_key(stage="track", version=TRACK_VERSION, file=file, most=most)

    def listen(folder: Path) -> Track:
        return hear_track(file, most, folder, control)

    track = store.find(NAME, key, Track) or store.keep(NAME, key, Track, listen)
    tempo = f"about {_tempo(track):.0f} beats a minute" if track.beats else "no beat that could be found"
    heard = f"at least {track.seconds:.0f} s" if track.seconds > most - 1 else f"{track.seconds:.1f} s"
    control.emit("decision", NAME, message=f"The music is a track of your own: {heard}, {tempo}.")
    return Source(file, track)


def compose_clock(
    request: StoryRequest,
    plan: Plan,
    fmt: Format,
    *,
    composer: Handle[MusicModel],
    store: Store,
    control: Control,
    ladder: Ladder | None = None,
) -> Source:
    """A piece that the film is then cut to, from a composer that does not keep the tempo by itself: its beats are
    listened for. Raises what the composer raises, `OutOfMemory` when not even its lowest rung holds it."""
    natural = len(plan.shots) * fmt.pacing.shot_seconds + plan.title_seconds + plan.end_seconds
    seconds = round(LONGEST * (plan.target_seconds or natural)) + 2.0
    control.emit("stage", NAME, total=1)
    music, _ = _composed(plan, fmt, seconds, (), composer, store, control, ladder or Ladder())
    file = music.audio
    assert file is not None
    key = content_key(stage="track", version=TRACK_VERSION, file=file)
    return Source(file, store.find(NAME, key, Track) or store.keep(NAME, key, Track, lambda _: hear_piece(file)))


def beats_of(source: Source | None, plan: Plan) -> tuple[float, ...] | None:
    """The beats of a film under that track, in film time and without holes; None if there is no such track, or none in
    it: the format's tempo is the clock then."""
    if source is None or not source.track.beats:
        return None
    seconds = LONGEST * (plan.target_seconds or UNASKED_SECONDS) + SPARE
    return filled(beats_laid(source.track, seconds), seconds)


def make_music(
    request: StoryRequest,
    plan: Plan,
    fmt: Format,
    seconds: float,
    sections: Sequence[MusicSection],
    *,
    source: Source | None,
    composer: Handle[MusicModel],
    store: Store,
    control: Control,
    ladder: Ladder | None = None,
) -> Music:
    """The music of a film of `seconds`: `source` laid to that length, else a piece with those `sections`, or none if
    the request wants none. A composer on the GPU walks the ladder; `ladder` remembers what fits. Raises what the
    composer raises, `OutOfMemory` when not even its lowest rung holds it."""
    if not request.music:
        return Music(audio=None, seconds=0)
    control.emit("stage", NAME, total=1)
    if source is None:
        music, reused = _composed(plan, fmt, seconds, tuple(sections), composer, store, control, ladder or Ladder())
    else:
        music, reused = _laid(source, seconds, store, control)
    control.emit("shot", NAME, done=1, total=1, reused=reused, made=music)
    return music


def _composed(
    plan: Plan,
    fmt: Format,
    seconds: float,
    sections: tuple[MusicSection, ...],
    composer: Handle[MusicModel],
    store: Store,
    control: Control,
    ladder: Ladder,
) -> tuple[Music, bool]:
    job = MusicJob(mood=fmt.music.mood, tempo=fmt.music.tempo, seconds=seconds, seed=plan.seed, sections=sections)
    spec, shape = composer.spec, (1, 1, ceil(seconds))
    rungs = MUSIC_RUNGS if spec.needs_gpu else (AS_ASKED,)
    first = ladder.first(rungs, name_of(spec), shape)
    for rung in rungs[: first + 1]:
        kept = store.find(NAME, _key(job, rung, spec), Music)
        if kept is not None:
            return kept, True
    model = composer.open()

    def attempt(rung: Rung) -> Music:
        asked = msgspec.structs.replace(job, memory=rung.memory)

        def record(folder: Path) -> Music:
            out = folder / "music.wav"
            model.compose(asked, out, tick=lambda done, total: control.step(NAME, None, done, total))
            return Music(audio=out, seconds=seconds)

        return store.keep(NAME, _key(job, rung, spec), Music, record)

    def make_room() -> bool:
        control.check()
        return spec.needs_gpu and composer.alone()

    music, number = step_down(rungs, first, attempt, make_room)
    if number > first:
        ladder.remember(name_of(spec), shape, rungs[number])
    if rungs[number].memory:
        told = f"{spec.id} runs with {rungs[number].name}, because memory was short"
        control.emit("decision", NAME, message=told)
    return music, False


def _key(job: MusicJob, rung: Rung, spec: ModelSpec) -> str:
    # Offloading moves weights about and changes no sample; decoding in tiles does.
    piece = msgspec.structs.replace(job, memory=rung.memory if rung.memory >= 2 else 0)
    return content_key(
        stage=NAME, version=STAGE_VERSION, model=spec.id, revision=spec.revision, params=spec.params, job=piece
    )


def _laid(source: Source, seconds: float, store: Store, control: Control) -> tuple[Music, bool]:
    key = content_key(stage="laid", version=TRACK_VERSION, file=source.file, track=source.track, seconds=seconds)

    def lay(folder: Path) -> Music:
        out = folder / "music.wav"
        lay_track(source.file, source.track, seconds, out, control)
        return Music(audio=out, seconds=seconds)

    kept = store.find(NAME, key, Music)
    return kept or store.keep(NAME, key, Music, lay), kept is not None


def _tempo(track: Track) -> float:
    return 60 * (len(track.beats) - 1) / (track.beats[-1] - track.beats[0])
