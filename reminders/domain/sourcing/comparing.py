"""Two ways to answer held against each other: what is gained, from which month on, and at which volume it turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, pairwise

from reminders.domain.sourcing.costing import Calculator, Costed
from reminders.domain.sourcing.figure import ZERO, Reading
from reminders.domain.sourcing.scenario import When
from reminders.domain.sourcing.vector import values, vector

#: The volumes that are looked at: from a quarter of today's calls to ten times as many.
_STEPS, _TIMES = 40, 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """``subject`` against the baseline, both from today to the horizon, in money of the scenario.

    ``gain``: how much less it costs net of benefits; negative when it costs more. ``gain_present``: the same, discounted.
    ``roi``: gain for each unit of money paid once; ``None`` when nothing is paid once. ``payback_month``: when what is
    paid once has come back out of lower running costs and benefits, the baseline's own set-up left aside; 0 when there is
    nothing to pay back, ``None`` when it does not within the horizon. ``break_even_month``: from this month on, all that was
    paid up to then is less than with the baseline, and stays so; ``overtaken_month``: from this one on it is more.
    ``break_even_calls``: the calls per month nearest to today's at which both cost the same over the horizon.
    """

    subject: Costed
    gain: Decimal
    gain_present: Decimal
    roi: Decimal | None
    payback_month: int | None
    break_even_month: int | None
    overtaken_month: int | None
    break_even_calls: int | None


def compare(calculator: Calculator, subject: Costed, baseline: Costed) -> Comparison:
    """The figures of one option beside those of the baseline."""
    ours, theirs = flow(calculator, subject), flow(calculator, baseline)
    lead = [ahead - own for own, ahead in zip(accumulate(ours), accumulate(theirs), strict=True)]
    gain = baseline.net - subject.net
    return Comparison(
        subject, gain, baseline.net_present - subject.net_present,
        roi=gain / subject.one_off if subject.one_off else None,
        payback_month=payback(calculator, subject, baseline),
        break_even_month=since([difference > 0 for difference in lead]),
        overtaken_month=since([difference < 0 for difference in lead]) if any(one > 0 for one in lead) else None,
        break_even_calls=break_even_calls(calculator, subject, baseline),
    )  # fmt: skip


def flow(calculator: Calculator, found: Costed) -> list[Decimal]:
    """Cost minus benefit of each month."""
    gains = calculator.benefit_by_month(found.option, found.automated)
    return [paid - gain for paid, gain in zip(calculator.by_month(found), gains, strict=True)]


def since(holds: Sequence[bool]) -> int | None:
    """The month (from 1) since which something holds without a break up to the end; ``None`` when it does not at the end."""
    if not holds or not holds[-1]:
        return None
    last = max((month for month, held in enumerate(holds, 1) if not held), default=0)
    return last + 1


def payback(calculator: Calculator, subject: Costed, baseline: Costed) -> int | None:
    """When the savings of the running months have paid what was paid once."""
    if subject.one_off <= 0:
        return 0
    ours, theirs = (_running(calculator, found) for found in (subject, baseline))
    saved = list(accumulate(usual - own for own, usual in zip(ours, theirs, strict=True)))
    return since([amount >= subject.one_off for amount in saved])


def _running(calculator: Calculator, found: Costed) -> list[Decimal]:
    """The monthly flow without what is paid once."""
    months = flow(calculator, found)
    for part in found.lines:
        if part.line.when is When.ONCE:
            for month in calculator.schedule.due_months(part.line):
                months[month - 1] -= part.total
    return months


def break_even_calls(calculator: Calculator, subject: Costed, baseline: Costed) -> int | None:
    """Where the two net costs over the horizon cross, as calls per month; bookings follow the calls. ``None`` when one is
    cheaper from a quarter of today's calls up to ten times as many, or when the scenario has no calls."""
    calls = calculator.scenario.volume.calls
    if calls is None or calls.value <= 0:
        return None
    today = calls.value
    marks = [int(today * _TIMES * step / _STEPS) for step in range(1, _STEPS + 1)]
    leads = values(_lead(calculator, subject, baseline, vector(map(Decimal, marks))), len(marks))
    found = [
        _crossing(calculator, subject, baseline, low, high)
        for (low, first), (high, second) in pairwise(zip(marks, leads, strict=True))
        if (first > 0) != (second > 0)
    ]
    return min(found, key=lambda crossing: abs(crossing - today), default=None)


def _crossing(calculator: Calculator, subject: Costed, baseline: Costed, low: int, high: int) -> int:
    side = _lead(calculator, subject, baseline, Decimal(low)) > 0
    while high - low > 1:
        middle = (low + high) // 2
        if (_lead(calculator, subject, baseline, Decimal(middle)) > 0) == side:
            low = middle
        else:
            high = middle
    return high


def _lead(calculator: Calculator, subject: Costed, baseline: Costed, calls: Decimal) -> Decimal:
    """By how much the subject is cheaper with so many calls, or with each number of a vector of them."""
    volume = calculator.scenario.volume
    if volume.calls is None:
        return ZERO
    tried = {volume.calls.name: calls}
    if volume.bookings is not None:
        tried[volume.bookings.name] = volume.bookings.value * calls / volume.calls.value
    at = Reading(tried)
    theirs = calculator.net(baseline.option, baseline.automated, at)
    return theirs - calculator.net(subject.option, subject.automated, at)
