"""Sends what is due. One worker at a time for one webhook, many webhooks at once, no transaction open while one waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import Any

import structlog
from sqlalchemy import Connection

from reminders.clock import Clock, stopwatch
from reminders.domain.ports import Courier, Posted, Vault
from reminders.domain.webhook import Verdict, headers, is_lost, judge, next_try, rest
from reminders.errors import Invalid
from reminders.store import inbox, webhooks
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

log = structlog.get_logger()

#: Longer than a turn can last: its budget, and one receiver that answers at the last moment.
_LEASE = timedelta(minutes=2)
_TURN_SECONDS = 20.0
_AT_ONCE = 8
_BATCH = 25

Each = Callable[[Callable[[Any], Any], Iterable[Any]], Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """One try: what came back, and after how long."""

    posted: Posted
    milliseconds: int

    @property
    def verdict(self) -> Verdict:
        return Verdict.RETRY if self.posted.status is None else judge(self.posted.status)


class Delivering:
    """``owner`` names this process in leases; ``each`` does several things at once; ``chance`` draws jitter."""

    def __init__(
        self, database: Database, clock: Clock, courier: Courier, vault: Vault, owner: str, each: Each,
        chance: Callable[[], float], ending: Event | None = None,
    ) -> None:  # fmt: skip
        self._database, self._clock, self._courier, self._vault = database, clock, courier, vault
        self._owner, self._each, self._chance = owner, each, chance
        self._ending = ending or Event()

    def run(self) -> int:
        """A turn for every webhook that something is due for; returns how many had one."""
        now = self._clock.now()
        with self._database.read() as tx:
            if not webhooks.any_due(tx, now):
                return 0
        with self._database.write() as tx:
            hooks = webhooks.claim(tx, now, self._owner, now + _LEASE, _AT_ONCE)
        self._each(self._turn, hooks)
        return len(hooks)

    def now(self, hook: Record, delivery: Record) -> Sent:
        """One delivery at once, due or not, whatever its webhook's state: somebody waits for the outcome."""
        return self._one(hook, delivery)

    def _turn(self, hook: Record) -> None:
        """What is due for one webhook, until it fails, its time is over or nothing is left."""
        until = stopwatch() + _TURN_SECONDS
        try:
            while rows := self._due(hook):
                for row in rows:
                    is_over = self._ending.is_set() or stopwatch() > until
                    if is_over or self._one(hook, row).verdict is not Verdict.DELIVERED:
                        return
        finally:
            with self._database.write() as tx:
                webhooks.release(tx, hook.id, self._owner)

    def _due(self, hook: Record) -> list[Record]:
        """Nothing more when somebody paused, changed or removed it meanwhile."""
        with self._database.read() as tx:
            return list(webhooks.due(tx, hook.id, self._clock.now(), _BATCH))

    def _one(self, hook: Record, delivery: Record) -> Sent:
        began = stopwatch()
        posted = self._posted(hook, delivery)
        sent = Sent(posted, round((stopwatch() - began) * 1000))
        self._database.run(lambda tx: self._write_down(tx, hook, delivery, sent))
        return sent

    def _posted(self, hook: Record, delivery: Record) -> Posted:
        now, body = self._clock.now(), delivery.body.encode()
        try:
            secrets = [self._vault.open(hook.secret)]
            if hook.old_secret is not None and now < hook.old_until:
                secrets.append(self._vault.open(hook.old_secret))
            return self._courier.post(hook.url, headers(secrets, delivery.event_uid, now, body), body)
        except Invalid:
            return Posted(None, "secret_unreadable")

    def _write_down(self, tx: Connection, hook: Record, delivery: Record, sent: Sent) -> None:
        now, posted = self._clock.now(), sent.posted
        attempt = {"at": now, "status": posted.status, "error": posted.error, "milliseconds": sent.milliseconds}
        tries = delivery.tries + 1
        wait = next_try(tries, self._chance(), posted.retry_after)
        if sent.verdict is Verdict.DELIVERED:
            values: dict[str, Any] = {"state": "delivered", "ended_at": now}
        elif sent.verdict is Verdict.GONE or wait is None:
            values = {"state": "failed", "ended_at": now}
        else:
            values = {"next_at": now + wait}
        webhooks.tried(tx, delivery, attempt, {"tries": tries, **values})
        lost = "gone" if sent.verdict is Verdict.GONE else "given_up" if wait is None else None
        self._judge(tx, hook, delivery, sent, lost)

    def _judge(self, tx: Connection, hook: Record, delivery: Record, sent: Sent, lost: str | None) -> None:
        """What a try says about the webhook as a whole."""
        now = self._clock.now()
        current = webhooks.find(tx, hook.id)
        if current is None:
            return
        if sent.verdict is Verdict.DELIVERED:
            webhooks.change(tx, hook.id, {"failures": 0, "last_ok_at": now, "last_error": None, "next_at": now})
            return
        failures = current.failures + 1
        pause = rest(failures, self._chance(), sent.posted.retry_after)
        values = {"failures": failures, "last_error": sent.posted.error, "next_at": now + pause}
        disabled = lost == "gone" or (lost is not None and is_lost(current.last_ok_at, delivery.created_at))
        if disabled and current.state != "disabled":
            values |= {"state": "disabled", "state_reason": lost}
            self._notify(tx)
        webhooks.change(tx, hook.id, values)
        log.info("webhook.failed", webhook=hook.uid, error=sent.posted.error, failures=failures, disabled=disabled)

    def _notify(self, tx: Connection) -> None:
        """One item in the desk's worklist for each time that a webhook is disabled."""
        now = self._clock.now()
        inbox.add(tx, {
            "uid": new_uid("inb", now), "message_id": None, "patient_id": None, "appointment_id": None,
            "reason": "webhook_disabled", "created_at": now,
        })  # fmt: skip
