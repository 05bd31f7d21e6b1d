"""Migrations go up, down and up again with data in the tables, once however many start, and end at the models."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select

from server.accounts.limit_models import LimitTable
from server.db.database import Database
from server.db.migrate import current, downgrade, head, upgrade
from server.db.tables import METADATA
from tests.conftest import ROOT
from tests.server.invariants import broken
from tests.server.making import a_place, submit
from tests.server.people import a_user

pytest_plugins = ["tests.server.databases"]

MIGRATE = "import sys; from server.db.database import Database; from server.db.migrate import upgrade; " + (
    "upgrade(Database(sys.argv[1]))"
)


@pytest.fixture
def db(database_url):
    db = Database(database_url)
    yield db
    db.close()


def tables(db: Database) -> set[str]:
    """Without those that no migration makes: its own, and the rate limits', which nobody misses."""
    return set(inspect(db.engine).get_table_names()) - {"alembic_version", *LimitTable.metadata.tables}


def revision(db: Database) -> str | None:
    with db.engine.connect() as connection:
        return current(connection)


def test_from_nothing_up_to_the_models_and_down_to_nothing(db):
    assert revision(db) is None
    upgrade(db)
    assert revision(db) == head()
    assert tables(db) == set(METADATA.tables)
    downgrade(db, "base")
    assert tables(db) == set()
    upgrade(db)
    assert tables(db) == set(METADATA.tables)


def test_what_migrations_make_is_what_the_models_say(db):
    upgrade(db)
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_migrating_what_is_up_to_date_changes_nothing(db, tmp_path, database_url):
    place = a_place(tmp_path, database_url=database_url)
    submit(place, a_user(place))
    upgrade(db)
    assert rows(place.db) == {"users": 1, "jobs": 1, "credits": 2, "job_events": 1}
    place.close()


def test_tables_with_data_go_down_and_come_up_empty_and_in_use(db, tmp_path, database_url):
    place = a_place(tmp_path, database_url=database_url)
    submit(place, a_user(place), webhook_url="http://example.org/")
    downgrade(db, "base")
    assert tables(db) == set()
    upgrade(db)
    assert rows(place.db) == {}
    submit(place, a_user(place))
    assert rows(place.db) == {"users": 1, "jobs": 1, "credits": 2, "job_events": 1}
    place.close()


def test_jobs_and_their_events_survive_the_way_down_and_up_by_one(db, tmp_path, database_url):
    place = a_place(tmp_path, database_url=database_url)
    submit(place, a_user(place))
    before = rows(place.db)
    downgrade(db, "0001")
    assert "review" not in {column["name"] for column in inspect(db.engine).get_columns("jobs")}
    upgrade(db)
    assert rows(place.db) == before
    place.close()


def test_processes_that_migrate_at_once_do_it_once(db, database_url):
    processes = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, database_url], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [process.communicate()[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    assert revision(db) == head()
    assert tables(db) == set(METADATA.tables)


def test_a_place_that_was_never_used_breaks_nothing(tmp_path, database_url):
    place = a_place(tmp_path, database_url=database_url)
    assert broken(place) == []
    place.close()


def rows(db: Database) -> dict[str, int]:
    """How many rows each table has that has any."""
    with db.reading() as session:
        counts = {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in METADATA.tables.items()
        }
    return {name: count for name, count in counts.items() if count}
