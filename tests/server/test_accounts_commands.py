"""`reelhouse users` and `reelhouse keys`: what they do, answer and refuse."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli import build_app, run
from server.accounts.keys import caller_of_key
from server.accounts.logins import log_in
from server.commands.keys import keys_app
from server.commands.users import users_app
from server.errors import Unauthorized
from server.place import Place, open_place
from server.settings import Settings
from tests.server.people import PASSWORD

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def command(data: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run one command line; exit code, stdout, stderr. `typed` is what stdin holds."""
    app = build_app(Settings)
    app.add_typer(users_app)
    app.add_typer(keys_app)

    def run_it(*arguments: str, typed: bytes = PASSWORD.encode() + b"\n") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed)))
        code = run(app, [*arguments, "--data", str(data)])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run_it


@pytest.fixture
def place(data: Path) -> Iterator[Place]:
    place = open_place(Settings(data=data))
    yield place
    place.close()


def answer(done: tuple[int, str, str]) -> Any:
    code, out, err = done
    assert code == 0, err
    return json.loads(out)


def test_users_are_created_listed_granted_and_disabled(command: Command, place: Place) -> None:
    ada = answer(command("users", "create", "Ada@Example.com", "--admin", "--password-stdin", "--json"))
    assert list(ada) == ["id", "email", "role", "balance", "disabledAt", "createdAt"]
    assert (ada["email"], ada["role"], ada["balance"]) == ("ada@example.com", "admin", 1000)
    grace = answer(command("users", "create", "grace@example.com", "--credits", "0", "--password-stdin", "--json"))
    assert (grace["role"], grace["balance"]) == ("user", 0)
    assert answer(command("users", "grant", "grace@example.com", "50", "--json"))["balance"] == 50
    assert log_in(place, "grace@example.com", PASSWORD).user.id == grace["id"]
    assert answer(command("users", "disable", "grace@example.com", "--json"))["disabledAt"].endswith("Z")
    with pytest.raises(Unauthorized):
        log_in(place, "grace@example.com", PASSWORD)
    listed = answer(command("users", "list", "--json"))["data"]
    assert [user["email"] for user in listed] == ["ada@example.com", "grace@example.com"]
    code, out, _ = command("users", "list")
    assert code == 0
    assert out.splitlines() == ["ada@example.com  admin  1000 credits", "grace@example.com  user  50 credits  disabled"]


@pytest.mark.parametrize("typed", ["пароль-🦊".encode(), "пароль-🦊\n".encode(), "пароль-🦊\r\nmore".encode()])
def test_a_password_from_stdin_is_its_first_line(command: Command, place: Place, typed: bytes) -> None:
    assert command("users", "create", "ada@example.com", "--password-stdin", typed=typed)[0] == 0
    assert log_in(place, "ada@example.com", "пароль-🦊").token


def test_keys_are_created_listed_and_revoked(command: Command, place: Place) -> None:
    command("users", "create", "ada@example.com", "--password-stdin")
    scopes = ("--scope", "stories:read", "--scope", "assets:read")
    made = answer(command("keys", "create", "--user", "ada@example.com", "--name", "studio", *scopes, "--json"))
    assert list(made) == ["id", "key", "name", "keyPrefix", "scopes"]
    assert made["scopes"] == ["stories:read", "assets:read"]
    with place.db.reading() as session:
        assert caller_of_key(session, made["key"]).scopes == {"stories:read", "assets:read"}
    [listed] = answer(command("keys", "list", "--user", "ada@example.com", "--json"))["data"]
    assert (listed["id"], listed["revokedAt"]) == (made["id"], None)
    assert made["key"] not in command("keys", "list")[1]
    for _ in range(2):
        assert answer(command("keys", "revoke", made["id"], "--json")) == {"id": made["id"], "revoked": True}
    with place.db.reading() as session, pytest.raises(Unauthorized):
        caller_of_key(session, made["key"])
    assert "revoked" in command("keys", "list")[1]


def test_a_key_alone_is_on_stdout(command: Command, place: Place) -> None:
    command("users", "create", "ada@example.com", "--password-stdin")
    code, out, _ = command("keys", "create", "--user", "ada@example.com", "--name", "studio")
    assert code == 0
    with place.db.reading() as session:
        assert caller_of_key(session, out.strip()).via == "key"


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("users", "grant", "nobody@example.com", "5"), 1, "not_found"),
        (("users", "disable", "ada@example.com"), 1, "conflict"),
        (("users", "create", "ada@example.com", "--password-stdin"), 1, "conflict"),
        (("users", "create", "ada", "--password-stdin"), 2, "bad_request"),
        (("users", "create", "eve@example.com", "--credits", "-1", "--password-stdin"), 2, "bad_request"),
        (("users", "grant", "ada@example.com", "0"), 2, "bad_request"),
        (("users", "grant", "ada@example.com", "many"), 2, "usage"),
        (("keys", "create", "--user", "ada@example.com", "--name", "x", "--scope", "all"), 2, "bad_request"),
        (("keys", "create", "--user", "nobody@example.com", "--name", "x"), 1, "not_found"),
        (("keys", "revoke", "key_nothing"), 1, "not_found"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(
    command: Command, arguments: tuple[str, ...], code: int, error: str
) -> None:
    command("users", "create", "ada@example.com", "--admin", "--password-stdin")
    done, out, err = command(*arguments, "--json")
    assert done == code
    assert json.loads(out)["error"]["code"] == error
    assert "Traceback" not in err
    assert "fault in reelhouse" not in err


def test_a_password_too_short_creates_nobody(command: Command) -> None:
    code, _, err = command("users", "create", "ada@example.com", "--password-stdin", typed=b"short\n")
    assert code == 2
    assert "password: 8 to 1024 characters" in err
    assert answer(command("users", "list", "--json")) == {"data": []}


def test_a_database_that_is_away_is_told_in_one_sentence(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REELHOUSE_DATABASE_URL", f"postgresql://nobody@/none?host={tmp_path}")
    code, out, err = command("users", "list", "--json")
    assert code == 1
    assert json.loads(out)["error"]["code"] == "unavailable"
    assert "The database does not answer" in err
