"""Who calls, as every door behind the front one sees them."""

from __future__ import annotations

from typing import Literal

from engine.types import Frozen


class Caller(Frozen, frozen=True):
    """`via` a key or a session; a session may do all that its user may. `key_id` None for a session; `bucket` names
    whose rate limit counts."""

    user_id: str
    role: str
    via: Literal["key", "session"]
    scopes: frozenset[str]
    key_id: str | None = None

    @property
    def bucket(self) -> str:
        return self.key_id or self.user_id
