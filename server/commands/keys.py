"""`reelhouse keys`: API keys made, listed and revoked from the machine itself."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.commands.answer import print_json, print_text, say
from engine.commands.flags import Json
from server.commands.at_place import Data, place_at

keys_app = typer.Typer(name="keys", help="API keys: create, list, revoke.", no_args_is_help=True)

Owner = Annotated[str, typer.Option("--user", help="Whose key it is: an e-mail address.", metavar="EMAIL")]
OfUser = Annotated[str | None, typer.Option("--user", help="Only this user's.", metavar="EMAIL")]
Name = Annotated[str, typer.Option(help="What the key is called.")]
Scopes = Annotated[
    list[str] | None,
    typer.Option("--scope", help="stories:generate, stories:read or assets:read; may be repeated. Else all three."),
]
KeyId = Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.", metavar="KEY_ID")]


@keys_app.command(epilog="Example: reelhouse keys create --user director@example.com --name studio")
def create(
    context: typer.Context, user: Owner, name: Name, scope: Scopes = None, data: Data = None, json: Json = False
) -> None:
    """Create an API key and print it, this once."""
    from server.accounts.documents import new_key_document
    from server.accounts.keys import create_key
    from server.accounts.users import find_user

    with place_at(context, data) as place, place.db.writing() as session:
        row, whole = create_key(session, find_user(session, user).id, name, scope or None)
    if json:
        print_json(new_key_document(row, whole))
        return
    say(f"{row.id}, for {', '.join(row.scopes)}. Keep the key: it is not shown again.")
    print_text(whole)


@keys_app.command("list", epilog="Example: reelhouse keys list --user director@example.com --json")
def list_all(context: typer.Context, user: OfUser = None, data: Data = None, json: Json = False) -> None:
    """List API keys, newest first, revoked ones too."""
    from server.accounts.documents import key_document
    from server.accounts.keys import list_keys
    from server.accounts.users import find_user

    with place_at(context, data) as place, place.db.reading() as session:
        keys = list_keys(session, None if user is None else find_user(session, user).id)
    if json:
        print_json({"data": [key_document(key) for key in keys]})
        return
    for key in keys:
        state = "" if key.revoked_at is None else "  revoked"
        print_text(f"{key.id}  {key.prefix}…  {', '.join(key.scopes)}  {key.name}{state}")


@keys_app.command(epilog="Example: reelhouse keys revoke key_4h0p2s8d6k1v9x3m7q5z")
def revoke(context: typer.Context, key_id: KeyId, data: Data = None, json: Json = False) -> None:
    """Refuse an API key from now on. Again: the same."""
    from server.accounts.documents import RevokedDocument
    from server.accounts.keys import revoke_key

    with place_at(context, data) as place, place.db.writing() as session:
        row = revoke_key(session, None, key_id)
    if json:
        print_json(RevokedDocument(id=row.id))
    else:
        print_text(f"{row.id} is revoked")
