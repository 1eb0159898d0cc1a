"""Questions that go back to the patient: which visit, whether to cancel, which other time. A number is the answer."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from tests.house import House, book, booking
from tests.journeys.test_answers import ANA, WEDNESDAY, answer, at, inbox, reminded, state

LATER = "2030-05-08T09:30:00+02:00"


def two_visits(house: House) -> list[dict[str, Any]]:
    """Mother and child on one phone, asked about in one message."""
    child = house.post("patients", {"name": "Leo Ruiz", "phone": "600 000 010", "language": "es"})
    visits = [book(house, house.ids, WEDNESDAY), book(house, house.ids, LATER, patient_id=child["id"])]
    house.tick_at(at(7, 9, 30))
    house.settle()
    return visits


def numbered(text: str) -> list[str]:
    return re.findall(r"^(\d) ", text, re.MULTILINE)


def free(house: House) -> set[str]:
    """Starts that anybody could book in the week of the visit and the next."""
    window = {"from": "2030-05-06T00:00:00+02:00", "to": "2030-05-20T00:00:00+02:00", "limit": 1000}
    return {slot["start"] for slot in house.get("slots", service_id=house.ids["service"], **window)["items"]}


def offered(house: House, text: str = "3") -> list[str]:
    """Ask for another time; the starts that are held for it."""
    before = free(house)
    said = answer(house, text)
    assert numbered(said) == ["1", "2", "3", "0"], said
    return sorted(before - free(house))


def taken(house: House, start: str) -> bool:
    other = house.post("patients", {"name": "Luis Paz", "phone": "+34600000011"})
    answered = house.api("POST", "appointments", booking(house.ids, start, patient_id=other["id"]))
    return bool(answered.status == 409 and answered.json()["code"] == "slot_taken")


@pytest.mark.parametrize(
    ("text", "states"),
    [("1", ("cancelled", "booked")), ("②", ("booked", "cancelled")), ("3", ("cancelled", "cancelled")),
     ("los dos, gracias", ("cancelled", "cancelled")), ("4", ("booked", "booked")), ("1 o 2", ("booked", "booked")),
     ("3 ambas", ("cancelled", "cancelled")), ("1 y 2", ("cancelled", "cancelled")), ("Leo", ("booked", "cancelled")),
     ("la primera", ("cancelled", "booked")), ("2 Ana", ("booked", "booked")), ("sí, ambas", ("booked", "booked"))],
)  # fmt: skip
def test_which_of_two_visits_is_meant(house: House, text: str, states: tuple[str, str]) -> None:
    visits = two_visits(house)
    said = answer(house, "No puedo ir")
    assert numbered(said) == ["1", "2", "3", "0"]
    assert ("Ana:" in said, "Leo:" in said, "ambas" in said) == (True, True, True)
    assert {state(house, visit) for visit in visits} == {("booked", "unconfirmed")}
    assert answer(house, text)
    assert tuple(state(house, visit)[0] for visit in visits) == states


def test_both_of_three_visits_is_asked_again(house: House) -> None:
    eva = house.post("patients", {"name": "Eva Ruiz", "phone": "600 000 010", "language": "es"})
    third = book(house, house.ids, "2030-05-08T10:00:00+02:00", patient_id=eva["id"])
    visits = [*two_visits(house), third]
    house.tick_at(at(7, 10, 0))
    house.settle()
    asked = answer(house, "No puedo ir")
    assert len(numbered(asked)) == 5
    assert answer(house, "ambas") == asked
    assert [state(house, visit)[0] for visit in visits] == ["booked"] * 3
    answer(house, asked.splitlines()[2])
    assert [state(house, visit)[0] for visit in visits] == ["booked", "cancelled", "booked"]


def test_which_visit_is_not_remembered_for_ever(small: House) -> None:
    visits = two_visits(small)
    answer(small, "2")
    small.tick(hours=12, minutes=1)
    assert numbered(answer(small, "1")) == ["1", "2", "3", "0"]
    assert {state(small, visit) for visit in visits} == {("booked", "unconfirmed")}
    answer(small, "1")
    assert [state(small, visit)[0] for visit in visits] == ["cancelled", "booked"]


def test_none_of_the_visits_is_for_the_desk(small: House) -> None:
    visits = two_visits(small)
    answer(small, "2")
    assert "llamaremos" in answer(small, "0")
    assert inbox(small) == [("wants_call_back", "0")]
    assert {state(small, visit) for visit in visits} == {("booked", "unconfirmed")}


def test_which_visit_needs_another_time(small: House) -> None:
    hers, his = two_visits(small)
    assert numbered(answer(small, "3")) == ["1", "2", "0"]
    assert "Leo Ruiz" in answer(small, "2")
    answer(small, "1")
    assert small.get(f"appointments/{his['id']}")["start"] != LATER
    assert small.get(f"appointments/{hers['id']}")["start"] == WEDNESDAY


@pytest.mark.parametrize("text", ["canclear", "Anulr por favor", "nada"])
@pytest.mark.parametrize(
    ("then", "status"),
    [("2", ("cancelled", "declined")), ("1", ("booked", "confirmed")), ("cancelar", ("cancelled", "declined")),
     ("no", ("booked", "unconfirmed")), ("sí", ("booked", "unconfirmed"))],
)  # fmt: skip
def test_nothing_is_cancelled_on_a_guess(small: House, text: str, then: str, status: tuple[str, str]) -> None:
    visit = reminded(small)
    said = answer(small, text)
    assert ("Ana Ruiz" in said, "2" in said) == (True, True)
    assert state(small, visit) == ("booked", "unconfirmed")
    assert answer(small, then)
    assert state(small, visit) == status
    assert inbox(small) == ([("not_understood", then)] if then in ("no", "sí") else [])


def test_another_time_by_text(house: House) -> None:
    """Three times near the old one, held for the patient; the chosen one is taken, the others are given back."""
    visit = reminded(house)
    starts = offered(house)
    assert len(starts) == 3
    assert all(taken(house, start) for start in starts)
    said = answer(house, "2")
    assert "Ana Ruiz" in said
    moved = house.get(f"appointments/{visit['id']}")
    assert (moved["start"], moved["status"]) == (starts[1], "booked")
    last = house.get(f"appointments/{visit['id']}/history")["items"][-1]
    assert (last["change"], last["actor"], last["channel"]) == ("reschedule", "patient", "sms")
    assert inbox(house) == []
    assert [taken(house, start) for start in starts] == [False, True, False]
    house.tick(minutes=5)
    house.settle()
    assert house.texts(ANA)[-1] == said


def test_a_day_or_an_hour_chooses_among_the_times(small: House) -> None:
    visit = reminded(small)
    starts = offered(small)
    assert "Ana Ruiz" in answer(small, f"{starts[0][11:16]} el {_weekday(starts[0])}")
    assert small.get(f"appointments/{visit['id']}")["start"] == starts[0]


def test_times_of_the_day_that_was_named_are_offered(small: House) -> None:
    """Monday is not on offer: three times of Mondays are, and the first ones are given back."""
    visit = reminded(small)
    before = free(small)
    starts = offered(small)
    assert not any(_weekday(start) == "lunes" for start in starts)
    said = answer(small, "el lunes por favor")
    assert numbered(said) == ["1", "2", "3", "0"]
    assert said.count("lunes") == 3
    now_held = before - free(small)
    assert now_held
    assert now_held.isdisjoint(starts)
    answer(small, "1")
    assert _weekday(small.get(f"appointments/{visit['id']}")["start"]) == "lunes"


@pytest.mark.parametrize(
    "text", ["¿Puedo ir el lunes?", "mejor el lunes", "no puedo ir, ¿puede ser el lunes?", "3 el lunes"]
)
def test_a_day_named_at_once_is_offered_at_once(small: House, text: str) -> None:
    visit = reminded(small)
    said = answer(small, text)
    assert numbered(said) == ["1", "2", "3", "0"]
    assert said.count("lunes") == 3
    line = said.splitlines()[2]
    assert "Ana Ruiz" in answer(small, line), "the line itself, copied"
    assert _weekday(small.get(f"appointments/{visit['id']}")["start"]) == "lunes"
    assert inbox(small) == []


def test_a_day_without_a_free_time_is_for_the_desk(small: House) -> None:
    reminded(small)
    offered(small)
    assert "Ana Ruiz" in answer(small, "domingo")
    assert inbox(small) == [("wants_another_time", "domingo")]


def test_not_coming_is_asked_about_while_times_are_on_offer(small: House) -> None:
    """ "I can't come" may mean these times."""
    visit = reminded(small)
    offered(small)
    assert numbered(answer(small, "no puedo ir")) == []
    assert state(small, visit) == ("booked", "unconfirmed")
    answer(small, "2")
    assert state(small, visit) == ("cancelled", "declined")


def _weekday(start: str) -> str:
    names = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
    return names[datetime.fromisoformat(start).weekday()]


def test_offered_times_are_near_and_a_real_choice(small: House) -> None:
    reminded(small)
    starts = offered(small, "¿Puedo cambiar la cita?")
    assert len({(start[:10], start[11:13] >= "13") for start in starts}) == 3
    assert all("2030-05-07" <= start[:10] <= "2030-05-10" for start in starts)


def test_held_times_are_given_back_by_themselves(house: House) -> None:
    """Too late the number means nothing: least of all what it means under a reminder."""
    visit = reminded(house)
    starts = offered(house)
    house.tick(minutes=31)
    assert not taken(house, starts[1])
    said = answer(house, "2")
    assert numbered(said) == ["1", "2", "3", "0"]
    assert (state(house, visit)[0], house.get(f"appointments/{visit['id']}")["start"]) == ("booked", WEDNESDAY)
    answer(house, "1")
    assert house.get(f"appointments/{visit['id']}")["start"] != WEDNESDAY


@pytest.mark.parametrize("text", ["0", "ninguno", "uno por la tarde", "otro día"])
def test_none_of_the_times_is_for_the_desk(small: House, text: str) -> None:
    visit = reminded(small)
    starts = offered(small)
    assert "Ana Ruiz" in answer(small, text)
    assert inbox(small) == [("wants_another_time", text)]
    assert small.get("inbox")["items"][0]["appointment_id"] == visit["id"]
    assert state(small, visit) == ("booked", "unconfirmed")
    assert not taken(small, starts[0])
    answer(small, "ok")
    assert state(small, visit) == ("booked", "unconfirmed")


def test_without_a_free_time_the_desk_finds_one(small: House) -> None:
    visit = reminded(small)
    small.patch(f"services/{small.ids['service']}", {"min_notice_minutes": 500_000}, role="admin")
    assert "Ana Ruiz" in answer(small, "3")
    assert inbox(small) == [("wants_another_time", "3")]
    assert state(small, visit) == ("booked", "unconfirmed")


@pytest.mark.parametrize(
    ("text", "status"),
    [("ok", ("booked", "confirmed")), ("cancelar", ("cancelled", "declined")), ("2", ("booked", "unconfirmed")),
     ("no", ("booked", "unconfirmed"))],
)  # fmt: skip
def test_what_is_said_after_moving(small: House, text: str, status: tuple[str, str]) -> None:
    """Words are about the new time. A number could still mean the list, so it is asked about."""
    visit = reminded(small)
    offered(small)
    answer(small, "1")
    assert answer(small, text)
    assert state(small, visit) == status


@pytest.mark.parametrize(("text", "reason"), [("2", "late_cancel"), ("3", "wants_another_time")])
def test_too_late_to_change_by_text(small: House, text: str, reason: str) -> None:
    small.patch(f"services/{small.ids['service']}", {"cancel_cutoff_minutes": 48 * 60}, role="admin")
    assert small.get(f"services/{small.ids['service']}")["cancel_cutoff_minutes"] == 48 * 60
    visit = reminded(small)
    assert "no hemos cambiado nada" in answer(small, text)
    assert state(small, visit) == ("booked", "unconfirmed")
    assert inbox(small) == [(reason, text)]
    answer(small, "1")
    assert state(small, visit) == ("booked", "confirmed")


def test_an_answer_belongs_to_the_latest_question(house: House) -> None:
    """A list of times is open when the next visit's reminder arrives: "1" is about that."""
    visit = reminded(house)
    next_one = book(house, house.ids, "2030-05-08T09:30:00+02:00")
    offered(house)
    house.tick_at(at(7, 9, 30))
    house.settle()
    assert "9:30" in house.texts(ANA)[-1]
    said = answer(house, "1")
    assert state(house, visit)[0] == "booked"
    assert house.get(f"appointments/{visit['id']}")["start"] == WEDNESDAY
    assert numbered(said) == ["1", "2", "3", "0"] or state(house, next_one)[1] == "confirmed"


def test_thanks_leave_the_question_open_and_help_ends_it(small: House) -> None:
    visit = reminded(small)
    starts = offered(small)
    assert answer(small, "gracias") == ""
    assert answer(small, "AYUDA")
    assert not taken(small, starts[0])
    answer(small, "1")
    assert state(small, visit) == ("booked", "confirmed")


def test_a_stop_gives_the_times_back(small: House) -> None:
    reminded(small)
    starts = offered(small)
    answer(small, "baja")
    assert not taken(small, starts[0])
