"""What is to happen when: a heap of steps, so that an idle emulator costs nothing."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

from reminders.sandbox.callbacks import Webhook

# Does what was due, given the moment it was due, and returns the requests to be made because of it.
Step = Callable[[datetime], list[Webhook]]


class Agenda:
    """Steps in order of their time, and of their entry where times are equal. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Step]] = []
        self._entry = count()

    def push(self, due: datetime, step: Step) -> None:
        heapq.heappush(self._heap, (due, next(self._entry), step))

    def push_request(self, due: datetime, webhook: Webhook) -> None:
        """Let ``webhook`` be made at ``due``."""
        self.push(due, lambda _: [webhook])

    def pop(self, now: datetime) -> tuple[datetime, Step] | None:
        """Take the earliest step that is due by ``now``, or None."""
        if not self._heap or self._heap[0][0] > now:
            return None
        due, _, step = heapq.heappop(self._heap)
        return due, step

    @property
    def next_due(self) -> datetime | None:
        return self._heap[0][0] if self._heap else None
