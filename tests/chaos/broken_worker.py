"""Workers with one flaw each, to show that the storm would notice it. Started by ``benchmarks.nursery``."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import Connection, insert, or_, select, update

from benchmarks.ready import warm
from reminders import settings
from reminders.clock import Clock, SystemClock
from reminders.domain.delivery import State
from reminders.domain.ports import Messenger
from reminders.errors import GatewayError
from reminders.gateways.twilio import Account, Twilio
from reminders.settings import Settings
from reminders.store.engine import Database, Record
from reminders.store.ids import new_secret, new_uid
from reminders.store.tables import Message, Patient, Reminder
from reminders.wiring.service import build

__all__ = ["attempt_after_call", "warm", "without_reconciling"]

_PAUSE = 0.2


def without_reconciling(_arguments: Sequence[str]) -> None:
    """Sends as the product does, and never asks what became of an attempt without an answer."""
    service = build(settings.load())
    _until_told(service.sending.run_due, service.catalogue.refresh)


def attempt_after_call(_arguments: Sequence[str]) -> None:
    """Calls the provider first and writes the attempt together with its outcome, as most queues have it."""
    loaded = settings.load()
    database, lease = Database(loaded.database_url), timedelta(seconds=loaded.lease_seconds)
    _until_told(Naive(database, SystemClock(), _messenger(loaded), lease).run_due)


class Naive:
    """A lease, a call, a record: what is enough as long as nobody dies between the last two."""

    def __init__(self, database: Database, clock: Clock, messenger: Messenger, lease: timedelta) -> None:
        self._database, self._clock, self._messenger, self._lease = database, clock, messenger, lease

    def run_due(self) -> int:
        claimed = self._claim()
        threads = [threading.Thread(target=self._send, args=(row,)) for row in claimed]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(claimed)

    def _claim(self) -> Sequence[Record]:
        now = self._clock.now()
        due = (
            select(Reminder.id, Reminder.not_after, Reminder.patient_id, Reminder.appointment_id, Patient.phone)
            .join(Patient, Patient.id == Reminder.patient_id)
            .where(
                or_(Reminder.state == State.PLANNED, (Reminder.state == State.CLAIMED) & (Reminder.lease_until <= now)),
                Reminder.due_at <= now,
            )
            .limit(16)
            .with_for_update(of=Reminder, skip_locked=True)
        )
        with self._database.write() as tx:
            rows = tx.execute(due).all()
            held = {"state": State.CLAIMED, "lease_until": now + self._lease, "updated_at": now}
            tx.execute(update(Reminder).where(Reminder.id.in_([row.id for row in rows])).values(**held))
        return rows

    def _send(self, row: Record) -> None:
        if self._clock.now() > row.not_after:
            with self._database.write() as tx:
                self._move(tx, row, State.MISSED)
            return
        token, body = new_secret(), "Your visit is tomorrow."
        try:
            report = self._messenger.send_sms(row.phone, body, token)
        except GatewayError:
            return  # the lease will end, and somebody will try again
        now = self._clock.now()
        with self._database.write() as tx:
            tx.execute(insert(Message), {
                "uid": new_uid("msg", now), "direction": "out", "channel": "sms", "kind": "reminder",
                "reminder_id": row.id, "appointment_id": row.appointment_id, "patient_id": row.patient_id,
                "phone": row.phone, "body": body, "token": token, "provider_sid": report.sid, "state": State.SENT,
                "created_at": now, "sent_at": now,
            })  # fmt: skip
            self._move(tx, row, State.SENT)

    def _move(self, tx: Connection, row: Record, state: State) -> None:
        values = {"state": state, "lease_until": None, "updated_at": self._clock.now()}
        tx.execute(update(Reminder).where(Reminder.id == row.id).values(**values))


def _messenger(loaded: Settings) -> Messenger:
    account = Account(
        sid=loaded.twilio_account_sid, token=loaded.twilio_auth_token, from_number=loaded.twilio_from_number,
        messaging_service_sid="", api_url=loaded.twilio_api_url, public_url=loaded.public_url,
    )  # fmt: skip
    return Twilio(account)


def _until_told(*jobs: Callable[[], object]) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.wait(_PAUSE):
        for job in jobs:
            job()
