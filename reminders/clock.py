"""The only module that reads the time."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Something that knows the time; always aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when told: for tests, rehearsals and the fast-forward demonstration."""

    def __init__(self, start: datetime) -> None:
        self._now = aware(start)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def set(self, moment: datetime) -> None:
        """Jump to ``moment``; going back is refused."""
        with self._lock:
            if aware(moment) < self._now:
                raise ValueError("this clock does not go back")
            self._now = aware(moment)

    def advance(self, by: timedelta) -> datetime:
        """Move on by ``by`` and return the new time."""
        with self._lock:
            self._now += by
            return self._now


def aware(moment: datetime) -> datetime:
    """The same moment in UTC; naive datetimes are refused with ``ValueError``."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError("naive datetime")
    return moment.astimezone(UTC)


def stopwatch() -> float:
    """Seconds on a clock that never goes back, for measuring how long something took."""
    return time.perf_counter()


def epoch() -> float:
    """Seconds since 1970, for windows of rate limits: they follow the machine, not an injected clock."""
    return time.time()


def pause(seconds: float) -> None:
    """Wait; used by long-running commands only, never by services or tests."""
    time.sleep(seconds)
