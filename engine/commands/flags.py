"""The flags of a story, shared by `make` and `plan`, and the request that they spell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from engine.errors import BadRequest
from engine.settings import EngineSettings
from engine.types import ASPECT_RATIOS, AspectRatio, CaptionMode, Quality, StoryRequest, Use

Prompt = Annotated[str | None, typer.Argument(help="What the film is about, 1 to 5000 characters.", metavar="PROMPT")]
Profile = Annotated[str | None, typer.Option(help="auto, cpu, tiny, … (`reelhouse models list` names them).")]
QualityOf = Annotated[Quality, typer.Option("--quality", help="Camera moves over stills, usual, or long schedules.")]
Aspect = Annotated[str, typer.Option(help=f"One of {', '.join(ASPECT_RATIOS)}.")]
Seconds = Annotated[float | None, typer.Option(help="Length of the film, 5 to 600; an ad_spot lasts 15 or 30.")]
Format = Annotated[
    str, typer.Option("--format", help="cinematic_story, news_analysis, music_video, …, or one of your own.")
]
Locale = Annotated[str, typer.Option(help="Language that is spoken, as en or en-GB.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same film on the same machine.")]
Shots = Annotated[int | None, typer.Option(help="Number of shots; else it follows from length and format.")]
Title = Annotated[str | None, typer.Option(help="Title of the film; else the writer finds one.")]
Style = Annotated[str | None, typer.Option(help="Look of the pictures, as 'watercolour'.")]
Negative = Annotated[str, typer.Option(help="What must not be seen.")]
Voice = Annotated[str | None, typer.Option(help="One of the narrator's voices.")]
LexiconFile = Annotated[Path | None, typer.Option("--lexicon", help="How words are said, as YAML: Nguyen: win.")]
Captions = Annotated[CaptionMode, typer.Option(help="In the picture, as .srt and .vtt beside the film, both, or not.")]
Sdh = Annotated[bool, typer.Option("--sdh", help="Captions tell who speaks, and of music: for the hard of hearing.")]
NoMusic = Annotated[bool, typer.Option("--no-music", help="No music under the film.")]
MusicFile = Annotated[
    Path | None, typer.Option("--music", help="A track of your own, made to last as long as the film.")
]
UseFor = Annotated[Use, typer.Option("--use", help="What the film is for; decides which licences will do.")]
ScriptFile = Annotated[Path | None, typer.Option("--script", help="An own or edited script, as JSON.")]
Out = Annotated[Path | None, typer.Option(help="Where the film goes; else ./TITLE.mp4.")]
Work = Annotated[Path | None, typer.Option(help="Keeps every shot here; run it again with the same one to resume.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]


def spell_request(
    settings: EngineSettings,
    *,
    prompt: str | None,
    profile: str | None,
    aspect: str,
    seconds: float | None,
    format: str,
    locale: str,
    seed: int,
    shots: int | None,
    title: str | None,
    style: str | None,
    negative: str,
    voice: str | None,
    lexicon: Path | None,
    captions: CaptionMode,
    quality: Quality,
    sdh: bool,
    no_music: bool,
    music: Path | None,
    use: Use,
    script: Path | None,
) -> StoryRequest:
    """The request of these flags, its own script read. Without a prompt an own script's title and logline stand for it.

    Raises `BadRequest` if there is neither or the lexicon is none, `BadScript` if the file is no script; bounds are
    checked by the plan.
    """
    own = None
    if script is not None:
        from engine.own_script import read_script

        own = read_script(script)
    said = {}
    if lexicon is not None:
        from engine.speaking.lexicon import read_lexicon

        said = read_lexicon(lexicon)
    if prompt is None and own is not None:
        prompt = ". ".join(text for text in (own.title, own.logline) if text)
    if prompt is None:
        raise BadRequest("prompt", "it is missing: say what the film is about, or give a --script")
    return StoryRequest(
        prompt=prompt,
        title=title,
        content_type=format,
        aspect_ratio=cast(AspectRatio, aspect),  # its bounds are checked with all the others
        locale=locale,
        target_seconds=seconds,
        shots=shots,
        style=style,
        negative_prompt=negative,
        script=own,
        seed=seed,
        profile=profile or settings.profile,
        voice=voice,
        lexicon=said,
        music=not no_music,
        music_file=None if music is None else music.expanduser().absolute(),
        captions=captions,
        sdh=sdh,
        use=use,
        quality=quality,
    )
