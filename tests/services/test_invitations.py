"""The calendar in an e-mail: one entry per visit, changed and taken back by later mails, as a calendar program reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from icalendar import Calendar, Event

from reminders.domain.appointment import Change
from reminders.domain.delivery import Channel
from reminders.store.engine import Database
from tests.factories import MONDAY, RULES, World, step
from tests.fakes import FakeMailer, Letter

START = MONDAY + timedelta(days=2, hours=1)  # 9:00 in Madrid
MAILBOX = "reminders@clinic.example"


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def world(database: Database, mailer: FakeMailer) -> World:
    rules = replace(RULES, channels=frozenset(Channel), mailbox=MAILBOX)
    return World(database, rules=rules, mailer=mailer)


def opened(world: World, language: str = "es") -> str:
    """A visit whose patient is reminded by e-mail, and told of changes."""
    ids = world.open(
        steps=[step("-P1D", "email")], notices=["moved", "cancelled"], location={"name": "Clínica Norte; Sur"},
        patient={"email": "ana@example.com", "phone": None, "language": language},
    )  # fmt: skip
    return world.book(ids, START)


def calendar(letter: Letter) -> tuple[Calendar, Event]:
    assert letter.attachment is not None
    whole = Calendar.from_ical(letter.attachment.content)
    assert isinstance(whole, Calendar)
    (event,) = whole.walk("VEVENT")
    assert str(whole["METHOD"]) == letter.attachment.method
    return whole, event  # type: ignore[return-value]


def test_a_reminder_carries_the_visit(world: World, mailer: FakeMailer) -> None:
    visit = opened(world)
    world.tick(START - timedelta(days=1))
    (letter,) = mailer.sent
    whole, event = calendar(letter)
    assert (str(whole["METHOD"]), str(event["UID"]), int(event["SEQUENCE"])) == ("PUBLISH", visit, 0)
    assert (event.start.astimezone(UTC), event.end.astimezone(UTC)) == (START, START + timedelta(minutes=30))
    assert event["DTSTART"].params["TZID"] == "Europe/Madrid"
    assert [str(zone["TZID"]) for zone in whole.walk("VTIMEZONE")] == ["Europe/Madrid"]
    assert str(event["SUMMARY"]) == str(event["LOCATION"]) == "Clínica Norte; Sur"
    assert str(event["ORGANIZER"]) == f"mailto:{MAILBOX}"
    assert "Le recordamos la cita de Ana Ruiz" in str(event["DESCRIPTION"])
    assert "correo" not in str(event["DESCRIPTION"]), "the end of the mail is no part of the visit"
    assert str(event["STATUS"]) == "CONFIRMED"
    assert event["DTSTAMP"].dt == world.clock.now()


def test_the_words_are_in_the_patients_language(world: World, mailer: FakeMailer) -> None:
    opened(world, "de")
    world.tick(START - timedelta(days=1))
    _, event = calendar(mailer.sent[0])
    assert "Termin" in str(event["DESCRIPTION"])
    assert mailer.sent[0].attachment is not None
    assert mailer.sent[0].attachment.language == "de"


def test_a_move_and_a_cancellation_change_the_same_entry(world: World, mailer: FakeMailer) -> None:
    visit = opened(world)
    world.move(visit, START + timedelta(hours=2))
    world.tick(world.clock.now() + timedelta(minutes=5))
    world.change(visit, Change.CANCEL)
    world.tick(world.clock.now() + timedelta(minutes=5))
    moved, cancelled = (calendar(letter)[1] for letter in mailer.sent)
    assert str(moved["UID"]) == str(cancelled["UID"]) == visit
    assert moved.start.astimezone(UTC) == START + timedelta(hours=2)
    assert (int(moved["SEQUENCE"]), int(cancelled["SEQUENCE"])) == (1, 2)
    assert (str(moved["STATUS"]), str(cancelled["STATUS"])) == ("CONFIRMED", "CANCELLED")
    assert [letter.attachment.method for letter in mailer.sent if letter.attachment] == ["PUBLISH", "CANCEL"]


def test_a_confirmation_leaves_the_entry_as_it_is(world: World, mailer: FakeMailer) -> None:
    visit = opened(world)
    world.change(visit, Change.CONFIRM)
    world.tick(START - timedelta(days=1))
    _, event = calendar(mailer.sent[0])
    assert (str(event["UID"]), int(event["SEQUENCE"])) == (visit, 0), "a confirmation is no new time"


def test_a_text_message_carries_none(world: World, mailer: FakeMailer) -> None:
    world.book(world.open(steps=[step("-P1D")]), START)
    world.tick(START - timedelta(days=1))
    assert mailer.sent == []
    assert len(world.messenger.sent) == 1
