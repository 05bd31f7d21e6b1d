"""The plan: everything that can be decided before a model is opened. Pure; knows words and seconds, not pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.catalog import Catalog, ModelSpec, Profile
from engine.errors import BadRequest
from engine.formats import Beat, Format, load_format
from engine.machine import Machine
from engine.requests import check_request
from engine.silence import natural_silence
from engine.types import Plan, PlannedShot, Quality, StoryRequest

# Title and end card together take at most this share of a short film.
CARDS_SHARE = 0.25

SPARE_SHARE, SPARE_WORDS = 0.25, 0.7
"""For each shot so many spare lines are written, each of so many of a line's words: of more lines than are filmed some
fill the measured time, and the writer, who is gone by then, need not be asked again."""

CORE_SHARE, SMALL_FILM = 0.93, 0.25
"""Of the words that fill a film, what the lines that are no spare ones have; that much less, divided by their number,
since a few lines miss their words by more than many do. Too few are made good by a spare line; too many are not."""

WORDS_READ_PER_SECOND = 2.9
"""English words that are read in a second of captions (see `engine.reading`): 5.8 characters each, blank and marks."""

WIDEST = 16 / 9
"""Nothing wider is asked of a generator at its profile's side: it would be more pixels than the profile's memory is
meant for, and than the model was trained on. A wider film is enlarged from fewer lines."""

BEYOND: dict[Quality, str] = {"draft": "faster", "high": "slower and better"}

TELLING_GB = 0.5
"""So much of a GPU's memory taken by others is worth a word; a desktop and the driver take less."""

SHOT_SECONDS = 1.6, 10.0
"""How long a spoken shot lasts at least and at most: the shortest and the longest lines that writers write."""


def make_plan(
    request: StoryRequest, catalog: Catalog, machine: Machine, formats: Path | None = None
) -> tuple[StoryRequest, Plan]:
    """The checked request and its plan; `formats` is the folder of the user's own formats.

    Raises `BadRequest`, `LicenceRefused`, `BadCatalog`.
    """
    request = check_request(request, formats)
    fmt = load_format(request.content_type, formats)
    chosen = catalog.profile(request.profile, machine.vram_gb - machine.taken_gb)
    profile = chosen.at(request.quality)
    catalog.check_licences(profile, request.use)
    specs = {role: catalog.model(model_id) for role, model_id in profile.models.items()}
    narrator, animator = specs["narrator"], specs["animator"]
    _check_voice(request, fmt, narrator)
    width, height = film_size(request.aspect_ratio, profile, animator)
    title_seconds, end_seconds = _cards(fmt, request.target_seconds, profile.fps)
    longest = animator.limits.max_frames
    decisions = [_profile_decision(request, profile, machine, catalog), *_quality_decisions(request.quality, chosen)]
    shots = _plan_shots(request, fmt, title_seconds + end_seconds, narrator.limits.words_per_second, decisions)
    if fmt.line_words:
        shots = tuple(msgspec.structs.replace(shot, words=min(shot.words, fmt.line_words)) for shot in shots)
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
        still_size=_made_size(
            request.aspect_ratio, profile.picture_side or profile.short_side, profile, specs["artist"]
        ),
        clip_size=_made_size(request.aspect_ratio, profile.short_side, profile, animator),
        decisions=tuple(decisions),
    )
    return request, plan


def film_size(aspect_ratio: str, profile: Profile, animator: ModelSpec) -> tuple[int, int]:
    """Width and height in pixels, even because H.264 halves the chroma: those of the profile's film or, where it names
    no size of its own, what the animator makes nearest to its short side."""
    if profile.film_side is not None:
        return _sides(aspect_ratio, profile.film_side, 2)
    return _sides(aspect_ratio, profile.short_side, math.lcm(2, animator.limits.size_step))


def _made_size(aspect_ratio: str, side: int, profile: Profile, spec: ModelSpec) -> tuple[int, int] | None:
    """What a model of a profile with a larger film is asked for. None: the film's size, at which all those work that
    draw or move and do not generate."""
    if profile.film_side is None or side >= profile.film_side or not spec.limits.sized:
        return None
    across, down = (int(part) for part in aspect_ratio.split(":"))
    narrower = min(1.0, math.sqrt(WIDEST * min(across, down) / max(across, down)))
    return _sides(aspect_ratio, side * narrower, spec.limits.size_step)


def _sides(aspect_ratio: str, side: float, step: int) -> tuple[int, int]:
    across, down = (int(part) for part in aspect_ratio.split(":"))
    scale = side / min(across, down)
    return max(step, round(across * scale / step) * step), max(step, round(down * scale / step) * step)


def _quality_decisions(quality: Quality, profile: Profile) -> list[str]:
    if quality == "standard":
        return []
    others = profile.others(quality)
    if not others:
        return [f"quality {quality} is the standard of profile {profile.name}, which has nothing {BEYOND[quality]}"]
    changes = ", ".join(f"{name} instead of {profile.models[role]}" for role, name in others.items())
    return [f"quality {quality}: {changes}"]


