"""Trials within a reminder policy: by lot, some patients get no reminders, or other ones, so that their effect is known.

A patient's lot is a fixed function of trial and patient, so no list has to be kept, and it stays the same for all visits
of that patient. Patients are compared by their lot, whatever became of their reminders (intention to treat), and each by
their first visit in the trial, so that all visits compared are independent of each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from reminders.domain.attendance import Attendance
from reminders.domain.estimators import Arm, Interval, required_visits, risk_difference, sequential_difference
from reminders.domain.plan import Step
from reminders.domain.savings import lacking

#: The arm of everybody who drew no other one: they get what the policy says.
USUAL = "usual"
#: Not more than this part of the patients may be kept from the usual reminders.
MOST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Branch:
    """One arm: ``share`` of the patients get ``steps`` instead of the policy's; no steps at all is a holdout."""

    name: str
    share: float
    steps: tuple[Step, ...]

    @property
    def is_holdout(self) -> bool:
        return not self.steps


@dataclass(frozen=True, slots=True)
class Experiment:
    """``service_ids`` are the services that take part; those on the guard list, and those that came later, do not.
    Visits booked from ``started_at`` to ``ended_at`` belong to it. ``difference`` is the smallest fall of the no-show
    rate that matters."""

    id: int
    uid: str
    name: str
    policy_id: int
    service_ids: frozenset[int]
    guarded_ids: frozenset[int]
    branches: tuple[Branch, ...]
    difference: float
    started_at: datetime
    ended_at: datetime | None

    def branch_of(self, patient_uid: str) -> Branch | None:
        """The arm a patient drew; ``None`` for the usual one."""
        lot, upto = _lot(self.uid, patient_uid), 0.0
        for branch in self.branches:
            upto += branch.share
            if lot < upto:
                return branch
        return None

    def arm_of(self, patient_uid: str) -> str:
        branch = self.branch_of(patient_uid)
        return USUAL if branch is None else branch.name

    def covers(self, service_id: int, booked_at: datetime) -> bool:
        """Whether a visit belongs to the trial."""
        begun = booked_at >= self.started_at and (self.ended_at is None or booked_at < self.ended_at)
        return begun and service_id in self.service_ids

    def steps_for(self, service_id: int, patient_uid: str, booked_at: datetime) -> Branch | None:
        """What to plan for a visit while the trial runs: a branch, or ``None`` for what the policy says."""
        if self.ended_at is not None or not self.covers(service_id, booked_at):
            return None
        return self.branch_of(patient_uid)

    @property
    def usual_share(self) -> float:
        return 1 - sum(branch.share for branch in self.branches)

    @property
    def control(self) -> str:
        """The arm the others are compared with: the first holdout, or the usual one where nobody is held out."""
        return next((branch.name for branch in self.branches if branch.is_holdout), USUAL)


class Advice(StrEnum):
    """What to do with a trial, by the interval that may be looked at daily."""

    WAIT = "wait"
    CONTINUE = "continue"
    STOP_FEWER = "stop_fewer_noshows"
    STOP_MORE = "stop_more_noshows"
    STOP_NO_MATTER = "stop_no_difference_that_matters"


@dataclass(frozen=True, slots=True)
class Contrast:
    """One arm against the control, first visits of patients only. ``fixed`` is Newcombe's interval, for a trial that is
    read once when it has its size; ``sequential`` holds however often it is read. Both are ``None`` with too little data.
    """

    name: str
    arm: Arm
    control: Arm
    lacking: str | None
    fixed: Interval | None
    sequential: Interval | None
    advice: Advice

    @property
    def avoided(self) -> Interval | None:
        """No-shows avoided among these patients' first visits, by the interval that always holds."""
        return None if self.sequential is None else self.sequential.scaled(-self.arm.visits)


@dataclass(frozen=True, slots=True)
class Reading:
    """A trial as it stands. ``required`` is how many first visits it needs altogether for a power of 80 %, judged by the
    control's rate so far; ``None`` while that is unknown. ``unmarked`` visits are in no arm: their outcome is unknown."""

    experiment: Experiment
    counts: Mapping[str, Attendance]
    contrasts: tuple[Contrast, ...]
    visits: int
    required: int | None
    unmarked: int


@dataclass(frozen=True, slots=True)
class Decisive:
    """A trial that has ended and says what the usual reminders change, against none at all."""

    reading: Reading
    contrast: Contrast
    effect: Interval

    def avoided(self, visits: int) -> Interval:
        """No-shows avoided among so many reminded visits of the services that took part."""
        return self.effect.scaled(-visits)


def decisive(readings: Iterable[Reading]) -> Decisive | None:
    """The latest trial with a holdout that has ended with enough data; ``None`` when there is none."""
    for reading in sorted(readings, key=_ended, reverse=True):
        usual = next((one for one in reading.contrasts if one.name == USUAL), None)
        if reading.experiment.ended_at is not None and usual is not None and usual.sequential is not None:
            return Decisive(reading, usual, usual.sequential)
    return None


def _ended(reading: Reading) -> tuple[bool, float, int]:
    ended = reading.experiment.ended_at
    return ended is not None, ended.timestamp() if ended else 0.0, reading.experiment.id


def assigned(counts: Attendance) -> Arm:
    """What counts under intention to treat: every visit that is over and whose end is known, the cancelled ones too: they
    were not missed, and calling off in time is one of the things reminders are for."""
    return Arm(counts.noshow, counts.known + counts.cancelled)


def read(experiment: Experiment, counts: Mapping[str, Attendance]) -> Reading:
    """A trial by the counts of its arms."""
    names = [USUAL, *(branch.name for branch in experiment.branches)]
    arms = {name: assigned(counts.get(name, Attendance())) for name in names}
    control = arms[experiment.control]
    contrasts = tuple(
        contrast(name, arms[name], control, experiment.difference) for name in names if name != experiment.control
    )
    total = sum(arm.visits for arm in arms.values())
    unmarked = sum(found.unmarked for found in counts.values())
    return Reading(experiment, counts, contrasts, total, _required(experiment, control), unmarked)


def contrast(name: str, arm: Arm, control: Arm, difference: float) -> Contrast:
    missing = lacking(arm, control)
    if missing is not None:
        return Contrast(name, arm, control, missing, None, None, Advice.WAIT)
    fixed, sequential = risk_difference(arm, control), sequential_difference(arm, control)
    return Contrast(name, arm, control, None, fixed, sequential, advice(sequential, difference))


def advice(found: Interval | None, difference: float) -> Advice:
    """Stop once the interval excludes no difference at all, or every difference that matters."""
    if found is None:
        return Advice.WAIT
    if found.high < 0:
        return Advice.STOP_FEWER
    if found.low > 0:
        return Advice.STOP_MORE
    return Advice.STOP_NO_MATTER if -difference < found.low and found.high < difference else Advice.CONTINUE


def _required(experiment: Experiment, control: Arm) -> int | None:
    if not control.missed or not experiment.difference < control.share < 1:
        return None
    share = next((one.share for one in experiment.branches if one.name == experiment.control), experiment.usual_share)
    return required_visits(control.share, experiment.difference, share)


def _lot(experiment: str, patient: str) -> float:
    """A number in [0, 1) that looks random and is always the same."""
    digest = sha256(f"{experiment}:{patient}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
