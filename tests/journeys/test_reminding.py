"""What goes out, when, and what does not: through every change of a visit and every trouble on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reminders.clock import Clock
from reminders.domain.ports import Messenger
from tests.fakes import FakeMessenger, Fate, later, refused
from tests.house import House, book, clinic, running

ANA = "+34600000010"
WEDNESDAY = "2030-05-08T09:00:00+02:00"
THURSDAY = "2030-05-09T11:00:00+02:00"


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A time in Madrid in May."""
    return datetime(2030, 5, day, hour - 2, minute, second, tzinfo=UTC)


def states(house: House, visit: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["state"], item["reason"]) for item in house.reminders(visit)]


def test_a_visit_that_is_not_confirmed_gets_every_nudge(house: House) -> None:
    visit = book(house, house.ids, WEDNESDAY)
    house.tick_at(at(7, 9, 0))
    house.settle()
    house.tick_at(at(8, 7, 0))
    house.settle()
    assert states(house, visit) == [("delivered", "due")] * 2
    texts = house.texts(ANA)
    assert len(texts) == 2
    assert all("Ana Ruiz" in text and "8 may" in text and "9:00" in text for text in texts)
    assert all("STOP" in text for text in texts)
    assert not any("CANCEL" in text.upper().replace("CANCELAR", "") for text in texts)


def test_nothing_goes_out_a_second_early(small: House) -> None:
    visit = book(small, small.ids, WEDNESDAY)
    small.tick_at(at(7, 8, 59, 59))
    assert states(small, visit)[0] == ("planned", "due")
    small.tick_at(at(7, 9, 0, 0))
    assert states(small, visit)[0][0] == "sent"


def test_a_moved_visit_is_reminded_of_at_its_new_time_only(house: House) -> None:
    visit = book(house, house.ids, WEDNESDAY)
    house.tick_at(at(6, 12))
    house.post(f"appointments/{visit['id']}/reschedule", {"start": THURSDAY})
    assert [item["reason"] for item in house.reminders(visit) if item["state"] == "withdrawn"] == ["visit_moved"] * 2
    house.tick(seconds=119)
    assert house.texts(ANA) == []
    house.tick(seconds=2)
    house.settle()
    (notice,) = house.texts(ANA)
    assert "9 may" in notice
    assert "11:00" in notice
    for moment in (at(7, 9), at(8, 7), at(8, 11), at(9, 9)):
        house.tick_at(moment)
        house.settle()
    texts = house.texts(ANA)
    assert len(texts) == 3
    assert all("9 may" in text and "11:00" in text for text in texts)
    kinds = [(item["kind"], item["state"]) for item in house.reminders(visit)]
    assert sorted(kinds) == [("moved", "delivered"), ("reminder", "delivered"), ("reminder", "delivered"),
                             ("reminder", "withdrawn"), ("reminder", "withdrawn")]  # fmt: skip


def test_a_slip_of_the_mouse_is_put_right_before_anybody_is_told(house: House) -> None:
    visit = book(house, house.ids, WEDNESDAY)
    house.tick_at(at(6, 12))
    house.post(f"appointments/{visit['id']}/reschedule", {"start": THURSDAY})
    house.tick(seconds=60)
    house.post(f"appointments/{visit['id']}/reschedule", {"start": WEDNESDAY})
    house.tick(minutes=10)
    house.settle()
    assert house.texts(ANA) == []
    house.tick_at(at(7, 9))
    house.settle()
    (text,) = house.texts(ANA)
    assert "8 may" in text
    assert [item["state"] for item in house.reminders(visit) if item["kind"] == "moved"] in ([], ["withdrawn"])


def test_moved_twice_within_the_delay_is_told_once(small: House) -> None:
    visit = book(small, small.ids, WEDNESDAY)
    small.tick_at(at(6, 12))
    small.post(f"appointments/{visit['id']}/reschedule", {"start": THURSDAY})
    small.tick(seconds=30)
    small.post(f"appointments/{visit['id']}/reschedule", {"start": "2030-05-10T10:00:00+02:00"})
    small.tick(minutes=10)
    small.settle()
    (text,) = small.texts(ANA)
    assert "10 may" in text


def test_a_visit_moved_and_told_and_moved_back_is_told_again(small: House) -> None:
    visit = book(small, small.ids, WEDNESDAY)
    small.tick_at(at(6, 12))
    small.post(f"appointments/{visit['id']}/reschedule", {"start": THURSDAY})
    small.tick(minutes=10)
    small.settle()
    small.post(f"appointments/{visit['id']}/reschedule", {"start": WEDNESDAY})
    small.tick(minutes=10)
    small.settle()
    first, second = small.texts(ANA)
    assert "9 may" in first
    assert "8 may" in second


