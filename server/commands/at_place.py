"""Where a management command finds the server's data, and how it tells what went wrong there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import msgspec
import typer

from engine.commands.surroundings import Surroundings
from engine.errors import ReelhouseError, UsageError

if TYPE_CHECKING:
    from server.errors import ServerError
    from server.place import Place
    from server.settings import Settings

Data = Annotated[Path | None, typer.Option("--data", help="The server's data folder; else REELHOUSE_DATA.")]


def settings_at(context: typer.Context, data: Path | None) -> Settings:
    around: Surroundings = context.obj
    settings = cast("Settings", around.settings())
    return settings if data is None else msgspec.structs.replace(settings, data=data)


@contextmanager
def place_at(context: typer.Context, data: Path | None) -> Iterator[Place]:
    """Open the data folder `data`, else the configured one. What the server's rooms raise in the block is told as a
    command tells it: one sentence, exit 2 for what was asked wrongly, else 1."""
    from sqlalchemy.exc import DBAPIError

    from server.errors import ServerError
    from server.place import open_place

    try:
        place = open_place(settings_at(context, data))
        try:
            yield place
        finally:
            place.close()
    except ServerError as error:
        raise _as_told(error) from error
    except DBAPIError as error:
        told = ReelhouseError(f"The database does not answer: {str(error.orig).splitlines()[0]}.")
        told.code = "unavailable"
        raise told from error


def _as_told(error: ServerError) -> ReelhouseError:
    told = (UsageError if error.status == 400 else ReelhouseError)(error.message)
    told.code = error.code
    return told
