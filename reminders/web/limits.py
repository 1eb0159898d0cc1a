"""Counting calls per key, in this process's memory."""

from __future__ import annotations

import threading

from flask import Flask, g
from limits import parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from reminders.clock import epoch


class ProcessStorage(Storage):
    """Fixed windows in a dictionary. The library's own memory storage starts a timer thread at every call, which costs
    more than the call; here old windows are dropped when the table has grown."""

    STORAGE_SCHEME = ["process"]  # noqa: RUF012 - the library declares it so
    _MOST = 10_000

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **_: str) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count one call and return the calls of the present window."""
        now = epoch()
        with self._lock:
            count, ends = self._windows.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, now + expiry
                if len(self._windows) > self._MOST:
                    self._windows = {name: item for name, item in self._windows.items() if item[1] > now}
            self._windows[key] = (count + amount, ends)
            return count + amount

    def get(self, key: str) -> int:
        count, ends = self._windows.get(key, (0, 0.0))
        return count if ends > epoch() else 0

    def get_expiry(self, key: str) -> float:
        return self._windows.get(key, (0, epoch()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)


def install(app: Flask, rate: str) -> None:
    """Limit calls per key. Open routes are not counted: providers and probes come as often as they must.

    There is one rate for all routes, so the ``limits`` library is asked directly: Flask-Limiter, which wraps it, looks
    up limits per route on every request, which cost a sixth of a slot search.
    """
    limiter, limit = FixedWindowRateLimiter(ProcessStorage()), parse(rate)

    @app.before_request
    def count() -> None:
        if "caller" in g and not limiter.hit(limit, g.caller.key_id):
            raise TooManyRequests()
