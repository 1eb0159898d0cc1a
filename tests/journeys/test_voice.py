"""Reminder calls: what is said, what the keys do, and when a call follows a text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.house import House, book, clinic, running
from tests.seeded import Seed

ANA = "+34600000010"
WEDNESDAY = "2030-05-08T09:00:00+02:00"


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A time in Madrid in May."""
    return datetime(2030, 5, day, hour - 2, minute, tzinfo=UTC)


CALLS = [{"offset": "-P1D", "channels": ["voice"]}, {"offset": "-PT2H", "channels": ["voice"]}]


@pytest.fixture
def house(seeded: Seed) -> Iterator[House]:
    with seeded.running() as house:
        house.patch(f"reminder-policies/{house.ids['policy']}", {"steps": CALLS}, role="admin")
        yield house


@pytest.fixture
def small(seeded_sqlite: Seed) -> Iterator[House]:
    with seeded_sqlite.running() as house:
        house.patch(f"reminder-policies/{house.ids['policy']}", {"steps": CALLS}, role="admin")
        yield house


def called(house: House, phone: str = ANA) -> tuple[dict[str, Any], Any]:
    """A visit and the call that reminds of it, with the patient on the line."""
    visit = book(house, house.ids, WEDNESDAY)
    house.tick_at(at(7, 9))
    house.settle(3)
    (call,) = house.calls(phone)
    return visit, call


def heard(house: House, call: Any) -> str:
    return "\n".join(line.text for line in house.sandbox.call(call.sid).transcript if line.kind == "say")


def press(house: House, call: Any, key: str) -> str:
    """Press a key; what is said next."""
    before = heard(house, call)
    house.sandbox.press(call.sid, key)
    house.settle(8)
    return heard(house, call)[len(before) :]


def say(house: House, call: Any, words: str) -> str:
    """Say something; what is said next."""
    before = heard(house, call)
    house.sandbox.say(call.sid, words)
    house.settle(8)
    return heard(house, call)[len(before) :]


def reached(house: House, phone: str = ANA) -> tuple[dict[str, Any], Any]:
    """As ``called``, and the patient has said who they are."""
    visit, call = called(house, phone)
    assert "9:00" in press(house, call, "1")
    return visit, call


def test_the_call_says_who_calls_and_for_whom_before_any_detail(small: House) -> None:
    _, call = called(small)
    words = heard(small, call)
    for part in ("Clinica Norte", "Ana Ruiz", "1", "2", "0", "9"):
        assert part in words
    assert "mayo" not in words
    assert "9:00" not in words
    assert call.transcript[0].language == "es-ES"
    told = press(small, call, "1")
    for part in ("8 de mayo", "9:00", "1", "2", "3", "0", "9"):
        assert part in told


def test_an_entry_of_the_ledger_tells_how_the_call_went(house: House) -> None:
    visit, call = reached(house)
    press(house, call, "1")
    house.settle(60)
    house.tick(seconds=70)
    entry = house.reminders(visit)[0]
    assert (entry["outcome"], entry["answered_by"], entry["cost_is_actual"]) == ("confirmed", "human", True)
    assert entry["duration_seconds"] == house.sandbox.call(call.sid).duration > 0
    assert entry["cost"]["currency"] == "USD"
    assert "the patient confirmed on it" in entry["sentence"]


def test_the_call_understands_words(house: House) -> None:
    visit, call = called(house)
    assert "9:00" in say(house, call, "Sí.")
    assert "confirmada" in say(house, call, "Sí, confirmo")
    assert house.get(f"appointments/{visit['id']}")["confirmation"] == "confirmed"


def test_a_spoken_no_cancels_only_after_a_second_question(house: House) -> None:
    visit, call = reached(house)
    assert "Desea cancelar" in say(house, call, "No puedo ir")
    assert house.get(f"appointments/{visit['id']}")["status"] == "booked"
    assert "cancelada" in say(house, call, "Sí")
    assert house.get(f"appointments/{visit['id']}")["status"] == "cancelled"


def test_a_wrong_person_is_told_nothing_and_the_desk_looks_at_the_number(small: House) -> None:
    visit, call = called(small)
    words = press(small, call, "2")
    assert "Ana" not in words
    small.settle(10)
    (item,) = small.get("inbox")["items"]
    assert (item["reason"], item["appointment_id"]) == ("wrong_person", visit["id"])
    assert small.reminders(visit)[0]["outcome"] == "wrong_person"


