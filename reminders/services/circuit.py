"""Stops sending through an account that the provider refuses as a whole, and starts again by itself.

Credentials, a suspended account or missing funds fail every request alike: going on would only use up the attempts and
deadlines of reminders that nothing is wrong with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from reminders.clock import Clock
from reminders.errors import GatewayError
from reminders.store import circuits
from reminders.store.engine import Database

#: The account name of the mail server; any other is Twilio's.
MAIL = "mail"

_LOOK = timedelta(seconds=1)
_FIRST_PROBE = timedelta(seconds=30)
_LONGEST = timedelta(minutes=10)


class Circuit:
    """``checks`` asks for each account whether the provider accepts it: returns, or raises ``GatewayError``."""

    def __init__(self, database: Database, clock: Clock, checks: Mapping[str, Callable[[], None]]) -> None:
        self._database = database
        self._clock = clock
        self._checks = checks
        self._open: dict[str, datetime] = {}
        self._looked_at: datetime | None = None

    def is_open(self, account: str) -> bool:
        """True while nothing may be sent through ``account``. Other workers' findings are seen within a second."""
        now = self._clock.now()
        if self._looked_at is None or abs(now - self._looked_at) >= _LOOK:
            self._look(now)
        return account in self._open

    def trip(self, account: str, problem: GatewayError) -> None:
        """The provider refused the whole account."""
        now = self._clock.now()
        with self._database.write() as tx:
            circuits.trip(tx, account, now, now + _FIRST_PROBE, problem.provider_code)
        self._look(now)

    def probe(self) -> None:
        """Ask, when it is time, whether a refused account works again. One worker asks for all."""
        now = self._clock.now()
        self._look(now)
        for account, retry_at in list(self._open.items()):
            if retry_at <= now:
                self._ask(account, now)

    def _ask(self, account: str, now: datetime) -> None:
        with self._database.write() as tx:
            (row,) = [row for row in circuits.all_open(tx) if row.account == account] or [None]
            if row is None:
                return
            wait = min(_LONGEST, _FIRST_PROBE * 2 ** min(row.failures, 10))
            if not circuits.take_probe(tx, account, now, now + wait):
                return
        try:
            self._checks[account]()
        except GatewayError:
            return
        with self._database.write() as tx:
            circuits.close(tx, account)
        self._look(now)

    def _look(self, now: datetime) -> None:
        with self._database.read() as tx:
            self._open = {row.account: row.retry_at for row in circuits.all_open(tx)}
        self._looked_at = now
