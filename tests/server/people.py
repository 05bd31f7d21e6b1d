"""People with accounts, and the place where they have them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from server.accounts import passwords
from server.accounts.keys import create_key
from server.accounts.users import create_user
from server.ids import cuid
from server.place import Place, open_place
from server.settings import Settings

PASSWORD = "correct horse battery"

# argon2id all the same, a hundred times as fast: every test has people, and many of them log in.
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=256, parallelism=1)


@contextmanager
def place_on(database_url: str, folder: Path, **settings: Any) -> Iterator[Place]:
    """A server's place with its tables in `database_url` and its files below `folder`."""
    place = open_place(Settings(data=folder / "data", database_url=database_url, **settings))
    try:
        yield place
    finally:
        place.close()


def add_user(place: Place, email: str = "ada@example.com", *, admin: bool = False, credits: int = 1000) -> str:
    hashed = passwords.hash_password(PASSWORD)
    with place.db.writing() as session:
        return create_user(session, email, hashed, credits=credits, admin=admin).id


def a_user(place: Place, name: str | None = None, credits: int = 1000) -> str:
    """Anybody, where it does not matter who."""
    return add_user(place, f"{name or cuid()}@example.com", credits=credits)


def add_key(place: Place, user_id: str, *scopes: str) -> str:
    with place.db.writing() as session:
        return create_key(session, user_id, "test", scopes or None)[1]


def at_once(calls: Sequence[Callable[[], object]]) -> None:
    """Make all calls, each in a thread of its own, and wait until they are done."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        gate.wait()
        call()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
