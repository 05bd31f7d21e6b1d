"""`reelhouse models export` and `import`: models in one file, for machines without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.commands.answer import print_json, print_text, say
from engine.commands.flags import Json
from engine.commands.models import around, describe_model
from engine.commands.models_network import Accepted, AtQuality, Models, OfProfile, shown_progress, wanted

EXPORT_EXAMPLE = "Example: reelhouse models export qwen3-4b --out models.reelpack"
IMPORT_EXAMPLE = "Example: reelhouse models import models.reelpack"

Out = Annotated[Path, typer.Option(help="Where the pack goes.")]
Pack = Annotated[Path, typer.Argument(help="A pack that `reelhouse models export` wrote.", metavar="PACK")]


def export_models(
    context: typer.Context,
    out: Out,
    models: Models = None,
    profile: OfProfile = None,
    quality: AtQuality = None,
    json: Json = False,
) -> None:
    """Write models that are on this machine into one file. The same models give the same bytes."""
    from engine.artifacts import file_hash
    from engine.packs import export_pack
    from engine.weights import fetched_folder

    catalog, home = around(context)
    specs = wanted(catalog, models, profile, quality)
    if not models:
        specs = [spec for spec in specs if fetched_folder(spec, home) is not None]
    with shown_progress("export") as shown:
        size = export_pack(specs, home, out, lambda done, total: shown(out.name, done, total))
    digest = file_hash(out)
    if json:
        print_json({"pack": out, "bytes": size, "sha256": digest, "models": [spec.id for spec in specs]})
    else:
        print_text(f"{out}: {', '.join(spec.id for spec in specs)}, {size / 1e6:.1f} MB, SHA-256 {digest}")


def import_models(context: typer.Context, pack: Pack, accept_licence: Accepted = None, json: Json = False) -> None:
    """Install the models of a pack, all of them or none. Needs no network."""
    from engine.consent import read_notice
    from engine.packs import import_pack

    catalog, home = around(context)
    with shown_progress("import") as shown:
        specs = import_pack(
            pack,
            catalog,
            home,
            allow=lambda spec: read_notice(spec, home, accept_licence or (), say),
            say=say,
            progress=lambda done, total: shown(pack.name, done, total),
        )
    if json:
        print_json({"models": [describe_model(spec, catalog, home) for spec in specs]})
    for spec in specs if not json else ():
        print_text(f"{spec.id}: whole and verified, in {describe_model(spec, catalog, home).path}")
