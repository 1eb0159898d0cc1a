"""How a process writes its log."""

from __future__ import annotations

import logging

import structlog


def configure_logging() -> None:
    """One JSON object per line; ids only, never names, numbers or texts."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a sweep that takes longer than a second is no news
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
