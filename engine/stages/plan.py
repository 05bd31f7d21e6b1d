"""The plan: everything that can be decided before a model is opened. Pure; knows words and seconds, not pictures."""

from __future__ import annotations

from math import lcm
from pathlib import Path

from engine.catalog import Catalog, ModelSpec, Profile
from engine.errors import BadRequest
from engine.formats import Beat, Format, load_format
from engine.machine import Machine
from engine.requests import check_request
from engine.timing import natural_silence
from engine.types import Plan, PlannedShot, StoryRequest

# Title and end card together take at most this share of a short film.
CARDS_SHARE = 0.25


def make_plan(
    request: StoryRequest, catalog: Catalog, machine: Machine, formats: Path | None = None
) -> tuple[StoryRequest, Plan]:
    """The checked request and its plan; `formats` is the folder of the user's own formats.

    Raises `BadRequest`, `LicenceRefused`, `BadCatalog`.
    """
    request = check_request(request, formats)
    fmt = load_format(request.content_type, formats)
    profile = catalog.profile(request.profile, machine.vram_gb)
    catalog.check_licences(profile, request.use)
    specs = {role: catalog.model(model_id) for role, model_id in profile.models.items()}
    narrator, animator = specs["narrator"], specs["animator"]
    _check_voice(request, fmt, narrator)
    width, height = film_size(request.aspect_ratio, profile, animator)
    title_seconds, end_seconds = _cards(fmt, request.target_seconds, profile.fps)
    shots = _plan_shots(request, fmt, title_seconds + end_seconds, narrator.limits.words_per_second)
    longest = animator.limits.max_frames
    decisions = [_profile_decision(request, profile, machine)]
    plan = Plan(
        format=fmt.name,
        profile=profile.name,
        models=dict(profile.models),
        width=width,
        height=height,
        fps=profile.fps,
        aspect_ratio=request.aspect_ratio,
        locale=request.locale,
        seed=request.seed,
        target_seconds=request.target_seconds,
        title_seconds=title_seconds,
        end_seconds=end_seconds,
        shots=shots,
        max_clip_seconds=None if longest is None else longest / (animator.limits.fps or profile.fps),
        decisions=tuple(decisions),
    )
    return request, plan


def film_size(aspect_ratio: str, profile: Profile, animator: ModelSpec) -> tuple[int, int]:
    """Width and height in pixels: the profile's short side, each side the nearest multiple that the animator makes
    (and even: H.264 halves the chroma)."""
    across, down = (int(part) for part in aspect_ratio.split(":"))
    step = lcm(2, animator.limits.size_step)
    scale = profile.short_side / min(across, down)
    return max(step, round(across * scale / step) * step), max(step, round(down * scale / step) * step)


def _profile_decision(request: StoryRequest, profile: Profile, machine: Machine) -> str:
    if request.profile != "auto":
        return f"profile {profile.name}, as asked for"
    if machine.gpu is None:
        return f"profile {profile.name}, because there is no GPU"
    return f"profile {profile.name}, the best that the {machine.vram_gb:.0f} GB of {machine.gpu} hold"


def _check_voice(request: StoryRequest, fmt: Format, narrator: ModelSpec) -> None:
    languages, voices = narrator.limits.languages, narrator.limits.voices
    language = request.locale.replace("_", "-").split("-")[0].lower()
    if fmt.narration and languages and language not in languages:
        raise BadRequest(
            "locale",
            f"no installed voice speaks {request.locale!r}; {narrator.id} speaks {', '.join(languages)}",
        )
    if request.voice is not None and request.voice not in voices:
        raise BadRequest("voice", f"{request.voice!r} is not a voice of {narrator.id}; it has {', '.join(voices)}")


def _cards(fmt: Format, target: float | None, fps: int) -> tuple[float, float]:
    """Title and end card in seconds, whole frames both."""
    title, end = fmt.overlays.title_seconds, fmt.overlays.end_seconds
    scale = 1.0 if target is None or title + end == 0 else min(1.0, CARDS_SHARE * target / (title + end))
    return round(title * scale * fps) / fps, round(end * scale * fps) / fps


def _plan_shots(request: StoryRequest, fmt: Format, cards: float, words_per_second: float) -> tuple[PlannedShot, ...]:
    pacing = fmt.pacing
    seconds = (request.target_seconds or pacing.default_seconds) - cards
    if request.script is not None:
        count = len(request.script.shots)
    else:
        count = request.shots or max(1, round(seconds / pacing.shot_seconds))
    beats = spread_beats(fmt.beats, count)
    words = max(2.0 * count, (seconds - natural_silence(pacing) * count) * words_per_second)
    weight = sum(beat.weight for beat in beats)
    return tuple(
        PlannedShot(
            beat=beat.name,
            purpose=beat.purpose,
            words=max(2, round(words * beat.weight / weight)),
            camera=beat.camera,
        )
        for beat in beats
    )


def spread_beats(beats: tuple[Beat, ...], count: int) -> tuple[Beat, ...]:
    """`count` beats in telling order: the first opens and the last closes; those between repeat or drop out evenly."""
    if count == 1:
        return beats[:1]
    inner = beats[1:-1] or beats[:1]
    between = [inner[index * len(inner) // (count - 2)] for index in range(count - 2)]
    return (beats[0], *between, beats[-1])