def test_0_puts_through_to_the_venue(small: House) -> None:
    visit, call = reached(small)
    press(small, call, "0")
    (dialled,) = [line.text for line in small.sandbox.call(call.sid).transcript if line.kind == "dial"]
    assert dialled == "+34600000001"
    small.settle(40)
    assert small.sandbox.call(call.sid).final
    assert small.reminders(visit)[0]["outcome"] == "put_through"
    assert small.get("inbox")["items"] == []


def test_the_cost_of_a_call_counts_the_venues_leg_and_machine_detection(small: House) -> None:
    small.sandbox.faults.price_delay = timedelta(minutes=5)
    visit, call = reached(small)
    press(small, call, "0")
    small.settle(40)
    guess = small.reminders(visit)[0]
    assert guess["cost_is_actual"] is False
    assert Decimal(guess["cost"]["amount"]) >= Decimal("0.0675")  # two minutes at 0.03, and detection
    small.tick(minutes=7)
    small.tick(minutes=7)
    known = small.reminders(visit)[0]
    minutes = -(-small.sandbox.call(call.sid).duration // 60)
    assert known["cost_is_actual"] is True
    assert Decimal(known["cost"]["amount"]) == minutes * Decimal("0.033") + Decimal("0.033") + Decimal("0.0075")
    (costs,) = [one for one in small.get("reports/reminder-costs", role="manager")["items"] if one["actual_cost"]]
    assert Decimal(costs["actual_cost"]) == Decimal(known["cost"]["amount"])


def test_a_venue_that_does_not_answer_calls_back(small: House) -> None:
    small.sandbox.set_behaviour("+34600000001", "ignoring")
    visit, call = reached(small)
    press(small, call, "0")
    small.settle(30)
    assert "Le llamaremos" in heard(small, call)
    (item,) = small.get("inbox")["items"]
    assert (item["reason"], item["appointment_id"], item["channel"]) == ("wants_call_back", visit["id"], "voice")
    assert small.reminders(visit)[0]["outcome"] == "call_back"


@pytest.mark.parametrize("behaviour", ["voicemail", "fax"])
def test_a_machine_hears_no_detail_and_the_next_channel_follows(empty_sqlite_url: str, behaviour: str) -> None:
    with running(empty_sqlite_url) as house:
        house.ids = clinic(house, steps=[{"offset": "-P1D", "channels": ["voice", "sms"], "fallback_after": "PT2H"}])
        house.sandbox.set_behaviour(ANA, behaviour)
        visit, call = called(house)
        house.settle(20)
        words = heard(house, call)
        assert "Clinica Norte" in words
        assert not any(detail in words for detail in ("Ana", "mayo", "9:00", "marque"))
        first, second = house.reminders(visit)
        assert (first["state"], first["reason"], first["outcome"]) == ("delivered", "voicemail", "voicemail")
        assert first["answered_by"] == ("machine" if behaviour == "voicemail" else "fax")
        assert second["channel"] == "sms"
        assert second["state"] in {"sent", "delivered"} or behaviour == "fax"


def test_1_confirms(house: House) -> None:
    visit, call = reached(house)
    assert "confirmada" in press(house, call, "1")
    after = house.get(f"appointments/{visit['id']}")
    assert (after["status"], after["confirmation"]) == ("booked", "confirmed")
    assert house.get(f"appointments/{visit['id']}/history")["items"][-1]["channel"] == "voice"
    house.settle(30)
    assert house.reminders(visit)[0]["state"] == "delivered"


def test_2_cancels_and_frees_the_time(house: House) -> None:
    visit, call = reached(house)
    assert "cancelada" in press(house, call, "2")
    after = house.get(f"appointments/{visit['id']}")
    assert (after["status"], after["confirmation"]) == ("cancelled", "declined")
    assert house.reminders(visit)[1]["state"] == "withdrawn"
    assert book(house, house.ids, WEDNESDAY)


def test_3_offers_times_and_a_key_moves_the_visit(small: House) -> None:
    visit, call = reached(small)
    assert "marque 3." in press(small, call, "3")
    (entry,) = [
        one for one in small.get(f"appointments/{visit['id']}/reminders")["items"] if one["channel"] == "voice"
    ][:1]
    assert entry["outcome"] == "another_time"
    assert "es ahora" in press(small, call, "2")
    moved = small.get(f"appointments/{visit['id']}")
    assert moved["start"] != visit["start"]
    assert small.get(f"appointments/{visit['id']}/history")["items"][-1]["channel"] == "voice"
    assert small.get("inbox")["items"] == []


def test_hanging_up_on_the_times_leaves_the_wish_to_the_desk(small: House) -> None:
    visit, call = reached(small)
    press(small, call, "3")
    small.sandbox.hang_up(call.sid)
    small.settle(10)
    (item,) = small.get("inbox")["items"]
    assert (item["reason"], item["appointment_id"], item["channel"]) == ("wants_another_time", visit["id"], "voice")
    assert small.get(f"appointments/{visit['id']}")["start"] == visit["start"]


def test_9_ends_the_calls_but_not_the_texts(house: House) -> None:
    visit, call = called(house)
    assert press(house, call, "9")
    assert house.get(f"patients/{house.ids['patient']}")["opted_out"] == ["voice"]
    second = house.reminders(visit)[1]
    assert (second["state"], second["reason"]) == ("suppressed", "opted_out")
    house.tick_at(at(8, 7))
    house.settle()
    assert len(house.calls(ANA)) == 1
    house.post("messages", {"patient_id": house.ids["patient"], "text": "Hola"})
    house.settle()
    assert len(house.texts(ANA)) == 1


def test_star_says_it_again(small: House) -> None:
    _, call = called(small)
    first = heard(small, call)
    assert press(small, call, "*").strip() == first.strip()
    again = press(small, call, "1")
    assert press(small, call, "*").strip() == again.strip()
    assert "confirmada" in press(small, call, "1")


def test_another_key_is_explained_and_asked_again(small: House) -> None:
    visit, call = reached(small)
    again = press(small, call, "7")
    assert "no es una de las opciones" in again
    assert "1" in again
    assert "confirmada" in press(small, call, "1")
    assert small.get(f"appointments/{visit['id']}")["confirmation"] == "confirmed"


def test_a_call_that_is_only_listened_to_ends_by_itself(small: House) -> None:
    visit, call = called(small)
    small.settle(120)
    assert small.sandbox.call(call.sid).final
    entry = small.reminders(visit)[0]
    assert (entry["state"], entry["outcome"]) == ("delivered", "no_choice")
    assert small.get(f"appointments/{visit['id']}")["confirmation"] == "unconfirmed"
    assert small.get("inbox")["items"] == []


@pytest.mark.parametrize("phone", ["+12025550197", "+12025550198", "+12025550199"], ids=["busy", "ignoring", "barred"])
def test_nobody_answers(empty_sqlite_url: str, phone: str) -> None:
    with running(empty_sqlite_url) as house:
        house.ids = clinic(house, steps=[{"offset": "-P1D", "channels": ["voice", "sms"]}], patient={"phone": phone})
        visit = book(house, house.ids, WEDNESDAY)
        for minute in (0, 17, 34):  # each call after the one before has rung out
            house.tick_at(max(at(7, 9, minute + 1), house.clock.now()))
            house.settle(30)
        first, second = house.reminders(visit)
        assert (first["state"], first["reason"]) == ("failed", "not_answered")
        assert (second["channel"], second["state"]) == ("sms", "delivered")
        assert "nobody answered" in first["sentence"]


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_call_follows_the_text_unless_it_was_confirmed(empty_sqlite_url: str, confirmed: bool) -> None:
    with running(empty_sqlite_url) as house:
        house.ids = clinic(house, steps=[{"offset": "-P1D", "channels": ["sms", "voice"], "fallback_after": "PT30M"}])
        visit = book(house, house.ids, WEDNESDAY)
        house.tick_at(at(7, 9))
        house.settle()
        if confirmed:
            house.reply(ANA, "1")
        house.tick_at(at(7, 9, 29))
        assert house.calls(ANA) == []
        house.tick_at(at(7, 9, 30))
        house.settle()
        assert len(house.calls(ANA)) == (0 if confirmed else 1)
        second = house.reminders(visit)[1]
        assert (second["channel"], second["reason"]) == ("voice", "already_confirmed" if confirmed else "due")


def test_a_call_whose_answer_got_lost_is_found(house: House) -> None:
    visit = book(house, house.ids, WEDNESDAY)
    house.sandbox.faults.drop_after_accept = 1
    house.sandbox.faults.lose_callbacks = True
    house.tick_at(at(7, 9))
    house.settle(10)
    house.tick(seconds=70)
    house.tick(seconds=70)
    first = house.reminders(visit)[0]
    assert (first["reason"], first["attempts"]) == ("found_at_provider", 1)
    assert len(house.calls(ANA)) == 1
