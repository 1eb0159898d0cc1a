"""What patients answer by text, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.house import House, book, booking

ANA = "+34600000010"
LUIS = "+34600000011"
WEDNESDAY = "2030-05-08T09:00:00+02:00"


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A time in Madrid in May."""
    return datetime(2030, 5, day, hour - 2, minute, tzinfo=UTC)


def reminded(house: House, start: str = WEDNESDAY, **changes: Any) -> dict[str, Any]:
    """A visit of which the patient was reminded a day ahead."""
    visit = book(house, house.ids, start, **changes)
    house.tick_at(at(7, 9))
    house.settle()
    assert house.reminders(visit)[0]["state"] == "delivered"
    return visit


def answer(house: House, text: str, phone: str = ANA) -> str:
    """Send a text and return what comes back ("" for silence)."""
    before = len(house.texts(phone))
    house.reply(phone, text)
    return "\n".join(house.texts(phone)[before:])


def state(house: House, visit: dict[str, Any]) -> tuple[str, str]:
    visit = house.get(f"appointments/{visit['id']}")
    return visit["status"], visit["confirmation"]


def inbox(house: House, **query: Any) -> list[tuple[str, str | None]]:
    return [(item["reason"], item["text"]) for item in house.get("inbox", **query)["items"]]


def test_confirming_ends_the_chain(house: House) -> None:
    visit = reminded(house)
    assert "confirmada" in answer(house, "1")
    assert state(house, visit) == ("booked", "confirmed")
    house.tick_at(at(8, 7))
    house.settle()
    second = house.reminders(visit)[1]
    assert (second["state"], second["reason"]) == ("suppressed", "already_confirmed")
    last = house.get(f"appointments/{visit['id']}/history")["items"][-1]
    assert (last["change"], last["actor"], last["channel"]) == ("confirm", "patient", "sms")


def test_cancelling_frees_the_time_and_withdraws_the_rest(house: House) -> None:
    visit = reminded(house)
    assert "cancelada" in answer(house, "2")
    assert state(house, visit) == ("cancelled", "declined")
    assert [item["state"] for item in house.reminders(visit)] == ["delivered", "withdrawn"]
    other = house.post("patients", {"name": "Luis Paz", "phone": LUIS})
    assert house.api("POST", "appointments", booking(house.ids, WEDNESDAY, patient_id=other["id"])).status == 201
    house.tick_at(at(8, 7))
    house.settle()
    assert len(house.texts(ANA)) == 2
    assert inbox(house) == []


@dataclass(frozen=True)
class Person:
    """Somebody with a visit of which he or she was reminded."""

    phone: str
    visit: dict[str, Any]


def crowd(house: House, languages: Sequence[str]) -> list[Person]:
    """One patient for each of ``languages``, all with a visit on Wednesday, all reminded."""
    people = []
    for number, language in enumerate(languages):
        phone = f"+346000001{number:02}"
        patient = house.post("patients", {"name": f"P{number} Paz", "phone": phone, "language": language})
        start = f"2030-05-08T{9 + number // 2:02}:{number % 2 * 30:02}:00+02:00"
        people.append(Person(phone, book(house, house.ids, start, patient_id=patient["id"])))
    house.tick_at(at(7, 17))
    house.settle()
    return people


