"""An own script in the writer's place: reads and checks `--script FILE`. Knows the format, not what is made of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.errors import BadScript
from engine.shots import same_name
from engine.types import Scene, Script

MAX_BYTES = 1_000_000
MAX_SHOTS = 200
MAX_NARRATION = 1000


def read_script(path: Path) -> Script:
    """The script in `path`, UTF-8 JSON as `make` writes it (script.json) and `GET /stories/{id}/script` answers it.

    Only `title` and `shots` must be there. Raises `BadScript` naming the file, the field and what it accepts.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadScript(f"script: {path} cannot be read ({error.strerror}): name a JSON file") from error
    if len(data) > MAX_BYTES:
        raise BadScript(f"script: {path} is larger than {MAX_BYTES // 1000} kB: it is no script")
    return parse_script(data, str(path))


def parse_script(data: bytes, name: str) -> Script:
    """The script that `data` spells; `name` is what messages call it. Raises `BadScript`."""
    try:
        script = msgspec.json.decode(data, type=Script)
    except msgspec.ValidationError as error:
        raise BadScript(f"script: {name} is not a script: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadScript(f"script: {name} is not JSON in UTF-8 ({error}): see script.json of a work folder") from error
    return check_script(script, name)


def check_script(script: Script, name: str = "the script") -> Script:
    """`script` with at least one scene. Raises `BadScript` if it holds something that no film can be made of."""
    if not script.title.strip():
        raise BadScript(f"script: {name} has an empty title: give it one")
    if not 1 <= len(script.shots) <= MAX_SHOTS:
        raise BadScript(f"script: {name} has {len(script.shots)} shots, 1 to {MAX_SHOTS} are accepted")
    scenes = script.scenes or (Scene(description=script.logline or script.title),)
    names = {character.name for character in script.characters}
    known: dict[str, str] = {}
    for number, character in enumerate(script.characters):
        if not character.name.strip():
            raise BadScript(f"script: {name}: characters[{number}].name is empty: give everybody a name")
        same = same_name(character.name)
        if same in known:
            raise BadScript(
                f"script: {name}: characters[{number}].name {character.name!r} is {known[same]!r} again: nobody could "
                "tell who speaks, so give each a name of their own"
            )
        known[same] = character.name
    for number, shot in enumerate(script.shots):
        where = f"script: {name}: shots[{number}]"
        if not 0 <= shot.scene < len(scenes):
            raise BadScript(f"{where}.scene is {shot.scene}; the script has scenes 0 to {len(scenes) - 1}")
        if shot.speaker is not None and names and shot.speaker not in names:
            raise BadScript(f"{where}.speaker is {shot.speaker!r}; the characters are {', '.join(sorted(names))}")
        if len(shot.narration) > MAX_NARRATION:
            raise BadScript(f"{where}.narration has {len(shot.narration)} characters, {MAX_NARRATION} at most")
        if not shot.narration.strip() and not shot.visual.strip():
            raise BadScript(f"{where} has neither narration nor visual: say what is heard or seen")
    try:
        spelled = msgspec.json.encode(script)
    except UnicodeEncodeError as error:
        raise BadScript(f"script: {name} holds half a character (a lone surrogate): type it again") from error
    if b"\\u0000" in spelled:
        raise BadScript(f"script: {name} holds a NUL character: remove it")
    return msgspec.structs.replace(script, scenes=scenes)
