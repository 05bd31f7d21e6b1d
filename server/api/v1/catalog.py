"""What this server can make films with: models and their licences, voices, profiles."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency

from engine.catalog import Catalog, ModelSpec, load_catalog
from engine.errors import ModelMissing
from engine.estimate import size_of
from engine.weights import find_weights
from server.api.v1.structs import Given, Many
from server.place import Place


class ModelAnswer(Given, frozen=True, kw_only=True):
    """`installed`: its files are on this machine; `bytes` of them. `vramGb` is what its
    device must have free, null if nobody has measured it."""

    id: str
    role: str
    family: str
    profiles: list[str]
    licence: str
    commercial: bool
    attribution: str
    about: str
    notice: str
    vram_gb: float | None
    installed: bool
    bytes: int


class VoiceAnswer(Given, frozen=True, kw_only=True):
    """`name` is what `voice` of a generate request takes, in a profile whose narrator is `model`."""

    name: str
    model: str
    locales: list[str]
    licence: str
    profiles: list[str]
    installed: bool


class ProfileAnswer(Given, frozen=True, kw_only=True):
    """`ready`: all of its models are installed. `default`: it is what a request that names none gets."""

    name: str
    about: str
    models: dict[str, str]
    short_side: int
    fps: int
    vram_gb: float
    ready: bool
    default: bool


@get("/models", opt={"access": "stories:read"}, sync_to_thread=True)
def list_models(place: NamedDependency[Place]) -> Many[ModelAnswer]:
    """List the models that this server knows, with their licences, and which are installed."""
    catalog = load_catalog()
    return Many(data=[_model(place, catalog, spec) for spec in catalog.models.values()])


@get("/voices", opt={"access": "stories:read"}, sync_to_thread=True)
def list_voices(place: NamedDependency[Place]) -> Many[VoiceAnswer]:
    """List the narrators' voices and what they speak."""
    catalog = load_catalog()
    return Many(
        data=[
            VoiceAnswer(
                name=voice,
                model=spec.id,
                locales=list(spec.limits.languages),
                licence=spec.licence,
                profiles=_profiles(catalog, spec),
                installed=_bytes(place, spec) is not None,
            )
            for spec in catalog.models.values()
            if spec.role == "narrator"
            for voice in spec.limits.voices
        ]
    )


@get("/profiles", opt={"access": "stories:read"}, sync_to_thread=True)
def list_profiles(place: NamedDependency[Place]) -> Many[ProfileAnswer]:
    """List the profiles: a model per role, and what they need."""
    from engine.machine import this_machine

    catalog = load_catalog()
    default = catalog.profile(place.settings.profile, this_machine().vram_gb).name
    return Many(
        data=[
            ProfileAnswer(
                name=profile.name,
                about=profile.about,
                models={role: model for role, model in profile.models.items()},
                short_side=profile.short_side,
                fps=profile.fps,
                vram_gb=profile.vram_gb,
                ready=all(_bytes(place, catalog.model(model)) is not None for model in profile.models.values()),
                default=profile.name == default,
            )
            for profile in catalog.profiles.values()
        ]
    )


def _model(place: Place, catalog: Catalog, spec: ModelSpec) -> ModelAnswer:
    size = _bytes(place, spec)
    return ModelAnswer(
        id=spec.id,
        role=spec.role,
        family=spec.family,
        profiles=_profiles(catalog, spec),
        licence=spec.licence,
        commercial=spec.commercial,
        attribution=spec.attribution,
        about=spec.about,
        notice=spec.notice,
        vram_gb=spec.vram_gb,
        installed=size is not None,
        bytes=size or 0,
    )


def _profiles(catalog: Catalog, spec: ModelSpec) -> list[str]:
    return [profile.name for profile in catalog.profiles.values() if spec.id in profile.models.values()]


def _bytes(place: Place, spec: ModelSpec) -> int | None:
    """Of its files; 0 if it has none; None if they are not here."""
    try:
        path = find_weights(spec, place.settings.home)
    except ModelMissing:
        return None
    if path is None:
        return 0
    return size_of(path) if path.exists() else None


HANDLERS = (list_models, list_voices, list_profiles)
