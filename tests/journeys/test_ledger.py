"""The ledger: for every reminder one sentence that the front desk can read out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.house import House, book, clinic, running

ANA = "+34600000010"
WEDNESDAY = "2030-05-08T09:00:00+02:00"
SMS = [{"offset": "-P1D", "channels": ["sms"]}]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A time in Madrid in May."""
    return datetime(2030, 5, day, hour - 2, minute, tzinfo=UTC)


def send(house: House, _: Any) -> None:
    house.tick_at(at(7, 9))
    house.settle()


def confirm_first(house: House, visit: Any) -> None:
    house.post(f"appointments/{visit['id']}/confirm")
    send(house, visit)


def stop_first(house: House, visit: Any) -> None:
    house.post(f"patients/{house.ids['patient']}/stop", {"channel": "sms", "evidence": "on the phone"})


def late(house: House, _: Any) -> None:
    house.tick_at(at(8, 8))


def moved(house: House, visit: Any) -> None:
    house.post(f"appointments/{visit['id']}/reschedule", {"start": "2030-05-09T09:00:00+02:00"})


def cancelled(house: House, visit: Any) -> None:
    house.post(f"appointments/{visit['id']}/cancel")


def arrived(house: House, visit: Any) -> None:
    house.post(f"appointments/{visit['id']}/arrive")


def no_number(house: House, visit: Any) -> None:
    house.patch(f"patients/{house.ids['patient']}", {"phone": None})
    send(house, visit)


def refused(house: House, visit: Any) -> None:
    house.patch(f"patients/{house.ids['patient']}", {"phone": "+1 500 555 0001"})
    send(house, visit)


def switched_off(house: House, visit: Any) -> None:
    house.patch(f"patients/{house.ids['patient']}", {"phone": "+1 202 555 0193"})
    send(house, visit)


def lost(house: House, _: Any) -> None:
    house.sandbox.faults.drop_after_accept = 1
    house.sandbox.faults.lose_callbacks = True
    house.tick_at(at(7, 9))
    house.tick(seconds=61)
    house.tick(seconds=61)


