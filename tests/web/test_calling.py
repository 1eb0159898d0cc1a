"""The desk's call list, through the API."""

from __future__ import annotations

import pytest

from tests.house import Local, book

NINE = "2030-05-07T09:00:00+02:00"


def test_the_list_says_whom_to_call_and_why(web: Local) -> None:
    visit = book(web, web.ids, NINE)
    found = web.get("call-list")
    [call] = found.pop("items")
    assert found == {
        "location_id": web.ids["location"], "day": "2030-05-07", "minutes": 10, "minutes_per_call": "3",
        "model_version": 0, "visits": 1, "confirmed_and_reachable": 0, "without_phone": 0, "not_to_be_called": 0,
        "next_cursor": None,
    }  # fmt: skip
    assert (call["rank"], call["appointment_id"], call["start"]) == (1, visit["id"], NINE)
    assert (call["patient_id"], call["patient_name"], call["phone"]) == (web.ids["patient"], "Ana Ruiz", "+34600000010")
    assert (call["language"], call["confirmation"], call["contact"]) == ("es", "unconfirmed", "reachable")
    assert (call["service_id"], call["provider_id"], call["fits"]) == (web.ids["service"], web.ids["provider"], True)
    assert call["value"] == {"amount": "80.00", "currency": "EUR"}
    assert float(call["at_stake"]["amount"]) == pytest.approx(80 * call["risk"], abs=0.01)
    assert call["at_stake"]["currency"] == "EUR"
    [lead, first] = call["reasons"]
    assert (lead["factor"], lead["text"], lead["raises"]) == ("lead_time", "Booked 1 day ahead", False)
    assert (first["factor"], first["text"], first["raises"]) == ("first_visit", "First visit", True)
    assert lead["odds_ratio"] < 1 < first["odds_ratio"]


def test_a_patient_who_confirms_leaves_the_list(web: Local) -> None:
    visit = book(web, web.ids, NINE)
    web.post(f"appointments/{visit['id']}/confirm")
    found = web.get("call-list", location_id=web.ids["location"], day="2030-05-07", minutes=60)
    assert (found["items"], found["visits"], found["confirmed_and_reachable"]) == ([], 1, 1)


def test_a_service_without_a_value_has_nothing_at_stake(alone: Local) -> None:
    service = alone.post(
        "services", {"name": "Chat", "duration_minutes": 30, "provider_ids": [alone.ids["provider"]]}, role="admin"
    )
    book(alone, alone.ids, NINE, service_id=service["id"])
    [call] = alone.get("call-list")["items"]
    assert (call["value"], call["at_stake"], call["rank"]) == (None, None, 1)


def test_nobody_expected(alone: Local) -> None:
    found = alone.get("call-list")
    assert (found["day"], found["items"]) == (None, [])


@pytest.mark.parametrize(
    ("query", "status"),
    [({"minutes": 0}, 422), ({"minutes": 481}, 422), ({"day": "tomorrow"}, 422), ({"location_id": "loc_x"}, 404)],
)
def test_what_cannot_be_asked(alone: Local, query: dict[str, object], status: int) -> None:
    assert alone.api("GET", "call-list", query=query).status == status


def test_managers_do_not_see_it(alone: Local) -> None:
    assert alone.api("GET", "call-list", role="manager").status == 403


def test_the_risk_report_needs_no_model(alone: Local) -> None:
    visit = book(alone, alone.ids, "2030-05-06T09:00:00+02:00")
    alone.post(f"appointments/{visit['id']}/no-show")
    found = alone.get("reports/risk", role="manager")
    assert (found["model"]["kind"], found["model"]["base_rate"]) == ("rule", 0.23)
    assert [row["by"] for row in found["items"]] == ["all", "language", "age"]
    assert (found["quality"]["noshows"], found["quality"]["auc"], found["flagged_share"]) == (1, None, 0.2)