WORDS = {
    "es": {"Sí, confirmo": "confirmed", "si": "confirmed", "OK": "confirmed", "yes": "confirmed", "¡Allí estaré!": "confirmed",
           "no puedo ir": "declined", "cancelar": "declined", "quizás": "unconfirmed", "sí pero más tarde": "unconfirmed",
           "no cancelar": "unconfirmed", "¿a qué hora es?": "unconfirmed"},
    "zh-Hans": {"确认": "confirmed", "好的": "confirmed", "１": "confirmed", "取消": "declined", "不取消": "unconfirmed"},
    "fr": {"Oui, merci": "confirmed", "Je confirme": "confirmed", "Je ne peux pas venir": "declined",
           "Merci d'annuler": "declined", "N'annulez pas": "unconfirmed", "Oui mais en retard": "unconfirmed"},
    "de": {"Ja, danke": "confirmed", "Ich komme": "confirmed", "Bitte absagen": "declined",
           "Ich kann leider nicht kommen": "declined", "Bitte nicht absagen": "unconfirmed", "ja aber später": "unconfirmed"},
    "pt-BR": {"Sim, confirmo": "confirmed", "Vou sim": "confirmed", "Não vou poder ir": "declined",
              "Quero desmarcar": "declined", "Não quero cancelar": "unconfirmed", "talvez": "unconfirmed"},
    "en": {"Yes please": "confirmed", "👍": "confirmed", "I can't make it": "declined", "1 or 2?": "unconfirmed"},
}  # fmt: skip


@pytest.mark.parametrize("language", WORDS)
def test_words_of_the_patients_language(small: House, language: str) -> None:
    words = WORDS[language]
    people = crowd(small, [language] * len(words))
    for person, (text, expected) in zip(people, words.items(), strict=True):
        assert answer(small, text, person.phone)
        assert state(small, person.visit)[1] == expected, text
    assert inbox(small) == [("not_understood", text) for text, expected in words.items() if expected == "unconfirmed"]


def test_answers_are_in_the_patients_language(small: House) -> None:
    said = {
        "es": "confirmada",
        "zh-Hans": "确认",
        "en": "confirmed",
        "fr": "confirm",
        "pt-BR": "confirmada",
        "de": "bestätigt",
    }
    for person, (language, word) in zip(crowd(small, list(said)), said.items(), strict=True):
        text = answer(small, "1", person.phone)
        assert word in text, language
        assert "Paz" in text


def test_what_cannot_be_read_goes_to_the_desk_and_the_patient_is_told_so(house: House) -> None:
    visit = reminded(house)
    said = answer(house, "Mi hijo tiene fiebre, ¿qué hago?")
    assert "Ana Ruiz" in said
    assert state(house, visit) == ("booked", "unconfirmed")
    (item,) = house.get("inbox")["items"]
    assert (item["reason"], item["patient_id"], item["appointment_id"]) == (
        "not_understood",
        house.ids["patient"],
        visit["id"],
    )
    note = house.post("messages", {"patient_id": item["patient_id"], "text": "Venga igualmente, por favor."})
    assert note["state"] == "planned"
    house.settle()
    assert house.texts(ANA)[-1] == "Clinica Norte: Venga igualmente, por favor."
    done = house.post(f"inbox/{item['id']}/done")
    assert done["done_at"]
    assert inbox(house) == []
    assert inbox(house, done="true") == [("not_understood", "Mi hijo tiene fiebre, ¿qué hago?")]
    assert house.post(f"inbox/{item['id']}/done")["done_at"] == done["done_at"]
    talk = house.get(f"patients/{house.ids['patient']}/messages")["items"]
    assert [entry["direction"] for entry in talk] == ["out", "out", "in", "out"]
    assert "1" in answer(house, "1") or state(house, visit)[1] == "confirmed"


def test_the_desk_cannot_write_to_who_said_stop(small: House) -> None:
    reminded(small)
    answer(small, "STOP")
    refused = small.api("POST", "messages", {"patient_id": small.ids["patient"], "text": "Hola"})
    assert (refused.status, refused.code) == (409, "opted_out")
    nobody = small.post("patients", {"name": "Eva Sol"})
    assert small.api("POST", "messages", {"patient_id": nobody["id"], "text": "Hola"}).fields == {"patient_id"}


