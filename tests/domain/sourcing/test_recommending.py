"""Scores, quality and the sentences of a recommendation."""

from __future__ import annotations

from typing import Any

import pytest

from reminders.domain.sourcing.assessment import Assessment, assess
from reminders.domain.sourcing.recommending import SENTENCES, Verdict
from reminders.domain.sourcing.scoring import coverage
from tests.domain.sourcing.scenarios import asked, line, option, scenario, shipped

GOOD = {"security": 5, "control": 5, "lock_in": 5, "languages": 5}
POOR = {"security": 1, "control": 1, "lock_in": 1, "languages": 1}
DEAR, CHEAP = option("Dear", line("x", 100)), option("Cheap", line("x", 90))


def assessed(*options: dict[str, Any], **changes: Any) -> Assessment:
    return assess(scenario(asked(*options, **changes)))


def codes(found: Assessment) -> dict[str, str]:
    assert found.recommendation is not None
    return {reason.code: reason.sentence for reason in found.recommendation.reasons}


def verdict(found: Assessment) -> tuple[Verdict, str]:
    assert found.recommendation is not None
    return found.recommendation.verdict, found.recommendation.option


def test_the_cheaper_one_is_chosen_and_says_what_it_saves() -> None:
    found = assessed(DEAR, CHEAP)
    assert verdict(found) == (Verdict.CHOOSE, "Cheap")
    said = codes(found)
    assert said["saves"] == "That is 120.00 EUR less than Dear over 12 months."
    assert said["headroom"] == "It could cost 10.00 EUR more each month before Dear would be as cheap over 12 months."
    assert "cheapest" in said


def test_weights_may_outvote_the_price() -> None:
    found = assessed(DEAR | {"ratings": GOOD}, CHEAP | {"ratings": POOR})
    assert verdict(found) == (Verdict.CHOOSE, "Dear")
    assert "not_cheapest" in codes(found)
    only_cost = {"security": 0, "control": 0, "lock_in": 0, "languages": 0}
    assert verdict(assessed(DEAR | {"ratings": GOOD}, CHEAP | {"ratings": POOR}, weights=only_cost))[1] == "Cheap"


def test_a_criterion_that_is_not_rated_everywhere_does_not_count() -> None:
    found = assessed(DEAR | {"ratings": GOOD}, CHEAP)
    assert verdict(found)[1] == "Cheap"
    assert codes(found)["unrated"].startswith("Not every option is rated for security, control, lock-in, languages")


def test_what_changes_with_the_figures_is_too_close() -> None:
    found = assessed(DEAR, option("Cheap", line("x", {"value": 95, "low": 80, "high": 130})), runs=400)
    assert verdict(found) == (Verdict.TOO_CLOSE, "Cheap")
    assert codes(found)["turns"] == "The result turns if Cheap: x goes from 95 to 130."


def test_a_single_option_is_not_compared() -> None:
    found = assessed(DEAR)
    assert verdict(found) == (Verdict.ONLY_ONE, "Dear")
    assert found.comparisons == ()
    assert found.leads is None


def test_languages_are_scored_by_the_patients_they_serve() -> None:
    volume = {"languages": {"en": "0.5", "zh_Hans": "0.3", "pl": "0.2"}}
    found = scenario(asked(
        option("A", languages=["en", "zh"]), option("B", languages=["pl"]),
        option("C", kind="hybrid", parts=[{"option": "A", "share": "0.5"}, {"option": "B", "share": "0.5"}]),
        option("D"), volume=volume,
    ))  # fmt: skip
    assert [None if share is None else float(share) for share in (coverage(found, one) for one in found.options)] == [
        0.8, 0.2, 1.0, None,
    ]  # fmt: skip


def test_missed_targets_and_unknown_quality_are_said() -> None:
    kpis = {"abandonment": "0.2", "answer_seconds": 20, "first_call_resolution": "0.7"}
    said = codes(assessed(option("A", kpis=kpis)))
    assert said["misses"] == "It misses your target for abandoned calls: 20.0% instead of 5.0%."
    assert said["kpi_unknown"].startswith("Nobody has said how it does on booking completion, satisfaction")
    assert "answer" not in said["kpi_unknown"]


def test_a_staffed_option_has_its_speed_of_answer_worked_out() -> None:
    found = assessed(option("A", staffed=True), volume={"calls_per_month": 4000})
    (cell,) = [cell for cell in found.kpis if cell.kpi == "answer_seconds"]
    assert cell.computed
    assert cell.meets


def test_the_shipped_clinic_gets_an_answer_that_names_its_reasons() -> None:
    found = assess(scenario(shipped("clinic", runs=50)))
    said = codes(found)
    assert {"saves", "automation_helps", "languages", "measured"} <= set(said)
    assert not [sentence for sentence in said.values() if "{" in sentence]


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_sentences_are_sentences(code: str) -> None:
    assert SENTENCES[code].endswith(".")
    assert not SENTENCES[code].startswith("{amount} {currency} of its") or code == "hidden"
