"""`reelhouse users`: made, listed, given credits and disabled from the machine itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from engine.commands.answer import print_json, print_text
from engine.commands.flags import Json
from server.commands.at_place import Data, place_at

if TYPE_CHECKING:
    from server.accounts.models import User

users_app = typer.Typer(name="users", help="Users: create, list, grant credits, disable.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="The user's e-mail address.", metavar="EMAIL")]
Credits = Annotated[int | None, typer.Option(help="Instead of the configured grant.")]
Admin = Annotated[bool, typer.Option("--admin", help="May look after users.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin, its first line.")]
Amount = Annotated[int, typer.Argument(help="Credits to add.", metavar="N")]


@users_app.command(epilog="Example: reelhouse users create director@example.com --admin")
def create(
    context: typer.Context,
    email: Email,
    credits: Credits = None,
    admin: Admin = False,
    password_stdin: FromStdin = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Create a user; the password is asked for, or read with --password-stdin."""
    from server.accounts.passwords import hash_password
    from server.accounts.users import create_user

    password = _read_line() if password_stdin else _ask()
    with place_at(context, data) as place:
        granted = place.settings.credits_grant if credits is None else credits
        hashed = hash_password(password)
        with place.db.writing() as session:
            user = create_user(session, email, hashed, credits=granted, admin=admin)
    _tell(user, json)


@users_app.command("list", epilog="Example: reelhouse users list --json")
def list_all(context: typer.Context, data: Data = None, json: Json = False) -> None:
    """List all users, oldest first."""
    from server.accounts.documents import user_document
    from server.accounts.users import list_users

    with place_at(context, data) as place, place.db.reading() as session:
        users, _ = list_users(session)
    if json:
        print_json({"data": [user_document(user) for user in users]})
        return
    for user in users:
        print_text(_line(user))


@users_app.command(epilog="Example: reelhouse users grant director@example.com 500")
def grant(context: typer.Context, email: Email, amount: Amount, data: Data = None, json: Json = False) -> None:
    """Add credits to a user's balance."""
    from server.accounts import users

    with place_at(context, data) as place, place.db.writing() as session:
        user = users.grant(session, users.find_user(session, email).id, amount)
    _tell(user, json)


@users_app.command(epilog="Example: reelhouse users disable director@example.com")
def disable(context: typer.Context, email: Email, data: Data = None, json: Json = False) -> None:
    """End a user's sessions and stop their keys; their films stay."""
    from server.accounts import users

    with place_at(context, data) as place, place.db.writing() as session:
        user = users.disable(session, users.find_user(session, email).id)
    _tell(user, json)


def _tell(user: User, json: bool) -> None:
    from server.accounts.documents import user_document

    if json:
        print_json(user_document(user))
    else:
        print_text(_line(user))


def _line(user: User) -> str:
    state = "" if user.disabled_at is None else "  disabled"
    return f"{user.email}  {user.role}  {user.balance} credits{state}"


def _ask() -> str:
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)


def _read_line() -> str:
    """The first line, without its end: `echo` and password managers add one."""
    return sys.stdin.buffer.readline().decode("utf-8", "surrogateescape").rstrip("\r\n")
