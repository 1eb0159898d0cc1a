"""Patients' cards: numbers people write in their own way, and what they allow."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest

from reminders.domain.actor import Once
from reminders.errors import Invalid, KeyReused, NotFound, Stale
from reminders.services import numbers
from reminders.services.patients import Stop
from reminders.services.phones import e164
from reminders.store.engine import Database
from reminders.store.tables import Patient
from tests.factories import DESK, MONDAY, World, at, step, together

WEDNESDAY = at("2030-05-08 10:00")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


WRITTEN = [
    ("600 000 010", "ES", "+34600000010"),
    ("+34 600 000 010", "US", "+34600000010"),
    ("0034 600000010", "ES", "+34600000010"),
    ("(202) 555-0143", "US", "+12025550143"),
    ("1-202-555-0143", "CA", "+12025550143"),
    ("07700 900123", "GB", "+447700900123"),
    ("tel:+44-7700-900123", "ES", "+447700900123"),
    ("06 39 98 12 34", "FR", "+33639981234"),
]
UNREADABLE = ["", "Ana", "12", "555-0143", "+", "+999 123 456 789", "600 000 010 600 000 010", "0", "+34"]


@pytest.mark.parametrize(("text", "country", "number"), WRITTEN)
def test_numbers_as_people_write_them(text, country, number):
    assert e164(text, country) == number
    assert e164(number, "JP") == number


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_nobody_can_dial_is_refused(text):
    with pytest.raises(Invalid) as refusal:
        e164(text, "US")
    assert refusal.value.field == "phone"


def test_a_number_is_read_in_the_country_given_else_in_the_clinics(world):
    world.add_location(country="ES")
    cards = [
        world.patients.add({"name": "Ana", "phone": "600 000 010"}, None),
        world.patients.add({"name": "Bob", "phone": "(202) 555-0143"}, "US"),
    ]
    assert [card.patient.phone for card in cards] == ["+34600000010", "+12025550143"]
    assert [card.patient.name for card in world.patients.listing(0, 10, None, "600000010")] == ["Ana"]


def test_a_clinic_without_a_venue_yet(world):
    assert world.patients.add({"name": "Bob", "phone": "(202) 555-0143"}, None).patient.phone == "+12025550143"


def test_a_card_is_stored_once_per_request(world):
    once = Once("key_1", "a", "f")
    first = world.patients.add({"name": "Ana"}, "ES", once)
    assert world.patients.add({"name": "Ana"}, "ES", once) == first
    with pytest.raises(KeyReused):
        world.patients.add({"name": "Ana"}, "ES", Once("key_1", "a", "other"))
    assert world.count(Patient) == 1
    assert (first.patient.version, first.opted_out) == (1, ())


def test_changes_count_up_and_old_versions_are_refused(world):
    patient = world.add_patient()
    assert world.patients.change(patient, {"name": "Ana María"}, None, version=1).patient.version == 2
    with pytest.raises(Stale) as refusal:
        world.patients.change(patient, {"name": "Eva"}, None, version=1)
    assert refusal.value.facts == {"current_version": 2}
    assert world.patients.change(patient, {}, None, version=2).patient.version == 2
    with pytest.raises(NotFound):
        world.patients.change("pat_none", {"name": "x"}, None)


def test_of_simultaneous_changes_of_one_version_one_wins(world):
    patient = world.add_patient()
    for version in range(1, 6):
        works = [partial(world.patients.change, patient, {"name": f"{n}"}, None, version=version) for n in range(4)]
        results = together(works)
        assert sum(isinstance(result, Stale) for result in results) == 3, results
    assert world.patients.get(patient).patient.version == 6


def test_zones_and_numbers_are_checked(world):
    patient = world.add_patient()
    for wrong in ({"time_zone": "Mars/Olympus"}, {"phone": "12"}):
        with pytest.raises(Invalid):
            world.patients.change(patient, wrong, "ES")
    card = world.patients.change(patient, {"phone": None, "time_zone": "Asia/Tokyo"}, None).patient
    assert (card.phone, card.time_zone) == (None, "Asia/Tokyo")


def test_a_stop_told_to_the_desk_takes_back_what_is_planned(world):
    ids = world.open(steps=[step("-P1D"), step("-PT2H", "voice")])
    visit = world.book(ids, WEDNESDAY)
    assert world.patients.stop(ids.patient, "sms", DESK).opted_out == ("sms",)
    assert world.states(visit) == [("suppressed", "opted_out"), ("planned", "due")]
    assert world.patients.stop(ids.patient, "all", DESK).opted_out == ("all", "sms")
    assert world.states(visit) == [("suppressed", "opted_out")] * 2
    world.tick(WEDNESDAY)
    assert world.messenger.requests == 0
    assert world.patients.allow(ids.patient).opted_out == ()


def test_stops_and_starts_stay_on_the_card_with_their_evidence(world):
    patient = world.add_patient()
    world.patients.stop(patient, "sms", DESK, "on the phone,\nannoyed")
    world.clock.advance(DAY)
    world.patients.allow(patient, "sms", DESK, "asked for them at the counter")
    world.patients.stop(patient, "voice", DESK, "works at night")
    card = world.patients.get(patient)
    assert card.opted_out == ("voice",)
    assert card.stops == (
        Stop("sms", MONDAY, "desk key_desk: on the phone, annoyed", None, MONDAY + DAY,
             "desk key_desk: asked for them at the counter"),
        Stop("voice", MONDAY + DAY, "desk key_desk: works at night", None, None, None),
    )  # fmt: skip
    assert world.patients.listing(0, 10, None, None) == [card]


def test_a_start_of_one_channel_leaves_the_others_stopped(world):
    ids = world.open(steps=[step("-P1D"), step("-PT2H", "voice"), step("-PT1H", "email")])
    world.patients.change(ids.patient, {"email": "ana@example.com"}, None)
    visit = world.book(ids, WEDNESDAY)
    world.patients.stop(ids.patient, "all", DESK)
    assert world.patients.allow(ids.patient, "sms", DESK, "texts are fine").opted_out == ("email", "voice")
    assert world.states(visit) == [("planned", "due"), *[("suppressed", "opted_out")] * 2]
    assert world.patients.allow(ids.patient, "email", DESK, "mails, too").opted_out == ("voice",)
    assert world.states(visit) == [("planned", "due"), ("suppressed", "opted_out"), ("planned", "due")]
    with pytest.raises(Invalid):
        world.patients.allow(world.add_patient(phone="600 000 019"), "email", DESK, "has none")


def test_a_start_of_e_mail_leaves_the_phone_stopped(world):
    ids = world.open(steps=[step("-P1D"), step("-PT2H", "voice"), step("-PT1H", "email")])
    world.patients.change(ids.patient, {"email": "ana@example.com"}, None)
    visit = world.book(ids, WEDNESDAY)
    world.patients.stop(ids.patient, "all", DESK)
    assert world.patients.allow(ids.patient, "email", DESK, "mails are fine").opted_out == ("sms", "voice")
    assert world.states(visit) == [*[("suppressed", "opted_out")] * 2, ("planned", "due")]


def test_a_paused_patient_gets_only_what_a_person_writes(world):
    ids = world.open(steps=[step("-P1D"), step("-PT2H")], notices=["moved"])
    visit = world.book(ids, WEDNESDAY)
    card = world.patients.pause(ids.patient, DESK, paused=True)
    assert (card.patient.paused, card.patient.version) == (True, 2)
    assert world.states(visit) == [("planned", "due")] * 2
    world.desk.write(ids.patient, "We call you.")
    world.tick(WEDNESDAY - DAY)
    assert world.states(visit) == [("suppressed", "paused"), ("planned", "due")]
    assert world.patients.pause(ids.patient, DESK, paused=False).patient.version == 3
    world.tick(WEDNESDAY - 2 * HOUR)
    assert world.states(visit) == [("suppressed", "paused"), ("sent", "due")]
    assert world.visit(visit).version == 1


def test_pausing_a_patient_is_written_in_the_history_of_the_visits_ahead(world):
    ids = world.open()
    gone, ahead = world.book(ids, MONDAY + HOUR), world.book(ids, WEDNESDAY)
    world.clock.set(MONDAY + DAY)
    for _ in range(2):
        world.patients.pause(ids.patient, DESK, paused=True)
    world.patients.pause(ids.patient, DESK, paused=False)
    told = [(row.change, row.actor, row.version) for row in world.booking.history(ahead)]
    assert told[1:] == [("pause-patient", "key_desk", 1), ("resume-patient", "key_desk", 1)]
    assert [row.change for row in world.booking.history(gone)] == ["book"]


def test_pausing_asks_for_the_version_that_was_seen(world):
    patient = world.add_patient()
    with pytest.raises(Stale):
        world.patients.pause(patient, DESK, paused=True, version=2)
    assert world.patients.pause(patient, DESK, paused=False, version=1).patient.version == 1
    assert world.patients.pause(patient, DESK, paused=True, version=1).patient.version == 2
    with pytest.raises(NotFound):
        world.patients.pause("pat_none", DESK, paused=True)


def test_a_new_number_takes_the_old_one_off_the_worklist(world):
    patient = world.add_patient()
    number = world.patients.get(patient).patient.id
    message = SimpleNamespace(id=None, patient_id=number, appointment_id=None)
    world.run(lambda tx: numbers.flag(tx, message, "provider error 30005", MONDAY))
    assert world.patients.get(patient).patient.phone_problem == "provider error 30005"
    world.patients.change(patient, {"name": "Ana María"}, None)
    assert [row.reason for row in world.desk.inbox(0, 9, done=False)] == ["number_problem"]
    world.patients.change(patient, {"phone": "600 000 011"}, "ES")
    assert world.desk.inbox(0, 9, done=False) == []
    assert [row.done_by for row in world.desk.inbox(0, 9, done=True)] == ["system"]


def test_a_stop_belongs_to_the_phone(world):
    """Whoever shares it is not texted either; a new number starts afresh."""
    mother = world.add_patient(phone="600 000 010")
    child = world.add_patient(phone="600 000 010")
    world.patients.stop(mother, "sms", DESK)
    assert world.patients.get(child).opted_out == ("sms",)
    assert [card.opted_out for card in world.patients.listing(0, 10, None, None)] == [("sms",), ("sms",)]
    assert world.patients.change(child, {"phone": "600 000 011"}, "ES").opted_out == ()


def test_without_a_phone_there_is_nothing_to_stop(world):
    patient = world.add_patient(phone=None)
    for use in (partial(world.patients.stop, patient, "sms", DESK), partial(world.patients.allow, patient)):
        with pytest.raises(Invalid):
            use()


def test_an_email_address_is_stopped_by_itself(world):
    ids = world.open(steps=[step("-P1D"), step("-PT2H", "email")])
    visit = world.book(ids, WEDNESDAY)
    with pytest.raises(Invalid) as refusal:
        world.patients.stop(ids.patient, "email", DESK)
    assert refusal.value.field == "channel"
    world.patients.change(ids.patient, {"email": "Ana.Lima@example.com"}, None)
    assert world.patients.stop(ids.patient, "email", DESK).opted_out == ("email",)
    assert world.states(visit) == [("planned", "due"), ("suppressed", "opted_out")]
    other = world.add_patient(phone=None, email="ana.lima@EXAMPLE.com")
    assert [card.opted_out for card in world.patients.listing(0, 10, None, None)] == [("email",), ("email",)]
    assert world.patients.allow(other).opted_out == ()
    assert world.states(visit) == [("planned", "due")] * 2


def test_a_stop_of_everything_holds_for_phone_and_email(world):
    ids = world.open(steps=[step("-P1D"), step("-PT2H", "email")])
    world.patients.change(ids.patient, {"email": "ana@example.com"}, None)
    visit = world.book(ids, WEDNESDAY)
    assert world.patients.stop(ids.patient, "all", DESK).opted_out == ("all", "email")
    assert world.states(visit) == [("suppressed", "opted_out")] * 2
    assert world.patients.allow(ids.patient).opted_out == ()
    assert world.states(visit) == [("planned", "due")] * 2


def test_lists_are_found_by_any_part_of_a_name(world):
    for name in ("Ana Ruiz", "Zoë ÁLVAREZ", "50% Off", "under_score", "山田 太郎"):
        world.add_patient(name=name)
    for text, names in [
        ("ana", ["Ana Ruiz"]), ("álvarez", ["Zoë ÁLVAREZ"]), ("%", ["50% Off"]), ("_", ["under_score"]),
        ("山田", ["山田 太郎"]), ("nobody", []),
    ]:  # fmt: skip
        assert [card.patient.name for card in world.patients.listing(0, 10, text, None)] == names, text
    first = world.patients.listing(0, 2, None, None)
    assert len(first) == 3
    assert len(world.patients.listing(first[1].patient.id, 10, None, None)) == 3


def test_the_conversation_of_a_patient(world):
    ids = world.open(steps=[step("-P1D")])
    world.book(ids, WEDNESDAY)
    world.tick(WEDNESDAY - DAY)
    world.desk.write(ids.patient, "Bring your papers.")
    world.tick()
    bodies = [row.body for row in world.patients.conversation(ids.patient)]
    assert len(bodies) == 2
    assert "papers" in bodies[0]
    with pytest.raises(NotFound):
        world.patients.conversation("pat_none")