@pytest.mark.parametrize("word", ["STOP", "baja", "ARRET", "Abmelden", "sair", "退订"])
def test_stop_suppresses_what_comes_and_start_brings_it_back(house: House, word: str) -> None:
    """Whether the provider or we understood the word, nothing follows, and the ledger says why."""
    visit = reminded(house)
    later = book(house, house.ids, "2030-05-09T09:00:00+02:00")
    said = answer(house, word)
    assert "Clinica" not in said
    assert house.get(f"patients/{house.ids['patient']}")["opted_out"] == ["sms"]
    for item in [house.reminders(visit)[1], *house.reminders(later)]:
        assert (item["state"], item["reason"]) == ("suppressed", "opted_out")
        assert "asked us to stop" in item["sentence"]
    before = house.texts(ANA)
    house.tick_at(at(8, 7))
    house.settle()
    assert house.texts(ANA) == before
    answer(house, "START")
    assert house.get(f"patients/{house.ids['patient']}")["opted_out"] == []
    assert house.reminders(visit)[1]["state"] == "suppressed"
    assert [(item["state"], item["reason"]) for item in house.reminders(later)] == [("planned", "due")] * 2
    house.tick_at(at(8, 9))
    house.settle()
    assert "9 may" in house.texts(ANA)[-1]
    assert house.reminders(later)[0]["state"] == "delivered"


def test_a_booking_made_while_stopped_is_suppressed_when_due(small: House) -> None:
    reminded(small)
    answer(small, "STOP")
    visit = book(small, small.ids, "2030-05-10T09:00:00+02:00")
    small.tick_at(at(9, 9))
    small.settle()
    assert (small.reminders(visit)[0]["state"], small.reminders(visit)[0]["reason"]) == ("suppressed", "opted_out")


def test_start_brings_back_only_what_still_holds(house: House) -> None:
    """Not the reminders of a time that was left, nor those of a visit that was cancelled."""
    reminded(house)
    moved, cancelled = (
        book(house, house.ids, "2030-05-09T09:00:00+02:00"),
        book(house, house.ids, "2030-05-09T10:00:00+02:00"),
    )
    answer(house, "STOP")
    house.post(f"appointments/{moved['id']}/reschedule", {"start": "2030-05-10T09:00:00+02:00"})
    house.post(f"appointments/{cancelled['id']}/cancel")
    house.tick(minutes=5)
    answer(house, "START")
    planned = [item["due_at"] for item in house.reminders(moved) if item["state"] == "planned"]
    assert planned == ["2030-05-09T07:00:00+00:00", "2030-05-10T05:00:00+00:00"]
    assert all(item["state"] != "planned" for item in house.reminders(cancelled))
    before = len(house.texts(ANA))
    for moment in (at(8, 9), at(8, 10), at(9, 7), at(9, 8)):
        house.tick_at(moment)
        house.settle()
    assert len(house.texts(ANA)) == before


def test_the_desk_writes_down_a_stop_and_a_start(small: House) -> None:
    visit = reminded(small)
    path = f"patients/{small.ids['patient']}"
    assert small.post(f"{path}/stop", {"channel": "all", "evidence": "on the phone"})["opted_out"] == ["all"]
    assert small.reminders(visit)[1]["reason"] == "opted_out"
    assert small.post(f"{path}/start", {"evidence": "asked for them again"})["opted_out"] == []
    assert small.reminders(visit)[1]["state"] == "planned"


def test_a_stop_is_kept_with_its_words_and_its_message(small: House) -> None:
    reminded(small)
    answer(small, "Baja, por favor")
    path = f"patients/{small.ids['patient']}"
    (stop,) = small.get(path)["stops"]
    said = next(item for item in small.get(f"{path}/messages")["items"] if item["direction"] == "in")
    assert (stop["channel"], stop["evidence"], stop["message_id"]) == ("sms", "sms: Baja, por favor", said["id"])
    assert (stop["since"], stop["ended_at"], stop["ended_evidence"]) == (said["created_at"], None, None)
    answer(small, "START")
    (stop,) = small.get(path)["stops"]
    assert stop["ended_at"]
    assert stop["ended_evidence"] == "sms: START"


def test_after_a_stop_nothing_is_answered(small: House) -> None:
    """We understood the word ourselves, so the provider would let our answers through: there are none."""
    visit = reminded(small)
    answer(small, "baja")
    assert answer(small, "1") == ""
    assert state(small, visit) == ("booked", "confirmed")
    assert answer(small, "¿Qué?") == ""
    assert inbox(small) == [("not_understood", "¿Qué?")]