@pytest.mark.parametrize("change", ["cancel", "arrive", "fulfil", "no-show"])
def test_whatever_ends_a_visit_ends_its_reminders(small: House, change: str) -> None:
    visit = book(small, small.ids, WEDNESDAY)
    small.post(f"appointments/{visit['id']}/{change}")
    assert {state for state, _ in states(small, visit) if state != "planned"} == {"withdrawn"}
    for moment in (at(6, 12), at(7, 9), at(8, 7), at(8, 9)):
        small.tick_at(moment)
        small.settle()
    texts = small.texts(ANA)
    if change == "cancel":
        (text,) = texts
        assert "cancelada" in text
    else:
        assert texts == []


def test_a_cancelled_visit_that_has_begun_is_not_announced(small: House) -> None:
    visit = book(small, small.ids, WEDNESDAY)
    small.tick_at(at(8, 9, 30))
    before = small.texts(ANA)
    small.post(f"appointments/{visit['id']}/cancel")
    small.tick(minutes=10)
    small.settle()
    assert small.texts(ANA) == before


def test_a_late_booking_does_not_set_off_everything(small: House) -> None:
    small.tick_at(at(7, 15))
    visit = book(small, small.ids, WEDNESDAY)
    assert states(small, visit) == [("suppressed", "booked_too_late"), ("planned", "due")]
    small.settle()
    assert small.texts(ANA) == []
    small.tick_at(at(8, 7))
    small.settle()
    assert len(small.texts(ANA)) == 1


def test_who_is_confirmed_is_not_nagged(small: House) -> None:
    visit = book(small, small.ids, WEDNESDAY)
    small.post(f"appointments/{visit['id']}/confirm")
    small.tick_at(at(8, 7))
    small.settle()
    assert states(small, visit)[1] == ("suppressed", "already_confirmed")


def test_everything_is_looked_up_when_it_is_sent(house: House) -> None:
    """Number, name, language and venue may change after the booking; the message follows."""
    visit = book(house, house.ids, WEDNESDAY)
    house.patch(
        f"patients/{house.ids['patient']}", {"phone": "+44 7700 900123", "language": "en-GB", "name": "Ann Rees"}
    )
    house.patch(f"locations/{house.ids['location']}", {"name": "North Clinic"}, role="admin")
    house.tick_at(at(7, 9))
    house.settle()
    assert house.texts(ANA) == []
    (text,) = house.texts("+447700900123")
    assert "Ann Rees" in text
    assert "North Clinic" in text
    assert "Wed" in text
    assert house.reminders(visit)[0]["language"] == "en"


def test_without_a_number_nothing_is_lost_and_the_ledger_says_so(small: House) -> None:
    nobody = small.post("patients", {"name": "Eva Sol"})
    visit = book(small, small.ids, WEDNESDAY, patient_id=nobody["id"])
    small.tick_at(at(7, 9))
    assert states(small, visit)[0] == ("suppressed", "no_address")
    small.patch(f"patients/{nobody['id']}", {"phone": "600 000 012"})
    small.tick_at(at(8, 7))
    small.settle()
    assert len(small.texts("+34600000012")) == 1


def test_quiet_hours_shift_and_never_drop(empty_url: str) -> None:
    with running(empty_url) as house:
        house.ids = clinic(
            house, policy={"quiet_hours": {"start": "20:00", "end": "08:00"}},
            steps=[{"offset": "-P1D"}, {"offset": "-PT2H"}], provider={"hours": [{"weekday": "WE", "start": "06:00", "end": "23:00"}]},
        )  # fmt: skip
        early, late = (
            book(house, house.ids, "2030-05-08T07:00:00+02:00"),
            book(house, house.ids, "2030-05-08T22:30:00+02:00"),
        )
        assert [item["due_at"] for item in house.reminders(early)] == [
            "2030-05-07T06:00:00+00:00",
            "2030-05-07T17:59:00+00:00",
        ]
        assert [item["due_at"] for item in house.reminders(late)] == [
            "2030-05-08T06:00:00+00:00",
            "2030-05-08T17:59:00+00:00",
        ]
        for item in house.reminders(early) + house.reminders(late):
            assert (item["state"], item["reason"]) == ("planned", "shifted_quiet_hours")
        for moment in (at(7, 8), at(7, 19, 59), at(8, 8), at(8, 19, 59)):
            house.tick_at(moment)
            house.settle()
        assert [state for state, _ in states(house, early) + states(house, late)] == ["delivered"] * 4


