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
    from engine.estimate import PlanReport, ShotReport

EXAMPLE = 'Example: reelhouse plan "A dragon teaches a young knight how to fly" --seconds 30'
FEWEST_ALIKE = 4
"""So many shots in a row that are alike get one line together: a film of eight minutes has 160 of them."""


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
        *shot_lines(report),
        "",
        *model_lines(report),
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


def shot_lines(report: PlanReport) -> list[str]:
    """A line a shot; of several in a row that are alike one line, which says of the first one how long it is."""
    runs: list[list[ShotReport]] = []
    for shot in report.shots:
        if runs and alike(runs[-1][0]) == alike(shot):
            runs[-1].append(shot)
        else:
            runs.append([shot])
    runs = [part for run in runs for part in ([run] if len(run) >= FEWEST_ALIKE else [[shot] for shot in run])]
    lines = []
    for run in runs:
        first, last = run[0], run[-1]
        which = f"shot {first.order}" if first is last else f"shots {first.order}–{last.order}"
        each = " " * 5 if first is last else " each"
        lines.append(
            f"  {which:13} {first.seconds:5.1f} s{each}  {first.frames:4d} frames  {first.words:3d} words  "
            f"{first.camera:9}  {first.beat}"
        )
    return lines


def alike(shot: ShotReport) -> tuple[str, str, int, float]:
    return shot.beat, shot.camera, shot.words, round(shot.seconds, 1)


def model_lines(report: PlanReport) -> list[str]:
    names = max(len(model.id) for model in report.models.values())
    licences = max(len(model.licence) for model in report.models.values())
    return [
        f"  {role:9} {model.id:{names}}  {model.licence:{licences}}  "
        + (f"{model.bytes / 2**20:7.0f} MB" if model.ready else "not on this machine")
        for role, model in report.models.items()
    ]


def stage_line(report: PlanReport, stage: str) -> str:
    """Seconds, whence they are known, and the work where it can be told."""
    source, seconds = report.stage_sources[stage], report.stage_seconds.get(stage)
    work = f"{report.tflop[stage]:,.0f} TFLOP" if stage in report.tflop else ""
    if seconds is None:
        why = "unknown: this machine has not made it yet" + (
            ", and `reelhouse doctor` has measured no GPU here" if work else ""
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
