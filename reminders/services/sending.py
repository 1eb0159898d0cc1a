"""Sends what is due: claim with a lease, decide, write the attempt, call the provider, record the outcome.

No transaction is open while the provider is asked. A reminder is ``uncertain`` from the moment its attempt is written
until the outcome is known; ``services/reconciling.py`` looks after those whose worker died in between.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.appointment import Confirmation, Status
from reminders.domain.clinic import Location, Policy
from reminders.domain.cost import rate_card
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.dispatch import Situation, Verdict, decide
from reminders.domain.plan import DEFAULT_QUIET_HOURS
from reminders.domain.ports import Messenger, Report
from reminders.domain.sms import segments
from reminders.errors import GatewayError, Invalid
from reminders.services.catalogue import Catalogue, Snapshot
from reminders.services.outcomes import Outcomes
from reminders.store import consents, messages, paces
from reminders.store import reminders as store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_secret, new_uid
from reminders.texts import Facts, Template, Texts

LEASE = timedelta(seconds=60)
#: A call to the provider takes at most ten seconds; a worker that is later than this leaves the row to the next one.
_LEASE_MARGIN = timedelta(seconds=15)
_BURST = timedelta(seconds=2)
_BACKOFF_START = timedelta(seconds=20)
_BACKOFF_END = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much one sender may send per second: segments for SMS, calls for voice. ``batch`` bounds one claim."""

    sender: str
    messages_per_second: float
    calls_per_second: float
    batch: int

    def of(self, channel: Channel) -> float:
        return self.messages_per_second if channel is Channel.SMS else self.calls_per_second


@dataclass(frozen=True, slots=True)
class Job:
    """One message whose attempt is written and whose provider has to be asked."""

    reminder_id: int
    message_id: int
    channel: Channel
    to: str
    body: str
    token: str
    attempts: int
    not_after: datetime
    lease_until: datetime


class Sending:
    """The worker's main use case. ``owner`` names this worker in the leases it takes."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, texts: Texts, messenger: Messenger,
        outcomes: Outcomes, executor: Executor, pace: Pace, owner: str,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._texts = texts
        self._messenger = messenger
        self._outcomes = outcomes
        self._executor = executor
        self._pace = pace
        self._owner = owner

    def run_due(self) -> int:
        """Handle what is due now, in batches, until the pace is used up or nothing is left; returns how many."""
        return sum(self._drain(channel) for channel in Channel)

    def _drain(self, channel: Channel) -> int:
        handled = 0
        while claimed := self._claim(channel):
            handled += len(claimed)
            self._send_all(self._prepare(channel, claimed))
        return handled

    def _claim(self, channel: Channel) -> list[int]:
        now = self._clock.now()
        sender, rate = f"{channel}:{self._pace.sender}", self._pace.of(channel)
        with self._database.read() as tx:
            if not store.any_due(tx, channel, now):
                return []
        with self._database.write() as tx:
            units = paces.allowance(tx, sender, now, rate, _BURST)
            claimed = store.claim_due(tx, channel, now, self._owner, now + LEASE, min(units, self._pace.batch))
            if claimed:
                paces.spend(tx, sender, now, rate, _BURST, len(claimed))
        return claimed

    def _prepare(self, channel: Channel, claimed: list[int]) -> list[Job]:
        """Decide on each reminder and write the attempt of those that go out, in one transaction."""
        now = self._clock.now()
        snapshot = self._catalogue.current()
        with self._database.write() as tx:
            rows = store.details(tx, claimed, self._owner)
            stops = consents.in_force(tx, {row.patient_phone for row in rows if row.patient_phone})
            jobs = [job for row in rows if (job := self._attempt(tx, snapshot, row, stops, now)) is not None]
            extra = sum(segments(job.body).count - 1 for job in jobs if channel is Channel.SMS)
            if extra > 0:
                sender, rate = f"{channel}:{self._pace.sender}", self._pace.of(channel)
                paces.spend(tx, sender, now, rate, _BURST, extra)
        return jobs

    def _attempt(
        self, tx: Connection, snapshot: Snapshot, row: Record, stops: set[tuple[str, str]], now: datetime
    ) -> Job | None:
        try:
            verdict = decide(_situation(snapshot, row, stops, now))
            body, language = self._text(snapshot, row) if verdict.state is State.CLAIMED else ("", "")
        except Invalid:  # what cannot be said must not hold up everybody else's reminders
            verdict, body, language = Verdict(State.SUPPRESSED, Reason.NO_TEXT), "", ""
        if verdict.state is not State.CLAIMED:
            values = {"due_at": verdict.due_at} if verdict.due_at else {}
            store.move(tx, row.reminder_id, verdict.state, verdict.reason, now, **values)
            return None
        token = new_secret()
        attempts = row.reminder_attempts + 1
        message = _message(row, body, language, token, now)
        number = messages.add(tx, message)
        lease = now + LEASE
        store.move(tx, row.reminder_id, State.UNCERTAIN, None, now, attempts=attempts, lease_until=lease)
        return Job(row.reminder_id, number, Channel(row.reminder_channel), row.patient_phone, body, token, attempts,
                   row.reminder_not_after, lease)  # fmt: skip

    def _text(self, snapshot: Snapshot, row: Record) -> tuple[str, str]:
        """What is said and in which language. A call's words are made when the provider asks for them."""
        location = _location(snapshot, row)
        facts = visit_facts(location, row.patient_name, row.patient_zone, row.appointment_start_at, row.reminder_body)
        if row.reminder_channel == Channel.VOICE:
            return "", row.patient_language or location.locale
        rendered = self._texts.sms(Template(row.reminder_kind), row.patient_language, location.locale, facts)
        return rendered.body, rendered.language

    def _send_all(self, jobs: Iterable[Job]) -> None:
        list(self._executor.map(self._send, jobs))

    def _send(self, job: Job) -> None:
        if self._clock.now() > job.lease_until - _LEASE_MARGIN:
            self._outcomes.not_called(job.reminder_id, job.message_id)
            return
        call: Callable[[], Report] = (
            (lambda: self._messenger.send_sms(job.to, job.body, job.token))
            if job.channel is Channel.SMS
            else (lambda: self._messenger.place_call(job.to, job.token))
        )
        try:
            report = call()
        except GatewayError as problem:
            self._outcomes.refused(job.reminder_id, job.message_id, problem, _retry_at(self._clock.now(), job, problem))
        else:
            self._outcomes.accepted(job.reminder_id, job.message_id, report)


