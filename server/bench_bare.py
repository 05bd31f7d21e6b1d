"""The yardstick of R7: a Litestar application that does one insert or one select, and nothing else.

`python -m server.bench_bare FOLDER PARENT`; prints `ready http://…` when it accepts.
"""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar, get, post
from litestar.params import FromPath, JSONBody
from pysqlite3 import dbapi2

from server.parents import die_with_parent


def bare_app(path: Path) -> Litestar:
    """As durable as the real server: WAL, and a commit is on the disk before it is answered."""
    kept = threading.local()

    def connection() -> Any:
        if not hasattr(kept, "connection"):
            kept.connection = dbapi2.connect(  # pyright: ignore[reportAttributeAccessIssue]
                str(path), timeout=15, isolation_level=None
            )
            kept.connection.execute("PRAGMA journal_mode=WAL")
            kept.connection.execute("PRAGMA synchronous=FULL")
        return kept.connection

    connection().execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, text TEXT)")

    @post("/rows", sync_to_thread=True)
    def insert(data: JSONBody[dict[str, str]]) -> dict[str, int]:
        return {"id": connection().execute("INSERT INTO rows (text) VALUES (?)", (data["prompt"],)).lastrowid}

    @get("/rows/{number:int}", sync_to_thread=True)
    def select(number: FromPath[int]) -> dict[str, str]:
        return {"text": connection().execute("SELECT text FROM rows WHERE id = ?", (number,)).fetchone()[0]}

    return Litestar([insert, select], openapi_config=None, logging_config=None)


def main() -> None:
    folder, parent = Path(sys.argv[1]), int(sys.argv[2])
    die_with_parent(parent)
    door = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = uvicorn.Server(uvicorn.Config(bare_app(folder / "bare.db"), log_level="warning", access_log=False))
    print(f"ready http://127.0.0.1:{door.getsockname()[1]}", flush=True)
    server.run(sockets=[door])


if __name__ == "__main__":
    main()
