"""The estimators against statsmodels, published examples, and laws they must keep."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import StratifiedTable, Table2x2

from reminders.domain.estimators import (
    NOBODY,
    Arm,
    mantel_haenszel,
    required_visits,
    risk_difference,
    risk_ratio,
    sequential_difference,
)
from tests.shared_data import needs_shared, shared

PUBLIC = shared("noshow", "vitoria-2016-half.csv.gz")


def arms() -> st.SearchStrategy[Arm]:
    return st.builds(lambda missed, kept: Arm(missed, missed + kept), st.integers(0, 300), st.integers(1, 300))


@pytest.fixture(scope="module")
def by_lead_day() -> list[tuple[Arm, Arm]]:
    """(reminded, not reminded) of the public set for each number of days between booking and visit."""
    counts: dict[int, list[list[int]]] = defaultdict(lambda: [[0, 0], [0, 0]])
    with gzip.open(PUBLIC, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            days = date.fromisoformat(row["AppointmentDay"][:10]) - date.fromisoformat(row["ScheduledDay"][:10])
            cell = counts[days.days][0 if row["SMS_received"] == "1" else 1]
            cell[0] += row["No-show"] == "Yes"
            cell[1] += 1
    return [(Arm(*one), Arm(*other)) for one, other in counts.values()]


def table(one: Arm, other: Arm) -> np.ndarray:
    return np.array([[one.missed, one.visits - one.missed], [other.missed, other.visits - other.missed]], float)


@needs_shared
def test_the_public_set_plainly_as_statsmodels_has_it(by_lead_day: list[tuple[Arm, Arm]]) -> None:
    one, other = (sum((pair[place] for pair in by_lead_day), NOBODY) for place in (0, 1))
    peer, found = Table2x2(table(one, other)), risk_ratio(one, other)
    assert found is not None
    assert found.value == pytest.approx(peer.riskratio, rel=1e-9)
    assert (found.low, found.high) == pytest.approx(peer.riskratio_confint(), rel=1e-6)
    assert found.value > 1.6  # reminders look harmful


@needs_shared
def test_the_public_set_by_lead_day_as_statsmodels_has_it(by_lead_day: list[tuple[Arm, Arm]]) -> None:
    both = [pair for pair in by_lead_day if pair[0].visits and pair[1].visits]
    peer, found = StratifiedTable([table(*pair) for pair in both]), mantel_haenszel(by_lead_day)
    assert found.ratio is not None
    assert round(found.ratio.value, 6) == round(float(peer.riskratio_pooled), 6)
    assert found.ratio.value < 0.9  # and help
    assert found.alone_one + found.one.visits == 17_754


@given(st.lists(st.tuples(arms(), arms()), min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the peer is slow
def test_any_strata_as_statsmodels_has_them(strata: list[tuple[Arm, Arm]]) -> None:
    found = mantel_haenszel(strata)
    if found.ratio is None:
        assert sum(one.missed for one, _ in strata) * sum(other.missed for _, other in strata) == 0
        return
    peer = StratifiedTable([table(*pair) for pair in strata])
    assert found.ratio.value == pytest.approx(float(peer.riskratio_pooled), rel=1e-9)


@given(arms(), arms())
def test_one_stratum_is_a_plain_comparison(one: Arm, other: Arm) -> None:
    found, plain = mantel_haenszel([(one, other)]), risk_difference(one, other)
    assert found.difference is not None
    assert plain is not None
    assert found.difference.value == pytest.approx(plain.value)
    ratio = risk_ratio(one, other)
    if ratio is not None:
        assert found.ratio is not None
        assert (found.ratio.low, found.ratio.high) == pytest.approx((ratio.low, ratio.high))


@given(arms(), arms())
def test_turning_the_groups_round_turns_the_sign(one: Arm, other: Arm) -> None:
    for estimate in (risk_difference, sequential_difference):
        there, back = estimate(one, other), estimate(other, one)
        assert there is not None
        assert back is not None
        assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))
        assert there.low <= there.value <= there.high


def test_newcombes_own_example() -> None:
    """Newcombe 1998, table II, example (a), method 10: 56/70 against 48/80 is 0.2, from 0.0524 to 0.3339."""
    found = risk_difference(Arm(56, 70), Arm(48, 80))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_satos_interval_of_one_table_is_walds_at_no_difference() -> None:
    found = mantel_haenszel([(Arm(20, 100), Arm(20, 100))]).difference
    assert found is not None
    assert found.high == pytest.approx(1.959964 * (2 * 0.2 * 0.8 / 100) ** 0.5, rel=1e-6)


def test_a_stratum_without_partner_changes_nothing_but_is_counted() -> None:
    pairs = [(Arm(5, 50), Arm(9, 40)), (Arm(3, 30), Arm(6, 31))]
    plain, more = mantel_haenszel(pairs), mantel_haenszel([*pairs, (Arm(1, 7), NOBODY), (NOBODY, Arm(2, 11))])
    assert (more.ratio, more.difference) == (plain.ratio, plain.difference)
    assert (more.alone_one, more.alone_other, more.strata) == (7, 11, 2)
    assert more.alone_share == pytest.approx(7 / 87)


def test_an_empty_group_has_no_estimate() -> None:
    assert risk_difference(NOBODY, Arm(1, 2)) is None
    assert sequential_difference(Arm(1, 2), NOBODY) is None
    assert risk_ratio(Arm(0, 10), Arm(3, 10)) is None
    assert mantel_haenszel([]).difference is None


@pytest.mark.parametrize(("missed", "visits"), [(-1, 2), (3, 2)])
def test_more_cannot_miss_than_there_are(missed: int, visits: int) -> None:
    with pytest.raises(ValueError, match="missed"):
        Arm(missed, visits)


def test_the_sequential_interval_is_wider_than_that_of_one_look() -> None:
    one, other = Arm(180, 1000), Arm(230, 1000)
    often, once = sequential_difference(one, other), risk_difference(one, other)
    assert often is not None
    assert once is not None
    assert often.low < once.low < once.high < often.high


def test_required_visits_by_hand() -> None:
    """Equal arms, 20 % against 15 %: Fleiss, Levin and Paik give 906 for each arm without continuity correction."""
    assert required_visits(0.20, 0.05, 0.5) == pytest.approx(2 * 906, abs=2)
    assert required_visits(0.20, 0.05, 0.1) > required_visits(0.20, 0.05, 0.5)
    for wrong in ((0.2, 0.0, 0.5), (0.2, 0.3, 0.5), (0.2, 0.1, 0.0)):
        with pytest.raises(ValueError, match="base"):
            required_visits(*wrong)
