"""Assessments over the API: made, kept with versions, filled in with what was measured, refused with the field's name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.domain.sourcing.scenarios import asked, line, option, shipped
from tests.house import MONDAY, Answer, Local, book

DESK = option("Desk", line("Wages", "3000"))
SERVICE = option("Service", line("Set-up", "500", when="once"), line("Base", "2000"), kind="outsourced")


def post(web: Local, body: Any, path: str = "assessments", **headers: str) -> Answer:
    return web.api("POST", path, body, role="manager", **headers)


def made(web: Local, *options: Any, **changes: Any) -> Any:
    answer = post(web, asked(*options, **changes))
    assert answer.status == 201, answer.text
    return answer.json()


def test_a_scenario_becomes_an_assessment_with_a_recommendation(both: Local) -> None:
    found = made(both, DESK, SERVICE)
    assert (found["version"], found["versions"]) == (1, 1)
    assert [(one["option"], one["total"]) for one in found["result"]["options"]] == [
        ("Desk", "36000.00"), ("Service", "24500.00"),
    ]  # fmt: skip
    assert found["result"]["recommendation"]["headline"]["sentence"] == "Choose Service."
    again = both.get(f"assessments/{found['id']}", role="manager")
    assert again == found
    assert again["scenario"]["options"][1]["lines"][0]["amount"] == {"value": "500"}


def test_versions_follow_each_other_and_earlier_ones_stay(both: Local) -> None:
    first = made(both, DESK, SERVICE)
    path = f"assessments/{first['id']}"
    changed = asked(DESK, option("Service", line("Base", "4000"), kind="outsourced"), name="Dearer")
    second = post(both, changed, f"{path}/versions").json()
    assert (second["id"], second["version"], second["name"]) == (first["id"], 2, "Dearer")
    assert both.get(path, role="manager") == second
    assert both.get(path, role="manager", version=1)["result"] == first["result"]
    listed = both.get("assessments", role="manager", limit=1)
    assert listed["items"][0] | {"created_at": "", "updated_at": ""} == {
        "id": first["id"], "name": "Dearer", "version": 2, "headline": "Choose Desk.", "created_at": "", "updated_at": "",
    }  # fmt: skip
    assert both.api("GET", path, role="manager", query={"version": 3}).code == "not_found"


def test_a_list_has_pages(both: Local) -> None:
    ids = [made(both, DESK)["id"] for _ in range(3)]
    first = both.get("assessments", role="manager", limit=2)
    rest = both.get("assessments", role="manager", limit=2, cursor=first["next_cursor"])
    assert [one["id"] for one in first["items"] + rest["items"]][:3] == ids[::-1]


def test_a_repeat_with_the_same_key_makes_one_assessment(web: Local) -> None:
    first, second = (post(web, asked(DESK), Idempotency_Key="a").json() for _ in range(2))
    assert first == second
    assert len(web.get("assessments", role="manager")["items"]) == 1
    versions = [post(web, asked(DESK), f"assessments/{first['id']}/versions", Idempotency_Key="b") for _ in range(2)]
    assert [answer.json()["versions"] for answer in versions] == [2, 2]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x", "options": [DESK]}, "currency"),
        (asked(), "options"),
        (asked(DESK, months=0), "months"),
        (asked(DESK, colour="red"), "colour"),
        (asked(DESK, baseline="Nobody"), "baseline"),
        (asked(DESK, DESK), "options.1.name"),
        (asked(option("A", line("x", -1))), "options.0.lines.0.amount.value"),
        (asked(option("A", line("x", "many"))), "options.0.lines.0.amount.value"),
        (asked(option("A", line("x", {"value": 1, "low": 2, "high": 3}))), "options.0.lines.0.amount"),
        (asked(option("A", line("x", {"value": 1, "low": 1}))), "options.0.lines.0.amount"),
        (asked(option("A", line("x", 1, per="call"))), "volume.calls_per_month"),
        (asked(option("A", line("x", 1, per="seat"))), "options.0.seats"),
        (asked(option("A", line("x", 1, per="booking"))), "volume.bookings_per_month"),
        (asked(option("A", line("x", 1, per="booking_value")), volume={"bookings_per_month": 9}), "volume.value_per_visit"),
        (asked(option("A", line("x", 1, first_month=3, last_month=2))), "options.0.lines.0.last_month"),
        (asked(option("A", staffed=True)), "volume.calls_per_month"),
        (asked(DESK, option("B", kind="hybrid", parts=[{"option": "C", "share": 1}])), "options.1.parts.0.option"),
        (asked(DESK, option("B", kind="hybrid", parts=[{"option": "Desk", "share": 0.5}])), "options.1.parts"),
        (asked(DESK, option("B", parts=[{"option": "B", "share": 1}])), "options.1.parts.0.option"),
        (asked(DESK, volume={"hours": [{"hour": 8, "calls": 0}]}), "volume"),
        (asked(DESK, volume={"talk_minutes": 0}), "volume.talk_minutes.value"),
        (asked(DESK, staffing={"shrinkage": 1}), "staffing.shrinkage.value"),
        (asked(option("A", ratings={"security": 6})), "options.0.ratings.security.value"),
        (asked(option("A", kpis={"abandonment": 1.5})), "options.0.kpis.abandonment.value"),
        (asked(DESK, automation={"lines": [line("x", 1, per="call")]}), "volume.calls_per_month"),
        (asked(DESK, measured_from="2030-05-02", measured_to="2030-05-01"), "body"),
        (asked(contact_cost={"reference_seconds": 0, "contacts": []}), "contact_cost.reference_seconds.value"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(shared: Local, body: Any, field: str) -> None:
    answer = post(shared, body)
    assert (answer.status, answer.code) == (422, "invalid"), answer.text
    assert field in answer.fields


def test_a_preset_can_be_posted_as_it_comes(shared: Local) -> None:
    names = [one["name"] for one in shared.get("assessment-presets", role="manager")["items"]]
    assert names == ["clinic", "contact-cost", "twenty-seats"]
    for name in names:
        body = shared.get(f"assessment-presets/{name}", role="manager")
        assert post(shared, body | {"runs": 10}).status == 201
    assert shared.api("GET", "assessment-presets/nothing", role="manager").code == "not_found"


def test_the_list_of_vendors_is_dated_and_takes_quotes(web: Local) -> None:
    items = web.get("vendors", role="manager")["items"]
    prices = {one["name"]: (one["month_low"], one["month_high"], one["currency"], one["open_ended"]) for one in items}
    assert prices == {
        "Ruby": ("200", "600", "USD", True), "Smith.ai": ("100", "700", "USD", True),
        "AnswerConnect": ("50", "400", "USD", True),
    }  # fmt: skip
    assert all(one["source"] and one["dated"] == "2025-01-01" and not one["own"] for one in items)
    quote = {"name": "Night desk", "currency": "EUR", "month_low": 300, "month_high": 300, "dated": "2030-05-02",
             "languages": ["es"], "compliance": ["GDPR"]}  # fmt: skip
    first, second = (post(web, quote, "vendors", Idempotency_Key="q").json() for _ in range(2))
    assert first == second
    assert web.get("vendors", role="manager")["items"][-1] == first == web.get(f"vendors/{first['id']}", role="manager")
    assert first["own"]
    assert web.get("vendors/ruby", role="manager")["name"] == "Ruby"
    assert web.api("GET", "vendors/nobody", role="manager").code == "not_found"


def test_a_quote_is_an_option_as_it_stands(shared: Local) -> None:
    quoted = shared.get("vendors/ruby", role="manager")["option"]
    found = made(shared, quoted, currency="USD")
    assert found["result"]["options"][0]["total"] == "4800.00"
    assert found["result"]["options"][0]["vendor"] == "ruby"


def test_a_quote_with_its_range_the_wrong_way_round_is_refused(shared: Local) -> None:
    quote = {"name": "x", "currency": "EUR", "month_low": 2, "month_high": 1, "dated": "2030-05-02"}
    answer = post(shared, quote, "vendors")
    assert answer.json()["errors"][0]["code"] == "range_order"


def test_what_was_measured_is_filled_in_and_marked(web: Local) -> None:
    for hour in (9, 10):
        visit = book(web, web.ids, f"2030-05-07T{hour:02}:00:00+02:00")
    web.post(f"appointments/{visit['id']}/cancel")
    web.clock.set(MONDAY.replace(day=20))
    given = asked(
        option("Commission", line("Fee", "0.1", per="booking_value")), volume={"talk_minutes": 4},
        measured_from="2030-05-01", measured_to="2030-05-31",
    )  # fmt: skip
    found = post(web, given).json()["result"]
    inputs = {one["field"]: (one["value"], one["basis"]) for one in found["inputs"]}
    months = Decimal(31) / Decimal("30.4375")
    assert inputs["volume.bookings_per_month"] == (str((2 / months).quantize(Decimal("0.01"))), "measured")
    assert inputs["volume.value_per_visit"] == ("80", "measured")
    assert inputs["volume.talk_minutes"] == ("4", "user")
    assert inputs["volume.wrap_minutes"] == ("0.5", "default")
    assert found["languages"] == {"es": 1.0}
    assert found["hours"] == [{"hour": 8, "calls": 3.0}], "booked and cancelled at 6:00 UTC, 8:00 in Madrid"
    shown = web.get("assessment-inputs", role="manager", currency="EUR", first="2030-05-01", last="2030-05-31")
    assert {one["field"] for one in shown["figures"]} == {"volume.bookings_per_month", "volume.value_per_visit"}
    alone = web.get("assessment-inputs", role="manager", currency="USD", first="2030-05-01", last="2030-05-31")
    assert {one["field"] for one in alone["figures"]} == {"volume.bookings_per_month"}


def test_a_scenario_may_refuse_to_be_filled_in(web: Local) -> None:
    book(web, web.ids, "2030-05-07T09:00:00+02:00")
    body = asked(option("Fee", line("Fee", 1, per="booking")), measured=False, measured_to="2030-05-31")
    assert post(web, body).fields == {"volume.bookings_per_month"}


def test_a_document_for_people(shared: Local) -> None:
    found = made(shared, DESK, SERVICE, note="Draft", source="offers of May")
    answer = shared.api("GET", f"assessments/{found['id']}", role="manager", query={"format": "markdown"})
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("# Test\n")
    assert "**Choose Service.**" in answer.text
    assert "| Service | 500.00 | 24,000 |" in answer.text


def test_a_worked_case_stays_as_published_over_http(shared: Local) -> None:
    body = shipped("twenty-seats", runs=0)
    found = shared.get("assessment-presets/twenty-seats", role="manager") | {"runs": 0}
    result = post(shared, found).json()["result"]
    assert [one["first_month"] for one in result["options"]] == ["254000.00", "104000.00"]
    assert [at["paid"] for at in result["options"][1]["at_months"]] == ["918000.00", "2694000.00", "4470000.00"]
    assert result["note"] == body["note"]
