"""What is counted, in Prometheus' words. A registry of its own, so that two servers in one process do not collide."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import func, select

from server.clock import SECOND, now
from server.jobs.models import ENDED, Job, WorkerBeat
from server.place import Place

CONTENT_TYPE = "text/plain; version=0.0.4"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
STATUSES = ("queued", "generating_story", "generating_videos", "rendering_video", *reversed(ENDED))


class Metrics:
    """Of this process, but for the jobs, which are counted in the database when somebody looks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "reelhouse_requests", "Answers by route and status.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "reelhouse_request_seconds", "Time to the end of an answer.", ["route"], buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.listeners = Gauge("reelhouse_sse_clients", "Listeners to jobs' events.", registry=self.registry)
        self._jobs = Gauge("reelhouse_jobs", "Jobs by status.", ["status"], registry=self.registry)
        self._workers = Gauge("reelhouse_workers", "Workers that live.", registry=self.registry)
        self._oldest = Gauge(
            "reelhouse_oldest_wait_seconds", "Age of the oldest job that waits for a worker.", registry=self.registry
        )
        self._depth = Gauge("reelhouse_queue_depth", "Jobs that wait for a worker.", registry=self.registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        # A client may invent methods; it must not be able to invent time series.
        method = method if method in ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS") else "other"
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def page(self, place: Place) -> bytes:
        """All of it as text, format 0.0.4."""
        with place.db.reading() as session:
            rows = session.execute(select(Job.status, func.count()).group_by(Job.status)).all()
            oldest = session.scalar(select(func.min(Job.created_at)).where(Job.status == "queued"))
            living = select(func.count()).where(WorkerBeat.lives(place.settings.lease_seconds))
            self._workers.set(session.scalar(living) or 0)
        self._oldest.set(0 if oldest is None else max(0, now() - oldest) / SECOND)
        counts = {status: total for status, total in rows}
        for status in STATUSES:
            self._jobs.labels(status).set(counts.get(status, 0))
        self._depth.set(counts.get("queued", 0))
        return generate_latest(self.registry)
