"""Lists: complete and without duplicates, also while rows are being added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.house import Local, book

DAY = datetime(2030, 5, 8, 7, 0, tzinfo=UTC)


def pages(web: Local, path: str, limit: int, between: Any = None, **query: Any) -> list[dict[str, Any]]:
    """Every item of a list, turning pages; ``between`` is called after each page."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = web.get(path, limit=limit, **cursor, **query)
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        assert page["items"], "an empty page must be the last"
        cursor = {"cursor": page["next_cursor"]}
        if between:
            between(len(items))


@pytest.mark.parametrize("limit", [1, 3, 7, 8, 500])
def test_patients_while_others_are_added(both: Local, limit: int) -> None:
    names = [f"Patient {limit}-{number}" for number in range(7)]
    made = [both.post("patients", {"name": name})["id"] for name in names]
    seen = [
        item["id"]
        for item in pages(both, "patients", limit, lambda n: n < 9 and both.post("patients", {"name": "New"}))
    ]
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen)


def visit_at(web: Local, minutes: int) -> str:
    return str(book(web, web.ids, (DAY + timedelta(minutes=minutes)).isoformat(), override=True)["id"])


def test_visits_in_order_of_start_while_others_are_booked(web: Local) -> None:
    made = [visit_at(web, 30 * number) for number in (4, 0, 8, 2, 6)]
    added: list[str] = []

    def book_around(_: int) -> None:
        """One before and one after the place where the reader is."""
        number = len(added)
        if number < 8:
            added.append(visit_at(web, -30 * (number + 1)))
            added.append(visit_at(web, 30 * (20 + number)))

    seen = pages(web, "appointments", 2, book_around)
    ids = [item["id"] for item in seen]
    assert len(ids) == len(set(ids))
    assert set(made) <= set(ids)
    starts = [datetime.fromisoformat(item["start"]) for item in seen]
    assert starts == sorted(starts)


def test_visits_that_start_together_are_all_listed(web: Local) -> None:
    others = [
        web.post("providers", {"name": f"Dr {n}", "location_id": web.ids["location"]}, role="admin")["id"]
        for n in range(4)
    ]
    web.patch(f"services/{web.ids['service']}", {"provider_ids": [web.ids["provider"], *others]}, role="admin")
    made = [book(web, web.ids, DAY.isoformat(), provider_id=provider, override=True)["id"]
            for provider in (web.ids["provider"], *others)]  # fmt: skip
    assert sorted(item["id"] for item in pages(web, "appointments", 2)) == sorted(made)


@pytest.mark.parametrize("limit", [1, 3, 5, 16, 17, 500])
def test_slots_of_several_providers_are_complete(both: Local, limit: int) -> None:
    """Two slots that begin together may fall on different pages."""
    hours = [{"weekday": "WE", "start": "09:00", "end": "12:00"}]
    body = {"name": "Dr Twin", "location_id": both.ids["location"], "hours": hours}
    twins = [both.post("providers", body, role="admin")["id"] for _ in range(3)]
    service = both.post("services", {"name": "Twin", "duration_minutes": 30, "provider_ids": twins}, role="admin")["id"]
    query = {"service_id": service, "first": "2030-05-08T00:00:00Z", "last": "2030-05-09T00:00:00Z"}
    whole = both.get("slots", limit=5000, **query)
    assert (len(whole["items"]), whole["next_cursor"]) == (18, None)
    assert pages(both, "slots", limit, **query) == whole["items"]


@pytest.mark.parametrize("path", ["locations", "providers", "services", "reminder-policies"])
def test_lists_of_the_clinic(both: Local, path: str) -> None:
    bodies = {
        "locations": {"time_zone": "Europe/Lisbon", "country": "PT"}, "providers": {"location_id": both.ids["location"]},
        "services": {"duration_minutes": 20}, "reminder-policies": {"steps": []},
    }  # fmt: skip
    made = [both.post(path, {"name": f"N{number}"} | bodies[path], role="admin")["id"] for number in range(5)]
    seen = [item["id"] for item in pages(both, path, 2)]
    assert len(seen) == len(set(seen))
    assert seen[-5:] == made


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 4), ({"status": "booked"}, 3), ({"status": "cancelled"}, 1), ({"status": "fulfilled"}, 0),
        ({"first": "2030-05-08T07:30:00Z"}, 3), ({"last": "2030-05-08T07:30:00Z"}, 1),
        ({"first": "2030-05-08T09:30:00+02:00", "last": "2030-05-08T10:30:00+02:00"}, 2),
        ({"provider_id": "PROVIDER"}, 4), ({"location_id": "LOCATION"}, 4), ({"patient_id": "PATIENT"}, 3),
        ({"patient_id": "pat_unknown"}, 0), ({"patient_id": "OTHER", "status": "booked"}, 1),
    ],
)  # fmt: skip
def test_visits_are_filtered(shared: Local, query: dict[str, str], count: int) -> None:
    if "OTHER" not in shared.ids:
        shared.ids["OTHER"] = shared.post("patients", {"name": "Eva Sol"})["id"]
        made = [visit_at(shared, 30 * number) for number in range(3)]
        book(shared, shared.ids, (DAY + timedelta(minutes=90)).isoformat(), patient_id=shared.ids["OTHER"])
        shared.post(f"appointments/{made[1]}/cancel")
    query = {name: shared.ids.get(value, shared.ids.get(value.lower(), value)) for name, value in query.items()}
    assert len(shared.get("appointments", **query)["items"]) == count
    assert len(pages(shared, "appointments", 1, **query)) == count


def test_patients_are_found_by_part_of_a_name_and_by_number(both: Local) -> None:
    made = both.post("patients", {"name": "Núria O'Neil 100%_x", "phone": "600 000 077"})
    for part in ("O'Ne", "o'neil", "100%_", "úria"):
        assert [item["id"] for item in both.get("patients", q=part)["items"]] == [made["id"]]
    assert both.get("patients", q="100%y")["items"] == []
    assert [item["id"] for item in both.get("patients", phone="+34600000077")["items"]] == [made["id"]]
    assert [item["id"] for item in both.get("patients", phone="600000077")["items"]] == [made["id"]]


def test_names_are_found_whatever_their_case_in_any_alphabet(both: Local) -> None:
    made = both.post("patients", {"name": "ÁNGELA ÖZ Жанна"})
    for part in ("ángela", "öz", "жанна", "ÁNGELA"):
        assert [item["id"] for item in both.get("patients", q=part)["items"]] == [made["id"]], part
