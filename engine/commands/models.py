"""`reelhouse models`: what models.yaml names, what of it is on this machine, and whether it is unaltered."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.commands.answer import print_json, print_text, say, stdout_reserved
from engine.commands.flags import Json
from engine.commands.surroundings import Surroundings
from engine.errors import ModelCorrupt, ModelMissing
from engine.types import Camel

if TYPE_CHECKING:
    from engine.catalog import Catalog, ModelSpec

models_app = typer.Typer(
    name="models", help="Models: list, pull, pin, verify, build, export, import.", no_args_is_help=True
)

Ids = Annotated[list[str] | None, typer.Argument(help="Ids of models.yaml; else all.", metavar="[MODEL]...")]


class ModelRow(Camel, frozen=True):
    """`path` None: it comes with its Python package's code, nothing to keep. `bytes` are of its weights on disk."""

    id: str
    role: str
    family: str
    profiles: tuple[str, ...]
    licence: str
    commercial: bool
    attribution: str
    about: str
    notice: str
    vram_gb: float | None
    memory: str | None
    opt_in: bool
    pinned: bool
    revision: str | None
    present: bool
    path: str | None
    bytes: int
    sha256: dict[str, str]


class VerifiedFile(Camel, frozen=True):
    file: str
    bytes: int
    sha256: str
    problem: str | None


class VerifiedModel(Camel, frozen=True):
    """`state`: unaltered, built_in (no weights to look at), missing or corrupt."""

    id: str
    state: str
    message: str
    files: tuple[VerifiedFile, ...] = ()


@models_app.command("list", epilog="Example: reelhouse models list --json")
def list_models(context: typer.Context, json: Json = False) -> None:
    """List the profiles and models with sizes, licences and hashes."""
    from engine.absence import bytes_to_pull

    catalog, home = around(context)
    rows = [describe_model(spec, catalog, home) for spec in catalog.models.values()]
    if json:
        print_json({"profiles": list(catalog.profiles.values()), "models": rows})
        return
    for profile in catalog.profiles.values():
        print_text(f"{profile.name:10} {profile.about}")
    print_text("")
    names = max(len(row.id) for row in rows)
    for row in rows:
        size = "not here" if not row.present else f"{row.bytes / 2**20:.1f} MB" if row.path else "built in"
        limits = "" if row.commercial else ", not for commercial use"
        limits += "" if row.pinned else ", not pinned"
        to_pull = None if row.present else bytes_to_pull(catalog.model(row.id))
        limits += f" ({in_gb(to_pull)} to pull)" if to_pull else ""
        print_text(f"{row.id:{names}}  {row.role:9} {row.family:8} {size:>10}  {row.licence}{limits}")


@models_app.command(epilog="Example: reelhouse models verify smollm2-135m")
def verify(context: typer.Context, models: Ids = None, json: Json = False) -> None:
    """Hash every file of the models and compare; exit 1 if one is altered, or a model that was named is missing."""
    catalog, home = around(context)
    results = [verify_one(spec, home) for spec in chosen(catalog, models)]
    if json:
        print_json({"models": results})
    tell = say if json else print_text
    absent = [result for result in results if result.state == "missing"]
    for result in results:
        if models or result not in absent:
            tell(f"{result.id}: {result.message}")
    if absent and not models:
        tell(f"{len(absent)} more of models.yaml are not on this machine: `reelhouse models list` names them")
    if any(result.state == "corrupt" or (models and result.state == "missing") for result in results):
        raise typer.Exit(1)


@models_app.command(epilog="Example: reelhouse models build")
def build(context: typer.Context, models: Ids = None, json: Json = False) -> None:
    """Build the toy weights of the profile tiny under REELHOUSE_HOME; those that are there are left alone."""
    import importlib

    catalog, home = around(context)
    toys = [spec.weights.toy for spec in chosen(catalog, models) if spec.weights and spec.weights.toy]
    with stdout_reserved():
        importlib.import_module("engine.backends.toys").build_toys(home, toys, _tell_built)
    if json:
        print_json({"models": [describe_model(s, catalog, home) for s in chosen(catalog, models) if s.weights]})
    else:
        print_text(f"{', '.join(toys) or 'nothing to build'}: ready in {home / 'toys'}")


def around(context: typer.Context) -> tuple[Catalog, Path]:
    around: Surroundings = context.obj
    return around.catalog(), around.settings().home


def in_gb(size: int) -> str:
    """A size on the way or on disk, in thousands as networks and disks are sold by."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _tell_built(name: str, done: int, total: int) -> None:
    say(f"{done} of {total}: {name}")


def chosen(catalog: Catalog, ids: Iterable[str] | None) -> list[ModelSpec]:
    """The entries of these ids, all if there are none. Raises `BadCatalog` naming the known ones."""
    return [catalog.model(model_id) for model_id in ids] if ids else list(catalog.models.values())


def describe_model(spec: ModelSpec, catalog: Catalog, home: Path) -> ModelRow:
    from engine.estimate import size_of
    from engine.weights import find_weights

    try:
        path = find_weights(spec, home)
        present = path is None or path.exists()
    except ModelMissing:
        path, present = None, False
    return ModelRow(
        id=spec.id,
        role=spec.role,
        family=spec.family,
        profiles=tuple(p.name for p in catalog.profiles.values() if spec.id in p.models.values()),
        licence=spec.licence,
        commercial=spec.commercial,
        attribution=spec.attribution,
        about=spec.about,
        notice=spec.notice,
        vram_gb=spec.vram_gb,
        memory=spec.memory,
        opt_in=spec.opt_in,
        pinned=spec.pinned,
        revision=spec.weights.revision if spec.weights else None,
        present=present,
        path=None if path is None else str(path),
        bytes=size_of(path) if path is not None and present else 0,
        sha256=spec.weights.sha256 if spec.weights else {},
    )


def verify_one(spec: ModelSpec, home: Path) -> VerifiedModel:
    from engine.weights import verify_model

    try:
        findings = verify_model(spec, home)
    except ModelMissing as error:
        return VerifiedModel(id=spec.id, state="missing", message=error.message)
    except ModelCorrupt as error:
        return VerifiedModel(id=spec.id, state="corrupt", message=error.message)
    files = tuple(VerifiedFile(file=f.file, bytes=f.size, sha256=f.sha256, problem=f.problem) for f in findings)
    problems = [f"{file.file} {file.problem}" for file in files if file.problem]
    if problems:
        from engine.weights import repair

        return VerifiedModel(id=spec.id, state="corrupt", message=f"{'; '.join(problems)}: {repair(spec)}", files=files)
    if not files:
        return VerifiedModel(id=spec.id, state="built_in", message="comes with its code, no weights to verify")
    size = sum(file.bytes for file in files) / 2**20
    return VerifiedModel(id=spec.id, state="unaltered", message=f"{len(files)} files, {size:.1f} MB, good", files=files)
