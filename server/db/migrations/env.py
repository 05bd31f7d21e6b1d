"""What Alembic runs for each migration: always over a connection that somebody hands in, inside their transaction."""

from typing import Any, Literal

from alembic import context

from server.db.columns import Json
from server.db.tables import METADATA


def as_plain_text(kind: str, column: Any, _: Any) -> str | Literal[False]:
    """A migration outlives the structs of its day: to it, JSON is text."""
    return "sa.Text()" if kind == "type" and isinstance(column, Json) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_item=as_plain_text,
    render_as_batch=True,  # SQLite alters a table by making it anew
    transactional_ddl=False,  # the caller's transaction is the one
)
context.run_migrations()