def test_two_of_a_family_on_one_phone(house: House) -> None:
    """One message names both visits. A "no" could mean either: neither is touched before the patient has said which. A
    "yes" is the answer the message asks for, and means all it named."""
    child = house.post("patients", {"name": "Leo Ruiz", "phone": "600 000 010", "language": "es"})
    hers, his = (
        book(house, house.ids, WEDNESDAY),
        book(house, house.ids, "2030-05-08T09:30:00+02:00", patient_id=child["id"]),
    )
    house.tick_at(at(7, 9, 30))
    house.settle()
    texts = house.texts(ANA)
    assert [[name in text for name in ("Ana Ruiz", "Leo Ruiz")] for text in texts] == [[True, True]]
    said = answer(house, "2")
    assert re.findall(r"^\d.*", said, re.M)[:2] == ["1 Ana: miércoles, 8 may, 9:00", "2 Leo: miércoles, 8 may, 9:30"]
    assert state(house, hers) == state(house, his) == ("booked", "unconfirmed")
    assert inbox(house) == []
    assert "Leo" in answer(house, "2")
    assert (state(house, hers), state(house, his)) == (("booked", "unconfirmed"), ("cancelled", "declined"))


def test_one_of_a_family_was_asked(house: House) -> None:
    """Only one of the visits was asked about, so the answer is about that one, and names that person."""
    child = house.post("patients", {"name": "Leo Ruiz", "phone": "600 000 010", "language": "en"})
    his = book(house, house.ids, "2030-05-15T09:00:00+02:00", patient_id=child["id"])
    hers = reminded(house)
    house.post("messages", {"patient_id": child["id"], "text": "We found a toy."})
    house.settle()
    said = answer(house, "1")
    assert "Ana Ruiz" in said
    assert "confirmada" in said
    assert state(house, hers) == ("booked", "confirmed")
    assert state(house, his) == ("booked", "unconfirmed")
    answer(house, "quizás otro día, no sé")
    assert house.get("inbox")["items"][-1]["patient_id"] == house.ids["patient"]


def test_both_of_a_family_one_after_the_other(small: House) -> None:
    """The first was answered a day ago; today's question is the one that is open."""
    child = small.post("patients", {"name": "Leo Ruiz", "phone": "600 000 010", "language": "es"})
    hers = reminded(small)
    his = book(small, small.ids, "2030-05-09T09:00:00+02:00", patient_id=child["id"])
    answer(small, "1")
    small.tick_at(at(8, 9))
    small.settle()
    assert "Leo Ruiz" in answer(small, "2")
    assert state(small, his) == ("cancelled", "declined")
    assert state(small, hers)[1] == "confirmed"


def test_a_number_nobody_knows(house: House) -> None:
    visit = reminded(house)
    for number, text in enumerate(["1", "2", "3", "hello?", "sí", "👍"]):
        said = answer(house, text, f"+3460000009{number}")
        assert "Clinica Norte" in said
        assert "Ana" not in said
        assert "1970" not in said
    assert len(inbox(house)) == 6
    assert {item["patient_id"] for item in house.get("inbox")["items"]} == {None}
    assert state(house, visit) == ("booked", "unconfirmed")


def test_an_answer_after_the_visit_changes_nothing(house: House) -> None:
    people = crowd(house, ["es"] * 3)
    house.tick_at(at(8, 12))
    for person, text in zip(people, "123", strict=True):
        house.post(f"appointments/{person.visit['id']}/fulfil")
        assert "no cambia nada" in answer(house, text, person.phone)
        assert state(house, person.visit)[0] == "fulfilled"
    assert inbox(house) == [("visit_changed_meanwhile", text) for text in "123"]


