"""A person's API keys: listed, made, revoked. The whole key is in one answer only."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from server.accounts import keys
from server.accounts.caller import Caller
from server.accounts.documents import (
    KeyDocument,
    NewKeyDocument,
    RevokedDocument,
    key_document,
    new_key_document,
)
from server.accounts.models import SCOPES
from server.api.v1.structs import Many, Taken
from server.place import Place

TAGS = ["API keys"]


class NewKey(Taken, frozen=True):
    """`scopes` absent: all three."""

    name: Annotated[str, Meta(min_length=1, max_length=keys.LONGEST_NAME, examples=["My integration"])]
    scopes: Annotated[list[str], Meta(max_length=20, examples=[list(SCOPES)])] | None = None


@get(
    "/api-keys",
    sync_to_thread=True,
    opt={"access": "session"},
    operation_id="listApiKeys",
    summary="List your API keys",
    description="Newest first, revoked ones too. Their secret part is shown by nothing.",
    tags=TAGS,
)
def list_keys(place: NamedDependency[Place], caller: NamedDependency[Caller]) -> Many[KeyDocument]:
    with place.db.reading() as session:
        return Many(data=[key_document(key) for key in keys.list_keys(session, caller.user_id)])


@post(
    "/api-keys",
    sync_to_thread=True,
    opt={"access": "session"},
    operation_id="createApiKey",
    summary="Create an API key",
    description="`key` is the whole key, shown this once. Without `scopes` it gets all three.",
    tags=TAGS,
)
def create_key(
    place: NamedDependency[Place], caller: NamedDependency[Caller], data: JSONBody[NewKey]
) -> NewKeyDocument:
    with place.db.writing() as session:
        return new_key_document(*keys.create_key(session, caller.user_id, data.name, data.scopes))


@delete(
    "/api-keys/{key_id:str}",
    status_code=200,
    sync_to_thread=True,
    opt={"access": "session"},
    operation_id="revokeApiKey",
    summary="Revoke an API key",
    description="It is refused from then on. Again: the same answer.",
    tags=TAGS,
)
def revoke_key(
    place: NamedDependency[Place], caller: NamedDependency[Caller], key_id: FromPath[str]
) -> RevokedDocument:
    with place.db.writing() as session:
        return RevokedDocument(id=keys.revoke_key(session, caller.user_id, key_id).id)


HANDLERS = [list_keys, create_key, revoke_key]
