"""The bell: Huey tells workers that a job waits. It carries a job's id and nothing else; the job table is the truth.

The only importer of huey. Messages are JSON with an HMAC, because Huey's own are pickles: whoever could write the queue
would run code. The task's name is `server.queue.run_job` for ever, or a release would not hear the bells of the last.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
from functools import cache
from typing import Any, NamedTuple

import msgspec
import structlog
from huey import Huey, PostgresHuey, PriorityRedisHuey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage

from engine.errors import BadSetting
from server.place import Place

NAME = "reelhouse"
TASK = "server.queue.run_job"
POLL_SECONDS = 0.5
"""At most so long after a bell does a worker hear it."""

log = structlog.get_logger("queue")


class Bell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a message says."""

    job_id: str


class SignedJson(Serializer):
    """`{"job_id": …}` behind the 64 hex digits of its HMAC-SHA256. What is not signed so is no message."""

    def __init__(self, secret: bytes) -> None:
        super().__init__()
        self._secret = secret

    def _serialize(self, data: Message) -> bytes:
        body = msgspec.json.encode(Bell(job_id=data.args[0]))
        return self._mark(body) + body

    def _deserialize(self, data: bytes) -> Message:
        """Raises `ValueError`; Huey logs it and drops the message."""
        mark, body = bytes(data[:64]), bytes(data[64:])
        if not hmac.compare_digest(mark, self._mark(body)):
            raise ValueError("a message on the queue does not bear this server's mark: it was dropped")
        bell = msgspec.json.decode(body, type=Bell)
        return Message(id=bell.job_id, name=TASK, args=(bell.job_id,), kwargs={}, retries=0, retry_delay=0)

    def _mark(self, body: bytes) -> bytes:
        return hmac.new(self._secret, body, hashlib.sha256).hexdigest().encode()


class QueueFile(SqliteStorage):
    """A queue in a file that may be deleted or replaced: from then on the new file is meant, not the lost one."""

    @property
    def conn(self) -> sqlite3.Connection:
        if self._conn is not None and self._opened != self._file():
            self._conn.close()
            self._conn = None
        return super().conn

    def _create_connection(self) -> sqlite3.Connection:
        connection = super()._create_connection()
        for statement in self.ddl:
            connection.execute(statement)
        self._opened = self._file()
        return connection

    def _file(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.filename)  # noqa: PTH116 - a string, at every look into the queue
        except OSError:
            return None
        return found.st_dev, found.st_ino


class Tower(NamedTuple):
    """A queue, and the task by which it is rung."""

    queue: Huey
    task: Any


def open_queue(place: Place) -> Tower:
    """The queue that the settings name. Raises `BadSetting` for a URL of another kind."""
    url = place.settings.queue_url or f"sqlite:///{place.folders.root / 'queue.db'}"
    return _open(url, place.secret)


@cache
def _open(url: str, secret: bytes) -> Tower:
    kind, _, rest = url.partition("://")
    common: dict[str, Any] = {"results": False, "utc": True, "serializer": SignedJson(secret)}
    if kind == "sqlite":
        # Huey brings CPython's own SQLite, which may be of the versions that corrupt a file in WAL mode with several
        # writers: hence another journal.
        common |= {"storage_class": QueueFile, "filename": "/" + rest.lstrip("/")}
        queue = Huey(NAME, journal_mode="truncate", timeout=15, **common)
    elif kind in ("redis", "rediss"):
        queue = PriorityRedisHuey(NAME, url=url, **common)
    elif kind == "postgresql":
        queue = PostgresHuey(NAME, dsn=url, **common)
    else:
        raise BadSetting("REELHOUSE_QUEUE_URL must begin with sqlite:////, redis:// or postgresql://.")
    return Tower(queue, queue.task(name="run_job")(run_job))


def run_job(job_id: str) -> None:
    """The task: in a worker's process, and only there, the bell starts the work."""
    from server.worker import hear

    hear(job_id)


def ring_for(place: Place, job_id: str) -> bool:
    """Ring for a job; False if the queue cannot be reached, which is no reason to refuse the job."""
    try:
        tower = open_queue(place)
        tower.queue.enqueue(tower.task.s(job_id))
    except _unreachable() as error:
        log.warning("the bell cannot be rung; the sweep will try again", job_id=job_id, error=str(error))
        return False
    return True


def unheard(place: Place) -> int:
    """How many bells nobody has heard yet; none if the queue cannot be reached."""
    try:
        return open_queue(place).queue.pending_count()
    except _unreachable():
        return 0


def listen(place: Place) -> Consumer:
    """Start to hear bells, one at a time, in a thread of this process."""
    queue = open_queue(place).queue
    consumer = Consumer(queue, workers=1, periodic=False, max_delay=POLL_SECONDS, worker_type="thread")
    consumer.start()
    return consumer


def _unreachable() -> tuple[type[Exception], ...]:
    import psycopg
    from redis.exceptions import RedisError

    return (OSError, sqlite3.Error, psycopg.Error, RedisError)
