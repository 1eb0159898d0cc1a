"""Counting calls per key, in this process's memory."""

from __future__ import annotations

import threading
from typing import ClassVar

from flask import Flask, g, request
from flask_limiter import Limiter
from limits.storage import Storage

from reminders.clock import epoch


class ProcessStorage(Storage):
    """Fixed windows in a dictionary. The library's own memory storage starts a timer thread at every call, which costs
    more than the call; here old windows are dropped when the table has grown."""

    STORAGE_SCHEME: ClassVar[list[str]] = ["process"]
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
    """Limit calls per key. Open routes are not counted: providers and probes come as often as they must."""
    limiter = Limiter(
        key_func=lambda: g.caller.key_id if "caller" in g else (request.remote_addr or ""),
        default_limits=[rate], storage_uri="process://", strategy="fixed-window", headers_enabled=False,
    )  # fmt: skip
    limiter.request_filter(lambda: "caller" not in g)
    limiter.init_app(app)
