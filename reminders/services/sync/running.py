"""Whose turn it is: one lease per connection, one pass at a time, and what to do when it goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.connector import LoginRefused, PeerError
from reminders.domain.ports import Vault
from reminders.errors import Conflict, Invalid
from reminders.services.sync.book import Ledger
from reminders.services.sync.connections import STALE
from reminders.services.sync.engine import run_pass
from reminders.services.sync.kinds import FIRST_IMPORT, Kinds, actor_of, is_about_to_begin
from reminders.services.sync.parts import LeaseLost, MassChange, Parts, Stopped, Tally, unwatched
from reminders.store import connections, inbox
from reminders.store.engine import Database, Record
from reminders.store.ids import new_secret, new_uid

_LEASE = timedelta(minutes=5)
#: States in which nothing happens until a person does something.
_STOPPED = ("needs_login", "held")
_FULL = timedelta(days=1)
_SHORTEST, _LONGEST = timedelta(seconds=30), timedelta(hours=6)


#: Told now and then what a pass has done so far.
Watch = Callable[[Tally], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass ended. ``error`` is a stable code, ``None`` when all went well."""

    tally: Tally
    error: str | None = None
    sentence: str = ""


class Syncing:
    """Runs what is due. ``chance`` in [0, 1) spreads retries, so that many connections do not come back at once.
    ``most_new``: of more patients than these, new visits wait for a person."""

    def __init__(
        self, database: Database, clock: Clock, kinds: Kinds, vault: Vault, owner: str, chance: Callable[[], float],
        ending: Event | None = None, most_new: int | None = None,
    ) -> None:  # fmt: skip
        self._database, self._clock, self._kinds, self._vault = database, clock, kinds, vault
        self._most_new = most_new
        self._owner, self._chance, self._ending = owner, chance, ending or Event()

    def run(self) -> int:
        """Every connection that is due, one after the other, until the process is to end; returns how many."""
        count = 0
        while not self._ending.is_set() and (connection := self._claim(None)) is not None:
            self._pass(connection, full=self._is_full(connection))
            count += 1
        return count

    def connections(self) -> Sequence[Record]:
        """All of them, of every kind."""
        with self._database.read() as tx:
            return connections.listing(tx, list(self._kinds), 0, 1000)

    def troubled(self) -> Sequence[Record]:
        """Those of every kind that somebody should look at."""
        with self._database.read() as tx:
            return connections.troubled(tx, list(self._kinds), self._clock.now() - STALE)

    def now(self, uid: str, *, full: bool = False, watch: Watch | None = None) -> Outcome:
        """One connection at once, due or not; ``Conflict`` when a pass is under way. ``watch`` is told how far it is."""
        with self._database.read() as tx:
            known = connections.get(tx, uid)
        if known.state_reason == FIRST_IMPORT:
            raise Conflict("Look at the preview of the first import, then let it begin.")
        if is_about_to_begin(known, self._clock.now()):
            raise Conflict("The first import has been let begin; until its time comes it may be taken back.")
        connection = self._claim(uid)
        if connection is None:
            raise Conflict("A pass over this connection is under way.")
        return self._pass(connection, full=full or self._is_full(connection), watch=watch)

    def _claim(self, uid: str | None) -> Record | None:
        now = self._clock.now()
        with self._database.read() as tx:
            if uid is None and not connections.any_due(tx, now):
                return None
        with self._database.write() as tx:
            return connections.claim(tx, now, self._owner, now + _LEASE, uid)

    def _is_full(self, connection: Record) -> bool:
        last = connection.last_full_at
        return last is None or self._clock.now() - last > _FULL

    def _pass(self, connection: Record, *, full: bool, watch: Watch | None = None) -> Outcome:
        """One pass, and how it went written down whatever happens."""
        began = self._clock.now()
        ended = Outcome(Tally(), "internal")
        changes: Mapping[str, Any] = self._failed(connection, "internal", None)
        try:
            ended, changes = self._tried(connection, full=full, watch=watch)
        finally:
            self._write_down(connection, began, ended, changes, full=full)
        return ended

    def _tried(
        self, connection: Record, *, full: bool, watch: Watch | None
    ) -> tuple[Outcome, Mapping[str, Any]]:  # fmt: skip
        later = self._clock.now() + _LONGEST
        try:
            tally, cursors = self._work(connection, full=full, watch=watch)
            return Outcome(tally), {**self._good(full), **cursors}
        except LeaseLost:
            return Outcome(Tally(), "lease_lost"), {}
        except Stopped:
            return Outcome(Tally(), "stopped"), {"next_run_at": self._clock.now()}
        except LoginRefused as problem:
            changes = {"state": "needs_login", "state_reason": "login_refused", "next_run_at": later}
            return Outcome(Tally(), "login_refused", problem.message), changes
        except Invalid as problem:  # the secret cannot be opened
            changes = {"state": "needs_login", "state_reason": "secret_unreadable", "next_run_at": later}
            return Outcome(Tally(), "secret_unreadable", problem.message), changes
        except MassChange as problem:
            changes = {"state": "held", "state_reason": problem.kind, "next_run_at": later}
            sentence = f"{problem.count} of {problem.live} items would change at once."
            if problem.kind == "mass_arrival":
                sentence = f"Visits of {problem.count} patients are new at once."
            return Outcome(Tally(), problem.kind, sentence), changes
        except PeerError as problem:
            changes = self._failed(connection, problem.reason, problem.retry_after)
            return Outcome(Tally(), problem.reason, problem.message), changes

    def _work(
        self, connection: Record, *, full: bool, watch: Watch | None
    ) -> tuple[Tally, Mapping[str, Any]]:  # fmt: skip
        kind = self._kinds[connection.kind]
        secret = self._vault.open(connection.secret) if connection.secret else ""
        peer = kind.connect(connection, secret)
        if hasattr(peer, "refresh"):
            tally, cursors = peer.refresh(connection, full=full)
            return tally, {"cursors": dict(cursors)}
        parts = Parts(
            Ledger(self._database, self._clock, connection, self._owner, _LEASE, self._ending), peer,
            kind.replicas(connection, actor_of(connection)), kind.owners(connection), self._clock,
            lambda: new_secret()[:22], kind.grace, watch or unwatched,
            self._most_new if kind.patients else None,
        )  # fmt: skip
        return run_pass(parts, full=full, trusting=connection.trusted), {}

    def _good(self, full: bool) -> dict[str, Any]:
        now = self._clock.now()
        full_at = {"last_full_at": now} if full else {}
        return {"state": "ok", "state_reason": None, "failures": 0, "trusted": False, "last_ok_at": now, **full_at}

    def _failed(self, connection: Record, reason: str, after: float | None) -> dict[str, Any]:
        """Longer waits with every failure, never shorter than the other side asks for."""
        failures = connection.failures + 1
        longest = min(_LONGEST, _SHORTEST * 2 ** min(failures, 12))
        wait = max(_SHORTEST + (longest - _SHORTEST) * self._chance(), timedelta(seconds=after or 0))
        at = self._clock.now() + wait
        return {"state": "failing", "state_reason": reason, "failures": failures, "next_run_at": at}

    def _write_down(
        self, connection: Record, began: datetime, outcome: Outcome, changes: Mapping[str, Any], *, full: bool
    ) -> None:  # fmt: skip
        now = self._clock.now()
        interval = self._kinds[connection.kind].interval
        following = now + interval * (0.9 + 0.2 * self._chance())
        run = {"connection_id": connection.id, "started_at": began, "ended_at": now, "full": full,
               "error": outcome.error, **asdict(outcome.tally)}  # fmt: skip
        values = {"last_run_at": began, "next_run_at": following, **changes}
        with self._database.write() as tx:
            current = connections.get(tx, connection.uid, lock=True)
            if current.state == "paused":  # somebody paused it meanwhile
                values = {name: value for name, value in values.items() if name not in ("state", "state_reason")}
            connections.release(tx, connection.id, self._owner, values)
            if values.get("state") in _STOPPED and current.state not in _STOPPED:
                self._tell(tx)
            if outcome.error or not self._calls_us(connection):
                connections.add_run(tx, run)

    def _calls_us(self, connection: Record) -> bool:
        """What such a system does is counted call by call."""
        system = self._kinds[connection.kind].system
        return system is not None and system.calls_us

    def _tell(self, tx: Connection) -> None:
        """One item in the desk's worklist for each time that a connection stops."""
        now = self._clock.now()
        inbox.add(tx, {
            "uid": new_uid("inb", now), "message_id": None, "patient_id": None, "appointment_id": None,
            "reason": "connection_trouble", "created_at": now,
        })  # fmt: skip
