"""How the visits of a trial are counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from reminders.domain.appointment import OPEN
from reminders.domain.attendance import Attendance
from reminders.domain.experiment import Experiment
from reminders.store.facts import Enrolled

#: What sums of trials are stored under; the key is the trial's number and the arm.
ARM = "arm"


def counts_of(trial: Experiment, visits: Iterable[Enrolled], now: datetime) -> dict[tuple[date, str, str], Attendance]:
    """First visits of patients by day and by the arm the patient drew, whatever reminders went out."""
    sums: dict[tuple[date, str, str], Attendance] = {}
    for visit in visits:
        outcome = visit.status
        if outcome in OPEN:
            outcome = "unmarked" if visit.end <= now else "upcoming"
        cell = (visit.day, ARM, f"{trial.id}:{trial.arm_of(visit.patient_uid)}")
        sums[cell] = sums.get(cell, Attendance()) + Attendance(**{outcome: 1})
    return sums
