"""Settings of the engine and how any settings are read: reelhouse.toml, then REELHOUSE_*, then flags. Knows no server.

Later sources win. An empty value is an unset one. A name that nobody knows is an error that suggests the nearest
known one, so that a typing error never passes for a choice.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from engine.errors import BadSetting
from engine.types import Frozen

PREFIX = "REELHOUSE_"
FILE_NAME = "reelhouse.toml"
OFFLINE_WORDS = {"1": "strict", "true": "strict", "0": "sealed", "false": "sealed"}


def default_home() -> Path:
    """The user's data folder for this program, as the operating system wants it."""
    import platformdirs

    return platformdirs.user_data_path("reelhouse")


class EngineSettings(Frozen, frozen=True):
    """`home` holds models, toy weights and what is remembered between runs; `profile` is used where no flag names one;
    `offline` strict refuses also what a request itself names; `torch_index` is where setup takes torch from."""

    home: Path = msgspec.field(default_factory=default_home)
    profile: str = "auto"
    offline: Literal["sealed", "strict"] = "sealed"
    torch_index: str | None = None


S = TypeVar("S", bound=EngineSettings)


def load_settings(
    kind: type[S],
    *,
    environ: Mapping[str, str] = os.environ,
    file: Path | None = None,
    flags: Mapping[str, Any] | None = None,
) -> S:
    """Settings of `kind` from its defaults, `file` (None: `settings_file()`), `environ` and `flags`, in that order.

    Raises `BadSetting` naming the source, the setting and what it accepts.
    """
    file = settings_file() if file is None else file
    values: dict[str, Any] = {}
    if file is not None:
        values |= _checked(kind, _from_file(file), str(file), "")
    names = {name[len(PREFIX) :].lower(): value for name, value in environ.items() if name.startswith(PREFIX)}
    values |= _checked(kind, {name: value for name, value in names.items() if value != ""}, "the environment", PREFIX)
    values |= {name: value for name, value in (flags or {}).items() if value is not None}
    settings = kind(**values)
    return msgspec.structs.replace(settings, home=settings.home.expanduser().absolute())


def settings_file() -> Path | None:
    """reelhouse.toml in the current folder, else in the user's configuration folder, else None."""
    import platformdirs

    for folder in (Path.cwd(), platformdirs.user_config_path("reelhouse")):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(f"{file} cannot be read as TOML: {error}.") from error


def _checked(kind: type[EngineSettings], values: Mapping[str, Any], source: str, prefix: str) -> dict[str, Any]:
    types = get_type_hints(kind)
    checked = {}
    for name, value in values.items():
        shown = prefix + (name.upper() if prefix else name)
        if name not in types:
            close = difflib.get_close_matches(name, types, n=1)
            known = [prefix + (n.upper() if prefix else n) for n in (close or sorted(types))]
            meant = f"did you mean {known[0]}?" if close else f"known are {', '.join(known)}."
            raise BadSetting(f"{source} sets {shown}, which is no setting: {meant}")
        if isinstance(value, str) and get_origin(types[name]) is tuple:
            value = [part.strip() for part in value.split(",") if part.strip()]
        if name == "offline":
            value = OFFLINE_WORDS.get(str(value).lower(), value)
        choices = get_args(types[name]) if get_origin(types[name]) is Literal else ()
        if choices and value not in choices:
            raise BadSetting(f"{source} sets {shown} to {value!r}, which is not one of {', '.join(choices)}.")
        try:
            checked[name] = msgspec.convert(value, types[name], strict=False, dec_hook=_to_path)
        except (msgspec.ValidationError, TypeError) as error:
            raise BadSetting(f"{source} sets {shown} to {value!r}: {error}.") from error
    return checked


def _to_path(kind: type[Any], value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"Expected {kind.__name__}")
