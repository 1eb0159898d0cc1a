"""The decision at the last moment: one test per reason, and which reason wins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.appointment import OPEN, Change, Confirmation, Status
from reminders.domain.delivery import Reason, State, may_move
from reminders.domain.dispatch import SEND, WITHDRAWN_BECAUSE, Situation, Verdict, decide
from reminders.domain.plan import QuietHours

NOON = datetime(2030, 5, 7, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FINE = Situation(
    kind="reminder", now=NOON, not_after=NOON + 4 * HOUR, visit_status=Status.BOOKED,
    confirmation=Confirmation.UNCONFIRMED, start=NOON + 24 * HOUR, has_address=True, opted_out=False,
    unless_confirmed=False, is_fallback=False, quiet=QuietHours(20 * 60, 8 * 60), zone=ZoneInfo("UTC"),
)  # fmt: skip
LUNCH = QuietHours(11 * 60, 14 * 60)
CONFIRMED = Confirmation.CONFIRMED


def dropped(reason: Reason) -> Verdict:
    return Verdict(State.SUPPRESSED, reason)


CASES = {
    "nothing against it": ({}, SEND),
    "pending visits are reminded too": ({"visit_status": Status.PENDING}, SEND),
    "confirmed, but this step does not ask": ({"confirmation": CONFIRMED}, SEND),
    "confirmed": ({"confirmation": CONFIRMED, "unless_confirmed": True}, dropped(Reason.CONFIRMED)),
    "confirmed before the fallback": ({"confirmation": CONFIRMED, "is_fallback": True}, dropped(Reason.CONFIRMED)),
    "cancelled": ({"visit_status": Status.CANCELLED}, dropped(Reason.CANCELLED)),
    "arrived": ({"visit_status": Status.ARRIVED}, dropped(Reason.NOT_OPEN)),
    "fulfilled": ({"visit_status": Status.FULFILLED}, dropped(Reason.NOT_OPEN)),
    "no-show": ({"visit_status": Status.NOSHOW}, dropped(Reason.NOT_OPEN)),
    "begun": ({"start": NOON}, dropped(Reason.NOT_OPEN)),
    "no phone": ({"has_address": False}, dropped(Reason.NO_ADDRESS)),
    "stopped": ({"opted_out": True}, dropped(Reason.OPTED_OUT)),
    "at the deadline": ({"not_after": NOON}, SEND),
    "after the deadline": (
        {"not_after": NOON - timedelta(microseconds=1)}, Verdict(State.MISSED, Reason.TOO_LATE)),
    "quiet, still time": ({"quiet": LUNCH}, Verdict(State.PLANNED, Reason.SHIFTED, NOON + 2 * HOUR)),
    "quiet until after the deadline": (
        {"quiet": LUNCH, "not_after": NOON + HOUR}, Verdict(State.MISSED, Reason.NO_ALLOWED_TIME)),
    "no quiet hours at all": ({"quiet": None}, SEND),
    "news of a cancellation": ({"kind": "cancelled", "visit_status": Status.CANCELLED}, SEND),
    "cancellation taken back": ({"kind": "cancelled"}, dropped(Reason.SUPERSEDED)),
    "news of a move": ({"kind": "moved"}, SEND),
    "moved, then cancelled": ({"kind": "moved", "visit_status": Status.CANCELLED}, dropped(Reason.CANCELLED)),
    "a note by the desk, in quiet hours": ({"kind": "desk", "visit_status": None, "start": None, "quiet": LUNCH}, SEND),
    "a note, too old": (
        {"kind": "desk", "visit_status": None, "start": None, "not_after": NOON - HOUR},
        Verdict(State.MISSED, Reason.TOO_LATE)),
    "a note to who said stop": (
        {"kind": "desk", "visit_status": None, "start": None, "opted_out": True}, dropped(Reason.OPTED_OUT)),
    "visit paused": ({"paused": True}, dropped(Reason.PAUSED)),
    "patient paused": ({"patient_paused": True}, dropped(Reason.PAUSED)),
    "visit paused, but moved": ({"paused": True, "kind": "moved"}, SEND),
    "visit paused, but cancelled": (
        {"paused": True, "kind": "cancelled", "visit_status": Status.CANCELLED}, SEND),
    "patient paused, and moved": ({"patient_paused": True, "kind": "moved"}, dropped(Reason.PAUSED)),
    "patient paused, and cancelled": (
        {"patient_paused": True, "kind": "cancelled", "visit_status": Status.CANCELLED}, dropped(Reason.PAUSED)),
    "patient paused, a note by the desk": (
        {"patient_paused": True, "paused": True, "kind": "desk", "visit_status": None, "start": None}, SEND),
    # which reason is told when there are several: the visit, then the patient, then the time
    "cancelled and stopped": ({"visit_status": Status.CANCELLED, "opted_out": True}, dropped(Reason.CANCELLED)),
    "stopped and paused": ({"opted_out": True, "paused": True}, dropped(Reason.OPTED_OUT)),
    "confirmed and paused": (
        {"confirmation": CONFIRMED, "unless_confirmed": True, "patient_paused": True}, dropped(Reason.CONFIRMED)),
    "paused and late": ({"paused": True, "not_after": NOON - HOUR}, dropped(Reason.PAUSED)),
    "stopped and late": ({"opted_out": True, "not_after": NOON - HOUR}, dropped(Reason.OPTED_OUT)),
    "late and quiet": ({"quiet": LUNCH, "not_after": NOON - HOUR}, Verdict(State.MISSED, Reason.TOO_LATE)),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "verdict"), CASES.values(), ids=CASES)
def test_decision(changes, verdict):
    assert decide(replace(FINE, **changes)) == verdict


MOMENTS = st.datetimes(
    datetime.fromisoformat("2030-05-01"), datetime.fromisoformat("2030-05-09"), timezones=st.just(UTC)
)
SITUATIONS = st.builds(
    Situation,
    kind=st.sampled_from(["reminder", "moved", "cancelled"]),
    now=MOMENTS,
    not_after=MOMENTS,
    visit_status=st.sampled_from(Status),
    confirmation=st.sampled_from(Confirmation),
    start=MOMENTS,
    has_address=st.booleans(),
    opted_out=st.booleans(),
    unless_confirmed=st.booleans(),
    is_fallback=st.booleans(),
    quiet=st.none() | st.builds(QuietHours, st.integers(0, 1440), st.integers(0, 1440)),
    zone=st.sampled_from([ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata"), ZoneInfo("America/New_York")]),
    paused=st.booleans(),
    patient_paused=st.booleans(),
)


@given(SITUATIONS)
def test_nothing_goes_out_that_should_not(situation):
    verdict = decide(situation)
    assert verdict == SEND or may_move(State.CLAIMED, verdict.state)
    if verdict == SEND:
        assert situation.has_address
        assert not situation.opted_out
        assert not situation.patient_paused
        assert not situation.paused or situation.kind != "reminder"
        assert situation.now <= situation.not_after
        assert situation.kind == "cancelled" or situation.visit_status in OPEN
        assert situation.kind == "cancelled" or situation.start > situation.now
        wall = situation.now.astimezone(situation.zone)
        assert situation.quiet is None or not situation.quiet.forbids(wall.hour * 60 + wall.minute)
    if verdict.due_at is not None:
        assert verdict.state is State.PLANNED
        assert situation.now < verdict.due_at <= situation.not_after


def test_every_change_but_a_yes_takes_back_what_was_planned():
    assert set(Change) - set(WITHDRAWN_BECAUSE) == {Change.CONFIRM}
