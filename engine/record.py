"""The story's record, story.json: what was asked, decided, made, and by what; paths relative to its folder."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from engine.artifacts import write_atomically
from engine.catalog import ModelSpec
from engine.formats import Format
from engine.made import Film, Pauses
from engine.shots import camera_of, shot_seeds

NAME = "story.json"


def write_record(
    film: Film, prompt: str, fmt: Format, specs: Mapping[str, ModelSpec], *, own_music: bool = False
) -> None:
    """Write `film.record`; `own_music`: the music is a track of the user's own. Each model is named as what it is,
    so that nobody takes a drawing for a photograph."""
    folder = film.record.parent

    def inside(path: Path | None) -> str | None:
        return None if path is None else str(path.relative_to(folder))

    record: dict[str, Any] = {
        "storyId": film.story_id,
        "title": film.title,
        "prompt": prompt,
        "seed": film.plan.seed,
        "madeBy": f"reelhouse {version('reelhouse')}",
        "format": film.plan.format,
        "profile": film.plan.profile,
        "models": {
            role: {
                "id": spec.id,
                "family": spec.family,
                "about": spec.about,
                "revision": spec.revision,
                "licence": spec.licence,
                "attribution": spec.attribution,
            }
            for role, spec in specs.items()
        },
        "music": "own track" if own_music else "composed" if "composer" in specs else None,
        "film": inside(film.video),
        "seconds": film.seconds,
        "asked": {"seconds": film.plan.target_seconds, "exact": bool(fmt.pacing.allowed_seconds)},
        "pauses": film.pauses,
        "width": film.width,
        "height": film.height,
        "fps": film.fps,
        "captions": {"srt": inside(film.srt), "vtt": inside(film.vtt), "language": film.plan.locale},
        "transcript": inside(film.transcript),
        "script": film.script,
        "shots": [
            {
                "order": order,
                "narration": shot.narration or None,
                "start": timing.start,
                "seconds": timing.frames / film.fps,
                "lead": timing.lead,
                "moves": camera_of(shot, fmt, seed) != "hold",
                "words": voice.words,
                "voice": voice.voice or None,
                "still": inside(still.image),
                "clip": inside(clip.video),
                "video": inside(video),
                "audio": inside(voice.audio),
            }
            for order, (shot, seed, timing, voice, still, clip, video) in enumerate(
                zip(
                    film.script.shots,
                    shot_seeds(film.plan, film.script),
                    film.timings,
                    film.voices,
                    film.stills,
                    film.clips,
                    film.shots,
                    strict=True,
                )
            )
        ],
        "decisions": film.plan.decisions,
        "review": film.review,
        "warnings": film.warnings,
        "timings": film.stage_seconds,
    }
    write_atomically(film.record, msgspec.json.format(msgspec.json.encode(record), indent=2))


class _Kept(msgspec.Struct):
    """The part of a record that a later run reads."""

    format: str
    pauses: Pauses | None = None


def read_pauses(record: Path, format: str) -> Pauses | None:
    """How the film of that record was fitted to its length; None if there is none, none of that format, or no such
    record that can be read. A record is no artefact: whatever is wrong with it, the film can be made without it."""
    try:
        kept = msgspec.json.decode(record.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    return kept.pauses if kept.format == format else None
