"""What reminders save, with honest uncertainty; ``docs/measures.md`` says how it is worked out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.attendance import Attendance, AttendanceBy
from reminders.domain.cost import Money
from reminders.domain.estimators import Adjusted, Arm, Interval
from reminders.domain.experiment import Decisive, Experiment, Reading, decisive
from reminders.domain.measures import Rate, rate
from reminders.domain.savings import COCHRANE, Caution, Cells, Comparison, Reference, State, Stratum, compare
from reminders.domain.worth import Amount, Prices, Slots, Worth, worth
from reminders.services.attendance import head
from reminders.services.billing import bills, cost_by_currency
from reminders.services.catalogue import Catalogue
from reminders.services.experiments import reading_shown
from reminders.services.figures import Figures
from reminders.services.groups import wanted
from reminders.services.trials import readings
from reminders.store import spent
from reminders.store.engine import Database

_DIGITS = 6
_SERVICE = Stratum._fields.index("service_id")
#: One sentence for each caution; the report shows them as they are.
CAUTIONS: Mapping[Caution, str] = {
    Caution.NOT_AN_EXPERIMENT: "Nobody drew lots here: visits that are alike in everything recorded may still differ in "
    "what is not. An experiment with a holdout answers the question for certain.",
    Caution.NAIVE_MISLEADS: "The plain comparison points the other way, because visits booked at short notice get no "
    "reminder and are missed less. Do not use it.",
    Caution.NAIVE_DISAGREES: "The plain comparison differs clearly from the adjusted one. Do not use it.",
    Caution.MANY_WITHOUT_PARTNER: "Many reminded visits had no comparable visit without a reminder; the figure speaks "
    "only for the others.",
}


@dataclass(frozen=True, slots=True)
class SavingsReport:
    """``comparison`` without drawing lots, ``trials`` with it. The latest trial that says enough (``decisive``) has the last
    word: then ``avoided`` and ``worth``, per currency of the services' values, follow from it. When ``state`` is
    ``not_enough_data`` there is no number, only the reason."""

    first: date | None
    last: date | None
    comparison: Comparison
    worth: tuple[Worth, ...]
    refilled: Rate | None
    trials: tuple[Reading, ...] = ()
    decisive: Decisive | None = None
    avoided: Interval | None = None
    as_of: date | None = None
    reference: Reference = COCHRANE
    by: str = "none"

    @property
    def state(self) -> State:
        return self.comparison.state if self.decisive is None else State.MEASURED

    @property
    def basis(self) -> str | None:
        """What ``avoided`` rests on."""
        if self.avoided is None:
            return None
        return "adjusted_comparison" if self.decisive is None else "experiment"

    @property
    def cautions(self) -> list[Caution]:
        """Where lots were drawn, there is nothing to say about their lack."""
        found = self.comparison.cautions
        return [one for one in found if self.decisive is None or one is not Caution.NOT_AN_EXPERIMENT]

    @property
    def remarks(self) -> list[str]:
        """What a reader has to know, one sentence each."""
        missing = self.comparison.lacking
        found = [f"Not enough data: {missing}."] if missing else []
        if self.decisive is not None:
            name = self.decisive.reading.experiment.name
            found.append(f"Avoided no-shows and money follow from the experiment {name!r}, not from the comparison.")
        return found + [CAUTIONS[one] for one in self.cautions]

    @property
    def columns(self) -> list[str]:
        return ["figure", "value", "low", "high", "unit"]

    def rows(self) -> list[dict[str, Any]]:
        """One line per figure; those that cannot be given are left out."""
        found = self.comparison
        lines = [
            _line("naive_risk_ratio", found.naive_ratio, "ratio"),
            _line("naive_risk_difference", found.naive_difference, "share"),
            _line("adjusted_risk_ratio", found.ratio, "ratio"),
            _line("adjusted_risk_difference", found.difference, "share"),
            _line("experiment_risk_difference", self.decisive.effect if self.decisive else None, "share"),
            _line("avoided_noshows", self.avoided, "visits"),
        ]
        for one in self.worth:
            lines += [_line("gross_savings", one.gross, one.currency), _line("net_savings", one.net, one.currency)]
        published = Interval(self.reference.ratio, self.reference.low, self.reference.high)
        lines.append(_line("published_attendance_ratio", published, "ratio"))
        return [line for line in lines if line["value"] is not None]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return head(self.first, self.last, self.by) | {
            "as_of": self.as_of.isoformat() if self.as_of else None, "state": self.state.value, "lacking": self.comparison.lacking, "basis": self.basis,
            "experiments": [_trial(one, self.decisive) for one in self.trials],
            "naive": _naive(self.comparison), "adjusted": _adjusted(self.comparison),
            "avoided_noshows": _interval(self.avoided), "refilled_share": _share(self.refilled),
            "money": [_worth(one) for one in self.worth], "cautions": [
                {"code": code.value, "text": CAUTIONS[code]} for code in self.cautions
            ], "reference": self.reference._asdict(), "items": self.rows(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Effect:
    """What reminders changed; ``part`` are the visits that ``avoided`` is about."""

    comparison: Comparison
    trials: tuple[Reading, ...]
    decisive: Decisive | None
    avoided: Interval | None
    part: Cells


class Ungrouped(StrEnum):
    """The only grouping there is."""

    NONE = "none"


class Savings:
    """Reads only. Ranges are days of the visit in the venue's calendar, both ends included."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, prices: Prices) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._prices = prices

    def report(
        self, first: date | None = None, last: date | None = None, by: str | None = None
    ) -> SavingsReport:  # fmt: skip
        """What reminders changed, and what that is worth. ``Invalid`` for an empty range or any grouping: within groups
        there would be as many chances to be wrong."""
        wanted(Ungrouped, by, first, last)
        with self._database.read() as tx:
            figures = Figures(tx, self._clock.now(), first, last)
            effect = self._effect(tx, figures)
            total = sum((counts for _, _, counts in figures.attendance(AttendanceBy.NONE)), Attendance())
            refilled = rate(total.noshow_refilled, total.noshow)
            money = self._money(tx, effect.avoided, effect.part, refilled, figures)
        return SavingsReport(
            first, last, effect.comparison, money, refilled, effect.trials, effect.decisive, effect.avoided, figures.as_of
        )  # fmt: skip

    def avoided(self, first: date | None = None, last: date | None = None) -> Interval | None:
        """No-shows avoided, as ``report`` has them, without what they are worth."""
        wanted(Ungrouped, None, first, last)
        with self._database.read() as tx:
            return self._effect(tx, Figures(tx, self._clock.now(), first, last)).avoided

    def _effect(self, tx: Connection, figures: Figures) -> _Effect:
        """An experiment has the last word, where it says something about these visits."""
        cells, trials = figures.strata(), tuple(readings(tx, self._clock.now()))
        trial, found = decisive(trials), compare(cells)
        if trial is not None:
            part = _taking_part(cells, trial.reading.experiment)
            if reminded := sum(cell[1] for cell in part.values()):
                return _Effect(found, trials, trial, trial.avoided(reminded), part)
        return _Effect(found, trials, None, found.avoided, cells)

    def _money(
        self, tx: Connection, avoided: Interval | None, cells: Cells, refilled: Rate | None, figures: Figures
    ) -> tuple[Worth, ...]:
        if avoided is None:
            return ()
        by_currency, without = self._slots(cells)
        if len(by_currency) != 1:
            return ()  # amounts of several currencies are never added up
        paid = cost_by_currency(bills(tx, figures.pieces))
        messages = [Money(amount, currency) for currency, amount in sorted(paid.items())]
        answers = spent.answers(tx, (figures.first, figures.as_of))
        return (worth(avoided, by_currency[0], without, refilled, messages, answers, self._prices),)

    def _slots(self, cells: Cells) -> tuple[list[Slots], int]:
        """Reminded visits by the currency of their service's value, and how many have none."""
        services = self._catalogue.current().service_by_id
        number: dict[str, int] = defaultdict(int)
        value: dict[str, Decimal] = defaultdict(Decimal)
        without = 0
        reminded: dict[int, int] = defaultdict(int)
        for stratum, cell in cells.items():
            reminded[stratum[_SERVICE]] += cell[1]
        for service_id, visits in reminded.items():
            service = services.get(service_id)
            if service is None or service.value is None:
                without += visits
            else:
                number[service.value.currency] += visits
                value[service.value.currency] += service.value.amount * visits
        return [Slots(currency, number[currency], value[currency]) for currency in sorted(number)], without


