"""What the review of a film found is kept with its job."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("review", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "review")  # not by way of another table: on SQLite that would take the jobs' events along
