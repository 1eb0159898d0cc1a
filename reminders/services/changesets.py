"""Changes that concern many patients at once: shown before they happen, held when they are many, undone in time.

A worker carries out what is released (``services/changeset_work.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor, Once
from reminders.domain.changeset import Affected, Gate, Kind, Preview, SetState, tally
from reminders.domain.plan import Step
from reminders.errors import Conflict, Invalid
from reminders.services.catalogue import Catalogue, policy, step
from reminders.services.changeset_previews import Previews
from reminders.services.lifecycle import Lifecycle
from reminders.services.replanning import Edit
from reminders.store import changesets as store
from reminders.store import clinic, keys
from reminders.store.changesets import Which, ahead
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid
from reminders.store.tables import ReminderPolicy, Service

Found = Iterable[tuple[Affected, datetime]]

#: More visits than this are planned anew by the worker, a few per transaction, rather than while somebody waits.
_AT_ONCE = 200
#: What of a policy decides when reminders go out; its name and notices need no new plan.
_PLANNING = ("steps", "quiet_hours")


class WrongState(Conflict):
    """The set has gone on: there is nothing to release, to undo or to drop."""

    code = "change_set_state"
    sentence = "The change set is in a state that does not allow this."


class BeingEdited(Conflict):
    """A change set is planning the visits of this policy anew right now."""

    code = "policy_being_edited"
    sentence = "Visits are still being planned anew for the last change of this policy; try again in a minute."


@dataclass(frozen=True, slots=True)
class Window:
    """Visits of a provider, of a location or of both, that begin in [first, last); by public ids."""

    first: datetime
    last: datetime
    provider_id: str | None = None
    location_id: str | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """A policy as it is now; with ``waiting``, the change is not made yet but part of this change set."""

    policy: Record
    waiting: Record | None = None


class ChangeSets:
    """One public method = one decision of somebody at the desk."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, previews: Previews,
        gate: Gate,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._previews = previews
        self._gate = gate

    def cancel_visits(self, wanted: Window, reason: str | None, actor: Actor, once: Once | None = None) -> Record:
        """The provider is ill, the venue is closed: every open visit of the window."""
        which = self._which(wanted)
        facts = _asked(wanted) | {"reason": reason}
        with self._database.read() as tx:
            found = list(self._previews.cancel(tx, which))
        return self.submit(Kind.CANCEL_VISITS, facts, found, actor, once)

    def move_provider(self, wanted: Window, to: str, actor: Actor, once: Once | None = None) -> Record:
        """Somebody else sees the patients, at the same times; visits for which that is not possible stay."""
        which, colleague = self._which(wanted), self._catalogue.current().provider(to)
        if which.provider_id is None or which.provider_id == colleague.id:
            raise Invalid("Name two different providers.", field="to_provider_id")
        with self._database.read() as tx:
            found = list(self._previews.move(tx, which, colleague))
        return self.submit(Kind.MOVE_PROVIDER, _asked(wanted) | {"to_provider_id": to}, found, actor, once)

    def change_policy(self, uid: str, values: Mapping[str, Any], actor: Actor) -> Edited:
        """Edit a reminder policy. Visits already booked follow it: at once, or held when they are many."""
        with self._database.read() as tx:
            row = clinic.get(tx, ReminderPolicy, uid)
            which = Which(ahead(self._clock.now()), policy_id=row.id)
            few = self._are_few(tx, which)
        if few or not _replans(row, values):
            self._database.run(partial(self._edit, uid=uid, values=values, actor=actor))
            self._catalogue.refresh()
            return Edited(self._policy(uid))
        edit = Edit(self._catalogue.current().with_trial(policy(_with(row, values))), _steps(row), self._clock.now())
        with self._database.read() as tx:
            found = list(self._previews.edit(tx, which, edit))
        facts = {"policy_id": uid, "changes": dict(values)}
        return Edited(row, self.submit(Kind.EDIT_POLICY, facts, found, actor, None))

    def switch_policy(self, service: str, to: str, actor: Actor) -> Record | None:
        """Let a service follow another reminder policy, and with it the visits already booked: at once, or held in the
        change set that is returned when they are many."""
        with self._database.read() as tx:
            row = clinic.get(tx, Service, service)
            number = clinic.numbers(tx, ReminderPolicy, [to]).get(to)
            if number is None:
                raise Invalid("There is no reminder policy with this id.", field="reminder_policy_id")
            if number == row.reminder_policy_id:
                return None
            which = Which(ahead(self._clock.now()), service_id=row.id)
            few = self._are_few(tx, which)
            edit = self._switching(tx, row.id, clinic.get(tx, ReminderPolicy, to))
            found = [] if few else list(self._previews.edit(tx, which, edit))
        if few:
            self._database.run(partial(self._switch, service=row.id, to=to, actor=actor))
            self._catalogue.refresh()
            return None
        facts = {"policy_id": to, "service_id": service, "changes": {}}
        return self.submit(Kind.EDIT_POLICY, facts, found, actor)

    def submit(
        self, kind: Kind, facts: Mapping[str, Any], found: Found, actor: Actor, once: Once | None = None
    ) -> Record:
        """Store a change of these visits: held when it concerns more patients than may be told without asking, else
        released with time to undo it. A repeat with the same ``once`` returns the set of the first time."""
        now = self._clock.now()
        found = list(found)
        preview = tally(affected for affected, _ in found)
        visits = [(one.visit, int(start.timestamp())) for one, start in found if one.refused is None]
        values = self._opening(preview, actor, now) | {
            "uid": new_uid("chg", now), "kind": kind, "preview": preview.facts(), "actor": actor.name,
            "facts": {**facts, "channel": actor.channel, "visits": visits}, "created_at": now, "done": 0, "refused": 0,
        }  # fmt: skip

        def work(tx: Connection) -> str:
            earlier = keys.claim_once(tx, once, values["uid"], now) if once else None
            if earlier is None:
                store.add(tx, values)
            return earlier or str(values["uid"])

        return self.get(self._database.run(work))

    def get(self, uid: str) -> Record:
        with self._database.read() as tx:
            return store.get(tx, uid)

    def listing(self, before: int | None, limit: int, state: str | None = None) -> Sequence[Record]:
        """Newest first, one more than ``limit`` when there is a next page."""
        with self._database.read() as tx:
            return store.listing(tx, before, limit + 1, state)

    def waiting(self, limit: int) -> int:
        """How many sets wait for somebody's decision, counted up to ``limit``."""
        with self._database.read() as tx:
            return store.open_sets(tx, limit)

    def release(self, uid: str, actor: Actor) -> Record:
        """Go ahead when the time to undo has passed."""
        return self._decide(uid, SetState.RELEASED, actor)

    def undo(self, uid: str, actor: Actor) -> Record:
        """Hold a released set again, as long as no worker has begun."""
        return self._decide(uid, SetState.HELD, actor)

    def drop(self, uid: str, actor: Actor) -> Record:
        """Never do it."""
        return self._decide(uid, SetState.DROPPED, actor)

    def _decide(self, uid: str, state: SetState, actor: Actor) -> Record:
        """Repeating a decision that stands is harmless; ``WrongState`` when the set has gone on."""
        now = self._clock.now()

        def work(tx: Connection) -> None:
            row = store.get(tx, uid)
            values: dict[str, Any] = {
                SetState.RELEASED: {"apply_at": now + self._gate.undo, "ended_by": actor.name,
                                    "facts": row.facts | {"channel": actor.channel}},
                SetState.HELD: {"apply_at": None, "ended_by": None},
                SetState.DROPPED: {"ended_at": now, "ended_by": actor.name},
            }[state]  # fmt: skip
            if not store.move(tx, row.id, state, **values):
                current = store.get(tx, uid).state
                if current != state:
                    raise WrongState(f"The change set is {current}.", current_state=current)

        self._database.run(work)
        return self.get(uid)

    def _opening(self, preview: Preview, actor: Actor, now: datetime) -> dict[str, Any]:
        if self._gate.holds(preview.patients):
            return {"state": SetState.HELD, "apply_at": None}
        return {"state": SetState.RELEASED, "apply_at": now + self._gate.undo, "ended_by": actor.name}

    def _edit(self, tx: Connection, uid: str, values: Mapping[str, Any], actor: Actor) -> None:
        """The policy and the visits that follow it, in one transaction."""
        row = store.lock_policy(tx, uid)
        if not values:
            return
        if _replans(row, values) and store.is_being_edited(tx, uid):
            raise BeingEdited()
        clinic.change(tx, ReminderPolicy, row.id, values)
        if _replans(row, values):
            now = self._clock.now()
            edit = Edit(self._catalogue.current().with_trial(policy(_with(row, values))), _steps(row), now)
            for name, _ in store.names(tx, Which(ahead(now), policy_id=row.id)):
                self._lifecycle.replan(tx, name, edit, actor)

    def _switch(self, tx: Connection, service: int, to: str, actor: Actor) -> None:
        """The service and the visits that follow it, in one transaction."""
        row, before = store.lock_policy(tx, to), store.policy_of(tx, service)
        if any(one and store.is_being_edited(tx, one.uid) for one in (row, before)):
            raise BeingEdited()
        edit = self._switching(tx, service, row)
        clinic.change(tx, Service, service, {"reminder_policy_id": row.id})
        for name, _ in store.names(tx, Which(ahead(edit.since), service_id=service)):
            self._lifecycle.replan(tx, name, edit, actor)

    def _switching(self, tx: Connection, service: int, to: Record) -> Edit:
        before = store.policy_of(tx, service)
        new = self._catalogue.current().with_trial(policy(to))
        return Edit(new, _steps(before) if before else (), self._clock.now(), service_id=service)

    def _are_few(self, tx: Connection, which: Which) -> bool:
        """Few enough to be planned anew within one request, without asking anybody."""
        return not self._gate.holds(store.patients(tx, which)) and len(store.names(tx, which)) <= _AT_ONCE

    def _policy(self, uid: str) -> Record:
        with self._database.read() as tx:
            return clinic.get(tx, ReminderPolicy, uid)

    def _which(self, wanted: Window) -> Which:
        """Visits that have begun are left alone, whatever the window says."""
        snapshot = self._catalogue.current()
        if wanted.provider_id is None and wanted.location_id is None:
            raise Invalid("Name a provider or a location.", field="provider_id")
        return Which(
            max(wanted.first, ahead(self._clock.now())), wanted.last,
            snapshot.provider(wanted.provider_id).id if wanted.provider_id else None,
            snapshot.location(wanted.location_id).id if wanted.location_id else None,
        )  # fmt: skip


def _asked(wanted: Window) -> dict[str, Any]:
    return {
        "provider_id": wanted.provider_id, "location_id": wanted.location_id, "from": wanted.first.isoformat(),
        "to": wanted.last.isoformat(),
    }  # fmt: skip


def _replans(row: Record, values: Mapping[str, Any]) -> bool:
    return any(name in values and values[name] != getattr(row, name) for name in _PLANNING)


def _steps(row: Record) -> tuple[Step, ...]:
    return tuple(step(item) for item in row.steps)


def _with(row: Record, values: Mapping[str, Any]) -> Record:
    """The policy as it will be."""
    names = ("id", "uid", "name", "steps", "quiet_hours", "notices")
    return SimpleNamespace(**{name: values.get(name, getattr(row, name)) for name in names})
