"""POST /series-assets/ensure-character-image: what a character of a series looks like."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from server.accounts.caller import Caller
from server.api.origin import base_url
from server.api.v1.structs import Given, Id, Taken
from server.media.library import url_of
from server.place import Place
from server.series import service

BODY_LIMIT = 30_000_000
"""Bytes: a picture of 20 MB as a `data:` URL is a third larger."""


class CharacterImageBody(Taken, frozen=True):
    """`imageUrl` is fetched once: PNG, JPEG or WebP, 64 to 8192 pixels a side, 20 MB at most; or a `data:` URL."""

    series_id: Id
    character_name: Annotated[str, Meta(min_length=1, max_length=service.LONGEST)]
    image_url: Annotated[str, Meta(min_length=1)]


class CharacterImageAnswer(Given, frozen=True):
    """`imageUrl` is this server's own; `created` tells whether the character was new."""

    id: str
    series_id: str
    character_name: str
    image_url: str
    created: bool


@post(
    "/series-assets/ensure-character-image",
    status_code=200,
    opt={"access": "stories:generate", "body_limit": BODY_LIMIT},
    sync_to_thread=True,
)
def ensure_character_image(
    request: Request[Any, Any, Any],
    place: NamedDependency[Place],
    caller: NamedDependency[Caller],
    data: JSONBody[CharacterImageBody],
) -> CharacterImageAnswer:
    """Store a character's picture. The same again changes nothing; another takes its place for later stories."""
    character, created = service.ensure_character_image(
        place, caller.user_id, data.series_id, data.character_name, data.image_url
    )
    return CharacterImageAnswer(
        id=character.id,
        series_id=character.series_id,
        character_name=character.name,
        image_url=url_of(base_url(request, place.settings), character.image_id or "", service.SUFFIX),
        created=created,
    )


HANDLERS = [ensure_character_image]
