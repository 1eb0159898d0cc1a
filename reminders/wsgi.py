"""What the WSGI server loads: factories, so that nothing happens at import.

``web`` is stateless and may run many times; ``serve`` also starts the worker in the same process.
"""

from __future__ import annotations

import atexit
import threading

from flask import Flask

from reminders import settings
from reminders.logs import configure_logging
from reminders.wiring.service import Service, build
from reminders.wiring.speech import lexicons, words


def web() -> Flask:
    """The web application alone."""
    configure_logging()
    service = build(settings.load())
    atexit.register(service.close)
    app = service.app()
    warm(service)
    return app


def serve() -> Flask:
    """The web application with a worker beside it: the default, one process for everything."""
    configure_logging()
    service = build(settings.load())
    app = service.app()
    service.worker.start()
    warm(service)
    atexit.register(service.close)
    atexit.register(service.worker.stop)
    return app


def warm(service: Service) -> threading.Thread:
    """Read the words that patients of these venues answer with, in the background: a process that has just started would
    read them while the first patient waits, half a second for what no list of the patient's language knows."""
    reading = threading.Thread(target=_read_words, args=(service,), name="words", daemon=True)
    reading.start()
    return reading


def _read_words(service: Service) -> None:
    places = service.catalogue.current().locations.values()
    lexicons().warm(words().negotiate(place.locale, None)[0] for place in places)
