"""How the visits of a trial are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from reminders.domain.appointment import OPEN
from reminders.domain.attendance import Attendance
from reminders.domain.experiment import Experiment, Reading, read
from reminders.services.catalogue import experiment
from reminders.services.figures import ranged
from reminders.store import experiments, facts, rollups
from reminders.store.facts import Enrolled

#: What sums of trials are stored under; the key is the trial's number and the arm.
ARM = "arm"


def counts_of(trial: Experiment, visits: Iterable[Enrolled], now: datetime) -> dict[tuple[date, str, str], Attendance]:
    """First visits of patients by day and by the arm the patient drew, whatever reminders went out."""
    alike = Counter((visit.day, trial.arm_of(visit.patient_uid), _outcome(visit, now)) for visit in visits)
    sums: dict[tuple[date, str, str], Attendance] = {}
    for (day, arm, outcome), number in alike.items():
        cell = (day, ARM, f"{trial.id}:{arm}")
        sums[cell] = sums.get(cell, Attendance()) + Attendance(**{outcome: number})
    return sums


def _outcome(visit: Enrolled, now: datetime) -> str:
    if visit.status not in OPEN:
        return visit.status
    return "unmarked" if visit.end <= now else "upcoming"


def readings(tx: Connection, now: datetime) -> list[Reading]:
    """Every trial as it stands, the latest first."""
    return [reading(tx, experiment(row), now) for row in experiments.all_rows(tx)]


def reading(tx: Connection, trial: Experiment, now: datetime) -> Reading:
    """One trial as it stands: stored counts of past days, the visits themselves for the others."""
    first = (trial.started_at - timedelta(days=1)).date()
    found = ranged(tx, now, first, now.date() + timedelta(days=1)).pieces()
    head = f"{trial.id}:"
    cells = [(key, counts) for _, key, counts in rollups.visits(tx, ARM, found, daily=False) if key.startswith(head)]
    cells += [
        (key, counts) for (_, _, key), counts in counts_of(trial, facts.enrolled(tx, trial, found.live), now).items()
    ]
    sums: dict[str, Attendance] = {}
    for key, counts in cells:
        arm = key.removeprefix(head)
        sums[arm] = sums.get(arm, Attendance()) + counts
    return read(trial, sums)
