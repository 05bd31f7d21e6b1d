"""models.yaml as typed data: roles, profiles, licences, limits, pins. The only reader of that file; opens no model."""

from __future__ import annotations

import difflib
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from engine.architectures import architecture_names
from engine.errors import BadCatalog, BadRequest, LicenceRefused
from engine.types import ROLES, Frozen, Quality, Role, ready

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")
CATALOG_FILE = Path(__file__).resolve().parent.parent / "models.yaml"
KINDS: dict[Role, str] = {
    "writer": "text",
    "artist": "image",
    "animator": "video",
    "narrator": "voice",
    "composer": "music",
}


Side = Annotated[int, Meta(ge=16, le=4320)]
"""Pixels of the shorter side: what a VAE packs into two latent pixels, to 8K."""
Rate = Annotated[int, Meta(ge=1, le=120)]
"""Frames a second."""

DRAFT_ANIMATOR = "camera"

LOCK_SUFFIX = ".lock"
"""models.lock lies beside models.yaml and holds what `reelhouse models pin` read from the sources."""


class Weights(Frozen, frozen=True):
    """Where a model's files are: exactly one of `package` (+ `file`), `toy`, `repo` (+ `revision`), `url` (of a zip
    archive), `local`.

    Of a repository `file` alone is taken where it is given, else what one of the patterns `only` matches (`*` also
    crosses folders), else everything but pickles and program code. `sha256` maps file names, relative to the folder
    (or the single file's or archive's own name), to hex digests, `sizes` the same names to bytes.
    """

    package: str | None = None
    file: str | None = None
    toy: str | None = None
    repo: str | None = None
    revision: str | None = None
    url: str | None = None
    local: str | None = None
    only: tuple[str, ...] = ()
    sha256: dict[str, str] = {}
    sizes: dict[str, int] = {}

    @property
    def source(self) -> str | None:
        """What has to come over the network, as a sentence names it; None for what is on the machine anyway."""
        return self.repo or self.url

    @property
    def pinned(self) -> bool:
        """Whether it is said exactly which files are meant: a commit of a repository, and a hash of each file."""
        if self.source is None:
            return True
        return (
            bool(self.sha256) and set(self.sizes) == set(self.sha256) and (not self.repo or self.revision is not None)
        )


class VoiceTraits(Frozen, frozen=True):
    """How a voice sounds: `gender` female or male, `age` young or old; "" says nothing."""

    gender: Literal["", "female", "male"] = ""
    age: Literal["", "young", "old"] = ""


class Limits(Frozen, frozen=True):
    """What a model can make. Frame counts are `frames_step`·k + `frames_plus`, at most `max_frames`; sides are
    multiples of `size_step` pixels; `fps` is the rate it was trained for; `context` is in tokens; `words_per_second`
    is what a narrator was measured to speak at its own pace, pauses at commas included; `references` is in how many
    subjects of one picture an artist keeps the looks that a reference shows (0: it keeps none); `phonemes` is whether a
    narrator takes the IPA of a word in place of its letters; `voice_traits` how its voices sound, for those of which
    that is known; `keeps_tempo` is whether a composer's beats are where the tempo that was asked for says, from its
    first sample on."""

    size_step: Annotated[int, Meta(ge=1, le=256)] = 8
    frames_step: Annotated[int, Meta(ge=1)] = 1
    frames_plus: Annotated[int, Meta(ge=0)] = 0
    max_frames: Annotated[int, Meta(ge=1)] | None = None
    fps: Rate | None = None
    context: Annotated[int, Meta(ge=1)] | None = None
    words_per_second: Annotated[float, Meta(gt=0)] = 2.6
    references: Annotated[int, Meta(ge=0)] = 0
    keeps_tempo: bool = False
    languages: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    phonemes: bool = False
    voice_traits: dict[str, VoiceTraits] = {}

    @property
    def sized(self) -> bool:
        """Whether it generates, at sizes that it was made for; who draws or moves a camera does so at any even one."""
        return self.size_step > 2


