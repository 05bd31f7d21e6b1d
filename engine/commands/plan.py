"""`reelhouse plan`: what a film would take; makes nothing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import typer

from engine.commands import flags
from engine.commands.answer import print_json, print_text
from engine.commands.flags import spell_request
from engine.commands.surroundings import Surroundings

if TYPE_CHECKING:
    from engine.estimate import PlanReport

EXAMPLE = 'Example: reelhouse plan "A dragon teaches a young knight how to fly" --seconds 30'


def plan(
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
    """Say what making PROMPT would take: shots, frames, models, memory, seconds per stage, disk."""
    from engine.delivery import check_out
    from engine.estimate import plan_story

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
    if out is not None:
        check_out(out)
    if json:
        print_json(report)
    else:
        place = next(p for p in (settings.home, *settings.home.parents) if p.is_dir())
        print_text(in_text(report, shutil.disk_usage(place).free))


def in_text(report: PlanReport, disk_free: int) -> str:
    lines = [
        f"{report.seconds:g} s of {report.format}, {report.width}×{report.height} at {report.fps} frames a second: "
        f"{len(report.shots)} shots, {report.frames} frames",
        *(f"  {decision}" for decision in report.decisions),
        "",
        *(
            f"  shot {shot.order}  {shot.seconds:5.1f} s  {shot.frames:4d} frames  {shot.words:3d} words  "
            f"{shot.camera:9}  {shot.beat}"
            for shot in report.shots
        ),
        "",
        *(
            f"  {role:9} {model.id:16} {model.licence:12} {model.bytes / 2**20:7.0f} MB"
            f"{'' if model.ready else '  (not on this machine)'}"
            for role, model in report.models.items()
        ),
        "",
        *(stage_line(report, stage) for stage in report.stage_sources),
        "",
        (
            "how long in all nobody can tell"
            if report.total_seconds is None
            else f"about {report.total_seconds:.0f} s in all"
        )
        + f"; memory about {report.memory_gb:g} GB{gpu_memory(report)}"
        + f"; each of {len(report.loads)} models opened once"
        + f"; disk about {report.disk_bytes / 2**20:.0f} MB of {disk_free / 2**20:.0f} MB free",
    ]
    return "\n".join(lines)


def stage_line(report: PlanReport, stage: str) -> str:
    """Seconds, whence they are known, and the work where it can be told."""
    source, seconds = report.stage_sources[stage], report.stage_seconds.get(stage)
    work = f"{report.tflop[stage]:,.0f} TFLOP" if stage in report.tflop else ""
    if seconds is None:
        why = "unknown: this machine has not made it yet" + (
            ", and `reelhouse bench` has not measured its GPU" if work else ""
        )
        return f"  {stage:9} {why}" + (f" ({work})" if work else "")
    notes = [
        note
        for note in ({"guess": "guessed", "arithmetic": "worked out", "floor": "at least"}.get(source, ""), work)
        if note
    ]
    return f"  {stage:9} about {seconds:6.1f} s" + (f"  ({', '.join(notes)})" if notes else "")


def gpu_memory(report: PlanReport) -> str:
    """As the end of "memory about …"."""
    unknown = f" (of {', '.join(report.vram_unknown)} nobody has measured it)" if report.vram_unknown else ""
    if report.vram_gb is None:
        return f" and an unknown amount on the GPU{unknown}"
    if report.vram_gb == 0:
        return ""
    return f" and {'at least ' if unknown else 'an estimated '}{report.vram_gb:g} GB on the GPU{unknown}"
