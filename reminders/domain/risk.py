"""How likely a visit is to be missed, and why: a logistic model of few features, scored by plain arithmetic.

A model is either trained on the clinic's own visits or, until then, the rule below; both are the same kind of thing.
Only what is known on the eve of the visit counts, and neither language, origin nor whether a reminder goes out: a list of
people to call must not rest on the former, and the latter is ours to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from math import exp, log, log1p

from reminders.domain.measures import UNKNOWN_LEAD

#: Earlier visits of a patient are weighed against so many visits at the clinic's own rate.
_PRIOR_VISITS = 3.0
#: Days after which another day of waiting may count differently.
_BENDS = (3, 14)
#: First age of each band; the last has no end.
_AGE_BANDS = (0, 18, 30, 45, 60, 75)
#: First hour of each part of the day.
_DAY_PARTS = ((0, "morning"), (12, "afternoon"), (17, "evening"))
#: Shares at the very ends say nothing more, and their logarithm does not exist.
_EDGE = 1e-9
REASONS = 3

Row = Mapping[str, float]


class Factor(StrEnum):
    """What a risk is made of; part of the API."""

    LEAD_TIME = "lead_time"
    HISTORY = "history"
    FIRST_VISIT = "first_visit"
    AGE = "age"
    WEEKDAY = "weekday"
    HOUR = "hour"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Case:
    """A visit as it is known on its eve. ``missed`` and ``kept`` are the patient's visits on earlier days; ``age`` in
    years and ``hour`` of the venue's clock are ``None`` when unknown, ``lead_days`` is then ``UNKNOWN_LEAD``; ``service``
    is the public id."""

    lead_days: int
    missed: int
    kept: int
    age: int | None
    weekday: int
    hour: int | None
    service: str

    @property
    def is_first(self) -> bool:
        return self.missed + self.kept == 0


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of a risk. ``effect`` is in log-odds against the usual visit: above 0 it raises the risk."""

    factor: Factor
    effect: float
    text: str

    @property
    def raises(self) -> bool:
        return self.effect > 0


def features(case: Case, base: float) -> dict[str, float]:
    """The numbers a model weighs, by name; what is 0 is left out. ``base`` is the clinic's no-show rate, from which the
    patient's own differs."""
    found = _waiting(case.lead_days)
    if case.is_first:
        found[Factor.FIRST_VISIT] = 1.0
    else:
        own = (case.missed + _PRIOR_VISITS * base) / (case.missed + case.kept + _PRIOR_VISITS)
        found[Factor.HISTORY] = logit(own) - logit(base)
    if case.age is not None:
        found[f"{Factor.AGE}:{age_band(case.age)}"] = 1.0
    found[f"{Factor.WEEKDAY}:{case.weekday}"] = 1.0
    if case.hour is not None:
        found[f"{Factor.HOUR}:{day_part(case.hour)}"] = 1.0
    found[f"{Factor.SERVICE}:{case.service}"] = 1.0
    return found


def _waiting(days: int) -> dict[str, float]:
    """Waiting counts by its logarithm, bent at ``_BENDS``; a visit of the same day is a case of its own."""
    if days <= UNKNOWN_LEAD:
        return {f"{Factor.LEAD_TIME}:unknown": 1.0}
    if days == 0:
        return {f"{Factor.LEAD_TIME}:same_day": 1.0}
    found = {f"{Factor.LEAD_TIME}:log": log1p(days)}
    return found | {f"{Factor.LEAD_TIME}:over_{bend}": log1p(days) - log1p(bend) for bend in _BENDS if days > bend}


@lru_cache(maxsize=256)
def age_band(age: int) -> str:
    """Such as ``18-29``; the last is ``75+``."""
    place = max(index for index, first in enumerate(_AGE_BANDS) if index == 0 or age >= first)
    first = _AGE_BANDS[place]
    return f"{first}-{_AGE_BANDS[place + 1] - 1}" if place + 1 < len(_AGE_BANDS) else f"{first}+"


def day_part(hour: int) -> str:
    return next(name for first, name in reversed(_DAY_PARTS) if hour >= first)


@dataclass(frozen=True, slots=True)
class Model:
    """``risk = 1 / (1 + exp(-(intercept + sum of weight × feature)))``. ``base`` is the no-show rate it was made with,
    ``usual`` what each feature is on average: reasons are told against that. Version 0 is the rule."""

    version: int
    base: float
    intercept: float
    weights: Row
    usual: Row = field(default_factory=dict)

    def score(self, case: Case) -> float:
        """The log-odds that the visit is missed."""
        return self.intercept + _weighed(self.weights, features(case, self.base))

    def risk(self, case: Case) -> float:
        """The probability that the visit is missed."""
        return logistic(self.score(case))

    def reasons(self, case: Case, service: str = "", most: int = REASONS) -> tuple[Reason, ...]:
        """What makes the risk of this visit differ most from the usual one, the weightiest first; ``service`` is the name
        of what it is booked for."""
        effects: dict[Factor, float] = {}
        present = features(case, self.base)
        for name, weight in self.weights.items():
            factor = _factor(name)
            effects[factor] = effects.get(factor, 0.0) + weight * (present.get(name, 0.0) - self.usual.get(name, 0.0))
        told = [Reason(factor, effect, text) for factor, effect, text in _told(effects, case, service)]
        return tuple(sorted((one for one in told if abs(one.effect) >= 0.05), key=lambda one: -abs(one.effect))[:most])


