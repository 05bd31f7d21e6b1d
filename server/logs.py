"""Logs: JSON lines on stderr and in a file of data/logs, with a request id, and never a secret."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

FILE_BYTES, FILES = 10_000_000, 5
SECRET_NAME = re.compile(r"password|secret|token|cookie|authorization|api_?key|csrf", re.IGNORECASE)
SECRET_TEXT = re.compile(
    r"sk_live_[A-Za-z0-9_-]+|whsec_[A-Za-z0-9+/=_-]+|(?i:bearer)\s+[A-Za-z0-9._~+/=-]{8,}"
    r"|reelhouse_session=[^;\s]+|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)"
)
HIDDEN = "[hidden]"


def configure(file: Path | None = None) -> None:
    """Send structlog and the standard library's logs to stderr, and to `file`, which turns over when it is full."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if file is not None:
        handlers.append(
            logging.handlers.RotatingFileHandler(
                file, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8", errors="backslashreplace"
            )
        )
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(formatter)
    for noisy in ("httpx", "httpx2", "httpcore", "httpcore2", "huey", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what is named as a secret, and what looks like one wherever it stands, tracebacks included."""
    for name, value in event.items():
        event[name] = HIDDEN if SECRET_NAME.search(name) and value is not None else _clean(value)
    return event


def _clean(value: Any) -> Any:
    match value:
        case str():
            return SECRET_TEXT.sub(HIDDEN, value)
        case dict():
            return {k: HIDDEN if SECRET_NAME.search(str(k)) else _clean(v) for k, v in value.items()}
        case list() | tuple():
            return [_clean(one) for one in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return SECRET_TEXT.sub(HIDDEN, repr(value))
