"""What a rehearsal foretells is what reaches the patients' phones, in a clinic that works all week."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from reminders.domain.simulation import Message, Window
from reminders.services.simulation import Simulation
from reminders.wiring.parts import rules_of
from reminders.wiring.speech import words
from tests.fakes import FakeMessenger
from tests.house import House, book, clinic, running

PEOPLE: list[dict[str, Any]] = [
    {"name": "Ana Ruiz", "phone": "600 000 010", "language": "es"},
    {"name": "Ann Rees", "phone": "+44 7700 900123", "language": "en-GB", "time_zone": "Europe/London"},
    {"name": "Joe Park", "phone": "+1 202 555 0123", "language": "en", "time_zone": "America/New_York"},
    {"name": "李华", "phone": "+1 202 555 0124", "language": "zh-Hans"},
]  # fmt: skip


def foretold(house: House, first: str, last: str) -> list[Message]:
    service = house.service
    simulation = Simulation(
        service.database, house.clock, service.catalogue, words(), rules_of(service.settings, service.mailer)
    )
    return [one for one in simulation.run(Window.read(first, last)) if isinstance(one, Message)]


def busy_week(house: House, days: list[date], hours: list[int], offset: str) -> list[dict[str, Any]]:
    """Every patient has a visit each day, an hour or more after the one before."""
    patients = [house.ids["patient"], *(house.post("patients", one)["id"] for one in PEOPLE[1:])]
    return [
        book(house, house.ids, f"{day}T{hour:02}:00:00{offset}", patient_id=patient)
        for day in days
        for hour, patient in zip(hours, patients, strict=True)
    ]


def test_what_is_foretold_reaches_the_phones_over_a_change_of_the_clocks(empty_url: str) -> None:
    """Autumn in Madrid: Sunday 27 October has 25 hours, Monday's visits are reminded of on it."""
    made: list[FakeMessenger] = []
    start = datetime(2030, 10, 24, 6, 0, tzinfo=UTC)

    def messenger(clock: Any) -> FakeMessenger:
        made.append(FakeMessenger(clock))
        return made[0]

    with running(empty_url, start, messenger) as house:
        house.ids = clinic(house, policy={"quiet_hours": {"start": "21:00", "end": "08:00"}}, patient=PEOPLE[0], steps=[
            {"offset": "-P1D", "channels": ["sms", "voice"], "fallback_after": "PT40M"},
            {"offset": "-PT3H", "channels": ["sms"], "unless_confirmed": True},
        ])  # fmt: skip
        visits = busy_week(house, [date(2030, 10, 28), date(2030, 10, 29)], [9, 11, 13, 15], "+01:00")
        for visit in (visits[1], visits[6]):
            house.post(f"appointments/{visit['id']}/confirm")
        house.post(f"appointments/{visits[0]['id']}/cancel")
        found = foretold(house, "2030-10-24", "2030-10-29")
        assert [one.contact.kind for one in found][:2] == ["cancelled", "reminder"]
        assert made[0].requests == 0
        hours = {start + timedelta(hours=number) for number in range(24 * 6)}
        for moment in sorted({one.contact.at for one in found} | hours):
            house.tick_at(moment)
        ledger = {
            (item["text"], item["language"])
            for visit in visits for item in house.reminders(visit) if item["channel"] == "sms" and item["language"]
        }  # fmt: skip
    sent = [(one.report.created_at, one.channel, one.to, one.body) for one in made[0].sent]
    expected = [
        (one.contact.at, one.contact.channel, one.contact.to, one.text if one.segments else "") for one in found
    ]
    assert sorted(sent, key=str) == sorted(expected, key=str)
    assert {(one.text, one.language) for one in found if one.segments} == ledger
    assert {one.contact.at.date() for one in found} == {date(2030, 10, day) for day in (24, 27, 28, 29)}
    assert {one.language for one in found} == {"es", "en", "zh_Hans"}