def _factor(name: str) -> Factor:
    return Factor(name.partition(":")[0])


def _weighed(weights: Row, present: Row) -> float:
    return sum(value * weights.get(name, 0.0) for name, value in present.items())


def _told(effects: dict[Factor, float], case: Case, service: str) -> Iterable[tuple[Factor, float, str]]:
    """The effects of what is known, in words. A first visit and a history are one thing: what the patient did before."""
    before = effects.pop(Factor.HISTORY, 0.0) + effects.pop(Factor.FIRST_VISIT, 0.0)
    effects[Factor.FIRST_VISIT if case.is_first else Factor.HISTORY] = before
    for factor, effect in effects.items():
        text = _WORDS[factor](case, service)
        if text:
            yield factor, effect, text


def _lead_words(case: Case, _: str) -> str:
    if case.lead_days <= UNKNOWN_LEAD:
        return ""
    if case.lead_days == 0:
        return "Booked for the same day"
    return f"Booked {case.lead_days} day{'s' if case.lead_days > 1 else ''} ahead"


def _history_words(case: Case, _: str) -> str:
    number = case.missed + case.kept
    visits = f"{number} earlier visit{'s' if number > 1 else ''}"
    return f"Missed {case.missed} of {visits}" if case.missed else f"Came to {'all ' * (number > 1)}{visits}"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORDS: Mapping[Factor, Callable[[Case, str], str]] = {
    Factor.LEAD_TIME: _lead_words,
    Factor.HISTORY: _history_words,
    Factor.FIRST_VISIT: lambda _, __: "First visit",
    Factor.AGE: lambda case, _: "" if case.age is None else f"Aged {age_band(case.age).replace('-', ' to ')}",
    Factor.WEEKDAY: lambda case, _: f"On a {_WEEKDAYS[case.weekday]}",
    Factor.HOUR: lambda case, _: "" if case.hour is None else f"In the {day_part(case.hour)}",
    Factor.SERVICE: lambda _, service: f"For {service}" if service else "",
}


# The rule that is used as long as nothing was trained


#: Mean no-show rate of 105 studies (Dantas, Fleck, Cyrino Oliveira and Hamacher 2018, Health Policy 122, 412-421): until
#: the clinic has a rate of its own.
USUAL_RATE = 0.23
#: With fewer visits than this, the clinic has no rate of its own.
ENOUGH_VISITS = 100
#: Log-odds per feature. The same review names long waits and earlier no-shows as the strongest signs and younger adults as
#: missing more; the sizes are round numbers, and ``reminders train`` shows how good they are at this clinic.
RULE_WEIGHTS: Row = {
    "lead_time:same_day": -1.0, "lead_time:log": 0.25, "history": 1.0, "first_visit": 0.1, "age:18-29": 0.25,
    "age:60-74": -0.25, "age:75+": -0.25,
}  # fmt: skip
#: The visit the rule takes for usual: booked a week ahead.
_RULE_USUAL: Row = {"lead_time:log": log1p(7)}


def rule(missed: int, visits: int) -> Model:
    """The rule at the no-show rate of this clinic: ``missed`` of ``visits`` whose end is known."""
    base = missed / visits if visits >= ENOUGH_VISITS else USUAL_RATE
    base = min(max(base, 0.01), 0.99)
    return Model(0, base, logit(base) - _weighed(RULE_WEIGHTS, _RULE_USUAL), RULE_WEIGHTS, _RULE_USUAL)


# Training: what stands around the fit itself


def rate_of(missed: Sequence[bool]) -> float:
    """The no-show rate features are made with, kept off the ends."""
    return min(max(sum(missed) / len(missed), 0.01), 0.99)


#: A feature that fewer visits have than this is not weighed, and neither is one that all have.
_LEAST_SEEN = 50


def columns_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The features worth weighing, in alphabetical order."""
    seen: dict[str, int] = {}
    for row in rows:
        for name in row:
            seen[name] = seen.get(name, 0) + 1
    return tuple(sorted(name for name, number in seen.items() if _LEAST_SEEN <= number <= len(rows) - _LEAST_SEEN))


def matrix(rows: Sequence[Row], columns: Sequence[str]) -> list[list[float]]:
    """The features as numbers by position."""
    return [[row.get(name, 0.0) for name in columns] for row in rows]


def means(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, float]:
    """What each feature is on average."""
    sums = dict.fromkeys(columns, 0.0)
    for row in rows:
        for name in sums.keys() & row.keys():
            sums[name] += row[name]
    return {name: value / len(rows) for name, value in sums.items()}


def logistic(score: float) -> float:
    """From log-odds to a probability; does not overflow."""
    if score < 0:
        return exp(score) / (1 + exp(score))
    return 1 / (1 + exp(-score))


def logit(share: float) -> float:
    """From a probability to log-odds."""
    inside = min(max(share, _EDGE), 1 - _EDGE)
    return log(inside / (1 - inside))
