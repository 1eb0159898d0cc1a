"""What happened to each reminder of a visit, what will happen, and why: one sentence the desk can read out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from reminders.clock import Clock
from reminders.domain.call import Outcome
from reminders.domain.clinic import Service
from reminders.domain.cost import Money
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.dispatch import is_held
from reminders.domain.duration import Duration
from reminders.services.catalogue import Catalogue
from reminders.store import appointments, consents
from reminders.store import reminders as store
from reminders.store.engine import Database, Record
from reminders.texts import language_name


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
        service, zone = snapshot.service_by_id[visit.service_id], snapshot.location_by_id[visit.location_id].zone
        sentence = _sentence(row, state, service, zone, _barred(row, visit, stops))
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


def _sentence(row: Record, state: State, service: Service, zone: ZoneInfo, barred: str) -> str:
    what = _what(row, service)
    due, limit = _time(row.reminder_due_at, zone), _time(row.reminder_not_after, zone)
    match state:
        case State.PLANNED if barred:
            return f"{what}, due {due}, will not go out {barred}."
        case State.PLANNED:
            return f"{what} will go out on {due}{_why_planned(row)}."
        case State.CLAIMED:
            return f"{what} is being sent right now."
        case State.UNCERTAIN if row.reminder_channel == Channel.EMAIL:
            return f"{what} was being handed over when the worker stopped; it will be handed over again."
        case State.UNCERTAIN:
            return f"{what} was handed over but the answer got lost; we ask the provider before sending anything again."
        case State.SENT | State.DELIVERED:
            return _sent_sentence(row, what, state, zone)
        case State.FAILED:
            return f"{what} did not reach the patient: {_because(row)}."
        case State.MISSED:
            return f"{what} was not sent: {_because(row)} (it made sense only until {limit})."
        case _:
            return f"{what}, due {due}, {_verb(state)}: {_because(row)}."


def _barred(row: Record, visit: Record, stops: set[tuple[str, str]]) -> str:
    """Why a planned reminder will not go out as things stand now; empty when nothing keeps it back."""
    if consents.bars(stops, visit.patient_phone, visit.patient_email, row.reminder_channel):
        return "because the patient asked us to stop"
    if is_held(row.reminder_kind, visit_paused=visit.paused, patient_paused=visit.patient_paused):
        return f"while the desk has paused reminders for this {'patient' if visit.patient_paused else 'visit'}"
    return ""


def _sent_sentence(row: Record, what: str, state: State, zone: ZoneInfo) -> str:
    if row.reminder_reason == Reason.IMPORTED:
        return f"{what} was sent before this system was in use; its text and cost are not known."
    language = _in_language(row)
    when = _time(row.sent_at or row.created_at or row.reminder_updated_at, zone)
    end = f" and delivered on {_time(row.delivered_at, zone)}" if state is State.DELIVERED and row.delivered_at else ""
    outcome = f"; {_ENDED[row.outcome]}" if row.outcome in _ENDED else ""
    joint = ", in one message with those of other visits" if row.reminder_carried_by else ""
    return f"{what} was sent on {when}{language}{joint}{end}{outcome}{_LOST.get(row.reminder_reason, '')}."


def _in_language(row: Record) -> str:
    if not row.language:
        return ""
    wanted = f" (there are no texts in {language_name(row.wanted_language)})" if row.wanted_language else ""
    return f" in {language_name(row.language)}{wanted}"


def _what(row: Record, service: Service) -> str:
    noun = _NOUNS.get(row.reminder_channel, "SMS")
    if row.reminder_kind == "reminder":
        steps = service.policy.steps if service.policy else ()
        lead = _lead(steps[row.reminder_step].offset) if row.reminder_step < len(steps) else ""
        return f"The reminder {noun}{lead}"
    return f"The {noun} {_KINDS.get(row.reminder_kind, row.reminder_kind)}"


def _lead(offset: Duration) -> str:
    days, seconds = abs(offset.days), abs(offset.seconds)
    parts = [(days, "day"), (seconds // 3600, "hour"), (seconds % 3600 // 60, "minute"), (seconds % 60, "second")]
    said = [f"{count} {unit}{'s' if count > 1 else ''}" for count, unit in parts if count]
    return f" {' '.join(said)} before" if said else " at the start"


def _time(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%a %d %b %Y at %H:%M") if moment else "an unknown time"


def _why_planned(row: Record) -> str:
    reasons: dict[str, Callable[[], str]] = {
        Reason.SHIFTED: lambda: ", moved out of quiet hours",
        Reason.RETRYING: lambda: f", after {_tries(row.reminder_attempts)} that the provider could not take",
        Reason.NOT_FOUND: lambda: ", because the provider does not know of the first try",
        Reason.LEASE_EXPIRED: lambda: ", because the worker that had it stopped",
        Reason.CALL_AGAIN: lambda: ", because nobody answered the call before",
        Reason.ACCOUNT_CLOSED: lambda: ", as soon as the provider accepts the clinic's account again",
    }
    return reasons.get(row.reminder_reason, lambda: "")()


def _tries(count: int) -> str:
    return "one try" if count == 1 else f"{count} tries"


def _because(row: Record) -> str:
    code = f" (provider error {row.error_code})" if row.error_code else ""
    if row.reminder_reason == Reason.NO_ADDRESS and row.reminder_channel == Channel.EMAIL:
        return "there is no e-mail address on the card"
    return str(_REASONS.get(row.reminder_reason, row.reminder_reason)) + code


def _verb(state: State) -> str:
    return "was taken back" if state is State.WITHDRAWN else "was left out"


def _cost(amount: Decimal | None, currency: str | None, state: State) -> Money | None:
    if amount is None or currency is None or state in {State.PLANNED, State.SUPPRESSED, State.WITHDRAWN}:
        return None
    return Money(amount, currency)


_LOST = {
    Reason.ADOPTED: " (the answer got lost; we found it at the provider)",
    Reason.UNCONFIRMED: " (the mail server had all of it, but its answer got lost)",
}

_ENDED: dict[str, str] = {
    Outcome.CONFIRMED: "the patient confirmed on it",
    Outcome.CANCELLED: "the patient cancelled on it",
    Outcome.MOVED: "the patient chose another time on it",
    Outcome.ANOTHER_TIME: "the patient asked for another time",
    Outcome.PUT_THROUGH: "the patient was put through to the clinic",
    Outcome.CALL_BACK: "the patient was promised a call back",
    Outcome.STOPPED: "the patient asked for no more calls",
    Outcome.WRONG_PERSON: "whoever answered said that the patient is not there",
    Outcome.NOTHING_OPEN: "by then there was nothing left to answer",
    Outcome.VOICEMAIL: "a machine answered, which was told nothing of the visit",
    Outcome.NO_CHOICE: "whoever answered made no choice",
}

_NOUNS = {Channel.VOICE: "call", Channel.EMAIL: "e-mail"}

_KINDS = {"moved": "about the new time", "cancelled": "about the cancellation", "desk": "written by the desk"}

_REASONS: dict[str, str] = {
    Reason.BOOKED_TOO_LATE: "the visit was booked after this time had passed",
    Reason.NO_ALLOWED_TIME: "there was no time outside quiet hours before the deadline",
    Reason.CONFIRMED: "the patient had confirmed already",
    Reason.OPTED_OUT: "the patient asked us to stop",
    Reason.NO_ADDRESS: "there is no phone number on the card",
    Reason.NOT_OPEN: "the visit was no longer ahead",
    Reason.MOVED: "the visit was moved",
    Reason.CANCELLED: "the visit was cancelled",
    Reason.DONE: "the patient had come, or the visit was over",
    Reason.REACHED: "the patient had been reached another way",
    Reason.TOO_LATE: "its deadline passed before it could be sent",
    Reason.REFUSED: "the provider refused it",
    Reason.UNDELIVERED: "the network could not deliver it",
    Reason.NOT_ANSWERED: "nobody answered",
    Reason.SUPERSEDED: "the visit or its reminder policy changed",
    Reason.DUE: "the provider could not deliver it",
    Reason.SHIFTED: "its time had been moved out of quiet hours",
    Reason.RETRYING: "the provider could not take it",
    Reason.LEASE_EXPIRED: "the worker that had it stopped",
    Reason.ADOPTED: "the answer got lost, but the provider had taken it",
    Reason.NOT_FOUND: "the provider did not know of it",
    Reason.IMPORTED: "it comes from the records before this system was in use",
    Reason.NO_TEXT: "its text could not be written",
    Reason.PAUSED: "the desk paused reminders for this visit or patient",
    Reason.COMBINED: "another message to the same phone spoke for it",
    Reason.DAILY_CAP: "this phone had got as many messages within a day as the clinic allows",
    Reason.OVER_BUDGET: "the month's budget was used up, and a later reminder of the visit was kept instead",
    Reason.CALL_AGAIN: "nobody answered the calls",
    Reason.ACCOUNT_CLOSED: "the provider refused the clinic's account",
    Reason.HELD_OUT: "the patient drew the arm of an experiment that gets no reminders",
    Reason.UNCONFIRMED: "the mail server had all of it, but its answer got lost",
    Reason.VOICEMAIL: "a machine answered the call",
    Reason.NO_CHANNEL: "this channel is not set up here",
}