class ModelSpec(Frozen, frozen=True):
    """One entry of models.yaml. `id` is its key; `about` says what it is, for the story's record and for lists;
    `parts` are further weights that are pulled into `parts/NAME` of the model's folder; `params` belong to the family,
    which rejects unknown ones.

    `architecture` names one of engine/architectures, from which work and memory are worked out before anything is
    there. `vram_gb` is what it needs of a GPU: 0 nothing, None an amount that nobody has measured, so that it is worked
    out where there is an architecture (`engine.work.gpu_gb`); `memory` says how a figure was found. `opt_in`: its
    notice has to be accepted before it is fetched."""

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
    opt_in: bool = False
    architecture: str | None = None
    vram_gb: float | None = 0
    memory: Literal["measured", "estimated"] | None = None
    limits: Limits = Limits()
    params: dict[str, Any] = {}

    @property
    def is_toy(self) -> bool:
        return self.weights is not None and self.weights.toy is not None

    @property
    def module(self) -> str:
        """The importlib name of its family, always below engine.backends."""
        return f"engine.backends.{KINDS[self.role]}.{self.family}"

    @property
    def needs_gpu(self) -> bool:
        """Whether it takes memory of a GPU where there is one, known how much or not."""
        return self.vram_gb is None or self.vram_gb > 0

    @property
    def pinned(self) -> bool:
        return all(weights.pinned for weights in (self.weights or Weights(), *self.parts.values()))

    @property
    def revision(self) -> str:
        """What tells two versions of this model apart in content keys."""
        marks = []
        for weights in (self.weights or Weights(), *(part for _, part in sorted(self.parts.items()))):
            marks += [weights.revision or "", *(f"{k}={v}" for k, v in sorted(weights.sha256.items()))]
        return "|".join(marks)


class Profile(Frozen, frozen=True):
    """A model per role and the knobs that differ. `vram_gb` is the least memory of the GPUs that the profile is meant
    for: a choice, not a measurement, and all that `auto` goes by.

    Sides in pixels: the animator's clips have a `short_side`, the artist's pictures `picture_side`, the film
    `film_side`; None: as the clips. `fps` is the film's; an animator with a rate of its own keeps to that. `draft` and
    `high` name the models that are others at those qualities; without `draft` a camera moves over the stills."""

    name: str
    about: str
    models: dict[Role, str]
    short_side: Side
    fps: Rate
    vram_gb: Annotated[float, Meta(ge=0)]
    picture_side: Side | None = None
    film_side: Side | None = None
    draft: dict[Role, str] = {}
    high: dict[Role, str] = {}

    def others(self, quality: Quality) -> dict[Role, str]:
        """The models of that quality that are not those of `models`."""
        draft: dict[Role, str] = self.draft or {"animator": DRAFT_ANIMATOR}
        named: dict[Quality, dict[Role, str]] = {"draft": draft, "standard": {}, "high": self.high}
        return {role: name for role, name in named[quality].items() if name != self.models.get(role)}

    def at(self, quality: Quality) -> Profile:
        """The same with the models of that quality."""
        return msgspec.structs.replace(self, models={**self.models, **self.others(quality)})


class Catalog(Frozen, frozen=True):
    """`path` is the file that it was read from, `declared` what that says by itself, without models.lock."""

    profiles: dict[str, Profile]
    models: dict[str, ModelSpec]
    path: Path | None = None
    declared: dict[str, ModelSpec] = {}

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
        for role, model_id in profile.models.items():
            spec = self.model(model_id)
            if use == "commercial" and not spec.commercial:
                raise LicenceRefused(
                    f"model {spec.id} is licensed {spec.licence}, which does not allow commercial use: "
                    f"{self._instead(role)}, or say --use personal if that is what the film is for"
                )

    def _instead(self, role: Role) -> str:
        """Which models of that role may be used commercially, and in which profiles they are."""
        able = [spec for spec in self.models.values() if spec.role == role and spec.commercial and not spec.is_toy]
        if not able:
            return f"no {role} of models.yaml does, so choose another profile"
        homes = {s.id: [p.name for p in self.profiles.values() if p.models[role] == s.id] for s in able}
        named = [f"{name} (profile {' or '.join(where)})" for name, where in homes.items() if where]
        free = [name for name, where in homes.items() if not where]
        if not named:
            return f"put {' or '.join(free)} in its place in models.yaml"
        return f"take {' or '.join(named)} instead"


ready(ModelSpec, Profile)


@cache
def load_catalog(path: Path = CATALOG_FILE) -> Catalog:
    """Read and check models.yaml. Raises `BadCatalog` with the offending key and the valid ones."""
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)  # ten times as fast as Python's
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
        for quality, given in (("draft", profile.draft), ("high", profile.high)):
            for role, name in given.items():
                if name not in models or models[name].role != role:
                    able = ", ".join(sorted(m.id for m in models.values() if m.role == role))
                    raise BadCatalog(f"profiles.{profile.name}.{quality}.{role} is {name!r}; the {role}s are {able}")
    pinned = _pinned(models, path.with_suffix(LOCK_SUFFIX))
    return Catalog(profiles=profiles, models=pinned, path=path, declared=models)


