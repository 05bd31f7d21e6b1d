"""models.yaml as typed data: roles, profiles, licences, limits. The only reader of that file; opens no model."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from engine.errors import BadCatalog, BadRequest, LicenceRefused
from engine.types import ROLES, Frozen, Role

CATALOG_FILE = Path(__file__).resolve().parent.parent / "models.yaml"
KINDS: dict[Role, str] = {
    "writer": "text",
    "artist": "image",
    "animator": "video",
    "narrator": "voice",
    "composer": "music",
}


class Weights(Frozen, frozen=True):
    """Where a model's files are: exactly one of `package` (+ `file`), `toy`, `repo` (+ `revision`), `url` (of a zip
    archive), `local`.

    `sha256` maps file names, relative to the folder (or the single file's own name), to hex digests.
    """

    package: str | None = None
    file: str | None = None
    toy: str | None = None
    repo: str | None = None
    revision: str | None = None
    url: str | None = None
    local: str | None = None
    sha256: dict[str, str] = {}


class Limits(Frozen, frozen=True):
    """What a model can make. Frame counts are `frames_step`·k + `frames_plus`, at most `max_frames`; sides are
    multiples of `size_step` pixels; `fps` is the rate it was trained for; `context` is in tokens; `words_per_second`
    is what a narrator was measured to speak at its own pace, pauses at commas included; `references` is in how many
    subjects of one picture an artist keeps the looks that a reference shows (0: it keeps none)."""

    size_step: int = 8
    frames_step: int = 1
    frames_plus: int = 0
    max_frames: int | None = None
    fps: int | None = None
    context: int | None = None
    words_per_second: float = 2.6
    references: int = 0
    languages: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()


class ModelSpec(Frozen, frozen=True):
    """One entry of models.yaml. `id` is its key; `about` says what it is, for the story's record and for lists;
    `parts` are further weights that are pulled into `parts/NAME` of the model's folder; `params` belong to the family,
    which rejects unknown ones."""

    id: str
    role: Role
    family: str
    licence: str
    commercial: bool
    weights: Weights | None = None
    parts: dict[str, Weights] = {}
    about: str = ""
    attribution: str = ""
    notice: str = ""
    vram_gb: float = 0
    limits: Limits = Limits()
    params: dict[str, Any] = {}

    @property
    def module(self) -> str:
        """The importlib name of its family, always below engine.backends."""
        return f"engine.backends.{KINDS[self.role]}.{self.family}"

    @property
    def revision(self) -> str:
        """What tells two versions of this model apart in content keys."""
        marks = []
        for weights in (self.weights or Weights(), *(part for _, part in sorted(self.parts.items()))):
            marks += [weights.revision or "", *(f"{k}={v}" for k, v in sorted(weights.sha256.items()))]
        return "|".join(marks)


class Profile(Frozen, frozen=True):
    """A model per role and the knobs that differ. `short_side` in pixels; `vram_gb` is what the GPU must have free."""

    name: str
    about: str
    models: dict[Role, str]
    short_side: int
    fps: int
    vram_gb: float


class Catalog(Frozen, frozen=True):
    profiles: dict[str, Profile]
    models: dict[str, ModelSpec]

    def model(self, model_id: str) -> ModelSpec:
        """The entry of that id. Raises `BadCatalog` naming the known ones."""
        if model_id not in self.models:
            raise BadCatalog(f"no model is called {model_id!r}; models.yaml has {', '.join(sorted(self.models))}")
        return self.models[model_id]

    def profile(self, name: str, vram_gb: float = 0) -> Profile:
        """The profile of that name; `auto` is the most demanding one that `vram_gb` of free GPU memory holds."""
        if name == "auto":
            able = [p for p in self.profiles.values() if p.vram_gb <= vram_gb and p.name != "tiny"]
            return max(able, key=lambda p: p.vram_gb)
        if name not in self.profiles:
            raise BadRequest("profile", f"{name!r} is not one of auto, {', '.join(self.profiles)}")
        return self.profiles[name]

    def check_licences(self, profile: Profile, use: str) -> None:
        """Raise `LicenceRefused` if `use` is commercial and a model of the profile does not allow that."""
        for model_id in profile.models.values():
            spec = self.model(model_id)
            if use == "commercial" and not spec.commercial:
                raise LicenceRefused(
                    f"model {spec.id} is licensed {spec.licence}, which does not allow commercial use: "
                    "choose another profile, or say --use personal if that is what the film is for"
                )


@cache
def load_catalog(path: Path = CATALOG_FILE) -> Catalog:
    """Read and check models.yaml. Raises `BadCatalog` with the offending key and the valid ones."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadCatalog(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(raw, dict) or set(raw) != {"profiles", "models"}:
        raise BadCatalog(f"{path} must have exactly the keys profiles and models")
    models = {key: _entry(ModelSpec, "models", key, value, "id") for key, value in raw["models"].items()}
    profiles = {key: _entry(Profile, "profiles", key, value, "name") for key, value in raw["profiles"].items()}
    for profile in profiles.values():
        for role in ROLES:
            name = profile.models.get(role)
            if name is None or name not in models or models[name].role != role:
                able = ", ".join(sorted(m.id for m in models.values() if m.role == role))
                raise BadCatalog(f"profiles.{profile.name}.models.{role} is {name!r}; the {role}s are {able}")
    return Catalog(profiles=profiles, models=models)


def _entry(kind: type[Any], section: str, key: str, value: Any, id_field: str) -> Any:
    where = f"{section}.{key}"
    if not isinstance(value, dict):
        raise BadCatalog(f"{where} must be a mapping")
    _check_keys(kind, where, value, hidden=id_field)
    if isinstance(value.get("weights"), dict):
        _check_keys(Weights, f"{where}.weights", value["weights"])
    for name, part in (value.get("parts") or {}).items():
        if isinstance(part, dict):
            _check_keys(Weights, f"{where}.parts.{name}", part)
    if isinstance(value.get("limits"), dict):
        _check_keys(Limits, f"{where}.limits", value["limits"])
    if not str(value.get("family", "x")).isidentifier():
        raise BadCatalog(f"{where}.family must be the name of a file in engine/backends, without its ending")
    try:
        return msgspec.convert({**value, id_field: key}, kind)
    except msgspec.ValidationError as error:
        raise BadCatalog(f"{where}: {error}") from error


def _check_keys(kind: type[Any], where: str, value: dict[str, Any], hidden: str = "") -> None:
    valid = [name for name in kind.__struct_fields__ if name != hidden]
    for name in value:
        if name not in valid:
            close = difflib.get_close_matches(str(name), valid, n=1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            raise BadCatalog(f"{where} has an unknown key {name!r}{meant}; valid keys are {', '.join(valid)}")
