"""What happened to each reminder of a visit, what will happen, and why: one sentence the desk can read out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reminders.clock import Clock
from reminders.domain.cost import Money
from reminders.domain.delivery import State
from reminders.services.catalogue import Catalogue
from reminders.services.sentences import Subject, sentence_of
from reminders.store import appointments, consents
from reminders.store import reminders as store
from reminders.store.engine import Database, Record


@dataclass(frozen=True, slots=True)
class Entry:
    """One reminder. ``cost`` is the provider's price when ``cost_is_actual``, else our estimate; ``None`` if unsent.

    ``wanted_language`` is the one that was asked for, when there are no texts in it and ``language`` had to do.
    """

    id: str
    kind: str
    step: int
    channel: str
    due_at: datetime
    not_after: datetime
    state: str
    reason: str
    sentence: str
    attempts: int
    language: str | None
    wanted_language: str | None
    text: str | None
    provider_sid: str | None
    segments: int | None
    cost: Money | None
    cost_is_actual: bool
    error_code: int | None
    duration_seconds: int | None
    answered_by: str | None
    outcome: str | None
    text_version: int | None
    sent_at: datetime | None
    delivered_at: datetime | None


class Ledger:
    """Reads the reminders of one visit as a story."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    def of(self, uid: str) -> list[Entry]:
        """Every reminder of the visit, in order of due time."""
        with self._database.read() as tx:
            visit = appointments.get(tx, uid)
            rows = store.of_appointment(tx, visit.id)
            stops = consents.in_force(tx, consents.addresses(visit.patient_phone, visit.patient_email))
        return [self._entry(row, visit, stops) for row in rows]

    def summary(self, uid: str) -> str:
        """One sentence for the whole visit: what was sent last and what comes next."""
        return summarise(self.of(uid))

    def summaries(self, visits: Sequence[Record]) -> dict[str, str]:
        """``summary`` of each of these visits by its uid, read with two queries however many there are."""
        by_number = {visit.id: visit for visit in visits}
        people = {(visit.patient_phone, visit.patient_email) for visit in visits}
        with self._database.read() as tx:
            rows = store.of_appointments(tx, list(by_number)) if by_number else []
            stops = consents.in_force(tx, {address for one in people for address in consents.addresses(*one)})
        entries: dict[int, list[Entry]] = {number: [] for number in by_number}
        for row in rows:
            visit = by_number[row.reminder_appointment_id]
            entries[visit.id].append(self._entry(row, visit, stops))
        return {visit.uid: summarise(entries[visit.id]) for visit in visits}

    def _entry(self, row: Record, visit: Record, stops: set[tuple[str, str]]) -> Entry:
        state, snapshot = self._shown_state(row), self._catalogue.current()
        service, location = snapshot.service_by_id[visit.service_id], snapshot.location_by_id[visit.location_id]
        sentence = sentence_of(row, state, Subject(visit, service, location, stops))
        amount = row.price if row.price is not None else row.estimated
        currency = row.price_currency if row.price is not None else row.estimated_currency
        return Entry(
            id=row.reminder_uid, kind=row.reminder_kind, step=row.reminder_step, channel=row.reminder_channel,
            due_at=row.reminder_due_at, not_after=row.reminder_not_after, state=state, reason=row.reminder_reason,
            sentence=sentence, attempts=row.reminder_attempts, language=row.language,
            wanted_language=row.wanted_language,
            text=row.body or row.reminder_body, provider_sid=row.provider_sid, segments=row.segments,
            cost=_cost(None if row.reminder_carried_by else amount, currency, state), cost_is_actual=row.price is not None, error_code=row.error_code,
            duration_seconds=row.duration, answered_by=row.answered_by, outcome=row.outcome, text_version=row.text_version, sent_at=row.sent_at, delivered_at=row.delivered_at,
        )  # fmt: skip

    def _shown_state(self, row: Record) -> State:
        """While a call to the provider is under way the row is uncertain by construction; people see it as claimed."""
        state = State(row.reminder_state)
        running = row.reminder_lease_until is not None and row.reminder_lease_until > self._clock.now()
        return State.CLAIMED if state is State.UNCERTAIN and running else state


def summarise(entries: list[Entry]) -> str:
    """The last thing that happened and the next thing that will."""
    done = [entry for entry in entries if entry.state != State.PLANNED]
    ahead = [entry for entry in entries if entry.state == State.PLANNED]
    if not entries:
        return "No reminders belong to this visit."
    told = [entry for entry in done if entry.state in {State.SENT, State.DELIVERED, State.FAILED, State.MISSED}] or done
    parts = [told[-1].sentence] if told else []
    parts.append(f"Next: {ahead[0].sentence}" if ahead else "Nothing more is planned.")
    return " ".join(parts)


def _cost(amount: Decimal | None, currency: str | None, state: State) -> Money | None:
    if amount is None or currency is None or state in {State.PLANNED, State.SUPPRESSED, State.WITHDRAWN}:
        return None
    return Money(amount, currency)