def visit_facts(
    location: Location, patient: str, patient_zone: str | None, start: datetime | None, text: str | None = None
) -> Facts:
    """The facts a text may use about a visit."""
    return Facts(
        clinic=location.name, clinic_phone=location.phone, patient=patient,
        start=start, venue_zone=location.zone.key,
        recipient_zone=location.zone_of(patient_zone).key if patient_zone else None, text=text,
    )  # fmt: skip


def _situation(snapshot: Snapshot, row: Record, stops: set[tuple[str, str]], now: datetime) -> Situation:
    location = _location(snapshot, row)
    policy = _policy(snapshot, row)
    steps = policy.steps if policy else ()
    step = steps[row.reminder_step] if row.reminder_kind == "reminder" and row.reminder_step < len(steps) else None
    return Situation(
        kind=row.reminder_kind,
        now=now,
        not_after=row.reminder_not_after,
        visit_status=Status(row.appointment_status) if row.appointment_status else None,
        confirmation=Confirmation(row.appointment_confirmation) if row.appointment_confirmation else None,
        start=row.appointment_start_at,
        has_address=bool(row.patient_phone),
        opted_out=consents.blocks(stops, row.patient_phone or "", row.reminder_channel),
        unless_confirmed=bool(step and step.unless_confirmed),
        is_fallback=bool(step and row.reminder_channel != step.channels[0]),
        quiet=policy.quiet(location.country) if policy else DEFAULT_QUIET_HOURS,
        zone=location.zone_of(row.patient_zone),
    )


def _message(row: Record, body: str, language: str, token: str, now: datetime) -> dict[str, Any]:
    channel = Channel(row.reminder_channel)
    units = segments(body).count if channel is Channel.SMS else 1
    price = rate_card(now.date()).price(channel, row.patient_phone, units)
    return {
        "uid": new_uid("msg", now), "direction": "out", "channel": channel, "kind": row.reminder_kind,
        "reminder_id": row.reminder_id, "appointment_id": row.reminder_appointment_id,
        "patient_id": row.reminder_patient_id, "phone": row.patient_phone, "body": body, "language": language,
        "token": token, "state": State.UNCERTAIN, "segments": units if channel is Channel.SMS else None,
        "estimated": price.amount, "estimated_currency": price.currency, "created_at": now,
    }  # fmt: skip


def _location(snapshot: Snapshot, row: Record) -> Location:
    """The visit's venue; for a note without a visit that of the patient's latest, else the clinic's first location."""
    number = row.appointment_location_id or row.home_location_id
    place = snapshot.location_by_id[number] if number else next(iter(snapshot.location_by_id.values()), None)
    if place is None:
        raise Invalid("There is no location yet that could speak.")
    return place


def _policy(snapshot: Snapshot, row: Record) -> Policy | None:
    service = snapshot.service_by_id.get(row.appointment_service_id)
    return service.policy if service else None


def _retry_at(now: datetime, job: Job, problem: GatewayError) -> datetime | None:
    """When to try again: full-jitter exponential backoff, at least what the provider asked for, never past the
    deadline; ``None`` when there is no point or no time."""
    if problem.permanent:
        return None
    ceiling = min(_BACKOFF_END, _BACKOFF_START * 2 ** min(job.attempts, 10))
    wait = max(timedelta(seconds=problem.retry_after or 0), ceiling * random.random())  # noqa: S311
    return now + wait if now + wait <= job.not_after else None
