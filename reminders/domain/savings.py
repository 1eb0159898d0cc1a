"""What reminders save: a comparison that is fair, or none at all.

Visits booked at short notice get no reminder and are missed less, so that a plain comparison makes reminders look
harmful. Visits are therefore compared within strata: equal lead time, and, where there is enough data, equal numbers of
earlier no-shows, weekday and service (Mantel and Haenszel 1959, Journal of the National Cancer Institute 22, 719-748).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from reminders.domain.appointment import Status
from reminders.domain.attendance import Seen
from reminders.domain.estimators import NOBODY, Adjusted, Arm, Interval, mantel_haenszel, risk_difference, risk_ratio

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


#: Visits whose outcome is known, by stratum and by whether a reminder went out.
Cells = Mapping[tuple[Stratum, bool], Arm]


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


def cells_of(visits: Iterable[Seen]) -> dict[tuple[date, Stratum, bool], Arm]:
    """Visits whose outcome is known, added up per day and stratum."""
    sums: dict[tuple[date, Stratum, bool], list[int]] = {}
    for visit in visits:
        if visit.status in _KNOWN:
            cell = sums.setdefault((visit.day, stratum_of(visit), visit.reminded), [0, 0])
            cell[0] += visit.status == Status.NOSHOW
            cell[1] += 1
    return {key: Arm(missed, number) for key, (missed, number) in sums.items()}


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
    reminded, others = (_total(cells, told) for told in (True, False))
    levels = [(PARTS[:length], pooled(cells, length)) for length in range(len(PARTS), 0, -1)]
    fine = [level for level in levels if level[1].alone_share <= MOST_ALONE] or levels[-1:]
    by, adjusted = fine[0]
    missing = lacking(adjusted.one, adjusted.other)
    if missing is not None:
        return Comparison(State.NOT_ENOUGH_DATA, missing, None, None, None, by, (), (), reminded, others)
    ratio, difference = risk_ratio(reminded, others), risk_difference(reminded, others)
    return Comparison(
        State.MEASURED, None, ratio, difference, adjusted, by, tuple(fine[1:]), _cautions(ratio, adjusted), reminded,
        others,
    )  # fmt: skip


def pooled(cells: Cells, length: int) -> Adjusted:
    """Compared within strata of the first ``length`` parts."""
    pairs: dict[tuple[int, ...], list[Arm]] = {}
    for (stratum, told), arm in cells.items():
        pair = pairs.setdefault(stratum[:length], [NOBODY, NOBODY])
        place = 0 if told else 1
        pair[place] = pair[place] + arm
    return mantel_haenszel((one, other) for one, other in pairs.values())


def _cautions(naive: Interval | None, adjusted: Adjusted) -> tuple[Caution, ...]:
    found = [Caution.NOT_AN_EXPERIMENT]
    if adjusted.alone_share > MOST_ALONE:
        found.append(Caution.MANY_WITHOUT_PARTNER)
    if naive is None or adjusted.ratio is None:
        return tuple(found)
    if (naive.value - 1) * (adjusted.ratio.value - 1) < 0:
        found.append(Caution.NAIVE_MISLEADS)
    elif not (naive.holds(adjusted.ratio.value) or adjusted.ratio.holds(naive.value)):
        found.append(Caution.NAIVE_DISAGREES)
    return tuple(found)


def _total(cells: Cells, told: bool) -> Arm:
    return sum((arm for (_, reminded), arm in cells.items() if reminded is told), NOBODY)
