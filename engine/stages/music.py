"""Stage `music`: a bed of the film's mood and exact length. Knows neither words nor pictures."""

from __future__ import annotations

from pathlib import Path

from engine.artifacts import Store, content_key
from engine.backends.protocols import Handle, MusicJob, MusicModel
from engine.formats import Format
from engine.progress import Control
from engine.types import Music, MusicSection, Plan, Stage, StoryRequest

NAME: Stage = "music"
STAGE_VERSION = 2


def compose_music(
    request: StoryRequest,
    plan: Plan,
    fmt: Format,
    seconds: float,
    sections: tuple[MusicSection, ...],
    *,
    composer: Handle[MusicModel],
    store: Store,
    control: Control,
) -> Music:
    """The track for a film of `seconds` with those `sections`, or none if the request wants none. Raises what the
    composer raises."""
    if not request.music:
        return Music(audio=None, seconds=0)
    control.emit("stage", NAME, total=1)
    job = MusicJob(mood=fmt.music.mood, tempo=fmt.music.tempo, seconds=seconds, seed=plan.seed, sections=sections)
    spec = composer.spec
    key = content_key(
        stage=NAME, version=STAGE_VERSION, model=spec.id, revision=spec.revision, params=spec.params, job=job
    )
    music = store.find(NAME, key, Music)
    reused = music is not None
    if music is None:

        def record(folder: Path) -> Music:
            out = folder / "music.wav"
            composer.open().compose(job, out, tick=lambda done, total: control.step(NAME, None, done, total))
            return Music(audio=out, seconds=seconds)

        music = store.keep(NAME, key, Music, record)
    control.emit("shot", NAME, done=1, total=1, reused=reused, made=music)
    return music
