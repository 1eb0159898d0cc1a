"""Finding a time, booking it, changing it: right on every day of the year."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.house import House, book, booking, clinic, running


def starts(house: House, first: str, last: str, **query: Any) -> list[str]:
    items = house.get("slots", service_id=house.ids["service"], first=first, last=last, limit=5000, **query)["items"]
    return [item["start"] for item in items]


def test_a_day_at_the_desk(house: House) -> None:
    """Search, book, confirm, move, arrive, fulfil: each step checked, each written down."""
    day = ("2030-05-08T00:00:00+02:00", "2030-05-09T00:00:00+02:00")
    free = starts(house, *day)
    assert (len(free), free[0], free[-1]) == (16, "2030-05-08T09:00:00+02:00", "2030-05-08T16:30:00+02:00")
    visit = book(house, house.ids, free[2])
    assert starts(house, *day) == free[:2] + free[3:]
    assert (visit["status"], visit["confirmation"], visit["version"]) == ("booked", "unconfirmed", 1)
    house.post(f"appointments/{visit['id']}/confirm")
    moved = house.post(f"appointments/{visit['id']}/reschedule", {"start": free[4]})
    assert (moved["id"], moved["start"], moved["confirmation"]) == (visit["id"], free[4], "unconfirmed")
    assert starts(house, *day) == free[:4] + free[5:]
    house.tick_at(datetime.fromisoformat(free[4]).astimezone(UTC))
    house.post(f"appointments/{visit['id']}/arrive")
    done = house.post(f"appointments/{visit['id']}/fulfil")
    assert (done["status"], done["allowed"]) == ("fulfilled", [])
    history = house.get(f"appointments/{visit['id']}/history")["items"]
    assert [item["change"] for item in history] == ["book", "confirm", "reschedule", "arrive", "fulfil"]
    assert [item["version"] for item in history] == [1, 2, 3, 4, 5]
    assert history[2]["facts"].keys() == {"from", "to"}
    assert {item["channel"] for item in history} == {"api"}


def test_a_cancelled_time_is_free_again(house: House) -> None:
    day = ("2030-05-08T00:00:00+02:00", "2030-05-09T00:00:00+02:00")
    free = starts(house, *day)
    visit = book(house, house.ids, free[0])
    cancelled = house.post(f"appointments/{visit['id']}/cancel", {"reason": "the doctor is ill"})
    assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "the doctor is ill")
    assert starts(house, *day) == free
    assert book(house, house.ids, free[0])["id"] != visit["id"]


def test_a_no_show_who_comes_late_after_all(house: House) -> None:
    visit = book(house, house.ids, "2030-05-08T09:00:00+02:00")
    house.tick_at(datetime(2030, 5, 8, 7, 30, tzinfo=UTC))
    assert house.post(f"appointments/{visit['id']}/no-show")["status"] == "noshow"
    assert house.post(f"appointments/{visit['id']}/arrive")["status"] == "arrived"
    assert house.api("POST", f"appointments/{visit['id']}/no-show").code == "status_conflict"


@pytest.mark.parametrize(
    ("zone", "country", "now", "day", "following", "walls"),
    [
        ("Europe/Madrid", "ES", (2030, 3, 1), "2030-03-31", "2030-04-01", ["00:00+01:00", "01:00+01:00", "03:00+02:00", "04:00+02:00", "05:00+02:00"]),
        ("Europe/Madrid", "ES", (2030, 10, 1), "2030-10-27", "2030-10-28",
         ["00:00+02:00", "01:00+02:00", "02:00+02:00", "02:00+01:00", "03:00+01:00", "04:00+01:00", "05:00+01:00"]),
        ("America/New_York", "US", (2030, 3, 1), "2030-03-10", "2030-03-11", ["00:00-05:00", "01:00-05:00", "03:00-04:00", "04:00-04:00", "05:00-04:00"]),
        ("America/New_York", "US", (2030, 11, 1), "2030-11-03", "2030-11-04",
         ["00:00-04:00", "01:00-04:00", "01:00-05:00", "02:00-05:00", "03:00-05:00", "04:00-05:00", "05:00-05:00"]),
        ("Australia/Lord_Howe", "AU", (2030, 4, 1), "2030-04-07", "2030-04-08", None),
        ("Asia/Kolkata", "IN", (2030, 3, 1), "2030-03-31", "2030-04-01", [f"0{hour}:00+05:30" for hour in range(6)]),
    ],
    ids=["madrid-spring", "madrid-autumn", "new-york-spring", "new-york-autumn", "lord-howe", "kolkata"],
)  # fmt: skip
def test_the_days_on_which_clocks_change(
    empty_sqlite_url: str,
    zone: str,
    country: str,
    now: tuple[int, int, int],
    day: str,
    following: str,
    walls: list[str] | None,
) -> None:
    """Every hour of the night shift is offered once as it happens, can be booked, and is then taken."""
    with running(empty_sqlite_url, datetime(*now, tzinfo=UTC)) as house:
        house.ids = clinic(
            house, location={"time_zone": zone, "country": country, "phone": None}, service={"duration_minutes": 60},
            provider={"hours": [{"weekday": "SU", "start": "00:00", "end": "06:00"}]}, patient={"phone": None},
        )  # fmt: skip
        free = starts(house, f"{day}T00:00:00+14:00", f"{following}T12:00:00Z")
        found = [start for start in free if start.startswith(day)]
        if walls is not None:
            assert [start[11:16] + start[19:] for start in found] == walls
        moments = [datetime.fromisoformat(start).timestamp() for start in found]
        assert moments == sorted(set(moments))
        for start in found:
            visit = book(house, house.ids, start)
            assert visit["start"] == start
        assert not [
            start for start in starts(house, f"{day}T00:00:00+14:00", f"{following}T12:00:00Z") if start.startswith(day)
        ]


def test_one_day_before_is_the_same_wall_time_across_the_change(empty_sqlite_url: str) -> None:
    with running(empty_sqlite_url, datetime(2030, 3, 20, 6, tzinfo=UTC)) as house:
        house.ids = clinic(
            house, provider={"hours": [{"weekday": "SU", "start": "09:00", "end": "12:00"}]},
            steps=[{"offset": "-P1D"}, {"offset": "-PT24H"}, {"offset": "-PT45S"}],
        )  # fmt: skip
        visit = book(house, house.ids, "2030-03-31T09:00:00+02:00")
        assert [item["due_at"] for item in house.reminders(visit)] == [
            "2030-03-30T07:00:00+00:00", "2030-03-30T08:00:00+00:00", "2030-03-31T06:59:15+00:00",
        ]  # fmt: skip


def test_breaks_leave_and_public_holidays(empty_sqlite_url: str) -> None:
    with running(empty_sqlite_url, datetime(2030, 12, 2, 6, tzinfo=UTC)) as house:
        house.ids = clinic(
            house, location={"observes_holidays": True},
            provider={"breaks": [{"weekday": "TH", "start": "12:00", "end": "16:00"}]}, service={"duration_minutes": 60},
        )  # fmt: skip

        def hours(day: int) -> list[str]:
            found = starts(house, f"2030-12-{day:02}T00:00:00+01:00", f"2030-12-{day + 1:02}T00:00:00+01:00")
            return [start[11:16] for start in found]

        assert hours(5) == ["09:00", "10:00", "11:00", "16:00"]
        assert hours(25) == []
        assert hours(7) == []
        provider = house.ids["provider"]
        house.post(
            f"providers/{provider}/exceptions",
            {"first_day": "2030-12-25", "last_day": "2030-12-25", "open": True, "start": "10:00", "end": "12:00"},
        )
        leave = house.post(
            f"providers/{provider}/exceptions", {"first_day": "2030-12-05", "last_day": "2030-12-06", "note": "ill"}
        )
        assert (hours(25), hours(5), hours(6)) == (["10:00", "11:00"], [], [])
        assert (
            house.api("POST", "appointments", booking(house.ids, "2030-12-05T09:00:00+01:00")).code
            == "slot_not_offered"
        )
        assert house.api("DELETE", f"providers/{provider}/exceptions/{leave['id']}").status == 204
        assert hours(5) == ["09:00", "10:00", "11:00", "16:00"]
        assert house.api("DELETE", f"providers/{provider}/exceptions/{leave['id']}").status == 404


def test_buffers_notice_and_horizon(empty_sqlite_url: str) -> None:
    with running(empty_sqlite_url) as house:
        house.ids = clinic(house, service={
            "duration_minutes": 30, "buffer_before_minutes": 10, "buffer_after_minutes": 20, "slot_minutes": 15,
            "min_notice_minutes": 120, "horizon_days": 10,
        })  # fmt: skip
        free = starts(house, "2030-05-06T00:00:00+02:00", "2030-06-06T00:00:00+02:00")
        assert (free[0], free[-1]) == ("2030-05-06T10:00:00+02:00", "2030-05-15T16:30:00+02:00")
        book(house, house.ids, "2030-05-06T12:00:00+02:00")
        left = [start[11:16] for start in starts(house, "2030-05-06T11:00:00+02:00", "2030-05-06T14:00:00+02:00")]
        assert left == ["11:00", "13:00", "13:15", "13:30", "13:45"]
        for start, code in (
            ("2030-05-06T12:45:00+02:00", "slot_taken"),
            ("2030-05-06T09:30:00+02:00", "slot_not_offered"),
        ):
            assert house.api("POST", "appointments", booking(house.ids, start)).code == code
        walk_in = house.api("POST", "appointments", booking(house.ids, "2030-05-06T09:30:00+02:00", override=True))
        assert walk_in.status == 201
        overlap = house.api("POST", "appointments", booking(house.ids, "2030-05-06T12:15:00+02:00", override=True))
        assert overlap.code == "slot_taken"


def test_two_providers_share_a_service(house: House) -> None:
    other = house.post("providers", {
        "name": "Dr Sol", "location_id": house.ids["location"], "hours": [{"weekday": "WE", "start": "09:00", "end": "10:00"}],
    }, role="admin")  # fmt: skip
    house.patch(
        f"services/{house.ids['service']}", {"provider_ids": [house.ids["provider"], other["id"]]}, role="admin"
    )
    query = ("2030-05-08T09:00:00+02:00", "2030-05-08T10:00:00+02:00")
    assert starts(house, *query) == ["2030-05-08T09:00:00+02:00"] * 2 + ["2030-05-08T09:30:00+02:00"] * 2
    visit = book(house, house.ids, "2030-05-08T09:00:00+02:00")
    refused = house.api("POST", "appointments", booking(house.ids, "2030-05-08T09:00:00+02:00")).json()
    assert {
        "start": "2030-05-08T09:00:00+02:00",
        "end": "2030-05-08T09:30:00+02:00",
        "provider_id": other["id"],
    } in refused["alternatives"]
    moved = house.post(
        f"appointments/{visit['id']}/reschedule", {"start": "2030-05-08T09:00:00+02:00", "provider_id": other["id"]}
    )
    assert (moved["provider_id"], moved["version"]) == (other["id"], 2)
    assert starts(house, *query, provider_id=house.ids["provider"]) == [
        "2030-05-08T09:00:00+02:00",
        "2030-05-08T09:30:00+02:00",
    ]
