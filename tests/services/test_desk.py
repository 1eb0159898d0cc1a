"""The desk's own work: notes to patients and the inbox."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reminders.domain.actor import Once
from reminders.errors import Invalid, KeyReused, NotFound
from reminders.services.desk import OptedOut
from reminders.store import inbox
from reminders.store.engine import Database
from tests.factories import DESK, MONDAY, World

HOUR = timedelta(hours=1)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_a_note_goes_out_with_the_next_tick_in_the_clinics_name(world):
    ids = world.open()
    row = world.desk.write(ids.patient, "Please bring your papers.")
    assert (row.kind, row.state, row.due_at, row.not_after) == ("desk", "planned", MONDAY, MONDAY + 4 * HOUR)
    world.tick()
    (sent,) = world.messenger.sent
    assert sent.body == "Clinica Norte: Please bring your papers."
    message = world.messages()[0]
    assert (message.appointment_id, message.patient_id) == (None, row.patient_id)


def test_a_note_is_of_no_use_tomorrow(world):
    ids = world.open()
    world.desk.write(ids.patient, "We open an hour later today.")
    world.tick(MONDAY + 4 * HOUR + timedelta(seconds=1))
    assert (world.reminders()[0].state, world.reminders()[0].reason) == ("missed", "deadline_passed")
    assert world.messenger.requests == 0


def test_a_note_is_written_once_per_request(world):
    ids, once = world.open(), Once("key_1", "a", "f")
    first = world.desk.write(ids.patient, "Hello", once)
    assert world.desk.write(ids.patient, "Hello", once).uid == first.uid
    with pytest.raises(KeyReused):
        world.desk.write(ids.patient, "Goodbye", Once("key_1", "a", "g"))
    world.desk.write(ids.patient, "Hello")
    assert len(world.reminders()) == 2


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u202a", "\x00\x07", "\ufeff", "\u2028"])
def test_a_note_needs_something_to_read(sqlite_database_url, text):
    database = Database(sqlite_database_url)
    world = World(database)
    ids = world.open()
    with pytest.raises(Invalid) as refusal:
        world.desk.write(ids.patient, text)
    assert refusal.value.field == "text"
    assert world.reminders() == []
    database.close()


def test_who_cannot_or_will_not_be_texted(world):
    ids = world.open()
    with pytest.raises(Invalid):
        world.desk.write(world.add_patient(phone=None), "Hello")
    with pytest.raises(NotFound):
        world.desk.write("pat_none", "Hello")
    world.patients.stop(ids.patient, "voice", DESK)
    world.desk.write(ids.patient, "Hello")
    world.patients.stop(ids.patient, "sms", DESK)
    with pytest.raises(OptedOut):
        world.desk.write(ids.patient, "Hello")
    assert [row.state for row in world.reminders()] == ["suppressed"]


def test_the_inbox_is_worked_off_once(world):
    for number in range(3):
        item = {"uid": f"inb_{number}", "reason": "not_understood", "created_at": MONDAY}
        world.run(lambda tx, item=item: inbox.add(tx, item))
    assert [row.uid for row in world.desk.inbox(0, 2, done=False)] == ["inb_0", "inb_1", "inb_2"]
    done = world.desk.finish("inb_1", DESK)
    assert (done.done_by, done.done_at) == (DESK.name, MONDAY)
    world.clock.advance(HOUR)
    assert world.desk.finish("inb_1", DESK).done_at == MONDAY
    assert [row.uid for row in world.desk.inbox(0, 2, done=True)] == ["inb_1"]
    with pytest.raises(NotFound):
        world.desk.finish("inb_9", DESK)