def _taking_part(cells: Cells, trial: Experiment) -> Cells:
    """The visits of services that a trial says something about."""
    return {stratum: cell for stratum, cell in cells.items() if stratum[_SERVICE] in trial.service_ids}


def _trial(found: Reading, decisive: Decisive | None) -> dict[str, Any]:
    trial = found.experiment
    return {
        "id": trial.uid, "name": trial.name, "state": "running" if trial.ended_at is None else "ended",
        "started_at": trial.started_at.isoformat(), "ended_at": trial.ended_at.isoformat() if trial.ended_at else None,
        "decisive": decisive is not None and decisive.reading is found, **reading_shown(found),
    }  # fmt: skip


def _line(name: str, found: Interval | Amount | None, unit: str) -> dict[str, Any]:
    values = (found.value, found.low, found.high) if found else (None, None, None)
    names = ("value", "low", "high")
    return {"figure": name} | {one: _number(value) for one, value in zip(names, values, strict=True)} | {"unit": unit}


def _number(value: float | Decimal | None) -> float | str | None:
    """Money stays a text, so that no cent is lost in a float."""
    if value is None:
        return None
    return str(value) if isinstance(value, Decimal) else round(value, _DIGITS)


def _interval(found: Interval | Amount | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"value": _number(found.value), "low": _number(found.low), "high": _number(found.high)}