def _profile_decision(request: StoryRequest, profile: Profile, machine: Machine, catalog: Catalog) -> str:
    free = machine.vram_gb - machine.taken_gb
    taken = f"{machine.taken_gb:.1f} of them taken by other programs" if machine.taken_gb >= TELLING_GB else "all free"
    there = f"{free:.1f} GB that are free on {machine.gpu} ({machine.vram_gb:.1f} GB, {taken})"
    if request.profile != "auto":
        return f"profile {profile.name}, as asked for{_though(profile, machine, catalog, free, there)}"
    if machine.gpu is None and machine.trouble:
        return f"profile {profile.name}, because no GPU can be used: {machine.trouble} (`reelhouse doctor` says more)"
    if machine.gpu is None:
        return f"profile {profile.name}, because there is no GPU"
    better = sorted((one.vram_gb, one.name) for one in catalog.profiles.values() if one.vram_gb > free)
    above = f"; {better[0][1]} is for {better[0][0]:g} GB and more" if better else ""
    return f"profile {profile.name}, the best for the {there}{above}"


def _though(profile: Profile, machine: Machine, catalog: Catalog, free: float, there: str) -> str:
    """What speaks against a profile that was asked for, as the end of a sentence."""
    wanting = sorted(name for name in profile.models.values() if catalog.model(name).needs_gpu)
    if wanting and machine.gpu is None:
        why = f" ({machine.trouble})" if machine.trouble else ""
        return f", though {' and '.join(wanting)} need a GPU and none can be used here{why}"
    if wanting and free < profile.vram_gb:
        return f", though it is for {profile.vram_gb:g} GB and more, beside the {there}"
    return ""


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
    """Title and end card in seconds, whole frames both; under music the end card begins on a beat."""
    title, end = fmt.overlays.title_seconds, fmt.overlays.end_seconds
    scale = 1.0 if target is None or title + end == 0 else min(1.0, CARDS_SHARE * target / (title + end))
    title, end = title * scale, end * scale
    if not fmt.narration and target is not None and end:
        beat = 60 / fmt.music.tempo
        end = target - beat * min(round((target - end) / beat), math.floor((target - 1 / fps) / beat))
    return round(title * fps) / fps, round(end * fps) / fps


def _plan_shots(
    request: StoryRequest, fmt: Format, cards: float, words_per_second: float, decisions: list[str]
) -> tuple[PlannedShot, ...]:
    """The shots and, for a writer whose lines are spoken, spare ones among them."""
    pacing = fmt.pacing
    seconds = (request.target_seconds or pacing.default_seconds) - cards
    written = request.script is None
    if request.script is not None:
        count = len(request.script.shots)
    elif request.shots:
        count = _shots_asked(request.shots, seconds, fmt, decisions)
    else:
        count = max(1, round(seconds / pacing.shot_seconds))
    beats = spread_beats(fmt.beats, count)
    each = seconds / max(1, count)
    words = count * max(2.0, min((each - natural_silence(pacing)) * words_per_second, each * WORDS_READ_PER_SECOND))
    if written and fmt.narration:
        words = max(2.0 * count, words * (CORE_SHARE - SMALL_FILM / count))
    weight = sum(beat.weight for beat in beats)
    shots = [_planned(beat, words * beat.weight / weight) for beat in beats]
    if written and fmt.narration:
        return with_spares(shots, fmt, SPARE_WORDS * words / count)
    return tuple(shots)


def _planned(beat: Beat, words: float, *, spare: bool = False) -> PlannedShot:
    return PlannedShot(
        beat=beat.name, purpose=beat.purpose, words=max(2, round(words)), camera=beat.camera, spare=spare
    )


def _shots_asked(asked: int, seconds: float, fmt: Format, decisions: list[str]) -> int:
    """As many shots as were asked for, as far as they can fill the length or find room in it."""
    shortest, longest = SHOT_SECONDS if fmt.narration else (60 / fmt.music.tempo, seconds)
    count = min(max(asked, math.ceil(seconds / longest)), max(1, int(seconds / shortest)))
    if count != asked:
        why = (
            f"a shot of more than {longest:g} s would be longer than the lines that are written"
            if count > asked
            else f"a line takes {shortest:.2g} s at least"
        )
        decisions.append(
            f"{count} shots instead of the {asked} that were asked for, since the length goes first: {why}"
        )
    return count


def with_spares(shots: Sequence[PlannedShot], fmt: Format, words: float) -> tuple[PlannedShot, ...]:
    """`shots` with a spare one of `words` for every four of them, at least one, spread over the middle of the film.

    It plays a beat that the film is too short for, if there is one at its place, else that of the shot before it.
    """
    if len(shots) == 1:
        return (*shots, _planned(fmt.beats[-1], words, spare=True))
    number = max(1, round(SPARE_SHARE * len(shots)))
    between = len(shots) - 1
    behind = [min(between - 1, int((k + 0.5) * between / number)) for k in range(number)]
    order = [beat.name for beat in fmt.beats]
    planned: list[PlannedShot] = []
    for index, shot in enumerate(shots):
        planned.append(shot)
        for k in range(behind.count(index)):
            here, there = order.index(shot.beat), order.index(shots[index + 1].beat)
            skipped = fmt.beats[here + 1 : there]
            beat = skipped[k] if k < len(skipped) else fmt.beats[here]
            planned.append(_planned(beat, words, spare=True))
    return tuple(planned)


def spread_beats(beats: tuple[Beat, ...], count: int) -> tuple[Beat, ...]:
    """`count` beats in telling order: the first opens and the last closes; those between repeat or drop out evenly."""
    if count == 1:
        return beats[:1]
    inner = beats[1:-1] or beats[:1]
    between = [inner[index * len(inner) // (count - 2)] for index in range(count - 2)]
    return (beats[0], *between, beats[-1])
