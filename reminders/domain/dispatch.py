"""Whether a due reminder goes out: decided at the last moment, from what is true at that moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from reminders.domain.appointment import OPEN, Change, Confirmation, Status
from reminders.domain.delivery import Reason, State
from reminders.domain.plan import QuietHours, into_allowed_hours

#: What a person wrote, and news of a change that a person made.
_NOTE, _NEWS = "desk", frozenset({"moved", "cancelled"})

#: Changes of a visit that take back whatever was planned for it before, and why.
WITHDRAWN_BECAUSE = {
    Change.RESCHEDULE: Reason.MOVED,
    Change.CANCEL: Reason.CANCELLED,
    Change.ARRIVE: Reason.DONE,
    Change.FULFIL: Reason.DONE,
    Change.NOSHOW: Reason.DONE,
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when a reminder falls due. ``visit_status`` is ``None`` for a note that belongs to no visit;
    ``paused`` is about the visit, ``patient_paused`` about everything for the patient."""

    kind: str
    now: datetime
    not_after: datetime
    visit_status: Status | None
    confirmation: Confirmation | None
    start: datetime | None
    has_address: bool
    opted_out: bool
    unless_confirmed: bool
    is_fallback: bool
    quiet: QuietHours | None
    zone: tzinfo
    paused: bool = False
    patient_paused: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """``state`` CLAIMED means: send now. PLANNED means: not yet, ``due_at`` says when."""

    state: State
    reason: Reason
    due_at: datetime | None = None


SEND = Verdict(State.CLAIMED, Reason.DUE)


def is_held(kind: str, *, visit_paused: bool, patient_paused: bool) -> bool:
    """True for what must not go out while the desk has paused the visit or the patient.

    A paused visit gets no reminders, but news that it was moved or cancelled still goes out: somebody made that change,
    and a patient who is not told comes at the wrong time. A paused patient gets nothing but what a person wrote.
    """
    if kind == _NOTE:
        return False
    return patient_paused or (visit_paused and kind not in _NEWS)


def decide(situation: Situation) -> Verdict:
    """Send, put off, or drop with the reason."""
    return _about_visit(situation) or _about_patient(situation) or _about_time(situation) or SEND


def _about_visit(s: Situation) -> Verdict | None:
    if s.visit_status is None:
        return None
    if s.kind == "cancelled":
        return None if s.visit_status is Status.CANCELLED else Verdict(State.SUPPRESSED, Reason.SUPERSEDED)
    if s.visit_status is Status.CANCELLED:
        return Verdict(State.SUPPRESSED, Reason.CANCELLED)
    if s.visit_status not in OPEN or (s.start is not None and s.start <= s.now):
        return Verdict(State.SUPPRESSED, Reason.NOT_OPEN)
    if s.confirmation is Confirmation.CONFIRMED and (s.unless_confirmed or s.is_fallback):
        return Verdict(State.SUPPRESSED, Reason.CONFIRMED)
    return None


def _about_patient(s: Situation) -> Verdict | None:
    if not s.has_address:
        return Verdict(State.SUPPRESSED, Reason.NO_ADDRESS)
    if s.opted_out:
        return Verdict(State.SUPPRESSED, Reason.OPTED_OUT)
    held = is_held(s.kind, visit_paused=s.paused, patient_paused=s.patient_paused)
    return Verdict(State.SUPPRESSED, Reason.PAUSED) if held else None


def _about_time(s: Situation) -> Verdict | None:
    if s.now > s.not_after:
        return Verdict(State.MISSED, Reason.TOO_LATE)
    if s.kind == _NOTE:  # a person decided to write now
        return None
    allowed = into_allowed_hours(s.now, s.not_after, s.now, s.zone, s.quiet)
    if allowed is None:
        return Verdict(State.MISSED, Reason.NO_ALLOWED_TIME)
    return None if allowed == s.now else Verdict(State.PLANNED, Reason.SHIFTED, allowed)