def test_an_answer_after_the_desk_cancelled(small: House) -> None:
    visit = reminded(small)
    small.post(f"appointments/{visit['id']}/cancel")
    said = answer(small, "1")
    assert state(small, visit) == ("cancelled", "unconfirmed")
    assert "confirmada" not in said
    assert inbox(small) == [("visit_changed_meanwhile", "1")]


@pytest.mark.parametrize("text", ["1", "2"])
def test_an_answer_to_a_time_that_no_longer_holds(house: House, text: str) -> None:
    """The desk moved the visit; before the notice goes out the patient answers the reminder of the old time."""
    visit = reminded(house)
    house.post(f"appointments/{visit['id']}/reschedule", {"start": "2030-05-10T12:00:00+02:00"})
    said = answer(house, text)
    assert "no cambia nada" in said
    assert state(house, visit) == ("booked", "unconfirmed")
    assert inbox(house) == [("visit_changed_meanwhile", text)]
    house.tick(minutes=5)
    house.settle()
    assert "10 may" in house.texts(ANA)[-1]
    answer(house, text)
    assert state(house, visit)[1] == {"1": "confirmed", "2": "declined"}[text]


@pytest.mark.parametrize("text", ["1", "2", "vale", "quiero cancelar mi cita"])
def test_who_was_asked_nothing_is_asked_before_anything_changes(small: House, text: str) -> None:
    """A visit is booked, no reminder has gone out yet, and the patient writes."""
    visit = book(small, small.ids, "2030-05-20T09:00:00+02:00")
    said = answer(small, text)
    assert "20 may" in said
    assert "1 confirmar, 2 cancelar" in said
    assert state(small, visit) == ("booked", "unconfirmed")
    assert inbox(small) == []
    answer(small, "2")
    assert state(small, visit) == ("cancelled", "declined")


def test_another_time_is_offered_to_who_asks_unasked(small: House) -> None:
    visit = book(small, small.ids, "2030-05-20T09:00:00+02:00")
    said = answer(small, "quiero otro día")
    assert said.count("\n") >= 3
    assert state(small, visit) == ("booked", "unconfirmed")
    answer(small, "1")
    assert small.get(f"appointments/{visit['id']}")["start"] != visit["start"]


def test_thanks_need_no_answer(small: House) -> None:
    visit = reminded(small)
    assert answer(small, "gracias") == ""
    assert inbox(small) == []
    assert state(small, visit) == ("booked", "unconfirmed")


def test_changing_ones_mind(small: House) -> None:
    visit = reminded(small)
    answer(small, "1")
    answer(small, "2")
    assert state(small, visit) == ("cancelled", "declined")
    assert "no cambia nada" in answer(small, "1")
    assert state(small, visit)[0] == "cancelled"


def test_two_machines_do_not_talk_for_ever(small: House) -> None:
    reminded(small)
    before = len(small.texts(ANA))
    for _ in range(14):
        small.sandbox.reply(ANA, "I am away. This is an automatic answer.")
        small.tick(seconds=1)
    small.settle()
    assert len(small.texts(ANA)) - before == 10
    small.tick(days=1)
    assert answer(small, "¿Hola?")


def test_a_text_arrives_before_the_answer_to_the_message_it_answers(house: House) -> None:
    """The patient is faster than our own record of the sending: the attempt counts as a question."""
    visit = book(house, house.ids, WEDNESDAY)
    house.sandbox.faults.drop_after_accept = 1
    house.tick_at(at(7, 9))
    house.reply(ANA, "1")
    assert state(house, visit) == ("booked", "confirmed")


def test_a_cancellation_by_text_races_with_the_next_reminder(house: House) -> None:
    """The reminder is due at the same moment: it is not sent after the visit is gone."""
    visit = reminded(house)
    house.clock.set(at(8, 7) - timedelta(seconds=1))
    house.sandbox.reply(ANA, "2")
    house.sandbox.advance(house.clock.now())
    house.tick(seconds=1)
    house.settle()
    assert [item["state"] for item in house.reminders(visit)] == ["delivered", "withdrawn"]
