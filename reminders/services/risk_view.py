"""How models and their quality are written down: for the database, for JSON and for tables, all the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reminders.domain.accuracy import Bin, Fairness, Pair, Quality, drift, fairness, threshold
from reminders.domain.risk import Model, age_band
from reminders.services.attendance import shares
from reminders.store.engine import Record
from reminders.store.risk import Past

_DIGITS = 6
RULE = "rule"
TRAINED = "trained"
#: What the group of all visits is called.
ALL = "all"
LANGUAGE, AGE, UNKNOWN = "language", "age", "unknown"


def as_facts(model: Model) -> dict[str, Any]:
    """A model as numbers by name; the whole of it."""
    return {
        "base": model.base, "intercept": model.intercept, "weights": dict(model.weights), "usual": dict(model.usual)
    }  # fmt: skip


def from_row(row: Record) -> Model:
    facts = row.facts
    return Model(row.version, facts["base"], facts["intercept"], facts["weights"], facts["usual"])


def described(model: Model, row: Record | None) -> dict[str, Any]:
    """Which model it is, and what it learnt from."""
    if row is None:
        return {"version": 0, "kind": RULE, "base_rate": _rounded(model.base), "trained_at": None, "from": None,
                "to": None, "visits": None, "held_out": None}  # fmt: skip
    return {
        "version": row.version, "kind": TRAINED, "base_rate": _rounded(model.base),
        "trained_at": row.trained_at.isoformat(), "from": row.since.isoformat(), "to": row.through.isoformat(),
        "visits": row.visits, "held_out": row.metrics,
    }  # fmt: skip


def of_quality(found: Quality) -> dict[str, Any]:
    """The figures of a quality, rounded."""
    line = found.line
    return {
        "visits": found.visits, "noshows": found.missed, "expected_noshows": _rounded(found.expected, 2),
        "auc": _rounded(found.auc), "brier": _rounded(found.brier), "log_loss": _rounded(found.log_loss),
        "calibration_intercept": _rounded(line.intercept) if line else None,
        "calibration_slope": _rounded(line.slope) if line else None, "calibration_error": _rounded(found.off),
        "calibration": [_bin(one) for one in found.bins],
    }  # fmt: skip


def of_fairness(found: Fairness) -> dict[str, Any]:
    """One line per group of patients."""
    by, _, group = found.group.partition(":")
    return {
        "by": by, "group": group or ALL, "visits": found.visits, "noshow": found.observed.count,
        "predicted": _rounded(found.predicted), **shares("observed", found.observed), "auc": _rounded(found.auc),
        **shares("flagged", found.flagged), **shares("caught", found.caught), "verdict": found.verdict,
        "verdict_beside_all": found.beside_all,
    }  # fmt: skip


def groups(visits: Sequence[Past], pairs: Sequence[Pair]) -> tuple[Fairness, ...]:
    """All visits, then by language and by age band."""
    if not pairs:
        return ()
    flagged_from, drifted, members = threshold(pairs), drift(pairs), dict[str, list[Pair]]()
    for visit, pair in zip(visits, pairs, strict=True):
        for name in _groups(visit):
            members.setdefault(name, []).append(pair)
    return tuple(fairness(name, members[name], flagged_from, drifted) for name in sorted(members, key=_order))


def scored(model: Model, visits: Iterable[Past]) -> list[Pair]:
    """What the model would have said on the eve, and what became of it."""
    return [(model.risk(visit.case), visit.missed) for visit in visits]


def _groups(visit: Past) -> tuple[str, str, str]:
    age = UNKNOWN if visit.case.age is None else age_band(visit.case.age)
    return ALL, f"{LANGUAGE}:{visit.language}", f"{AGE}:{age}"


def _order(name: str) -> tuple[int, str]:
    by, _, group = name.partition(":")
    return (ALL, LANGUAGE, AGE).index(by), f"{'~' * (group == UNKNOWN)}{group}"


def _bin(found: Bin) -> dict[str, Any]:
    return {"visits": found.visits, "predicted": _rounded(found.predicted), **shares("observed", found.missed)}


def _rounded(value: float | None, digits: int = _DIGITS) -> float | None:
    return None if value is None else round(value, digits)


def weightiest(weights: Mapping[str, float], most: int) -> list[tuple[str, float]]:
    """The weights that say most about a visit, in log-odds per unit."""
    return sorted(weights.items(), key=lambda pair: -abs(pair[1]))[:most]
