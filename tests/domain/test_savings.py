from __future__ import annotations

import pytest

from reminders.domain.estimators import Four
from reminders.domain.savings import COCHRANE, PARTS, Caution, Cells, State, Stratum, both, compare, pooled

LONG, SHORT = 10, 0


def cells(*rows: tuple[int, bool, int, int], **more: int) -> dict[tuple[int, ...], Four]:
    """(lead days, reminded, no-shows, visits)."""
    usual = {"earlier": 0, "weekday": 0, "service_id": 1} | more
    found: dict[tuple[int, ...], Four] = {}
    for lead, told, missed, visits in rows:
        stratum = Stratum(lead_days=lead, **usual)
        cell = (missed, visits, 0, 0) if told else (0, 0, missed, visits)
        found[stratum] = both(found.get(stratum, (0, 0, 0, 0)), cell)
    return found


#: Reminded visits have long lead times; within equal lead times they are missed less.
CONFOUNDED = cells((LONG, True, 250, 1000), (LONG, False, 90, 300), (SHORT, True, 4, 100), (SHORT, False, 100, 2000))


def test_the_adjusted_figure_shows_what_the_plain_one_hides() -> None:
    found = compare(CONFOUNDED)
    assert found.state is State.MEASURED
    assert found.naive_ratio is not None
    assert found.ratio is not None
    assert found.naive_ratio.value > 1 > found.ratio.value
    assert Caution.NAIVE_MISLEADS in found.cautions
    assert found.avoided is not None
    assert found.difference is not None
    assert found.avoided.value == pytest.approx(-found.difference.value * 1100)
    assert found.avoided.low < found.avoided.value < found.avoided.high


def test_a_plain_figure_that_agrees_is_no_reason_to_worry() -> None:
    found = compare(cells((LONG, True, 200, 1000), (LONG, False, 300, 1000)))
    assert found.cautions == (Caution.NOT_AN_EXPERIMENT,)


def test_a_plain_figure_far_from_the_adjusted_one_is_pointed_out() -> None:
    found = compare(
        cells((LONG, True, 300, 1000), (LONG, False, 350, 1000), (SHORT, True, 5, 1000), (SHORT, False, 50, 9000))
    )
    assert Caution.NAIVE_MISLEADS in found.cautions
    found = compare(
        cells((LONG, True, 30, 100), (LONG, False, 4500, 9000), (SHORT, True, 90, 9000), (SHORT, False, 2, 100))
    )
    assert Caution.NAIVE_DISAGREES in found.cautions


@pytest.mark.parametrize(("told", "other", "missing"), [
    ((20, 99), (40, 200), "99 visits reminded"),
    ((20, 200), (30, 99), "99 visits not reminded"),
    ((9, 200), (40, 200), "9 no-shows among 200 visits reminded"),
    ((191, 200), (40, 200), "191 no-shows among 200"),
])  # fmt: skip
def test_too_little_data_gives_no_number(told: tuple[int, int], other: tuple[int, int], missing: str) -> None:
    found = compare(cells((LONG, True, *told), (LONG, False, *other)))
    assert found.state is State.NOT_ENOUGH_DATA
    assert found.lacking is not None
    assert missing in found.lacking
    estimates = (found.naive_ratio, found.naive_difference, found.adjusted, found.ratio, found.avoided)
    assert estimates == (None,) * 5


def test_nothing_at_all_is_too_little() -> None:
    assert compare({}).state is State.NOT_ENOUGH_DATA


def test_visits_of_lead_times_that_never_meet_are_not_compared() -> None:
    found = compare(cells((LONG, True, 200, 1000), (SHORT, False, 100, 1000)))
    assert found.state is State.NOT_ENOUGH_DATA


def both_services() -> Cells:
    """Each service has only visits of one kind, but weekdays and lead times meet."""
    one = cells((LONG, True, 200, 1000), service_id=1)
    return one | cells((LONG, False, 300, 1000), service_id=2)


def test_parts_that_leave_nobody_to_compare_are_given_up() -> None:
    found = compare(both_services())
    assert found.by == PARTS[:3]
    assert found.adjusted is not None
    assert found.adjusted.alone_one == 0
    assert [by for by, _ in found.coarser] == [PARTS[:2], PARTS[:1]]
    assert pooled(both_services(), 4).alone_one == 1000


def test_lead_time_stays_even_when_many_are_alone() -> None:
    found = compare({**CONFOUNDED, **cells((99, True, 400, 1000))})
    assert found.by == PARTS[:1]
    assert Caution.MANY_WITHOUT_PARTNER in found.cautions


def test_the_reference_is_the_published_one() -> None:
    assert COCHRANE[:4] == (1.14, 1.03, 1.26, "CD007458")
