"""Carries out released change sets, visit by visit, each in a transaction of its own.

The set names its visits in order, and its two counts say how far it is: both move in the transaction of the visit
itself. So a worker that dies loses nothing and repeats nothing, and of several workers only one is at a set at a time,
the one that holds its row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.appointment import OPEN, Change, Status
from reminders.domain.availability import is_open
from reminders.domain.changeset import Kind, Refusal, SetState
from reminders.errors import OutsideHours, ReminderError
from reminders.services.catalogue import Catalogue, policy, step
from reminders.services.lifecycle import Lifecycle
from reminders.services.replanning import STALE_READ, Edit
from reminders.store import appointments, clinic, replans
from reminders.store import changesets as store
from reminders.store.changesets import Which, ahead
from reminders.store.engine import Database, Record
from reminders.store.tables import ReminderPolicy, Service

#: Visits per run, so that sending does not wait for a large set.
_BATCH = 100
_EARLY_READ = timedelta(minutes=1)


@dataclass(slots=True)
class _Job:
    """A set at work. ``place`` is the visit being dealt with; ``edit`` belongs to an edited policy."""

    number: int
    uid: str
    kind: Kind
    facts: dict[str, Any]
    actor: Actor
    edit: Edit | None = None
    place: int = 0

    @property
    def visits(self) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = self.facts["visits"]
        return found


#: Does one visit; returns why it was left alone, or ``None`` when it was done.
_Act = Callable[[Connection, _Job, str, datetime], Refusal | None]


class ChangeSetWork:
    """A job of the worker. Any number of workers may run it at once."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._acts: dict[Kind, _Act] = {
            Kind.CANCEL_VISITS: self._cancel, Kind.MOVE_PROVIDER: self._move, Kind.EDIT_POLICY: self._replan,
        }  # fmt: skip

    def run(self) -> int:
        """Work on what is due; returns how many visits were dealt with."""
        with self._database.read() as tx:
            due = store.due(tx, self._clock.now())
        handled = 0
        for row in due:
            if handled < _BATCH and (row.state != SetState.RELEASED or self._database.run(partial(self._begin, row))):
                handled += self._work(self._job(row.uid), _BATCH - handled)
        return handled

    def _begin(self, row: Record, tx: Connection) -> bool:
        """From here on it cannot be undone; False when it was undone just now, or has to wait."""
        found = store.get(tx, row.uid)
        values = self._edit_policy(tx, found) if found.kind == Kind.EDIT_POLICY else {}
        return values is not None and store.move(tx, found.id, SetState.APPLYING, **values)

    def _edit_policy(self, tx: Connection, found: Record) -> dict[str, Any] | None:
        """Change the policy itself; the visits that have to follow are those that are booked now."""
        row = store.lock_policy(tx, found.facts["policy_id"])
        if store.get(tx, found.uid).state != SetState.RELEASED or store.is_being_edited(tx, row.uid):
            return None
        now, service = self._clock.now(), found.facts.get("service_id")
        if service is None:
            before, which = row.steps, Which(ahead(now), policy_id=row.id)
            clinic.change(tx, ReminderPolicy, row.id, found.facts["changes"])
        else:
            number = clinic.get(tx, Service, service).id
            old = store.policy_of(tx, number)
            if old is not None and store.is_being_edited(tx, old.uid):
                return None
            before, which = old.steps if old else [], Which(ahead(now), service_id=number)
            clinic.change(tx, Service, number, {"reminder_policy_id": row.id})
        visits = [(uid, int(start.timestamp())) for uid, start in store.names(tx, which)]
        return {"facts": found.facts | {"before": before, "since": now.isoformat(), "visits": visits}}

    def _job(self, uid: str) -> _Job:
        with self._database.read() as tx:
            row = store.get(tx, uid)
            facts = row.facts
            job = _Job(row.id, uid, Kind(row.kind), facts, Actor(row.ended_by or row.actor, facts["channel"]))
            if job.kind is Kind.EDIT_POLICY:
                self._catalogue.refresh()
                edited = self._catalogue.current().with_trial(
                    policy(clinic.get(tx, ReminderPolicy, facts["policy_id"]))
                )
                steps = tuple(step(item) for item in facts["before"])
                service = clinic.get(tx, Service, facts["service_id"]).id if facts.get("service_id") else None
                job.edit = Edit(edited, steps, datetime.fromisoformat(facts["since"]), uid, service)
        return job

    def _work(self, job: _Job, limit: int) -> int:
        for handled in range(limit):
            if not self._one(job):
                self._end(job)
                return handled
        return limit

    def _one(self, job: _Job) -> bool:
        """The next visit; False when there is none, or another worker is at it."""
        try:
            return self._database.run(partial(self._deal, job))
        except ReminderError as problem:  # rolled back: this visit does not allow it, the others may
            self._database.run(partial(self._refuse, job, problem.code))
            return True

    def _deal(self, job: _Job, tx: Connection) -> bool:
        held = store.hold(tx, job.number)
        if held is None or held.state != SetState.APPLYING or held.done + held.refused >= len(job.visits):
            return False
        job.place = held.done + held.refused
        uid, start = job.visits[job.place]
        left_alone = self._acts[job.kind](tx, job, uid, datetime.fromtimestamp(start, UTC))
        if left_alone is None:
            store.count_done(tx, job.number)
        else:
            store.count_refused(tx, job.number, uid, left_alone.value)
        return True

    def _refuse(self, job: _Job, code: str, tx: Connection) -> None:
        held = store.hold(tx, job.number)
        if held is not None and held.done + held.refused == job.place:
            store.count_refused(tx, job.number, job.visits[job.place][0], code)

    def _end(self, job: _Job) -> None:
        """Close the set if all its visits are dealt with. After an edited policy, also those that somebody booked or
        moved by the old one while it was edited."""
        now = self._clock.now()
        if job.edit is not None:
            if now < job.edit.since + STALE_READ:
                return
            self._stragglers(job, job.edit)

        def close(tx: Connection) -> None:
            held = store.hold(tx, job.number)
            if held is not None and held.done + held.refused >= len(job.visits):
                store.move(tx, job.number, SetState.APPLIED, apply_at=None, ended_at=now)

        self._database.run(close)

    def _stragglers(self, job: _Job, edit: Edit) -> None:
        with self._database.read() as tx:
            late = replans.planned_between(
                tx, edit.policy.id, edit.since - _EARLY_READ, edit.since + STALE_READ, edit.service_id
            )
        for uid in late:
            self._database.run(partial(self._lifecycle.replan, uid=uid, edit=edit, actor=job.actor))

    def _cancel(self, tx: Connection, job: _Job, uid: str, start: datetime) -> Refusal | None:
        left_alone = self._gone(tx, job, uid, start)
        if left_alone is None:
            self._lifecycle.change(tx, uid, Change.CANCEL, job.actor, reason=job.facts["reason"])
        return left_alone

    def _move(self, tx: Connection, job: _Job, uid: str, start: datetime) -> Refusal | None:
        left_alone = self._gone(tx, job, uid, start)
        if left_alone is not None:
            return left_alone
        snapshot = self._catalogue.current()
        to, visit = snapshot.provider(job.facts["to_provider_id"]), appointments.get(tx, uid)
        service = snapshot.service_by_id[visit.service_id]
        if to.id not in service.provider_ids or not to.active:
            return Refusal.NOT_OFFERED
        begin = int(start.timestamp())
        if not is_open(to.timetable, begin, begin + service.need.duration):
            raise OutsideHours()
        self._lifecycle.change(tx, uid, Change.RESCHEDULE, job.actor, start=start, provider=to)
        return None

    def _replan(self, tx: Connection, job: _Job, uid: str, _: datetime) -> Refusal | None:
        """A visit that was moved meanwhile was planned by the policy as it is now, so there is nothing to do."""
        if job.edit is not None:
            self._lifecycle.replan(tx, uid, job.edit, job.actor)
        return None

    def _gone(self, tx: Connection, job: _Job, uid: str, start: datetime) -> Refusal | None:
        """Why the visit is no longer the one that was shown. A confirmation in between changes nothing."""
        visit = appointments.get(tx, uid, lock=True)
        if visit.status == Status.CANCELLED:
            return Refusal.CANCELLED
        if Status(visit.status) not in OPEN or visit.start_at <= self._clock.now():
            return Refusal.OVER
        wanted = job.facts["provider_id"]
        provider = self._catalogue.current().provider_by_id.get(visit.provider_id)
        moved = int(visit.start_at.timestamp()) != int(start.timestamp()) or (
            wanted and (provider is None or provider.uid != wanted)
        )
        return Refusal.MOVED if moved else None