STORIES: list[tuple[Callable[[House, Any], None] | None, dict[str, Any], str, str]] = [
    (None, {}, "planned", "The reminder SMS 1 day before will go out on Tue 07 May 2030 at 09:00."),
    (None, {"policy": {"quiet_hours": {"start": "08:30", "end": "10:00"}}}, "planned",
     "The reminder SMS 1 day before will go out on Tue 07 May 2030 at 10:00, moved from Tue 07 May 2030 at 09:00 out of quiet hours (08:30 to 10:00)."),
    (send, {}, "delivered", "The reminder SMS 1 day before was sent on Tue 07 May 2030 at 09:00 in Spanish and delivered on Tue 07 May 2030 at 09:00."),
    (send, {"patient": {"language": "sv-SE"}}, "delivered",
     "The reminder SMS 1 day before was sent on Tue 07 May 2030 at 09:00 in Spanish (there are no texts in Swedish (Sweden)) and delivered on Tue 07 May 2030 at 09:00."),
    (confirm_first, {"steps": [{"offset": "-P1D", "unless_confirmed": True}]}, "suppressed",
     "The reminder SMS 1 day before, due Tue 07 May 2030 at 09:00, was left out: the patient had confirmed already."),
    (stop_first, {}, "suppressed", "The reminder SMS 1 day before, due Tue 07 May 2030 at 09:00, was left out: the patient asked us to stop."),
    (late, {}, "missed", "The reminder SMS 1 day before was not sent: its deadline passed before it could be sent (it made sense only until Tue 07 May 2030 at 21:00)."),
    (moved, {}, "withdrawn", "The reminder SMS 1 day before, due Tue 07 May 2030 at 09:00, was taken back: the visit was moved."),
    (cancelled, {}, "withdrawn", "The reminder SMS 1 day before, due Tue 07 May 2030 at 09:00, was taken back: the visit was cancelled."),
    (arrived, {}, "withdrawn", "The reminder SMS 1 day before, due Tue 07 May 2030 at 09:00, was taken back: the patient had come, or the visit was over."),
    (no_number, {}, "suppressed", "The reminder SMS 1 day before, due Tue 07 May 2030 at 09:00, was left out: there is no phone number on the card."),
    (refused, {}, "failed", "The reminder SMS 1 day before did not reach the patient: the provider refused it (provider error 21211)."),
    (switched_off, {}, "failed", "The reminder SMS 1 day before did not reach the patient: the network could not deliver it (provider error 30003)."),
    (lost, {}, "sent", "The reminder SMS 1 day before was sent on Tue 07 May 2030 at 09:00 in Spanish (the answer got lost; we found it at the provider)."),
    (None, {"steps": [{"offset": "-P40D"}]}, "suppressed",
     "The reminder SMS 40 days before, due Fri 29 Mar 2030 at 09:00, was left out: the visit was booked after this time had passed."),
    (None, {"steps": [{"offset": "-PT1H30M", "channels": ["voice"]}]}, "planned", "The reminder call 1 hour 30 minutes before will go out on Wed 08 May 2030 at 07:30."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("story", "changes", "state", "sentence"), STORIES, ids=[f"{row[2]}-{number}" for number, row in enumerate(STORIES)]
)
def test_sentences(
    empty_sqlite_url: str,
    story: Callable[[House, Any], None] | None,
    changes: dict[str, Any],
    state: str,
    sentence: str,
) -> None:
    with running(empty_sqlite_url) as house:
        house.ids = clinic(house, **({"steps": SMS} | changes))
        visit = book(house, house.ids, WEDNESDAY)
        if story:
            story(house, visit)
        first = next(item for item in house.reminders(visit) if item["kind"] == "reminder")
        assert (first["state"], first["sentence"]) == (state, sentence)


@pytest.mark.parametrize(
    ("channel", "asked", "language", "wanted"),
    [("sms", "es-MX", "es", None), ("sms", "sv", "es", "sv"), ("voice", "sv", "es", "sv"), ("voice", "pt", "pt", None)],
)
def test_the_ledger_keeps_which_language_was_asked_for(
    empty_sqlite_url: str, channel: str, asked: str, language: str, wanted: str | None
) -> None:
    with running(empty_sqlite_url) as house:
        steps = [{"offset": "-P1D", "channels": [channel]}]
        house.ids = clinic(house, steps=steps, patient={"language": asked})
        visit = book(house, house.ids, WEDNESDAY)
        send(house, visit)
        (item,) = house.reminders(visit)
        assert (item["language"], item["wanted_language"]) == (language, wanted)


def test_the_story_of_a_visit(house: House) -> None:
    """Everything at once, in order, with a summary."""
    visit = book(house, house.ids, WEDNESDAY)
    path = f"appointments/{visit['id']}/reminders"
    assert house.get(path)["summary"] == "Next: The reminder SMS 1 day before will go out on Tue 07 May 2030 at 09:00."
    house.tick_at(at(7, 9))
    house.settle()
    summary = house.get(path)["summary"]
    assert "was sent on Tue 07 May 2030 at 09:00" in summary
    assert "Next: The reminder SMS 2 hours before will go out on Wed 08 May 2030 at 07:00, unless" in summary
    house.post(f"appointments/{visit['id']}/reschedule", {"start": "2030-05-09T09:00:00+02:00"})
    house.tick(minutes=2)
    house.settle()
    page = house.get(path)
    notice = next(item for item in page["items"] if item["kind"] == "moved")
    assert notice["sentence"].startswith("The SMS about the new time was sent on Tue 07 May 2030 at 09:02 in Spanish")
    assert [item["due_at"] for item in page["items"]] == sorted(item["due_at"] for item in page["items"])
    house.post(f"appointments/{visit['id']}/cancel")
    house.tick(minutes=3)
    house.settle()
    page = house.get(path)
    assert page["summary"].endswith("Nothing more is planned.")
    assert {item["state"] for item in page["items"]} == {"delivered", "withdrawn"}
    for item in page["items"]:
        assert item["sentence"].endswith(".")
        assert (item["text"] is None) is (item["state"] == "withdrawn")
        assert (item["cost"] is None) is (item["state"] == "withdrawn")


def test_a_visit_without_reminders(house: House) -> None:
    bare = house.post(
        "services", {"name": "Bare", "duration_minutes": 30, "provider_ids": [house.ids["provider"]]}, role="admin"
    )
    visit = book(house, house.ids, WEDNESDAY, service_id=bare["id"])
    assert house.get(f"appointments/{visit['id']}/reminders") == {
        "items": [], "next_cursor": None, "summary": "No reminders belong to this visit.",
    }  # fmt: skip
