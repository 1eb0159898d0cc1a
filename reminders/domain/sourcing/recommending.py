"""What an assessment comes to, in plain words: one recommendation with its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from reminders.domain.sourcing.comparing import Comparison
from reminders.domain.sourcing.costing import Costed
from reminders.domain.sourcing.figure import Basis
from reminders.domain.sourcing.risk import Bar, Simulated
from reminders.domain.sourcing.scenario import Criterion, Kpi, Scenario
from reminders.domain.sourcing.scoring import KpiCell, Score, coverage

#: A leader that is cheaper in fewer runs than this is not clearly ahead.
SURE = 0.8
#: Points (of 5) by which one that is not the cheapest has to be ahead for the recommendation to be clear.
CLEAR = Decimal("0.25")
_CENT = Decimal("0.01")


class Verdict(StrEnum):
    """How clear the result is."""

    CHOOSE = "choose"
    TOO_CLOSE = "too_close"
    ONLY_ONE = "only_one"


#: A sentence for each reason; a page may translate it and fill in the same facts.
SENTENCES: dict[str, str] = {
    "choose": "Choose {option}.",
    "too_close": "{option} comes out ahead of {other}, but not clearly: decide by what matters to you beyond cost.",
    "only_one": "There is only {option}; add another option to compare it with.",
    "cheapest": "Over {months} months it costs {amount} {currency} in all, the least of the {count} ways compared.",
    "not_cheapest": "It costs {amount} {currency} over {months} months. {other} would leave you {less} {currency} better off, but your weights "
    "for security, control, lock-in and languages outweigh that.",
    "saves": "That is {amount} {currency} less than {baseline} over {months} months.",
    "headroom": "It could cost {amount} {currency} more each month before {baseline} would be as cheap over {months} months.",
    "costs_more": "That is {amount} {currency} more than {baseline} over {months} months.",
    "pays_back": "What is paid once, {amount} {currency}, has come back by month {month}.",
    "never_pays_back": "What is paid once, {amount} {currency}, does not come back within {months} months.",
    "break_even": "Counting everything paid so far, it is ahead of {baseline} from month {month} on.",
    "overtaken": "It is cheaper than {baseline} at first, but dearer from month {month} on: the longer you plan, the worse it looks.",
    "volume": "At about {calls} calls a month it and {baseline} would cost the same; now there are {now}.",
    "automation_helps": "Reminders and self-service beside {option} bring {amount} {currency} over {months} months, after what they cost.",
    "automation_costs": "Reminders and self-service beside {option} cost {amount} {currency} more over {months} months than they bring.",
    "hidden": "{amount} {currency} of its cost are things that are easily forgotten: {lines}.",
    "misses": "It misses your target for {kpi}: {value} instead of {target}.",
    "kpi_unknown": "Nobody has said how it does on {kpi}: ask for that in writing before you sign.",
    "languages": "{share} of your patients would be answered in their own language.",
    "sure": "With all figures varied within their ranges, it stayed cheaper than every other way of answering in {share} of {runs} runs.",
    "turns": "The result turns if {label} goes from {value} to {end}.",
    "matters": "What matters most is {label}: between {low} and {high} the difference moves by {amount} {currency}.",
    "robust": "No single figure, within its range, changes who is cheaper.",
    "unrated": "Not every option is rated for {criteria}, so that did not count.",
    "measured": "{measured} of the {count} figures were measured by this product; {user} are yours and {default} are defaults: check those first.",
}  # fmt: skip

#: What follows the name of an option that has automation beside it.
AUTOMATED = " with automation"
_KPI_WORDS = {
    Kpi.ANSWER_SECONDS: "the average speed of answer", Kpi.FIRST_CALL_RESOLUTION: "first-call resolution",
    Kpi.ABANDONMENT: "abandoned calls", Kpi.BOOKING_COMPLETION: "booking completion", Kpi.SATISFACTION: "satisfaction",
}  # fmt: skip
_CRITERION_WORDS = {Criterion.LOCK_IN: "lock-in"}


@dataclass(frozen=True, slots=True)
class Reason:
    """``code`` is stable; ``facts`` fill the blanks of ``SENTENCES[code]``."""

    code: str
    facts: Mapping[str, str]

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code].format(**self.facts)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a recommendation rests on. ``leader`` was chosen; ``rival`` is the best of the other options; ``cheapest``
    may be the leader itself; ``lead``: by how many points of 5 the leader is ahead of the rival."""

    scenario: Scenario
    candidates: tuple[Costed, ...]
    leader: Costed
    rival: Costed | None
    cheapest: Costed
    lead: Decimal
    comparison: Comparison | None
    kpis: tuple[KpiCell, ...]
    scores: tuple[Score, ...]
    bars: tuple[Bar, ...]
    simulated: Simulated | None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The verdict, what to choose, and why."""

    verdict: Verdict
    option: str
    automated: bool
    headline: Reason
    reasons: tuple[Reason, ...]


def recommend(found: Evidence) -> Recommendation:
    """One recommendation; reasons in the order in which a manager would ask for them."""
    verdict = _verdict(found)
    other = called(found.rival) if found.rival else ""
    headline = _reason(verdict.value, option=called(found.leader), other=other)
    parts = (_cost, _against_baseline, _automation, _hidden, _quality, _languages, _certainty, _inputs)
    reasons = tuple(reason for part in parts for reason in part(found))
    return Recommendation(verdict, found.leader.option.name, found.leader.automated, headline, reasons)


def called(found: Costed) -> str:
    """A candidate as sentences name it."""
    return found.option.name + (AUTOMATED if found.automated else "")


def _verdict(found: Evidence) -> Verdict:
    if found.rival is None:
        return Verdict.ONLY_ONE
    if found.cheapest is found.leader:
        close = found.simulated is not None and found.simulated.leader_wins < SURE
    else:
        close = found.lead < CLEAR
    return Verdict.TOO_CLOSE if close else Verdict.CHOOSE


def _reason(code: str, **facts: Any) -> Reason:
    return Reason(code, {name: str(value) for name, value in facts.items()})


def _money(amount: Decimal) -> str:
    return f"{abs(amount).quantize(Decimal(1)):,}" if abs(amount) >= 1000 else f"{abs(amount).quantize(_CENT):,}"


def _cost(found: Evidence) -> Iterator[Reason]:
    facts = {"amount": _money(found.leader.total), "currency": found.scenario.currency, "months": found.scenario.months}
    if found.cheapest is found.leader:
        yield _reason("cheapest", count=len(found.candidates), **facts)
    else:
        less = _money(found.leader.net - found.cheapest.net)
        yield _reason("not_cheapest", other=called(found.cheapest), less=less, **facts)


def _against_baseline(found: Evidence) -> Iterator[Reason]:
    comparison, scenario = found.comparison, found.scenario
    if comparison is None:
        return
    facts = {"currency": scenario.currency, "baseline": scenario.baseline, "months": scenario.months}
    code = "saves" if comparison.gain >= 0 else "costs_more"
    yield _reason(code, amount=_money(comparison.gain), **facts)
    if comparison.gain > 0:
        yield _reason("headroom", amount=_money(comparison.gain / scenario.months), **facts)
    once = _money(found.leader.one_off)
    if comparison.payback_month:
        yield _reason("pays_back", amount=once, month=comparison.payback_month, **facts)
    elif comparison.payback_month is None:
        yield _reason("never_pays_back", amount=once, **facts)
    if comparison.break_even_month and comparison.break_even_month > 1:
        yield _reason("break_even", month=comparison.break_even_month, **facts)
    if comparison.overtaken_month:
        yield _reason("overtaken", month=comparison.overtaken_month, **facts)
    if comparison.break_even_calls is not None and scenario.volume.calls is not None:
        now = f"{scenario.volume.calls.value.normalize():,f}"
        yield _reason("volume", calls=f"{comparison.break_even_calls:,}", now=now, **facts)


def _automation(found: Evidence) -> Iterator[Reason]:
    name = found.leader.option.name
    pair = {one.automated: one for one in found.candidates if one.option.name == name}
    if len(pair) == 2:
        gain = pair[False].net - pair[True].net
        code = "automation_helps" if gain >= 0 else "automation_costs"
        facts = {"currency": found.scenario.currency, "months": found.scenario.months}
        yield _reason(code, option=name, amount=_money(gain), **facts)


def _hidden(found: Evidence) -> Iterator[Reason]:
    lines = [part.line.name for part in found.leader.lines if part.line.hidden and part.total]
    if lines:
        amount = _money(found.leader.hidden)
        yield _reason("hidden", amount=amount, currency=found.scenario.currency, lines=", ".join(lines))


def _quality(found: Evidence) -> Iterator[Reason]:
    mine = (found.leader.option.name, found.leader.automated)
    cells = [cell for cell in found.kpis if (cell.option, cell.automated) == mine]
    for cell in cells:
        if cell.meets is False:
            value, target = (_measure(cell.kpi, number) for number in (cell.value, cell.target))
            yield _reason("misses", kpi=_KPI_WORDS[cell.kpi], value=value, target=target)
    unknown = [_KPI_WORDS[cell.kpi] for cell in cells if cell.meets is None]
    if unknown:
        yield _reason("kpi_unknown", kpi=", ".join(unknown))


def _measure(kpi: Kpi, number: Decimal | None) -> str:
    if number is None:
        return ""
    return f"{number.normalize():f} seconds" if kpi is Kpi.ANSWER_SECONDS else _percent(float(number))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share in (0, 1) else f"{share:.1%}"


def _languages(found: Evidence) -> Iterator[Reason]:
    covered = coverage(found.scenario, found.leader.option)
    if covered is not None:
        yield _reason("languages", share=_percent(float(covered)))


def _certainty(found: Evidence) -> Iterator[Reason]:
    if found.simulated is not None and found.rival is not None and found.cheapest is found.leader:
        yield _reason("sure", share=_percent(found.simulated.leader_wins), runs=f"{found.simulated.runs:,}")
    ahead = found.rival is not None and found.leader.net_present < found.rival.net_present
    turning = [bar for bar in found.bars if bar.turns and ahead]
    currency = found.scenario.currency
    for bar in turning[:3]:
        end = bar.low if bar.at_low < bar.at_high else bar.high
        yield _reason("turns", label=bar.figure.label, value=_plain(bar.figure.value), end=_plain(end))
    if found.bars and not turning and ahead:
        bar = found.bars[0]
        ends = {"low": _plain(bar.low), "high": _plain(bar.high)}
        yield _reason("matters", label=bar.figure.label, amount=_money(bar.swing), currency=currency, **ends)
        yield _reason("robust")


def _plain(number: Decimal) -> str:
    return f"{number.normalize():,f}"


def _inputs(found: Evidence) -> Iterator[Reason]:
    missing = found.scores[0].unrated if found.scores else ()
    if missing:
        words = ", ".join(_CRITERION_WORDS.get(criterion, criterion.value) for criterion in missing)
        yield _reason("unrated", criteria=words)
    bases = [figure.basis for figure in found.scenario.inputs()]
    counted = {basis.value: bases.count(basis) for basis in Basis}
    if bases:
        yield _reason("measured", count=len(bases), **counted)
