"""The sentence that says what happened to one reminder, or what will happen to it, and by which rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from reminders.domain.appointment import Confirmation
from reminders.domain.call import Outcome
from reminders.domain.clinic import Location, Service
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.dispatch import is_held
from reminders.domain.duration import Duration
from reminders.domain.plan import QuietHours, Step
from reminders.services.catalogue import wall
from reminders.services.planning import Lot
from reminders.store import consents
from reminders.store.engine import Record
from reminders.texts import language_name


@dataclass(frozen=True, slots=True)
class Subject:
    """What a reminder is about, and the addresses at which somebody said stop."""

    visit: Record
    service: Service
    location: Location
    stops: set[tuple[str, str]]

    @property
    def zone(self) -> ZoneInfo:
        return self.location.zone

    @property
    def quiet(self) -> QuietHours | None:
        policy = self.service.policy
        return policy.quiet(self.location.country) if policy else None

    @property
    def hearer_zone(self) -> ZoneInfo:
        """Where quiet hours are counted."""
        return self.location.zone_of(self.visit.patient_zone)

    def rule(self, row: Record) -> Step | None:
        """The step of the policy as it is now."""
        return (
            Lot.of(self.visit).step(self.service.policy, row.reminder_step) if row.reminder_kind == "reminder" else None
        )


def sentence_of(row: Record, state: State, subject: Subject) -> str:
    """In English, for the desk; times on the venue's clock."""
    zone, rule = subject.zone, subject.rule(row)
    what = _what(row, rule)
    due, limit = _time(row.reminder_due_at, zone), _time(row.reminder_not_after, zone)
    match state:
        case State.PLANNED if barred := _barred(row, rule, subject):
            return f"{what}, due {due}, will not go out {barred}."
        case State.PLANNED:
            return f"{what} will go out on {due}{_why_planned(row, rule, subject)}{_provided(row, rule)}."
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


def _barred(row: Record, rule: Step | None, subject: Subject) -> str:
    """Why a planned reminder will not go out as things stand now; empty when nothing keeps it back."""
    visit = subject.visit
    if consents.bars(subject.stops, visit.patient_phone, visit.patient_email, row.reminder_channel):
        return "because the patient asked us to stop"
    if is_held(row.reminder_kind, visit_paused=visit.paused, patient_paused=visit.patient_paused):
        return f"while the desk has paused reminders for this {'patient' if visit.patient_paused else 'visit'}"
    if _is_conditional(row, rule) and visit.confirmation == Confirmation.CONFIRMED:
        return "because the patient has confirmed"
    return ""


def _is_conditional(row: Record, rule: Step | None) -> bool:
    """Whether a confirmation saves it: the step says so, or it is a further channel of one."""
    return rule is not None and (rule.unless_confirmed or row.reminder_channel != rule.channels[0])


def _provided(row: Record, rule: Step | None) -> str:
    """On what it depends, and what follows when it fails."""
    unless = ", unless the patient confirms before" if _is_conditional(row, rule) else ""
    following = rule.after(Channel(row.reminder_channel)) if rule and rule.fallback_after is None else None
    if following is None:
        return unless
    noun = _NOUNS.get(following, "SMS")
    return f"{unless}; should it not arrive, {'a' if noun == 'call' else 'an'} {noun} follows"


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


def _what(row: Record, rule: Step | None) -> str:
    noun = _NOUNS.get(row.reminder_channel, "SMS")
    if row.reminder_kind == "reminder":
        return f"The reminder {noun}{_lead(rule.offset) if rule else ''}"
    return f"The {noun} {_KINDS.get(row.reminder_kind, row.reminder_kind)}"


def _lead(offset: Duration) -> str:
    days, seconds = abs(offset.days), abs(offset.seconds)
    parts = [(days, "day"), (seconds // 3600, "hour"), (seconds % 3600 // 60, "minute"), (seconds % 60, "second")]
    said = [f"{count} {unit}{'s' if count > 1 else ''}" for count, unit in parts if count]
    return f" {' '.join(said)} before" if said else " at the start"


def _time(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%a %d %b %Y at %H:%M") if moment else "an unknown time"


def _why_planned(row: Record, rule: Step | None, subject: Subject) -> str:
    reasons: dict[str, Callable[[], str]] = {
        Reason.DUE: lambda: _shifted(row, rule, subject),
        Reason.SHIFTED: lambda: _shifted(row, rule, subject) or ", moved out of quiet hours",
        Reason.RETRYING: lambda: f", after {_tries(row.reminder_attempts)} that the provider could not take",
        Reason.NOT_FOUND: lambda: ", because the provider does not know of the first try",
        Reason.LEASE_EXPIRED: lambda: ", because the worker that had it stopped",
        Reason.CALL_AGAIN: lambda: ", because nobody answered the call before",
        Reason.ACCOUNT_CLOSED: lambda: ", as soon as the provider accepts the clinic's account again",
    }
    return reasons.get(row.reminder_reason, lambda: "")()


def _shifted(row: Record, rule: Step | None, subject: Subject) -> str:
    """From when it was moved, and by which hours. Told by the times themselves: a reminder that was taken back and planned
    again is as much moved as before."""
    quiet, zone = subject.quiet, subject.hearer_zone
    if rule is None or quiet is None or row.reminder_channel != rule.channels[0]:
        return ""
    wanted = rule.offset.after(subject.visit.start_at, subject.zone)
    if wanted == row.reminder_due_at or not quiet.forbids_at(wanted, zone):
        return ""
    where = f" in {zone.key}" if zone.key != subject.zone.key else ""
    hours = f"{wall(quiet.start)} to {wall(quiet.end)}{where}"
    return f", moved from {_time(wanted, subject.zone)} out of quiet hours ({hours})"


def _tries(count: int) -> str:
    return "one try" if count == 1 else f"{count} tries"


def _because(row: Record) -> str:
    code = f" (provider error {row.error_code})" if row.error_code else ""
    if row.reminder_reason == Reason.NO_ADDRESS and row.reminder_channel == Channel.EMAIL:
        return "there is no e-mail address on the card"
    return str(_REASONS.get(row.reminder_reason, row.reminder_reason)) + code


def _verb(state: State) -> str:
    return "was taken back" if state is State.WITHDRAWN else "was left out"


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
