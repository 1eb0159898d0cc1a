"""Messages: incoming ones once, outgoing ones settled by reports in any order and number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from reminders.domain.delivery import State, move
from reminders.store import claims, histories, messages, reminders
from reminders.store.engine import Database
from tests.factories import Ground, add_visit, ground, together, uid

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PHONE = "+34600000001"
REPORTS = st.sampled_from([State.SENT, State.DELIVERED, State.FAILED])


@pytest.fixture
def clinic(database: Database) -> Ground:
    return ground(database)


def add(database: Database, *rows) -> list[int]:
    with database.write() as tx:
        return [messages.add(tx, row) for row in rows]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(REPORTS, max_size=6))
def test_a_message_follows_the_state_machine(database, clinic, reports):
    (number,) = add(database, clinic.message())
    expected = State.UNCERTAIN
    with database.write() as tx:
        for report in reports:
            after = move(expected, report)
            assert messages.settle(tx, number, report) is (after is not expected)
            expected = after
            assert messages.by_number(tx, number).state == expected


def test_facts_are_kept_even_when_they_come_late(database, clinic):
    (number,) = add(database, clinic.message(segments=1, estimated=Decimal("0.0783")))
    with database.write() as tx:
        assert messages.settle(tx, number, State.DELIVERED, provider_sid="SM1", delivered_at=NOW)
        assert not messages.settle(tx, number, State.SENT, sent_at=NOW - MINUTE, segments=2, price=None)
        assert not messages.settle(tx, number, State.DELIVERED, price=Decimal("0.15660"), price_currency="USD")
        row = messages.by_number(tx, number)
    assert (row.state, row.provider_sid, row.delivered_at, row.sent_at) == ("delivered", "SM1", NOW, NOW - MINUTE)
    assert (row.segments, row.price, row.price_currency, row.estimated) == (
        2, Decimal("0.1566"), "USD", Decimal("0.0783"),
    )  # fmt: skip


def test_a_price_of_zero_is_a_price(database, clinic):
    (number,) = add(database, clinic.message())
    with database.write() as tx:
        messages.settle(tx, number, State.FAILED, price=Decimal(0), price_currency="USD")
        assert messages.by_number(tx, number).price == Decimal(0)


def incoming(clinic: Ground, sid: str | None) -> dict[str, object]:
    return clinic.message(direction="in", kind="reply", token=None, provider_sid=sid, state=State.DELIVERED)


def test_an_incoming_message_is_stored_once(database, clinic):
    with database.write() as tx:
        assert messages.add_once(tx, incoming(clinic, "SM1")) is not None
        assert messages.add_once(tx, incoming(clinic, "SM1")) is None
        assert messages.add_once(tx, incoming(clinic, "SM2")) is not None
        assert messages.known_sid(tx, "SM1")
        assert not messages.known_sid(tx, "SM3")
    for attempt in range(5):
        rows = [incoming(clinic, f"SM1{attempt}") for _ in range(4)]
        results = together([partial(database.run, partial(messages.add_once, values=row)) for row in rows])
        assert sum(isinstance(result, int) for result in results) == 1
        assert results.count(None) == 3


def test_tokens_and_ids_of_the_provider_belong_to_one_message(database, clinic):
    first, second = add(database, clinic.message(token="secret", provider_sid="SM1"), clinic.message())
    for values in ({"token": "secret"}, {"provider_sid": "SM1"}):
        with pytest.raises(IntegrityError):
            add(database, clinic.message(**values))
    with pytest.raises(IntegrityError), database.write() as tx:
        messages.settle(tx, second, State.SENT, provider_sid="SM1")
    with database.write() as tx:
        assert messages.by_token(tx, "secret", lock=True).id == first
        assert messages.by_token(tx, "secre") is None
        assert messages.by_uid(tx, "msg_none") is None


def test_questions_a_phone_was_asked(database, clinic):
    def visit(day: int, **changes) -> int:
        return database.run(lambda tx: add_visit(tx, clinic.visit(NOW + day * DAY, **changes)))

    def sent(appointment: int, age: int, **changes) -> dict[str, object]:
        return clinic.message(planned[appointment], **{
            "appointment_id": appointment, "created_at": NOW - age * MINUTE, "state": State.SENT, **changes,
        })  # fmt: skip

    near, far = visit(1), visit(2)
    planned = {}
    with database.write() as tx:
        reminders.add(tx, [clinic.reminder(one, NOW, plan=3) for one in (near, far)])
        planned = {one: reminders.of_appointment(tx, one)[0].reminder_id for one in (near, far)}
        for version, change in enumerate(["book", "reschedule", "reschedule", "confirm"], start=1):
            histories.add(tx, {"appointment_id": near, "at": NOW, "change": change, "actor": "key", "channel": "api",
                               "version": version, "facts": {}})  # fmt: skip
    first, second, third, *_ = add(
        database,
        sent(near, 30),
        sent(far, 20, state=State.DELIVERED),
        sent(near, 10, kind="moved", state=State.UNCERTAIN),
        sent(near, 61),  # too old
        sent(near, 5, state=State.FAILED),
        sent(near, 5, kind="cancelled"),
        sent(near, 5, kind="desk"),
        sent(near, 5, direction="in"),
        sent(near, 5, phone="+34600000002"),
    )
    with database.read() as tx:
        found = messages.questions(tx, PHONE, NOW - 60 * MINUTE)
    assert [(row.id, row.appointment_id, row.plan, row.moved) for row in found] == [
        (third, near, 3, 3), (second, far, 3, None), (first, near, 3, 3),
    ]  # fmt: skip


def test_answers_are_counted_within_their_time(database, clinic):
    add(database, *(clinic.message(kind="answer", created_at=NOW - age * MINUTE) for age in (0, 5, 10)))
    add(
        database,
        clinic.message(kind="reminder", created_at=NOW),
        clinic.message(kind="answer", phone="+1", created_at=NOW),
    )
    with database.read() as tx:
        assert [messages.answers_since(tx, PHONE, NOW - age * MINUTE) for age in (0, 5, 9, 10)] == [1, 2, 2, 3]


def test_attempts_and_conversation(database, clinic):
    with database.write() as tx:
        reminders.add(tx, [clinic.reminder(None, NOW)])
        reminder = claims.claim_due(tx, "sms", NOW, "me", NOW, 1, since=NOW)[0].id
    first, second = add(database, clinic.message(reminder), clinic.message(reminder))
    other, lone = add(database, clinic.message(patient_id=clinic.patients[1]), clinic.message())
    with database.read() as tx:
        assert [row.id for row in messages.of_reminder(tx, reminder)] == [first, second]
        assert [row.id for row in messages.conversation(tx, clinic.patients[0])] == [lone, second, first]
        assert len(messages.conversation(tx, clinic.patients[0], limit=1)) == 1
        assert messages.reminder_of(tx, messages.by_number(tx, first)).id == reminder
        assert messages.reminder_of(tx, messages.by_number(tx, other)) is None


def test_a_shared_phone_belongs_to_whom_we_wrote_last(database, clinic):
    with database.read() as tx:
        assert messages.patient_of_phone(tx, PHONE).id == clinic.patients[0]
        assert messages.patient_of_phone(tx, "+1999") is None
    add(database, clinic.message(), clinic.message(patient_id=clinic.patients[1]))
    with database.read() as tx:
        assert messages.patient_of_phone(tx, PHONE).id == clinic.patients[1]
    assert uid("msg") != uid("msg")
