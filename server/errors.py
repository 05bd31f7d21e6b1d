"""Every way in which the server says no, as one tree. Knows no HTTP library; `server.api.errors` makes answers of them.

    ServerError               500 internal_error
    ├── Unauthorized          401 unauthorized          no key, a wrong one, a revoked one
    ├── Forbidden             403 forbidden             the caller lacks the scope
    ├── NotFound              404 not_found             it is not there, or it is somebody else's
    ├── BadInput              400 bad_request           `details` name fields and what they accept
    ├── TooFewCredits         402 insufficient_credits
    ├── Conflict              409 conflict              the state of things forbids it now
    ├── IdempotencyMismatch   422 idempotency_mismatch  the same key with another body
    ├── RateLimited           429 rate_limited          `retry_after` seconds
    └── Unavailable           503 unavailable           no disk, shutting down, database away; `retry_after` seconds

Codes and statuses never change: clients read them.
"""

from __future__ import annotations

import msgspec


class Detail(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    message: str


class ServerError(Exception):
    """The root. `message` is a sentence that names cause and remedy."""

    status = 500
    code = "internal_error"

    def __init__(self, message: str, *, retry_after: int | None = None, details: tuple[Detail, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.details = details


class Unauthorized(ServerError):
    status, code = 401, "unauthorized"


class Forbidden(ServerError):
    status, code = 403, "forbidden"


class NotFound(ServerError):
    status, code = 404, "not_found"


class BadInput(ServerError):
    status, code = 400, "bad_request"

    @classmethod
    def of(cls, field: str, message: str) -> BadInput:
        """One field is wrong; `message` says what it accepts."""
        return cls(f"{field}: {message}", details=(Detail(field, message),))


class TooFewCredits(ServerError):
    status, code = 402, "insufficient_credits"


class Conflict(ServerError):
    status, code = 409, "conflict"


class IdempotencyMismatch(ServerError):
    status, code = 422, "idempotency_mismatch"


class RateLimited(ServerError):
    status, code = 429, "rate_limited"


class Unavailable(ServerError):
    status, code = 503, "unavailable"
