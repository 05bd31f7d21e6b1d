"""Connections to SQLite or PostgreSQL, and transactions. Knows no table.

SQLite comes with the wheel `pysqlite3`: the one in CPython may be of the versions that corrupt a database in WAL mode
with several writers (https://www.sqlite.org/wal.html, fixed in 3.51.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, func, make_url, select
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from engine.errors import BadSetting

BUSY_SECONDS = 15
"""How long a writer waits for another one before the database counts as locked."""
POOL, OVERFLOW = 16, 48


class Database:
    """`reading()` and `writing()` are one transaction each; a promise is kept in one `writing()`."""

    def __init__(self, url: str, *, durable: bool = True) -> None:
        """`durable` False: a crash of the machine may lose the last seconds; for counters that nobody misses."""
        self.url = _with_driver(url)
        self.engine = _sqlite(self.url, durable) if self.is_sqlite else _postgres(self.url)
        self._reading = sessionmaker(self.engine, expire_on_commit=False)
        self._writing = sessionmaker(self.engine.execution_options(writing=True), expire_on_commit=False)
        self._asking = self.engine.execution_options(asking=True)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._reading() as session:
            yield session

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """For single questions on a hot path, below the mapper: in SQLite each statement sees what is there when it
        is asked, and costs a third of one in a transaction of its own."""
        with self._asking.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Committed at the end of the block, undone if it raises. In SQLite it has the file to itself from the start,
        so that nothing that was read can have changed when it writes."""
        with self._writing.begin() as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()


def wait_turn(session: Session, name: str) -> None:
    """From here to the end of this transaction, whoever else asks for a turn at `name` waits. SQLite needs no such
    lock: there, who writes is alone."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def sqlite_url(path: Path) -> str:
    return f"sqlite:////{str(path.absolute()).lstrip('/')}"


def _with_driver(text: str) -> URL:
    """Raises `BadSetting` for what is neither SQLite nor PostgreSQL."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise BadSetting(
            "REELHOUSE_DATABASE_URL is no URL such as sqlite:////path or postgresql://host/name."
        ) from error
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database:
        return url.set(drivername="sqlite")
    raise BadSetting("REELHOUSE_DATABASE_URL must begin with sqlite:////path or postgresql://.")


def _postgres(url: URL) -> Engine:
    # A connection that a restarted server has closed is noticed and replaced before it is used.
    return create_engine(url, pool_size=POOL, max_overflow=OVERFLOW, pool_pre_ping=True, pool_recycle=1800)


def _sqlite(url: URL, durable: bool) -> Engine:
    from pysqlite3 import dbapi2

    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        module=dbapi2,
        pool_size=POOL,
        max_overflow=OVERFLOW,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # The driver must not begin transactions of its own: `begin` below does, of the right kind.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # FULL: what was accepted is on the disk before it is answered.
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if "asking" not in options:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if "writing" in options else "BEGIN")

    return engine
