"""Statuses and answers, in FHIR's words and ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from reminders.domain.appointment import OPEN, TRANSITIONS, Change, Confirmation, Status
from reminders.domain.fhir import appointment
from reminders.domain.fhir.appointment import STATUSES, Meeting, next_steps
from reminders.domain.fhir.clinic import SlotKey
from reminders.domain.fhir.shapes import id_of, is_id, uid_of
from reminders.errors import IllegalTransition
from reminders.store.ids import new_uid

NOW = datetime(2030, 5, 6, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize("code", STATUSES)
@pytest.mark.parametrize("now", Status)
def test_a_status_is_reached_by_one_step_or_not_at_all(now: Status, code: str) -> None:
    wanted = Meeting(code, answer="needs-action")
    try:
        steps = next_steps(now, Confirmation.UNCONFIRMED, wanted, moved=False)
    except IllegalTransition:
        assert now not in OPEN
        assert STATUSES[code] in OPEN
        return
    if STATUSES[code] is now or (now, STATUSES[code]) == (Status.BOOKED, Status.PENDING):
        assert steps == []
    else:
        (step,) = steps
        assert TRANSITIONS.get((now, step), STATUSES[code]) is STATUSES[code]


@pytest.mark.parametrize(
    ("known", "answer", "moved", "steps"),
    [("unconfirmed", "accepted", False, [Change.CONFIRM]), ("confirmed", "accepted", False, []),
     ("unconfirmed", "declined", False, [Change.CANCEL]), ("confirmed", "needs-action", False, []),
     ("confirmed", "tentative", False, []), ("unconfirmed", "accepted", True, []), ("confirmed", "accepted", True, [])],
)  # fmt: skip
def test_answers(known: str, answer: str, moved: bool, steps: list[Change]) -> None:
    meeting = Meeting("booked", answer=answer)
    assert next_steps(Status.BOOKED, Confirmation(known), meeting, moved=moved) == steps


def test_an_answer_after_the_visit_changes_nothing() -> None:
    assert (
        next_steps(Status.ARRIVED, Confirmation.UNCONFIRMED, Meeting("arrived", answer="declined"), moved=False) == []
    )


@pytest.mark.parametrize(
    ("actor", "kind"),
    [({"reference": "Patient/1"}, "1"), ({"reference": "http://x.example/fhir/Patient/1/_history/3"}, "1"),
     ({"reference": "#contained"}, None), ({"identifier": {"value": "1"}}, None), ({"reference": 5}, None),
     ({"reference": "urn:uuid:0"}, None), (None, None)],
)  # fmt: skip
def test_references(actor: Any, kind: str | None) -> None:
    people = [{"status": "accepted", **({"actor": actor} if actor is not None else {})}]
    meeting = appointment.read({"status": "booked", "participant": people})
    assert meeting.actors.get("Patient") == kind


def test_length_may_be_given_in_minutes() -> None:
    people = [{"status": "accepted"}]
    meeting = appointment.read({
        "status": "booked", "participant": people, "start": "2030-05-07T09:00:00Z", "minutesDuration": 20,
    })  # fmt: skip
    assert meeting.end == datetime(2030, 5, 7, 9, 20, tzinfo=UTC)


def test_ids_are_those_of_fhir_and_back() -> None:
    for prefix in ("pat", "apt", "prv", "svc", "loc"):
        uid = new_uid(prefix, NOW)
        assert is_id(id_of(uid))
        assert uid_of(id_of(uid)) == uid


def test_a_slot_is_known_by_its_id() -> None:
    key = SlotKey(new_uid("prv", NOW), new_uid("svc", NOW), NOW)
    assert is_id(key.id)
    assert SlotKey.parse(key.id) == key
    for wrong in ("", "a.b", "a.b.c.d", "a.b.xyz", "A.b.1", "a.b.123456789"):
        assert SlotKey.parse(wrong) is None
