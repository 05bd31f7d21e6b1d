"""Admins look after users: list, make, grant credits, disable, reset a password."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from server.accounts import users
from server.accounts.credits import MOST
from server.accounts.documents import UserDocument, user_document
from server.accounts.passwords import hash_password
from server.api.v1.paging import USUALLY_PER_PAGE, Limit, Page
from server.api.v1.session import Email, Password
from server.api.v1.structs import PageOf, Taken, pagination
from server.place import Place

TAGS = ["Users"]


class NewUser(Taken, frozen=True):
    """`credits` absent: the configured grant."""

    email: Email
    password: Password
    credits: Annotated[int, Meta(ge=0, le=MOST, examples=[1000])] | None = None
    role: Literal["user", "admin"] | None = None


class UserChange(Taken, frozen=True):
    """What is to happen to a user; what is absent stays."""

    grant: Annotated[int, Meta(ge=1, le=MOST, description="Credits to add.")] | None = None
    disabled: Annotated[bool, Meta(description="true ends all sessions and stops all keys.")] | None = None
    password: Password | None = None


@get(
    "/users",
    sync_to_thread=True,
    opt={"access": "admin"},
    operation_id="listUsers",
    summary="List users",
    description="Oldest first.",
    tags=TAGS,
)
def list_users(place: NamedDependency[Place], page: Page = 1, limit: Limit = USUALLY_PER_PAGE) -> PageOf[UserDocument]:
    with place.db.reading() as session:
        rows, total = users.list_users(session, page, limit)
        return PageOf(data=[user_document(user) for user in rows], pagination=pagination(page, limit, total))


@post(
    "/users",
    sync_to_thread=True,
    opt={"access": "admin"},
    operation_id="createUser",
    summary="Create a user",
    description="With `credits`, or else the configured grant. An address that is taken: 409.",
    tags=TAGS,
)
def create_user(place: NamedDependency[Place], data: JSONBody[NewUser]) -> UserDocument:
    granted = place.settings.credits_grant if data.credits is None else data.credits
    hashed = hash_password(data.password)
    with place.db.writing() as session:
        user = users.create_user(session, data.email, hashed, credits=granted, admin=data.role == "admin")
        return user_document(user)


@patch(
    "/users/{user_id:str}",
    sync_to_thread=True,
    opt={"access": "admin"},
    operation_id="changeUser",
    summary="Grant credits, disable, reset a password",
    description="All that is given happens, or nothing does. A new password ends the user's sessions.",
    tags=TAGS,
)
def change_user(place: NamedDependency[Place], user_id: FromPath[str], data: JSONBody[UserChange]) -> UserDocument:
    hashed = None if data.password is None else hash_password(data.password)
    with place.db.writing() as session:
        user = users.user_of(session, user_id)
        if hashed is not None:
            users.reset_password(session, user_id, hashed)
        if data.disabled is not None:
            (users.disable if data.disabled else users.enable)(session, user_id)
        if data.grant is not None:
            users.grant(session, user_id, data.grant)
        return user_document(user)


HANDLERS = [list_users, create_user, change_user]
