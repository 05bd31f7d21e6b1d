"""Brings the tables of a database up to date, and says whether they are. Migrations are in `migrations/versions`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from server.db.database import Database

SCRIPTS = Path(__file__).resolve().parent / "migrations"
LOCK_NUMBER = 0x7265656C  # "reel": PostgreSQL's advisory locks are numbers


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config


def upgrade(db: Database, revision: str = "head") -> None:
    """Migrate to `revision`. Several processes may do so at once: the first one does it, the others wait."""
    with _alone(db) as connection:
        if current(connection) != _resolved(revision):
            command.upgrade(_with(connection), revision)


def create(db: Database, tables: MetaData) -> None:
    """Create those of `tables` that are missing. Several processes may do so at once, as with `upgrade`."""
    with _alone(db) as connection:
        tables.create_all(connection)


@contextmanager
def _alone(db: Database) -> Iterator[Connection]:
    with db.engine.execution_options(writing=True).begin() as connection:
        if not db.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK_NUMBER})
        yield connection


def downgrade(db: Database, revision: str) -> None:
    with db.engine.execution_options(writing=True).begin() as connection:
        command.downgrade(_with(connection), revision)


def current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    return ScriptDirectory.from_config(configuration()).get_current_head()


def known_revisions() -> set[str]:
    """Every one that this release can bring up to date."""
    return {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}


def _resolved(revision: str) -> str | None:
    return head() if revision == "head" else revision


def _with(connection: Connection) -> Config:
    config = configuration()
    config.attributes["connection"] = connection
    return config
