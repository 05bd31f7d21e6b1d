"""From requests to films. Read this first: `_tell` is one story from top to bottom, `make_stories` a wave of them.

A story is told by a generator that stops before each stage; the wave lets every story through a stage before the next
one begins, so each model is opened once for all of them. Beside it runs the CPU lane: voices, music, segments and the
final cut are made there while the next picture is painted.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import msgspec

from engine.absence import check_here
from engine.arrangement import arrange
from engine.artifacts import Store, content_key
from engine.backends.protocols import Handle, MusicModel, VoiceModel
from engine.captions import Cue
from engine.catalog import Catalog
from engine.coming import Coming
from engine.device_memory import gpu_memory
from engine.errors import ReelhouseError
from engine.formats import OWN, load_format
from engine.handoff import Handoff
from engine.ladder import Ladder, gpu_ladder
from engine.machine import machine_now, this_machine
from engine.made import Clip, Cut, Film, FilmFiles, Music, Told
from engine.models import Residents, check_family
from engine.progress import Control, Event, OnEvent, StageClock, ignore_events
from engine.record import NAME as RECORD
from engine.record import read_pauses, write_record
from engine.shots import acts
from engine.speaking.lexicon import Lexicon, join_lexicons, site_lexicon
from engine.stages.clips import animate_clips, announce_clips
from engine.stages.film import Sound, film_cues, join_film, mix_sound
from engine.stages.music import Source, beats_of, compose_clock, hear_own_track, make_music
from engine.stages.plan import make_plan
from engine.stages.review import Strips, review_film, watch
from engine.stages.script import write_script
from engine.stages.segments import cut_segments
from engine.stages.stills import announce_stills, paint_stills
from engine.stages.voices import Spoken, speak_voices
from engine.turns import Beside, StoryInWave, Telling
from engine.types import Plan, StoryRequest
from engine.understudy import Company

# The animator at the foot of the out-of-memory ladder: it needs no GPU.
LAST_RUNG = "camera"


def make_stories(
    requests: Sequence[StoryRequest],
    works: Sequence[Path],
    *,
    home: Path,
    catalog: Catalog,
    on_event: OnEvent = ignore_events,
    cancelled: Sequence[threading.Event] | None = None,
    residents: Residents | None = None,
) -> list[Film | ReelhouseError]:
    """One film or error per request, in their order; `works[i]` keeps the artefacts of `requests[i]`.

    A story that fails, or whose `cancelled[i]` is set, leaves the wave, the others go on. `residents` lets a caller
    keep models open between waves. What is no `ReelhouseError` is a fault of this program and passes through.
    """
    models = residents or Residents(catalog, home, this_machine().vram_gb, gpu=gpu_memory(this_machine()))
    cancelled = cancelled if cancelled is not None else [threading.Event() for _ in requests]
    # One for all: what one story found too large, the next one does not try again.
    wave = Coming(), gpu_ladder(models.home, machine_now())
    lane = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cpu-lane")
    stories: list[StoryInWave] = []
    at_work: StoryInWave | None = None
    here = threading.get_ident()

    def listen(event: Event) -> None:
        on_event(event)
        if event.kind == "step" and threading.get_ident() == here:
            # Whoever was cancelled while waiting for their turn need not wait for it to hear so.
            for story in stories:
                if story is not at_work and story.outcome is None and story.control.cancelled and story.ready:
                    story.advance()

    for number, (request, work, stop) in enumerate(zip(requests, works, cancelled, strict=True)):
        warnings: list[str] = []
        control = Control(_collecting(warnings, listen), stop, number)
        telling = _tell(request, Store(work), catalog, models, *wave, lane, control, warnings)
        stories.append(StoryInWave(telling, control, wave[0]))
    try:
        while living := [story for story in stories if story.outcome is None]:
            # Strictly stage by stage: nobody begins a stage while another has yet to begin an earlier one, or the
            # model of the earlier stage would be opened twice.
            first = min(story.order for story in living)
            turn = [story for story in living if story.order == first]
            ready = [story for story in turn if story.ready]
            if ready:
                at_work = ready[0]
                at_work.advance()
            else:
                wait([story.beside for story in turn if story.beside], return_when=FIRST_COMPLETED)
    finally:
        for story in stories:
            story.telling.close()
        lane.shutdown(cancel_futures=True)
        if residents is None:
            models.close()
    return [story.outcome for story in stories if story.outcome is not None]


def _tell(
    request: StoryRequest,
    store: Store,
    catalog: Catalog,
    models: Residents,
    coming: Coming,
    ladder: Ladder,
    lane: ThreadPoolExecutor,
    control: Control,
    warnings: list[str],
) -> Telling:
    """One story, top to bottom. Yields the stage that it is about to begin, or what it waits for in the CPU lane."""
    clock, machine = StageClock(), machine_now()
    with clock.running("plan"):
        request, plan = make_plan(request, catalog, machine, models.home / OWN)
        fmt = load_format(plan.format, models.home / OWN)
        company = Company(plan, models, control, ladder)
        composes = request.music and request.music_file is None
    for decision in plan.decisions:
        control.emit("decision", "plan", message=decision)
    if store.empty:  # what was begun elsewhere may be cut here without the models that made it
        spared = {"writer"} if request.script else set()
        needed = [spec for role, spec in company.players(composes).items() if role not in spared]
        for spec in needed:
            check_family(spec)
        check_here(needed, models.home)

    def listen() -> Source | None:
        with clock.running("music"):
            return hear_own_track(request, plan, store=store, control=control)

    source = None
    if request.music_file is None:
        yield "script"
    else:  # first of all: what is wrong with a track is said before anything is made
        source = yield Beside(lane.submit(listen), then="script")
    with clock.running("script"):
        script = request.script or company.perform(
            "writer",
            "script",
            lambda writer: write_script(request, plan, fmt, writer=writer, store=store, control=control),
        )

    artist = company.handle("artist").spec
    announce_stills(request, plan, script, fmt, artist=artist, store=store, control=control, coming=coming)
    record = store.folder / RECORD
    lexicon = Lexicon(join_lexicons([site_lexicon(models.home), request.lexicon]))
    composer = company.handle("composer")
    # A model on the GPU has its turn as all others there have; on the CPU it plays beside the painting.
    in_turn = composes and composer.spec.needs_gpu
    if in_turn and not fmt.narration and not composer.spec.limits.keeps_tempo:
        yield "music"
        with clock.running("music"):
            source = company.perform(
                "composer",
                "music",
                lambda composer: compose_clock(
                    request, plan, fmt, composer=composer, store=store, control=control, ladder=ladder
                ),
            )
        in_turn = False

    def speak_with(narrator: Handle[VoiceModel]) -> Spoken:
        asked = narrator.spec.id == plan.models["narrator"]  # an understudy has other voices
        return speak_voices(
            plan,
            script,
            fmt,
            voice=request.voice if asked else None,
            own=request.script is not None,
            lexicon=lexicon,
            kept=request.cast if asked else None,
            before=None if request.script is None else read_pauses(record, plan.format),
            narrator=narrator,
            beats=beats_of(source, plan),
            store=store,
            control=control,
        )

    def speak() -> tuple[Spoken, Plan]:
        with clock.running("voices"):
            spoken = company.perform("narrator", "voices", speak_with)
        fitted = _as_fitted(plan, spoken)
        told = Told(plan=fitted, script=spoken.script, voices=spoken.voices, timings=spoken.timings)
        control.emit("script", "voices", made=told)
        return spoken, fitted

    spoken, plan = yield Beside(lane.submit(speak), then="music" if in_turn else "stills")
    script, voices, timings = spoken.script, spoken.voices, spoken.timings
    seconds = plan.title_seconds + sum(timing.frames for timing in timings) / plan.fps + plan.end_seconds

    sections = arrange(acts(script, fmt), timings, plan.title_seconds, plan.end_seconds, seconds)

    def play_with(composer: Handle[MusicModel]) -> Music:
        wanted = request, plan, fmt, seconds, sections
        return make_music(*wanted, source=source, composer=composer, store=store, control=control, ladder=ladder)

    def play() -> Music:
        with clock.running("music"):
            return company.perform("composer", "music", play_with)

    def score(played: Music | None) -> tuple[Music, Sound, list[Cue]]:
        """Music, the whole mix and the captions need no picture: made now, they spare the last cut the wait."""
        music = played or play()
        with clock.running("music"):
            sound = mix_sound(plan, fmt, voices, timings, music, store=store, control=control)
        return music, sound, film_cues(request, plan, script, fmt, voices, timings)

    played = None
    if in_turn:
        played = play()
        yield "stills"
    scoring = lane.submit(score, played)
    with clock.running("stills"):
        stills = company.perform(
            "artist",
            "stills",
            lambda artist: paint_stills(
                request, plan, script, fmt, artist=artist, store=store, control=control, ladder=ladder, coming=coming
            ),
        )

    animator, to_film = company.handle("animator"), (request, plan, script, fmt, stills, timings)
    announce_clips(*to_film, animator=animator.spec, store=store, control=control, coming=coming)
    yield "clips"
    handoff: Handoff[Clip] = Handoff()
    strips: Strips = []

    def cuts() -> Iterator[Cut]:
        with clock.running("segments"):
            pieces = cut_segments(
                request,
                plan,
                script,
                fmt,
                voices,
                timings,
                stills,
                handoff,
                specs=company.players(composes),
                store=store,
                control=control,
            )
            yield from watch(pieces, strips)

    def edit() -> FilmFiles:
        """Each segment is cut when its clip exists, and joined to those before it while the next clip is made."""
        _, sound, cues = scoring.result()
        with clock.running("film", without="segments"):
            return join_film(
                request,
                plan,
                script,
                fmt,
                timings,
                sound,
                cuts(),
                cues=cues,
                specs=company.players(composes),
                store=store,
                control=control,
            )

    with clock.running("clips"):
        making = animate_clips(
            *to_film,
            animator=animator,
            fallback=models.handle(LAST_RUNG),
            store=store,
            control=control,
            ladder=ladder,
            coming=coming,
        )
    yield "clips"  # once more: what all clips of a wave need first is done, the rest needs other weights
    editing = lane.submit(edit)
    with clock.running("clips"), handoff, closing(making):
        clips = tuple(handoff.passing(making, to=editing))

    files = yield Beside(editing, then="review")
    music, sound, _ = scoring.result()
    with clock.running("review"):
        review = review_film(
            request.title or script.title,
            plan,
            script,
            fmt,
            voices,
            timings,
            stills,
            clips,
            files,
            sound.heard,
            strips,
            music=music.audio is not None,
            store=store,
            control=control,
        )
    film = Film(
        story_id="c" + content_key(request=request)[:24],
        title=request.title or script.title,
        video=files.video,
        seconds=files.seconds,
        width=plan.width,
        height=plan.height,
        fps=plan.fps,
        plan=msgspec.structs.replace(plan, models=company.models),
        script=script,
        voices=voices,
        timings=timings,
        stills=stills,
        clips=clips,
        shots=files.shots,
        srt=files.srt,
        vtt=files.vtt,
        transcript=files.transcript,
        record=record,
        stage_seconds=clock.seconds,
        pauses=spoken.pauses,
        review=review,
        warnings=tuple(warnings),
    )
    write_record(film, request.prompt, fmt, company.players(composes), own_music=request.music_file is not None)
    return film


def _as_fitted(plan: Plan, spoken: Spoken) -> Plan:
    """The plan with its cards as long as they came out."""
    title = plan.title_seconds if spoken.title_seconds is None else spoken.title_seconds
    return msgspec.structs.replace(plan, title_seconds=title, end_seconds=spoken.end_seconds)


def _collecting(warnings: list[str], on_event: OnEvent) -> OnEvent:
    def listen(event: Event) -> None:
        if event.kind == "warning":
            warnings.append(event.message)
        on_event(event)

    return listen
