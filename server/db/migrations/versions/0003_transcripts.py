"""A story has a transcript."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("stories", sa.Column("transcript_id", sa.String(length=31), nullable=True))


def downgrade() -> None:
    op.drop_column("stories", "transcript_id")  # not by way of another table, which would take what hangs on it along
