"""Token buckets of this process alone, for as long as the table of limits cannot be written.

A full disk must not turn readers away, nor take the limits away from whoever filled it.
"""

from __future__ import annotations

import threading

MOST_BUCKETS = 10_000

_buckets: dict[str, tuple[float, int]] = {}
_lock = threading.Lock()


def take_spare(name: str, most: float, moment: int, per_ms: float) -> tuple[float, bool]:
    """Tokens left, and whether one was taken; `most` in a full bucket, which gains `per_ms` each millisecond."""
    with _lock:
        if len(_buckets) > MOST_BUCKETS:
            _buckets.clear()
        tokens, filled_at = _buckets.get(name, (most, moment))
        tokens = min(most, tokens + max(0, moment - filled_at) * per_ms)
        allowed = tokens >= 1
        tokens -= allowed
        _buckets[name] = (tokens, moment)
        return tokens, allowed
