"""Stage `script`: from a request to what is said and seen in each shot. Knows steps, not models.

Whom the prompt names and the request has a picture of is among the characters, by that very name.

Small writers go in small steps (engine/writing/lines.py, casting.py), larger ones write it whole (whole.py): the
model's `method` in models.yaml says which.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.artifacts import Store, content_key
from engine.backends.protocols import Handle, TextModel
from engine.errors import BadCatalog
from engine.formats import Format
from engine.progress import Control
from engine.shots import named_in, same_name
from engine.types import Character, Plan, Script, Stage, StoryRequest
from engine.writing.casting import Casting
from engine.writing.lexicon import load_lexicon
from engine.writing.lines import write_lines
from engine.writing.pen import Pen
from engine.writing.steps import choose_figures
from engine.writing.titles import title_of
from engine.writing.topic import clip, read_prompt
from engine.writing.views import shots_of
from engine.writing.whole import write_whole

NAME: Stage = "script"
STAGE_VERSION = 8
METHODS = ("small_steps", "toy_steps", "whole_script")


def write_script(
    request: StoryRequest,
    plan: Plan,
    fmt: Format,
    *,
    writer: Handle[TextModel],
    store: Store,
    control: Control,
) -> Script:
    """The script of `plan.shots`, with at least one character, scene and item. The same seed gives the same script.

    Raises `WriterFailed` when nothing acceptable came of bounded attempts, and what the model raises.
    """
    spec = writer.spec
    method = spec.params.get("method", "small_steps")
    if method not in METHODS:
        raise BadCatalog(f"models.{spec.id}.params.method is {method!r}; the methods are {', '.join(METHODS)}")
    control.emit("stage", NAME, total=1)
    known = named_in(request.prompt, request.references)
    key = content_key(
        stage=NAME,
        version=STAGE_VERSION,
        model=spec.id,
        revision=spec.revision,
        params=spec.params,
        prompt=request.prompt,
        known=known,
        title=request.title,
        shots=plan.shots,
        format=fmt,
        locale=plan.locale,
        seed=plan.seed,
    )
    kept = store.find(NAME, key, Script)
    script = kept
    if script is None:
        pen = Pen(writer.open(), plan.seed, control)
        if method == "whole_script":
            script = write_whole(request, plan, fmt, pen, known)
        else:
            script = _write_in_small_steps(request, plan, fmt, pen, control, known, form_only=method == "toy_steps")
        written = script = _with_known(script, known)
        store.keep(NAME, key, Script, lambda folder: written)
    control.emit("shot", NAME, done=1, total=1, reused=kept is not None, made=script)
    return script


def _with_known(script: Script, known: Sequence[str]) -> Script:
    """`script` with everybody of `known` among its characters: under that name, if it only spells it another way."""
    spelled = {same_name(name): name for name in known}
    others = {one.name: spelled.pop(same_name(one.name), one.name) for one in script.characters}
    return msgspec.structs.replace(
        script,
        characters=(
            *(msgspec.structs.replace(one, name=others[one.name]) for one in script.characters),
            *(Character(name=name) for name in spelled.values()),
        ),
        shots=tuple(
            msgspec.structs.replace(shot, speaker=others.get(shot.speaker or "", shot.speaker)) for shot in script.shots
        ),
    )


def _write_in_small_steps(
    request: StoryRequest,
    plan: Plan,
    fmt: Format,
    pen: Pen,
    control: Control,
    known: Sequence[str],
    *,
    form_only: bool,
) -> Script:
    lexicon = load_lexicon()
    topic = read_prompt(request.prompt, lexicon, names=known)
    if not topic.english:
        taken = ", ".join(phrase.text for phrase in topic.phrases) or "nothing"
        message = f"this writer knows only English; of the prompt it takes {taken} and makes up the rest"
        control.emit("warning", NAME, message=message)
    figures = choose_figures(topic, pen, fmt)
    lines = write_lines(plan, fmt, topic, figures, lexicon, pen, form_only=form_only)
    casting = Casting(plan, fmt, topic, figures, lines, lexicon, pen)
    return Script(
        title=request.title or title_of(fmt, topic, figures),
        logline=clip(topic.text, 160) if topic.english else lines[0].text,
        characters=casting.characters,
        scenes=casting.scenes[0],
        items=casting.items(),
        shots=shots_of(casting, lexicon),
    )
