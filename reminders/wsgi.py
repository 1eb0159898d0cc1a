"""What the WSGI server loads: factories, so that nothing happens at import.

``web`` is stateless and may run many times; ``serve`` also starts the worker in the same process.
"""

from __future__ import annotations

import atexit
import logging

import structlog
from flask import Flask

from reminders import settings
from reminders.wiring import build


def web() -> Flask:
    """The web application alone."""
    configure_logging()
    service = build(settings.load())
    atexit.register(service.close)
    return service.app()


def serve() -> Flask:
    """The web application with a worker beside it: the default, one process for everything."""
    configure_logging()
    service = build(settings.load())
    app = service.app()
    service.worker.start()
    atexit.register(service.close)
    atexit.register(service.worker.stop)
    return app


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
