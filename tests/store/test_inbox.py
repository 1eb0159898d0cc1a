"""What a person at the desk has to read, once."""

from __future__ import annotations

from datetime import UTC, datetime

from reminders.store import inbox, messages
from tests.factories import ground

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)


def test_items_are_listed_in_order_until_somebody_is_done(database):
    clinic = ground(database)
    with database.write() as tx:
        message = messages.add(tx, clinic.message(direction="in", kind="reply", body="¿Mañana?", language="es"))
        for number in range(3):
            inbox.add(tx, {"uid": f"inb_{number}", "message_id": message if number else None, "created_at": NOW,
                           "patient_id": clinic.patients[0] if number else None, "reason": "not_understood"})  # fmt: skip
        first, *rest = inbox.listing(tx, 0, 10, done=False)
        assert [row.uid for row in [first, *rest]] == ["inb_0", "inb_1", "inb_2"]
        assert (first.body, first.patient_name) == (None, None)
        assert (rest[0].body, rest[0].patient_name, rest[0].phone) == ("¿Mañana?", "Patient 0", "+34600000001")
        assert [row.uid for row in inbox.listing(tx, first.id, 1, done=False)] == ["inb_1"]
        assert inbox.finish(tx, "inb_1", "key_1", NOW)
        assert not inbox.finish(tx, "inb_1", "key_2", NOW)
        assert not inbox.finish(tx, "inb_9", "key_2", NOW)
        assert [row.uid for row in inbox.listing(tx, 0, 10, done=False)] == ["inb_0", "inb_2"]
        (done,) = inbox.listing(tx, 0, 10, done=True)
        assert (done.uid, done.done_by, done.done_at) == ("inb_1", "key_1", NOW)
        assert inbox.get(tx, "inb_2").appointment_uid is None
        assert inbox.get(tx, "inb_9") is None


def test_one_open_item_for_a_patient_and_reason(database):
    clinic = ground(database)
    ana, luis = clinic.patients[:2]

    def item(number: int, patient: int, reason: str) -> dict[str, object]:
        return {"uid": f"inb_{number}", "patient_id": patient, "reason": reason, "created_at": NOW}

    with database.write() as tx:
        assert inbox.add_once(tx, item(1, ana, "number_problem"))
        assert not inbox.add_once(tx, item(2, ana, "number_problem"))
        assert inbox.add_once(tx, item(3, ana, "wants_another_time"))
        assert inbox.add_once(tx, item(4, luis, "number_problem"))
        assert inbox.settle(tx, ana, "number_problem", "system", NOW) == 1
        assert inbox.settle(tx, ana, "number_problem", "system", NOW) == 0
        assert [row.uid for row in inbox.listing(tx, 0, 10, done=False)] == ["inb_3", "inb_4"]
        assert inbox.add_once(tx, item(5, ana, "number_problem"))