def test_quiet_hours_are_those_of_the_person(empty_sqlite_url: str) -> None:
    """A patient who lives in New York is not woken by a clinic in Madrid."""
    with running(empty_sqlite_url) as house:
        house.ids = clinic(
            house, policy={"quiet_hours": {"start": "20:00", "end": "08:00"}}, steps=[{"offset": "-P1D"}],
            patient={"time_zone": "America/New_York", "language": "en", "phone": "+1 202 555 0100"},
        )  # fmt: skip
        visit = book(house, house.ids, WEDNESDAY)
        (item,) = house.reminders(visit)
        assert item["due_at"] == "2030-05-07T12:00:00+00:00"
        house.tick_at(datetime(2030, 5, 7, 12, tzinfo=UTC))
        house.settle()
        (text,) = house.texts("+12025550100")
        assert "9:00" in text
        assert "Madrid" in text


def test_a_text_planned_by_day_is_not_sent_at_night(empty_sqlite_url: str) -> None:
    """The worker was down until night: what may still help waits for the morning."""
    with running(empty_sqlite_url) as house:
        house.ids = clinic(
            house, policy={"quiet_hours": {"start": "20:00", "end": "08:00"}}, steps=[{"offset": "-P2D"}]
        )
        visit = book(house, house.ids, "2030-05-10T12:00:00+02:00")
        house.tick_at(at(8, 22))
        assert house.texts(ANA) == []
        assert states(house, visit) == [("planned", "shifted_quiet_hours")]
        house.tick_at(at(9, 8))
        house.settle()
        assert len(house.texts(ANA)) == 1


def test_after_a_long_outage_nothing_senseless_goes_out(house: House) -> None:
    visit = book(house, house.ids, WEDNESDAY)
    house.tick_at(at(8, 8, 30))
    house.settle()
    assert states(house, visit) == [("missed", "deadline_passed")] * 2
    house.tick_at(at(8, 12))
    assert house.texts(ANA) == []


def test_after_a_short_outage_everything_is_caught_up(empty_url: str) -> None:
    """The process is gone while reminders fall due; another one starts and sends them."""
    with running(empty_url) as house:
        ids = clinic(house)
        visits = [book(house, ids, f"2030-05-08T{hour:02}:00:00+02:00") for hour in range(9, 17)]
        keys = house.keys
    with running(empty_url, at(7, 17)) as house:
        house.keys = keys
        house.tick()
        house.settle()
        assert [states(house, visit)[0][0] for visit in visits] == ["delivered"] * 8
        texts = house.texts(ANA)
        assert len(texts) == 2  # eight visits of one phone are named in two messages, not told in eight
        assert all(sum(f", {hour}:00" in text for text in texts) == 1 for hour in range(9, 17))


def test_undelivered_texts_are_followed_by_a_call(empty_sqlite_url: str) -> None:
    """A landline takes no texts: the same step goes on by voice at once, and the card says what is wrong."""
    landline = "+12025550196"
    with running(empty_sqlite_url) as house:
        house.ids = clinic(
            house,
            steps=[{"offset": "-P1D", "channels": ["sms", "voice"]}],
            patient={"phone": landline, "language": "en"},
        )
        visit = book(house, house.ids, WEDNESDAY)
        house.tick_at(at(7, 9))
        house.settle(5)
        first, second = house.reminders(visit)
        assert (first["channel"], first["state"], first["reason"], first["error_code"]) == (
            "sms",
            "failed",
            "undelivered",
            30006,
        )
        assert (second["channel"], second["kind"], second["step"]) == ("voice", "reminder", 0)
        assert house.get(f"patients/{house.ids['patient']}")["phone_problem"]
        (call,) = house.calls(landline)
        for _ in ("it is me", "confirm"):
            house.sandbox.press(call.sid, "1")
            house.settle(8)
        assert house.get(f"appointments/{visit['id']}")["confirmation"] == "confirmed"
        assert house.reminders(visit)[1]["state"] == "delivered"
        assert house.texts(landline) == [first["text"]]


def test_a_refused_number_is_not_tried_again(small: House) -> None:
    small.patch(f"patients/{small.ids['patient']}", {"phone": "+1 500 555 0001"})
    visit = book(small, small.ids, WEDNESDAY)
    for moment in (at(7, 9), at(7, 9, 30), at(7, 12)):
        small.tick_at(moment)
    first = small.reminders(visit)[0]
    assert (first["state"], first["reason"], first["error_code"], first["attempts"]) == (
        "failed",
        "refused_by_provider",
        21211,
        1,
    )
    assert small.get(f"patients/{small.ids['patient']}")["phone_problem"] == "provider error 21211"


def test_an_answer_that_got_lost_is_found_at_the_provider(house: House) -> None:
    """The provider took the message, we never heard: it is adopted and not sent twice."""
    visit = book(house, house.ids, WEDNESDAY)
    house.sandbox.faults.drop_after_accept = 1
    house.sandbox.faults.lose_callbacks = True
    house.tick_at(at(7, 9))
    first = house.reminders(visit)[0]
    assert (first["state"], first["provider_sid"]) in {("claimed", None), ("uncertain", None)}
    house.tick(seconds=70)
    house.tick(seconds=70)
    first = house.reminders(visit)[0]
    assert (first["reason"], first["attempts"]) == ("found_at_provider", 1)
    assert first["state"] in {"sent", "delivered"}
    assert first["provider_sid"]
    assert len(house.texts(ANA)) == 1


