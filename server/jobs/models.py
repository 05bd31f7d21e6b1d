"""Tables of jobs. The job table is the truth; the queue only rings the bell."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ColumnElement, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from engine.findings import Review
from engine.types import StoryRequest
from server.clock import DAY, SECOND, now
from server.db.columns import Json, Millis, Table

JobStatus = Literal["queued", "generating_story", "generating_videos", "rendering_video", "completed", "failed"]
ACTIVE: tuple[str, ...] = ("generating_story", "generating_videos", "rendering_video")
ENDED: tuple[str, ...] = ("completed", "failed")
ANSWERS_KEPT = DAY
"""How long a first answer is given again for the same Idempotency-Key."""


class Job(Table):
    """One accepted request.

    `work_id` names its work folder and is the id that its story gets; `story_id` is set once that story exists, that
    is, once there is a script. `token` counts claims: whoever writes for a job shows the token of their claim, and an
    older one changes nothing. `lease_until` is when a claim lapses unless its worker prolongs it. `attempt` counts from
    1; `falls` of them took their worker down. `rung_at` is when the queue was last told, None if it
    could not be. `estimate` is seconds by
    stage, from the plan. `base_url` is what addresses in a webhook begin with.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_status_lease_until", "status", "lease_until"),
        Index("ix_jobs_status_created_at", "status", "created_at"),
        Index("ix_jobs_user_id_created_at", "user_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(25), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    work_id: Mapped[str] = mapped_column(String(25), index=True)
    story_id: Mapped[str | None] = mapped_column(String(25))
    series_id: Mapped[str | None] = mapped_column(String(25))
    retry_of: Mapped[str | None] = mapped_column(String(25))
    request: Mapped[StoryRequest] = mapped_column(Json(StoryRequest))
    render_video: Mapped[bool]
    webhook_url: Mapped[str | None]
    base_url: Mapped[str] = mapped_column(default="")
    cost: Mapped[int]
    status: Mapped[str] = mapped_column(String(24), default="queued")
    stage: Mapped[str | None] = mapped_column(String(16))
    progress: Mapped[int] = mapped_column(default=0)
    eta_seconds: Mapped[float | None]
    estimate: Mapped[dict[str, float]] = mapped_column(Json(dict[str, float]))
    warnings: Mapped[list[str]] = mapped_column(Json(list[str]))
    review: Mapped[Review | None] = mapped_column(Json(Review), default=None)
    error: Mapped[str | None]
    error_code: Mapped[str | None] = mapped_column(String(40))
    attempt: Mapped[int] = mapped_column(default=1)
    falls: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[int | None] = mapped_column(Millis)
    rung_at: Mapped[int | None] = mapped_column(Millis)
    not_before: Mapped[int] = mapped_column(Millis, default=0)
    created_at: Mapped[int] = mapped_column(Millis)
    started_at: Mapped[int | None] = mapped_column(Millis)
    completed_at: Mapped[int | None] = mapped_column(Millis)
    request_id: Mapped[str | None] = mapped_column(String(64))
    last_event: Mapped[int] = mapped_column(default=0)


class JobEvent(Table):
    """What a client that listens is told, and told again if it asks. `seq` counts from 1 within a job; `kind` is
    `status`, `stage`, `clip`, `warning` or `done`."""

    __tablename__ = "job_events"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    data: Mapped[dict[str, Any]] = mapped_column(Json(dict[str, Any]))
    created_at: Mapped[int] = mapped_column(Millis)


class Idempotency(Table):
    """A first answer, kept to be given again: the job that was accepted. `request_hash` is of what was asked for."""

    __tablename__ = "idempotency"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[str] = mapped_column(String(25), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    key: Mapped[str] = mapped_column(String(255))
    request_hash: Mapped[str] = mapped_column(String(64))
    job_id: Mapped[str] = mapped_column(String(25))
    created_at: Mapped[int] = mapped_column(Millis, index=True)


class Delivery(Table):
    """The outbox: a webhook that is owed. Written with the state that it tells of; sent at least once, `id` is the
    same each time. `body` is sent to the byte, since it is signed."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_delivered_at_next_at", "delivered_at", "next_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    job_id: Mapped[str] = mapped_column(String(25))
    kind: Mapped[str] = mapped_column(String(40))
    url: Mapped[str]
    body: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[int | None] = mapped_column(Millis)
    taken_until: Mapped[int] = mapped_column(Millis, default=0)
    delivered_at: Mapped[int | None] = mapped_column(Millis)
    last_error: Mapped[str | None]
    created_at: Mapped[int] = mapped_column(Millis)


class WorkerBeat(Table):
    """When a worker was last heard of, `name` is that in `Job.worker`. For people only: no claim depends on it."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    gpu: Mapped[str | None] = mapped_column(String(80))
    seen_at: Mapped[int] = mapped_column(Millis)

    @classmethod
    def lives(cls, lease_seconds: float) -> ColumnElement[bool]:
        """It was heard of within a lease."""
        return cls.seen_at > now() - lease_seconds * SECOND
