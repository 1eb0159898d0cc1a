"""When a job that is asked every second is due again."""

from __future__ import annotations

from datetime import datetime, timedelta

from reminders.clock import Clock


class Interval:
    """For one process: the first time it is always time."""

    def __init__(self, clock: Clock, length: timedelta) -> None:
        self._clock = clock
        self._length = length
        self._next: datetime | None = None

    def is_over(self) -> bool:
        """Whether ``length`` has gone by since this was last true. A clock that was set back holds nothing up."""
        now = self._clock.now()
        if self._next is not None and now < self._next <= now + self._length:
            return False
        self._next = now + self._length
        return True
