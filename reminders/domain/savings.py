"""What reminders save: a comparison that is fair, or none at all.

Visits booked at short notice get no reminder and are missed less, so that a plain comparison makes reminders look
harmful. Visits are therefore compared within strata: equal lead time, and, where there is enough data, equal numbers of
earlier no-shows, weekday and service (Mantel and Haenszel 1959, Journal of the National Cancer Institute 22, 719-748).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reminders.domain.appointment import Status
from reminders.domain.attendance import Seen
from reminders.domain.estimators import Adjusted, Arm, Four, Interval, adjusted, risk_difference, risk_ratio

#: A group with fewer visits, or with fewer no-shows or kept visits than the second number, gives no estimate.
LEAST_VISITS, LEAST_EVENTS = 100, 10
#: More earlier no-shows than this are one stratum.
MOST_EARLIER = 2
#: A finer comparison that leaves more of the reminded visits without a partner than this is not used.
MOST_ALONE = 0.05
#: What strata are made of, in the order in which they are given up when visits find no partner.
PARTS = ("lead_days", "earlier_noshows", "weekday", "service")

_KNOWN = frozenset({Status.FULFILLED, Status.ARRIVED, Status.NOSHOW})


class Reference(NamedTuple):
    """A published figure: for orientation, never part of ours. The ratio is of attendance, not of no-shows."""

    ratio: float
    low: float
    high: float
    source: str
    text: str


#: Text message reminders against none, seven studies, 5,841 participants.
COCHRANE = Reference(
    1.14, 1.03, 1.26, "CD007458",
    "Gurol-Urganci and others 2013, Cochrane Database of Systematic Reviews CD007458: attendance with text message "
    "reminders against none",
)  # fmt: skip


class Stratum(NamedTuple):
    """What has to be alike for two visits to be compared; ``earlier`` is cut off at ``MOST_EARLIER``."""

    lead_days: int
    earlier: int
    weekday: int
    service_id: int


#: Visits whose outcome is known, by stratum: no-shows and visits among the reminded, then among the others. The
#: keys are ``Stratum``s or plain tuples with the same parts.
Cells = Mapping[tuple[int, ...], Four]


class State(StrEnum):
    """Whether there is a figure at all."""

    MEASURED = "measured"
    NOT_ENOUGH_DATA = "not_enough_data"


class Caution(StrEnum):
    """What a reader has to know about a comparison."""

    NAIVE_DISAGREES = "naive_disagrees"
    NAIVE_MISLEADS = "naive_misleads"
    MANY_WITHOUT_PARTNER = "many_without_partner"
    NOT_AN_EXPERIMENT = "not_an_experiment"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Reminded visits against the others, plainly and within strata. The estimates are ``None`` when there is too little
    data; ``lacking`` then says what is missing. ``by`` names what the strata were made of; ``coarser`` are the same
    comparisons with fewer parts."""

    state: State
    lacking: str | None
    naive_ratio: Interval | None
    naive_difference: Interval | None
    adjusted: Adjusted | None
    by: tuple[str, ...]
    coarser: tuple[tuple[tuple[str, ...], Adjusted], ...]
    cautions: tuple[Caution, ...]
    reminded: Arm
    others: Arm

    @property
    def difference(self) -> Interval | None:
        return self.adjusted.difference if self.adjusted else None

    @property
    def ratio(self) -> Interval | None:
        return self.adjusted.ratio if self.adjusted else None

    @property
    def avoided(self) -> Interval | None:
        """No-shows avoided among the reminded visits that could be compared; below zero: caused."""
        if self.adjusted is None or self.adjusted.difference is None:
            return None
        return self.adjusted.difference.scaled(-self.adjusted.one.visits)


def cells_of(visits: Iterable[Seen]) -> dict[Stratum, Four]:
    """Visits whose outcome is known, added up by stratum."""
    sums: dict[Stratum, list[int]] = {}
    for visit in visits:
        if visit.status in _KNOWN:
            cell = sums.setdefault(stratum_of(visit), [0, 0, 0, 0])
            place = 0 if visit.reminded else 2
            cell[place] += visit.status == Status.NOSHOW
            cell[place + 1] += 1
    return {stratum: (a, n1, c, n0) for stratum, (a, n1, c, n0) in sums.items()}


def both(one: Four, other: Four) -> Four:
    """The sum of two cells."""
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]


def stratum_of(visit: Seen) -> Stratum:
    earlier = min(visit.earlier_missed, MOST_EARLIER)
    return Stratum(visit.lead_days, earlier, visit.day.weekday(), visit.service_id)


def lacking(reminded: Arm, others: Arm) -> str | None:
    """What is missing before two groups can be compared; ``None`` when nothing is."""
    for arm, name in ((reminded, "reminded"), (others, "not reminded")):
        if arm.visits < LEAST_VISITS:
            return f"{arm.visits} visits {name} with a comparable partner; at least {LEAST_VISITS} are needed"
        if min(arm.missed, arm.visits - arm.missed) < LEAST_EVENTS:
            return f"{arm.missed} no-shows among {arm.visits} visits {name}; at least {LEAST_EVENTS} of each are needed"
    return None


def compare(cells: Cells) -> Comparison:
    """The comparison with the finest strata in which nearly all reminded visits have a partner."""
    levels, merged = [], cells
    for length in range(len(PARTS), 0, -1):
        merged = _merged(merged, length)
        levels.append((PARTS[:length], adjusted(merged.values())))
    total = next(iter(_merged(merged, 0).values()), (0, 0, 0, 0))
    reminded, others = Arm(total[0], total[1]), Arm(total[2], total[3])
    fine = [level for level in levels if level[1].alone_share <= MOST_ALONE] or levels[-1:]
    by, found = fine[0]
    missing = lacking(found.one, found.other)
    if missing is not None:
        return Comparison(State.NOT_ENOUGH_DATA, missing, None, None, None, by, (), (), reminded, others)
    ratio, difference = risk_ratio(reminded, others), risk_difference(reminded, others)
    return Comparison(
        State.MEASURED, None, ratio, difference, found, by, tuple(fine[1:]), _cautions(ratio, found), reminded, others
    )  # fmt: skip


def pooled(cells: Cells, length: int) -> Adjusted:
    """Compared within strata of the first ``length`` parts."""
    return adjusted(_merged(cells, length).values())


def _merged(cells: Cells, length: int) -> Cells:
    """Strata of the first ``length`` parts only."""
    if length == len(PARTS):
        return cells
    sums: dict[tuple[int, ...], Four] = {}
    for stratum, cell in cells.items():
        key = stratum[:length]
        found = sums.get(key)
        if found is None:
            sums[key] = cell
        else:
            (a, n1, c, n0), (b, m1, d, m0) = found, cell
            sums[key] = a + b, n1 + m1, c + d, n0 + m0
    return sums


def _cautions(naive: Interval | None, fine: Adjusted) -> tuple[Caution, ...]:
    found = [Caution.NOT_AN_EXPERIMENT]
    if fine.alone_share > MOST_ALONE:
        found.append(Caution.MANY_WITHOUT_PARTNER)
    if naive is None or fine.ratio is None:
        return tuple(found)
    if (naive.value - 1) * (fine.ratio.value - 1) < 0:
        found.append(Caution.NAIVE_MISLEADS)
    elif not (naive.holds(fine.ratio.value) or fine.ratio.holds(naive.value)):
        found.append(Caution.NAIVE_DISAGREES)
    return tuple(found)
