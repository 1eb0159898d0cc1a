from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from tests.house import Local, book

REPORTS = ("attendance", "attendance/heat-map", "attendance/repeaters", "savings", "spending", "risk")


@pytest.mark.parametrize("name", REPORTS)
def test_only_managers_read_them(web: Local, name: str) -> None:
    assert web.api("GET", f"reports/{name}", role="desk").status == 403
    assert web.get(f"reports/{name}", role="manager")["next_cursor"] is None
    assert (
        web.api("GET", f"reports/{name}", role="manager", query={"first": "2030-02-01", "last": "2030-01-01"}).status
        == 422
    )


@pytest.mark.parametrize("name", REPORTS)
def test_csv_has_the_columns_of_the_json(web: Local, name: str) -> None:
    visit = book(web, web.ids, "2030-05-06T09:00:00+02:00")
    web.post(f"appointments/{visit['id']}/no-show")
    items = web.get(f"reports/{name}", role="manager", least=1)["items"] if "repeaters" in name else (
        web.get(f"reports/{name}", role="manager")["items"]
    )  # fmt: skip
    query = {"format": "csv"} | ({"least": 1} if "repeaters" in name else {})
    lines = list(csv.DictReader(io.StringIO(web.api("GET", f"reports/{name}", role="manager", query=query).text)))
    assert len(lines) == len(items)
    assert [list(line) for line in lines] == [list(item) for item in items]


def test_a_name_in_a_file_is_never_taken_for_a_formula(web: Local) -> None:
    book(web, web.ids, "2030-05-06T10:00:00+02:00")
    web.patch(f"services/{web.ids['service']}", {"name": "=1+1"}, role="admin")
    answer = web.api("GET", "reports/attendance", role="manager", query={"by": "service", "format": "csv"})
    (line,) = csv.DictReader(io.StringIO(answer.text))
    assert line["label"] == "'=1+1"
    assert line["booked"] == "1"


def test_attendance_is_grouped_by_what_is_asked(web: Local) -> None:
    book(web, web.ids, "2030-05-06T10:00:00+02:00")
    [row] = web.get("reports/attendance", role="manager", by="service")["items"]
    assert (row["group"], row["label"], row["booked"]) == (web.ids["service"], "Check-up", 1)
    assert web.api("GET", "reports/attendance", role="manager", query={"by": "moon"}).status == 422


def test_savings_of_a_new_clinic_have_no_number(web: Local) -> None:
    found = web.get("reports/savings", role="manager")
    assert (found["state"], found["money"]) == ("not_enough_data", [])
    assert found["lacking"]


def test_the_desk_has_a_list_of_visits_without_an_outcome(web: Local) -> None:
    visit = book(web, web.ids, "2030-05-06T11:00:00+02:00")
    place = f"locations/{web.ids['location']}"
    assert web.get(place)["unmarked_after"] == "ask"
    assert visit["id"] not in unmarked(web)
    web.clock.advance(timedelta(days=1))
    assert visit["id"] in unmarked(web)
    web.patch(place, {"unmarked_after": "none"}, role="admin")
    assert visit["id"] not in unmarked(web)
    assert web.api("PATCH", place, {"unmarked_after": "lost"}, role="admin").status == 422


def unmarked(web: Local) -> list[str]:
    found = web.get("appointments", unmarked="true", location_id=web.ids["location"])["items"]
    return [item["id"] for item in found]


def test_a_figure_has_its_rows(web: Local) -> None:
    visit = book(web, web.ids, "2030-05-06T12:00:00+02:00")
    web.post(f"appointments/{visit['id']}/no-show")
    asked = {"from": "2030-05-06", "to": "2030-05-06", "outcome": "noshow", "service": web.ids["service"]}
    found = web.get("reports/visits", role="manager", hour=12, first_visit="first", weekday=0, **asked)
    [row] = [item for item in found["items"] if item["id"] == visit["id"]]
    assert (row["status"], row["day"], row["service"]) == ("noshow", "2030-05-06", "Check-up")
    assert web.get("reports/visits", role="manager", hour=13, **asked)["items"] == []
    page = web.get("reports/visits", role="manager", limit=1)
    assert len(page["items"]) == 1
    assert web.api("GET", "reports/visits", role="desk").status == 403
    assert web.get("reports/messages", role="manager", step=1, about="none")["items"] == []
    assert web.api("GET", "reports/visits", role="manager", query={"outcome": "lost"}).status == 422
