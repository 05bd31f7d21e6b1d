"""Every table of the product, imported so that migrations and tests see them all."""

from __future__ import annotations

import server.accounts.models
import server.jobs.models
import server.media.models
import server.series.models
import server.stories.models  # noqa: F401
from server.db.columns import Table

METADATA = Table.metadata