def test_a_worker_that_dies_after_handing_over_does_not_send_twice(small: House) -> None:
    """Like the one before, but the callbacks arrive and tell before anybody has to ask."""
    visit = book(small, small.ids, WEDNESDAY)
    small.sandbox.faults.drop_after_accept = 1
    small.tick_at(at(7, 9))
    small.settle()
    small.tick(minutes=5)
    first = small.reminders(visit)[0]
    assert (first["state"], first["attempts"]) == ("delivered", 1)
    assert len(small.texts(ANA)) == 1


class Troubled:
    """A provider in memory that goes through the given troubles first."""

    def __init__(self, *troubles: Any) -> None:
        self.troubles = troubles
        self.messenger: FakeMessenger | None = None

    def __call__(self, clock: Clock) -> Messenger:
        self.messenger = FakeMessenger(clock)
        self.messenger.script(*self.troubles)
        return self.messenger


@pytest.mark.parametrize(
    ("troubles", "sent", "state"),
    [
        ([Fate.ANSWER_LOST], 1, "found_at_provider"), ([Fate.REQUEST_LOST], 1, "due"), ([later(30)], 1, "due"),
        ([refused(), refused(), refused()], 1, "due"), ([Fate.REQUEST_LOST, Fate.ANSWER_LOST], 1, "found_at_provider"),
        ([refused(permanent=True)], 0, "refused_by_provider"),
    ],
    ids=["answer-lost", "request-lost", "busy", "three-failures", "both-lost", "refused"],
)  # fmt: skip
def test_trouble_on_the_way(empty_sqlite_url: str, troubles: list[Any], sent: int, state: str) -> None:
    """Nothing is lost and nothing is sent twice."""
    provider = Troubled(*troubles)
    factory: Callable[[Clock], Messenger] = provider
    with running(empty_sqlite_url, messenger=factory) as house:
        house.ids = clinic(house, steps=[{"offset": "-P1D"}])
        visit = book(house, house.ids, WEDNESDAY)
        house.tick_at(at(7, 9))
        for _ in range(12):
            house.tick(minutes=2)
        assert provider.messenger is not None
        assert len(provider.messenger.sent) == sent
        assert states(house, visit)[0][1] == state


def test_one_bad_row_does_not_stop_everybody(house: House) -> None:
    """A note that cannot be written as a text must not hold up the reminders of others."""
    others = [house.post("patients", {"name": f"P{n}", "phone": f"60000002{n}"})["id"] for n in range(3)]
    visits = [
        book(house, house.ids, f"2030-05-08T1{n}:00:00+02:00", patient_id=other) for n, other in enumerate(others)
    ]
    with house.service.database.write() as tx:
        tx.exec_driver_sql("UPDATE patient SET time_zone = 'Nowhere/Land' WHERE name = 'P0'")
    house.tick_at(at(7, 12))
    house.settle()
    house.tick(minutes=3)
    house.settle()
    assert [states(house, visit)[0][0] for visit in visits[1:]] == ["delivered"] * 2


def test_the_cost_is_estimated_first_and_then_known(house: House) -> None:
    house.sandbox.faults.price_delay = timedelta(minutes=30)
    visit = book(house, house.ids, WEDNESDAY)
    assert house.reminders(visit)[0]["cost"] is None
    house.tick_at(at(7, 9))
    house.settle()
    guess = house.reminders(visit)[0]
    assert (guess["cost_is_actual"], guess["cost"]["currency"], guess["segments"]) == (False, "USD", 1)
    house.tick(minutes=40)
    house.tick(hours=2)
    house.tick(hours=2)
    known = house.reminders(visit)[0]
    assert known["cost_is_actual"]
    assert known["cost"]["currency"] == "USD"
    costs = house.get("reports/reminder-costs", role="manager")
    assert costs["items"]


def test_a_policy_change_holds_for_visits_already_booked_too(small: House) -> None:
    before = book(small, small.ids, WEDNESDAY)
    small.patch(f"reminder-policies/{small.ids['policy']}", {"steps": [{"offset": "-PT3H"}]}, role="admin")
    after = book(small, small.ids, THURSDAY)
    planned = [
        [one["step"] for one in small.reminders(visit) if one["state"] == "planned"] for visit in (before, after)
    ]
    assert planned == [[0], [0]]
    small.tick_at(at(7, 9))
    small.settle()
    assert ("delivered", "due") not in states(small, before)
    small.tick_at(at(8, 6))
    small.settle()
    assert ("delivered", "due") in states(small, before)
