"""R1's two editors: the stages that cut our films, and MoviePy, given the same finished clips and the same captions."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import msgspec

from engine.artifacts import Store
from engine.bench_rig import Place, bench_catalog, bench_request
from engine.captions import cut_cues, shot_words
from engine.errors import MediaFailed
from engine.fonts import cut_fonts
from engine.formats import load_format
from engine.graphics import moviepy_reference
from engine.made import Film, Music
from engine.media import probe
from engine.progress import Control
from engine.stages.film import film_cues, join_film, mix_sound
from engine.stages.segments import cut_segments
from engine.types import StoryRequest

SHOTS = 6
SHORT_SIDE = 720


def compose_both(place: Place) -> tuple[float, float]:
    """Seconds that MoviePy and ours take for the same clips, MoviePy first, at 720p.

    Both burn the captions and encode every frame with the same preset. Ours also mixes the sound, reads the film back
    and writes each shot as a film of its own; MoviePy's film is silent. Raises `MediaFailed` if the films differ in
    length.
    """
    catalog = bench_catalog(short_side=SHORT_SIDE)
    request = msgspec.structs.replace(bench_request(SHOTS), music=False)
    folder = place.fresh("r1")
    film = place.tell([request], [folder / "clips"], catalog=catalog).films[0]
    theirs = _moviepy(film, folder / "moviepy.mp4")
    ours = _ours(request, film, folder / "ours", Control(cancelled=place.cancelled))
    return theirs, ours


def _moviepy(film: Film, out: Path) -> float:
    fmt = load_format(film.plan.format)
    start = time.monotonic()
    cues = []
    for shot, voice, timing in zip(film.script.shots, film.voices, film.timings, strict=True):
        words = shot_words(shot.narration, voice, timing, film.fps)
        cues.append(cut_cues(words, timing.frames / film.fps, fmt.captions))
    with tempfile.TemporaryDirectory() as fonts:
        faces = cut_fonts([shot.narration for shot in film.script.shots], Path(fonts))
        moviepy_reference([clip.video for clip in film.clips], cues, out, fps=film.fps, fonts=faces)
    seconds = time.monotonic() - start
    wanted, made = sum(timing.frames for timing in film.timings), probe(out).frames
    if abs(made - wanted) > film.fps / 10:
        raise MediaFailed(f"MoviePy's film has {made} frames, not {wanted}: the comparison would not be fair.")
    return seconds


def _ours(request: StoryRequest, film: Film, work: Path, control: Control) -> float:
    """Our cut without cards, because MoviePy's has none, in an empty work folder."""
    plan = msgspec.structs.replace(film.plan, title_seconds=0.0, end_seconds=0.0)
    timings = tuple(msgspec.structs.replace(t, start=t.start - film.plan.title_seconds) for t in film.timings)
    fmt, store = load_format(plan.format), Store(work)
    catalog = bench_catalog()
    specs = {role: catalog.model(model_id) for role, model_id in plan.models.items()}
    start = time.monotonic()
    segments = cut_segments(
        request,
        plan,
        film.script,
        fmt,
        film.voices,
        timings,
        film.stills,
        film.clips,
        specs=specs,
        store=store,
        control=control,
    )
    join_film(
        request,
        plan,
        film.script,
        fmt,
        timings,
        mix_sound(plan, fmt, film.voices, timings, Music(audio=None, seconds=0), store=store, control=control),
        segments,
        cues=film_cues(request, plan, film.script, fmt, film.voices, timings),
        specs=specs,
        store=store,
        control=control,
    )
    return time.monotonic() - start
