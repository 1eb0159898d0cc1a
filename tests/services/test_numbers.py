"""Numbers that do not work, on the card and in the worklist."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from reminders.services import numbers
from reminders.store.engine import Database
from tests.factories import DESK, MONDAY, World, together


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def message(world: World, patient: str | None) -> Any:
    number = world.patients.get(patient).patient.id if patient else None
    return SimpleNamespace(id=None, patient_id=number, appointment_id=None)


def flag(world: World, patient: str | None, problem: str = "provider error 30005") -> None:
    world.run(lambda tx: numbers.flag(tx, message(world, patient), problem, MONDAY))


def worklist(world: World) -> list[tuple[str, str, str | None]]:
    return [(row.patient_uid, row.reason, row.phone_problem) for row in world.desk.inbox(0, 99, done=False)]


def test_each_patient_is_in_the_worklist_once_until_somebody_has_dealt_with_it(world):
    ana, luis = world.add_patient(), world.add_patient(phone="600 000 011")
    flag(world, ana)
    flag(world, ana, "provider error 21614")
    flag(world, luis)
    assert worklist(world) == [
        (ana, "number_problem", "provider error 21614"), (luis, "number_problem", "provider error 30005"),
    ]  # fmt: skip
    world.desk.finish(world.desk.inbox(0, 1, done=False)[0].uid, DESK)
    assert [patient for patient, *_ in worklist(world)] == [luis]
    flag(world, ana)
    assert [patient for patient, *_ in worklist(world)] == [luis, ana]


def test_a_note_of_nobody_flags_nobody(world):
    flag(world, None)
    assert worklist(world) == []


def test_reports_that_come_at_the_same_moment_make_one_item(world):
    patient = world.add_patient()
    for _ in range(5):
        results = together([partial(flag, world, patient)] * 4)
        assert results == [None] * 4, results
        assert len(worklist(world)) == 1
        world.desk.finish(world.desk.inbox(0, 1, done=False)[0].uid, DESK)
