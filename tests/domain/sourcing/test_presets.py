"""The published cases come out as published, and go on where their sources stop."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reminders.domain.sourcing.assessment import Assessment, assess
from reminders.domain.sourcing.contact import convert
from reminders.domain.sourcing.scenario import Kind
from tests.domain.sourcing.scenarios import FOLDER, scenario, shipped


@pytest.fixture(scope="module")
def seats() -> Assessment:
    return assess(scenario(shipped("twenty-seats", runs=100)))


def paid(found: Assessment, place: int, months: int) -> Decimal:
    return sum(found.candidates[place].paid[:months], Decimal(0))


def test_in_house_and_outsourced_cost_what_the_source_says(seats: Assessment) -> None:
    assert [paid(seats, place, 1) for place in (0, 1)] == [254_000, 104_000]
    assert [one.costed.one_off for one in seats.candidates] == [160_000, 30_000]
    assert seats.scenario.currency == "CNY"


def test_every_published_line_is_there(seats: Assessment) -> None:
    lines = {part.line.name: part.each[0] for part in seats.candidates[0].costed.lines}
    assert list(lines.values()) == [160_000, 3_000, 3_000, 7_000, 50_000, 6_000, 5_000, 10_000, 10_000]
    outsourced = {part.line.name for part in seats.candidates[1].costed.lines}
    assert set(lines) - outsourced == {"Set-up: switch, software, furniture", "Rent", "Sundry"}


@pytest.mark.parametrize(
    ("months", "in_house", "outsourced"),
    [(12, 1_288_000, 918_000), (36, 3_544_000, 2_694_000), (60, 5_800_000, 4_470_000)],
)
def test_the_two_go_on_to_one_three_and_five_years(
    seats: Assessment, months: int, in_house: int, outsourced: int
) -> None:
    assert (paid(seats, 0, months), paid(seats, 1, months)) == (in_house, outsourced)
    assert seats.horizons == [12, 36, 60]


def test_what_the_comparison_comes_to(seats: Assessment) -> None:
    (found,) = seats.comparisons
    assert (found.gain, found.roi) == (1_330_000, Decimal(1_330_000) / 30_000)
    assert (found.payback_month, found.break_even_month, found.overtaken_month) == (2, 1, None)
    assert seats.recommendation is not None
    assert seats.recommendation.option == "Outsourced"
    headroom = next(reason for reason in seats.recommendation.reasons if reason.code == "headroom")
    assert headroom.facts["amount"] == "22,167", "what the outsourcer may charge on top"


@pytest.mark.parametrize(("count", "seconds", "converted"), [(164_509, 33, 126_251), (2_495_951, 120, 6_965_444)])
def test_calls_are_converted_as_published(count: int, seconds: int, converted: int) -> None:
    assert convert(Decimal(count), Decimal(seconds), Decimal(43)) == converted


def test_contact_cost_comes_out_as_published() -> None:
    found = assess(scenario(shipped("contact-cost"))).contact
    assert found is not None
    assert [count for _, count in found.converted] == [126_251, 6_965_444]
    assert dict(found.costs) == {"Hiring": 167_600, "Training": 87_990, "Managers": 486_000}
    assert found.total == 741_590
    assert found.talk_minutes == Decimal(164_509 * 33 + 2_495_951 * 120) / 60
    assert found.per_contact == Decimal(741_590) / (126_251 + 6_965_444)
    assert found.per_minute == found.total / found.talk_minutes
    assert found.utilisation is None, "the source does not say what is paid"


def test_tax_and_utilisation_follow_their_formulas() -> None:
    body = shipped("contact-cost")
    body["contact_cost"] |= {"tax_rate": Decimal("0.05"), "daily_hours": 8, "paid_days_per_month": 21}
    found = assess(scenario(body)).contact
    assert found is not None
    assert (found.tax, found.total) == (Decimal("37079.5"), Decimal("778669.5"))
    assert found.utilisation == found.talk_minutes / (419 * 8 * 21 * 12 * 60)


def test_the_clinic_has_every_kind_of_option() -> None:
    found = scenario(shipped("clinic"))
    assert {one.kind for one in found.options} == set(Kind)
    assert found.automation is not None


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_scenarios_measure_nothing_behind_the_readers_back(path) -> None:
    if path.stem != "vendors":
        found = assess(scenario(shipped(path.stem, runs=20)))
        assert found.recommendation or found.contact