def lock_entry(spec: ModelSpec) -> dict[str, Any]:
    """What models.lock keeps of a pinned entry."""
    places = {"": spec.weights, **{f"parts/{name}": part for name, part in spec.parts.items()}}
    return {place: msgspec.to_builtins(w) for place, w in places.items() if w is not None and w.source is not None}


def _pinned(models: dict[str, ModelSpec], lock: Path) -> dict[str, ModelSpec]:
    """The entries with what models.lock knows of them; what an entry itself says comes first, and a pin of something
    else than what the entry names now is none."""
    if not lock.is_file():
        return models
    try:
        known = msgspec.json.decode(lock.read_bytes(), type=dict[str, dict[str, Weights]])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise BadCatalog(f"{lock} cannot be read ({error}): remove it and run `reelhouse models pin` again") from error
    filled = {}
    for name, spec in models.items():
        pins = known.get(name, {})
        weights = spec.weights and _with_pins(spec.weights, pins.get(""))
        parts = {part: _with_pins(given, pins.get(f"parts/{part}")) for part, given in spec.parts.items()}
        filled[name] = msgspec.structs.replace(spec, weights=weights, parts=parts)
    return filled


def _with_pins(given: Weights, pin: Weights | None) -> Weights:
    if pin is None or given.source is None or given.sha256:
        return given
    unpinned = msgspec.structs.replace(pin, revision=given.revision, sha256={}, sizes={})
    return pin if unpinned == given and given.revision in (None, pin.revision) else given


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
    if kind is ModelSpec and bool(value.get("vram_gb")) != (value.get("memory") is not None):
        raise BadCatalog(f"{where}.memory says whether vram_gb was measured or estimated: give both, or neither")
    if value.get("architecture") not in (None, *architecture_names()):
        known = ", ".join(architecture_names())
        raise BadCatalog(f"{where}.architecture is {value['architecture']!r}, and can be {known}")
    for place, given in {"weights": value.get("weights"), **(value.get("parts") or {})}.items():
        if isinstance(given, dict):
            _check_source(f"{where}.{place}", given)
    if not str(value.get("family", "x")).isidentifier():
        raise BadCatalog(f"{where}.family must be the name of a file in engine/backends, without its ending")
    try:
        return msgspec.convert({**value, id_field: key}, kind)
    except msgspec.ValidationError as error:
        raise BadCatalog(f"{where}: {error}") from error


def _check_source(where: str, given: dict[str, Any]) -> None:
    """What becomes part of a path or an address is judged where it is read."""
    named = [key for key in ("package", "toy", "repo", "url", "local") if given.get(key) is not None]
    if len(named) != 1:
        raise BadCatalog(
            f"{where} names {' and '.join(named) or 'nothing'}: give one of package, toy, repo, url, local"
        )
    source = str(given[named[0]])
    if named[0] == "repo" and not REPOSITORY.fullmatch(source):
        raise BadCatalog(f"{where}.repo is {source!r}, and has to be OWNER/NAME")
    if named[0] == "url" and not re.fullmatch(r"https?://[^\s/]+/.*\.zip", source):
        raise BadCatalog(f"{where}.url is {source!r}, and has to be the http(s) address of a .zip archive")
    if given.get("revision") is not None and not COMMIT.fullmatch(str(given["revision"])):
        raise BadCatalog(
            f"{where}.revision is {given['revision']!r}, and has to be a commit's 40 hex digits; `reelhouse models "
            "pin --revision` finds that of a branch or tag"
        )
    for name in (given.get("file"), *(given.get("only") or ())):
        if name is not None and (".." in str(name).split("/") or str(name).startswith("/")):
            raise BadCatalog(f"{where}: {name!r} leads out of the folder")


def _check_keys(kind: type[Any], where: str, value: dict[str, Any], hidden: str = "") -> None:
    valid = [name for name in kind.__struct_fields__ if name != hidden]
    for name in value:
        if name not in valid:
            close = difflib.get_close_matches(str(name), valid, n=1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            raise BadCatalog(f"{where} has an unknown key {name!r}{meant}; valid keys are {', '.join(valid)}")
