from __future__ import annotations

from dataclasses import replace
from math import isclose, log, log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.risk import (
    RULE_WEIGHTS,
    USUAL_RATE,
    Case,
    Factor,
    Model,
    age_band,
    columns_of,
    day_part,
    features,
    logistic,
    logit,
    matrix,
    means,
    rule,
)

CASE = Case(lead_days=7, missed=0, kept=0, age=40, weekday=0, hour=9, service="svc_1")
CASES = st.builds(
    Case, st.integers(-1, 400), st.integers(0, 40), st.integers(0, 40), st.none() | st.integers(0, 120),
    st.integers(0, 6), st.none() | st.integers(0, 23), st.sampled_from(["svc_1", "svc_2"]),
)  # fmt: skip


def test_a_model_is_plain_arithmetic() -> None:
    model = Model(1, 0.2, -2.0, {"lead_time:log": 0.5, "age:30-44": 0.25, "first_visit": -0.1, "age:75+": 9.0})
    score = -2 + 0.5 * log1p(7) + 0.25 - 0.1
    assert isclose(model.score(CASE), score)
    assert isclose(model.risk(CASE), 1 / (1 + 2.718281828459045**-score))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-1, {"lead_time:unknown": 1.0}),
        (0, {"lead_time:same_day": 1.0}),
        (3, {"lead_time:log": log1p(3)}),
        (5, {"lead_time:log": log1p(5), "lead_time:over_3": log1p(5) - log1p(3)}),
        (30, {"lead_time:log": log1p(30), "lead_time:over_3": log1p(30) - log1p(3),
              "lead_time:over_14": log1p(30) - log1p(14)}),
    ],
)  # fmt: skip
def test_waiting_bends_twice(days: int, expected: dict[str, float]) -> None:
    found = features(replace(CASE, lead_days=days), 0.2)
    assert {name: value for name, value in found.items() if name.startswith("lead_time")} == expected


def test_history_pulls_away_from_the_clinics_rate_with_every_visit() -> None:
    base = 0.2

    def history(missed: int, kept: int) -> float | None:
        return features(replace(CASE, missed=missed, kept=kept), base).get("history")

    assert history(0, 0) is None
    assert isclose(history(1, 4) or 0.0, 0.0, abs_tol=1e-12)  # one in five is the clinic's own rate
    assert history(1, 0) == logit(1.6 / 4) - logit(0.2)
    assert (history(0, 1) or 0) > (history(0, 2) or 0) > (history(0, 30) or 0)


@pytest.mark.parametrize(
    ("age", "band"), [(-1, "0-17"), (0, "0-17"), (17, "0-17"), (18, "18-29"), (74, "60-74"), (75, "75+"), (120, "75+")]
)
def test_age_bands(age: int, band: str) -> None:
    assert age_band(age) == band


@pytest.mark.parametrize(("hour", "part"), [(0, "morning"), (11, "morning"), (12, "afternoon"), (17, "evening")])
def test_parts_of_the_day(hour: int, part: str) -> None:
    assert day_part(hour) == part


@given(CASES, st.floats(0.01, 0.99))
def test_the_rule_gives_a_probability_and_rises_with_missed_visits(case: Case, base: float) -> None:
    model = rule(round(base * 1000), 1000)
    assert 0 < model.risk(case) < 1
    assert model.risk(replace(case, missed=case.missed + 1, kept=case.kept + 1)) <= model.risk(
        replace(case, missed=case.missed + 2, kept=case.kept)
    )
    if case.lead_days > 0:
        assert model.risk(replace(case, lead_days=case.lead_days + 1)) > model.risk(case)


def test_the_rule_knows_the_clinics_rate_once_there_is_one() -> None:
    known = replace(CASE, kept=3, missed=1, age=40)
    at_rate = replace(known, missed=0, kept=0)
    assert rule(9, 30).base == USUAL_RATE
    assert rule(30, 300).base == 0.1
    assert isclose(rule(30, 300).score(at_rate) - RULE_WEIGHTS["first_visit"], logit(0.1))
    assert (rule(0, 300).base, rule(300, 300).base) == (0.01, 0.99)


def test_the_three_weightiest_reasons_are_told_in_words() -> None:
    model = rule(200, 1000)
    case = Case(lead_days=40, missed=3, kept=1, age=24, weekday=2, hour=None, service="svc_1")
    assert [(why.factor, why.text, why.raises) for why in model.reasons(case)] == [
        (Factor.HISTORY, "Missed 3 of 4 earlier visits", True),
        (Factor.LEAD_TIME, "Booked 40 days ahead", True),
        (Factor.AGE, "Aged 18 to 29", True),
    ]
    calm = Case(lead_days=0, missed=0, kept=2, age=None, weekday=2, hour=10, service="svc_1")
    assert [(why.text, why.raises) for why in model.reasons(calm)] == [
        ("Booked for the same day", False), ("Came to all 2 earlier visits", False),
    ]  # fmt: skip


def test_what_hardly_matters_and_what_is_not_known_is_no_reason() -> None:
    model = Model(1, 0.2, 0.0, {"weekday:0": 0.04, "hour:morning": 1.0, "lead_time:unknown": 3.0, "first_visit": 0.2,
                                "service:svc_1": -0.5})  # fmt: skip
    case = replace(CASE, lead_days=-1, hour=None)
    assert [why.text for why in model.reasons(case, "Check-up")] == ["For Check-up", "First visit"]
    assert [why.text for why in model.reasons(replace(case, hour=8))] == ["In the morning", "First visit"]


@given(CASES)
def test_reasons_add_up_to_the_distance_from_the_usual_visit(case: Case) -> None:
    """With all of them told, nothing is left unexplained."""
    weights = {"lead_time:log": 0.3, "lead_time:same_day": -1.0, "history": 0.8, "first_visit": 0.2, "weekday:0": 0.6}
    usual = {"lead_time:log": 1.5, "lead_time:same_day": 0.3, "history": 0.1, "first_visit": 0.4, "weekday:0": 0.2}
    model = Model(1, 0.2, -1.0, weights, usual)
    at_usual = -1.0 + sum(weights[name] * usual[name] for name in weights)
    told = sum(why.effect for why in model.reasons(case, most=99))
    hidden = 3 * 0.05 if case.lead_days >= 0 else 9.0
    assert abs(model.score(case) - at_usual - told) <= hidden


def test_columns_are_those_that_tell_visits_apart() -> None:
    rows = [{"all": 1.0, "half": 1.0} if place % 2 else {"all": 1.0, "rare": float(place == 0)} for place in range(120)]
    rows = [{name: value for name, value in row.items() if value} for row in rows]
    assert columns_of(rows) == ("half",)
    assert matrix(rows[:2], ("half", "all")) == [[0.0, 1.0], [1.0, 1.0]]
    assert means(rows, ("half",)) == {"half": 0.5}


@given(st.floats(-700, 700))
def test_logistic_and_logit_undo_each_other(score: float) -> None:
    assert 0 <= logistic(score) <= 1
    if abs(score) < 15:
        assert isclose(logit(logistic(score)), score, rel_tol=1e-6, abs_tol=1e-6)


def test_the_logit_has_no_poles() -> None:
    assert logit(0.5) == 0
    assert (-logit(0.0), logit(1.0)) == pytest.approx((log(1e9), log(1e9)), rel=1e-6)