def _share(found: Rate | None) -> dict[str, Any] | None:
    return None if found is None else {"value": round(found.value, _DIGITS), "count": found.count, "of": found.of}


def _arm(arm: Arm) -> dict[str, int]:
    return {"visits": arm.visits, "noshows": arm.missed}


def _naive(found: Comparison) -> dict[str, Any]:
    return {
        "reminded": _arm(found.reminded), "not_reminded": _arm(found.others),
        "risk_ratio": _interval(found.naive_ratio), "risk_difference": _interval(found.naive_difference),
    }  # fmt: skip


def _adjusted(found: Comparison) -> dict[str, Any] | None:
    if found.adjusted is None or found.state is State.NOT_ENOUGH_DATA:
        return None
    return _level(found.by, found.adjusted) | {"coarser": [_level(by, level) for by, level in found.coarser]}


def _level(by: tuple[str, ...], found: Adjusted) -> dict[str, Any]:
    return {
        "strata_of": list(by), "strata": found.strata, "reminded": _arm(found.one), "not_reminded": _arm(found.other),
        "without_partner": {"reminded": found.alone_one, "not_reminded": found.alone_other},
        "risk_ratio": _interval(found.ratio), "risk_difference": _interval(found.difference),
    }  # fmt: skip


def _worth(found: Worth) -> dict[str, Any]:
    texts = {name: str(getattr(found, name)) for name in ("slot_value", "messages", "staff_minutes", "staff")}
    plain = {name: getattr(found, name) for name in ("currency", "valued_visits", "visits_without_value")}
    strange = [asdict(money) | {"amount": str(money.amount)} for money in found.messages_not_converted]
    return plain | texts | {
        "messages_not_converted": strange, "refilled_share": _share(found.refilled), "gross": _interval(found.gross),
        "net": _interval(found.net),
    }  # fmt: skip
