"""`reelhouse review`: a film that is there already, looked at again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.commands.answer import print_json, print_text, stdout_reserved
from engine.commands.flags import Json

EXAMPLE = "Example: reelhouse review film.mp4"
Place = Annotated[
    Path, typer.Argument(help="A film, or the work folder of one, of which more is known.", metavar="PLACE")
]


def review(place: Place, json: Json = False) -> None:
    """Look at a finished film as viewers will: pictures, sound, captions, chapters; exit 1 if something is found."""
    from engine.reviewing.kept import review_again

    with stdout_reserved():
        title, found = review_again(place.expanduser().absolute())
    if json:
        print_json(found)
    else:
        print_text(f"{title}: {len(found.checks)} checks, {len(found.findings)} findings")
        for finding in found.findings:
            at = "" if finding.at is None else f" (at {finding.at:.1f} s)"
            print_text(f"{finding.check}: {finding.sentence}{at}")
    if not found.passed:
        raise typer.Exit(1)
