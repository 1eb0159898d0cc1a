"""What arrived at the stand-in for Twilio, and waiting until it has."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.loadgen import Result
from benchmarks.stubdesk import Accepted
from benchmarks.stubtwilio import Stub

_LOOK = 0.25


@dataclass(frozen=True)
class Arrivals:
    """Everything that was accepted, in order of arrival. Times are Unix seconds."""

    messages: Sequence[Accepted]

    @property
    def sent(self) -> int:
        """How many different reminders went out."""
        return len({one.to for one in self.messages})

    @property
    def repeated(self) -> int:
        """How many messages went out beyond the first of each reminder."""
        return len(self.messages) - self.sent

    @property
    def twice(self) -> dict[str, int]:
        """Who got more than one."""
        return {to: count for to, count in Counter(one.to for one in self.messages).items() if count > 1}

    def rate(self, began: float | None, latency: float) -> Result:
        """Messages per second from ``began`` (else from the first arrival) until the last was answered."""
        if not self.messages:
            return Result(1.0, 0)
        first, last = self.messages[0].at, self.messages[-1].at
        return Result(last + latency - (first if began is None else began), len(self.messages))

    def latencies(self, due: Callable[[str], float]) -> Result:
        """Seconds from the moment a reminder was due until its request arrived; ``due`` knows it by the number."""
        late = sorted(one.at - due(one.to) for one in self.messages)
        return Result(max(1e-9, self.messages[-1].at - self.messages[0].at) if late else 1.0, len(late), late)


def wait(stub: Stub, count: int, stall: float, check: Callable[[], object] = lambda: None) -> Arrivals:
    """Until ``count`` messages have arrived, or none for ``stall`` seconds. ``check`` may raise."""
    seen, moved = -1, time.monotonic()
    while True:
        now = stub.count()
        if now != seen:
            seen, moved = now, time.monotonic()
        if seen >= count or time.monotonic() - moved > stall:
            return Arrivals(stub.messages())
        check()
        time.sleep(_LOOK)


def number(to: str) -> int:
    """Which reminder it was: the number that ``clinic.phone`` was made from."""
    return int(to[4:])
