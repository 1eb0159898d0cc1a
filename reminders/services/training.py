"""Learning from past visits who is likely to miss one, and finding out honestly how well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from math import log1p
from typing import Any

from reminders.clock import Clock
from reminders.domain.accuracy import Fairness, Pair, Quality, quality, recalibration
from reminders.domain.measures import UNKNOWN_LEAD
from reminders.domain.ports import Learner
from reminders.domain.risk import Model, columns_of, features, logistic, matrix, means, rate_of, rule
from reminders.errors import NotFound, TooLittleHistory
from reminders.services.risk_view import as_facts, groups, of_fairness, of_quality, scored
from reminders.store import risk as store
from reminders.store.engine import Database, Record
from reminders.store.risk import Past

#: What is learnt from: at most so many of the newest visits, none older than this.
MOST_VISITS = 200_000
MEMORY = timedelta(days=730)
#: What it takes: visits, no-shows and kept visits, and days from the first to the last.
LEAST_VISITS, LEAST_OF_EACH, LEAST_DAYS = 1000, 100, 21
#: This share of the visits, the first ones, is learnt from when quality is measured on the rest.
_LEARNT = 0.7
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model is worth on the visits from ``since`` on, having learnt from ``learnt`` earlier ones: beside logistic
    regression on lead time alone, and beside the rule. ``is_better``: than both, by log loss."""

    since: date
    learnt: int
    model: Quality
    lead_time: Quality
    rule: Quality
    fairness: tuple[Fairness, ...]

    @property
    def is_better(self) -> bool:
        return self.model.log_loss < min(self.lead_time.log_loss, self.rule.log_loss)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model of all the visits and its verdict; ``version`` is ``None`` when it was not kept."""

    model: Model
    version: int | None
    in_use: bool
    first: date
    last: date
    visits: int
    verdict: Verdict


class Training:
    """``train`` computes for seconds to minutes, with no transaction open meanwhile."""

    def __init__(self, database: Database, clock: Clock, learner: Learner) -> None:
        self._database = database
        self._clock = clock
        self._learner = learner

    def train(self, *, keep: bool = True) -> Trained:
        """Learn from the clinic's own visits. The first weeks are learnt from and the last ones predicted, to see how good
        that is; then a model of all of them is kept, and used if it was better than both of its rivals.
        ``TooLittleHistory`` when there is not enough; ``LearnerMissing``."""
        visits = self._visits()
        _check(visits)
        found = self._judge(visits)
        model = self._fit(visits)
        first, last = visits[0].day, visits[-1].day
        if not keep:
            return Trained(model, None, False, first, last, len(visits), found)
        values = {
            "trained_at": self._clock.now(), "since": first, "through": last, "visits": len(visits),
            "facts": as_facts(model), "metrics": _metrics(found),
        }  # fmt: skip
        with self._database.write() as tx:
            version = store.keep(tx, values)
            if found.is_better:
                store.use(tx, version)
        model = replace(model, version=version)
        return Trained(model, version, found.is_better, first, last, len(visits), found)

    def use(self, version: int) -> None:
        """Put an earlier model into use, or with 0 the rule. ``NotFound`` when there is none of this version."""
        with self._database.write() as tx:
            if not store.use(tx, version):
                raise NotFound(f"There is no model of version {version}.")

    def models(self) -> Sequence[Record]:
        """Every model that was trained, newest first."""
        with self._database.read() as tx:
            return store.models(tx)

    def _visits(self) -> list[Past]:
        with self._database.read() as tx:
            found = store.past(tx, (None, self._clock.now().date() + timedelta(days=1)), MOST_VISITS)
        return [visit for visit in found if visit.day >= found[-1].day - MEMORY]

    def _judge(self, visits: Sequence[Past]) -> Verdict:
        cut = visits[int(len(visits) * _LEARNT)].day
        before = [visit for visit in visits if visit.day < cut]
        after = visits[len(before) :]
        for part in (before, after):
            _check_both(part)
        pairs = scored(self._fit(before), after)
        plain = scored(rule(sum(visit.missed for visit in before), len(before)), after)
        return Verdict(
            cut, len(before), quality(pairs), quality(self._lead_time_alone(before, after)), quality(plain),
            groups(after, pairs),
        )  # fmt: skip

    def _fit(self, visits: Sequence[Past]) -> Model:
        """A calibrated model: the line between what is predicted for visits that were not learnt from and what became of
        them is folded into its weights (Platt 1999; here over blocks of time)."""
        missed = [visit.missed for visit in visits]
        base = rate_of(missed)
        rows = [features(visit.case, base) for visit in visits]
        columns = columns_of(rows)
        table = matrix(rows, columns)
        whole = self._learner(table, missed)
        line = recalibration(self._unseen(table, missed))
        slope, intercept = (line.slope, line.intercept) if line and line.slope > 0 else (1.0, 0.0)
        weights = {name: slope * weight for name, weight in zip(columns, whole.weights, strict=True)}
        return Model(0, base, intercept + slope * whole.intercept, weights, means(rows, columns))

    def _unseen(self, table: Sequence[Sequence[float]], missed: Sequence[bool]) -> list[Pair]:
        """What is predicted for each block of visits by what was learnt from the others; nothing where these all ended alike."""
        cuts = [len(table) * fold // _FOLDS for fold in range(_FOLDS + 1)]
        found: list[Pair] = []
        for low, high in pairwise(cuts):
            others = [*missed[:low], *missed[high:]]
            if len(set(others)) < 2:
                return []
            fit = self._learner([*table[:low], *table[high:]], others)
            found += (
                (logistic(fit.intercept + sum(map(float.__mul__, fit.weights, row))), outcome)
                for row, outcome in zip(table[low:high], missed[low:high], strict=True)
            )
        return found

    def _lead_time_alone(self, before: Sequence[Past], after: Sequence[Past]) -> list[Pair]:
        """The rival: logistic regression on nothing but the days from booking to visit."""
        fit = self._learner([_lead(visit) for visit in before], [visit.missed for visit in before])
        return [
            (logistic(fit.intercept + sum(map(float.__mul__, fit.weights, _lead(visit)))), visit.missed)
            for visit in after
        ]


def _lead(visit: Past) -> list[float]:
    days = visit.case.lead_days
    return [log1p(max(days, 0)), float(days <= UNKNOWN_LEAD)]


def _check(visits: Sequence[Past]) -> None:
    missed = sum(visit.missed for visit in visits)
    days = (visits[-1].day - visits[0].day).days + 1 if visits else 0
    needs = {
        f"{LEAST_VISITS:,} visits whose end is known (there are {len(visits):,})": len(visits) >= LEAST_VISITS,
        f"{LEAST_OF_EACH} no-shows (there are {missed:,})": missed >= LEAST_OF_EACH,
        f"{LEAST_OF_EACH} kept visits (there are {len(visits) - missed:,})": len(visits) - missed >= LEAST_OF_EACH,
        f"{LEAST_DAYS} days from the first to the last (there are {days:,})": days >= LEAST_DAYS,
    }
    lacking = [need for need, is_met in needs.items() if not is_met]
    if lacking:
        raise TooLittleHistory(f"Training needs at least {'; '.join(lacking)}.", lacking=lacking)


def _check_both(part: Sequence[Past]) -> None:
    """Each part has visits of both kinds, or nothing can be said."""
    if not part or len({visit.missed for visit in part}) < 2:
        raise TooLittleHistory("Nearly all visits lie on a few days, or end alike: nothing can be tested on them.")


def _metrics(found: Verdict) -> dict[str, Any]:
    return {
        "since": found.since.isoformat(), "learnt_visits": found.learnt, "model": of_quality(found.model),
        "lead_time_alone": of_quality(found.lead_time), "rule": of_quality(found.rule),
        "is_better": found.is_better, "fairness": [of_fairness(one) for one in found.fairness],
    }  # fmt: skip
