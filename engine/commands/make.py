"""`reelhouse make`: a film without any server."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from engine.commands import flags
from engine.commands.answer import print_json, print_text, say, stdout_reserved
from engine.commands.flags import spell_request
from engine.commands.surroundings import Surroundings
from engine.errors import Cancelled, ReelhouseError
from engine.made import Film
from engine.types import StoryRequest

if TYPE_CHECKING:
    from engine.catalog import Catalog
    from engine.estimate import PlanReport

EXAMPLE = 'Example: reelhouse make "A dragon teaches a young knight how to fly" --seconds 30 --out film.mp4'
SCRIPT_FILE = "script.json"


def make(
    context: typer.Context,
    prompt: flags.Prompt = None,
    profile: flags.Profile = None,
    quality: flags.QualityOf = "standard",
    aspect: flags.Aspect = "16:9",
    seconds: flags.Seconds = None,
    format: flags.Format = "cinematic_story",
    locale: flags.Locale = "en",
    seed: flags.Seed = 0,
    shots: flags.Shots = None,
    title: flags.Title = None,
    style: flags.Style = None,
    negative: flags.Negative = "",
    voice: flags.Voice = None,
    lexicon: flags.LexiconFile = None,
    captions: flags.Captions = "burned",
    sdh: flags.Sdh = False,
    no_music: flags.NoMusic = False,
    music: flags.MusicFile = None,
    use: flags.UseFor = "commercial",
    script: flags.ScriptFile = None,
    out: flags.Out = None,
    work: flags.Work = None,
    json: flags.Json = False,
) -> None:
    """Make a narrated, captioned film of PROMPT."""
    from engine.delivery import check_out, check_space, default_out
    from engine.estimate import plan_story
    from engine.reviewing.report import verdict
    from engine.workplace import work_folder

    around: Surroundings = context.obj
    settings, catalog = around.settings(), around.catalog()
    request = spell_request(
        settings,
        prompt=prompt,
        profile=profile,
        quality=quality,
        aspect=aspect,
        seconds=seconds,
        format=format,
        locale=locale,
        seed=seed,
        shots=shots,
        title=title,
        style=style,
        negative=negative,
        voice=voice,
        lexicon=lexicon,
        captions=captions,
        sdh=sdh,
        no_music=no_music,
        music=music,
        use=use,
        script=script,
    )
    report = plan_story(request, home=settings.home, catalog=catalog)
    target = check_out(out or default_out(title or request.prompt, Path.cwd()))
    with work_folder(work, settings.home) as folder:
        check_space({folder: report.disk_bytes, target.parent: report.disk_bytes // 10})
        with stdout_reserved():
            film, written = make_one(request, report, target, folder, settings.home, catalog, keeping=work is not None)
        if json:
            print_json(film_document(film, target, written, kept=work is not None))
        else:
            say(f"{film.title}: {film.seconds:.1f} s, {film.width}×{film.height}, {len(film.script.shots)} shots")
            if film.review is not None:
                say(verdict(film.review))
            print_text(str(target))


def make_one(
    request: StoryRequest,
    report: PlanReport,
    target: Path,
    folder: Path,
    home: Path,
    catalog: Catalog,
    *,
    keeping: bool,
) -> tuple[Film, dict[str, Path]]:
    """The film, delivered, and the files beside it. Raises `ReelhouseError`; then nothing is at `target`."""
    from engine.display import open_display
    from engine.interrupts import run_interruptibly
    from engine.pace import remember_pace

    resume = (
        f"Finished shots are kept in {folder}; run the same command again to resume."
        if keeping
        else "Nothing was kept; with --work FOLDER, finished shots would be and the next run would resume."
    )

    with open_display(report.stage_seconds) as listener:

        def work(cancelled: threading.Event) -> tuple[Film, dict[str, Path]]:
            from engine.pipeline import make_stories

            (outcome,) = make_stories(
                [request], [folder], home=home, catalog=catalog, on_event=listener, cancelled=[cancelled]
            )
            if isinstance(outcome, ReelhouseError):
                raise outcome
            if cancelled.is_set():
                raise Cancelled()
            return outcome, _deliver(outcome, request, target, folder, keeping=keeping)

        try:
            film, written = run_interruptibly(work, lambda: listener.note("Stopping; once more to stop at once."))
        except Cancelled as stopped:
            raise Cancelled(f"Stopped on request. {resume}") from stopped
    skipped = {"script"} if request.script is not None else set()
    remember_pace(home, film, listener.reused | skipped)
    return film, written


def _deliver(film: Film, request: StoryRequest, target: Path, folder: Path, *, keeping: bool) -> dict[str, Path]:
    """Put the film and, if asked for, its captions and transcript in place; the film last, never alone."""
    import msgspec

    from engine.artifacts import write_atomically
    from engine.delivery import deliver

    written = {}
    if request.captions in ("sidecar", "both"):
        for kind, made in (("srt", film.srt), ("vtt", film.vtt)):
            if made is not None:
                written[kind] = target.with_suffix(f".{kind}")
                deliver(made, written[kind])
        if film.transcript is not None:
            written["transcript"] = target.with_name(f"{target.stem}.transcript.txt")
            deliver(film.transcript, written["transcript"])
    if keeping:
        write_atomically(folder / SCRIPT_FILE, msgspec.json.format(msgspec.json.encode(film.script), indent=2))
    deliver(film.video, target)
    return written


def film_document(film: Film, target: Path, written: dict[str, Path], *, kept: bool) -> dict[str, Any]:
    """What `make --json` prints. Paths are absolute; those of things that are not kept are null."""

    def place(path: Path | None) -> str | None:
        return str(path) if kept and path is not None else None

    rows = zip(film.script.shots, film.timings, film.voices, film.stills, film.shots, strict=True)
    return {
        "storyId": film.story_id,
        "title": film.title,
        "film": str(target),
        "seconds": film.seconds,
        "width": film.width,
        "height": film.height,
        "fps": film.fps,
        "captions": {
            kind: str(written[kind]) if kind in written else place(path)
            for kind, path in (("srt", film.srt), ("vtt", film.vtt))
        },
        "script": film.script,
        "clips": [
            {
                "order": order,
                "narration": shot.narration or None,
                "seconds": timing.frames / film.fps,
                "still": place(still.image),
                "video": place(video),
                "audio": place(voice.audio),
            }
            for order, (shot, timing, voice, still, video) in enumerate(rows)
        ],
        "timings": film.stage_seconds,
        "models": film.plan.models,
        "seed": film.plan.seed,
        "warnings": film.warnings,
        "transcript": str(written["transcript"]) if "transcript" in written else place(film.transcript),
        "review": film.review,
    }
