"""A patient system that calls us: it puts its records here and reads what changed, instead of being asked.

The rules are those of every connection (``services/sync/meeting.py``): who decides on a field, who is who, changes as
requests. Only the way is another: no listing, no writing over there; the answer says what holds here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.connector import Caps, Refused, Remote
from reminders.domain.crm import ENTITIES, Setting, System
from reminders.domain.replica import Local, Replica
from reminders.domain.sync import WHOLE, Cause, Link, Live, Owner, fingerprint
from reminders.errors import Conflict, NotFound
from reminders.services.sync.book import Ledger
from reminders.services.sync.kinds import Kinds, actor_of
from reminders.services.sync.meeting import Meeting
from reminders.services.sync.parts import Parts, Tally, Unplaced
from reminders.store import connections, links
from reminders.store.engine import Database, Record
from reminders.store.ids import new_secret

KIND = "generic"
SYSTEM = System(
    KIND, "A program of your own",
    (Setting("source", "Its name in addresses: /api/v1/external/{source}/…, of small letters, digits, - and _"),),
    calls_us=True,
)  # fmt: skip


class StateChanged(Conflict):
    """``If-Match`` named another state than the present one."""

    code = "state_changed"
    sentence = "This changed here in the meantime; `current` says what holds now."


class RefusedHere(Conflict):
    """What another system asks for is against our rules; ``reason`` says which."""

    code = "refused_here"
    sentence = "Our rules do not allow this; `current` says what holds."


class Passive:
    """In place of a connector: there is nobody to ask."""

    caps, entities = Caps(writes=False), ENTITIES

    def __init__(self, source: str) -> None:
        self._source = source

    def check(self) -> str:
        return f"Waits for calls to /api/v1/external/{self._source}/"

    def refresh(self, connection: Record, *, full: bool) -> tuple[Tally, Mapping[str, Any]]:  # noqa: ARG002 - a ``Source``
        """Nothing to fetch; the pass says that we are well."""
        return Tally(), {}

    def new_id(self, _entity: str, _uid: str) -> None:
        """Ids are given there."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as it was sent. ``code``: the rule that refused it, ``both_changed``, or ``kept`` for a value that
    was sent before and has been changed here since."""

    field: str
    ours: Any
    theirs: Any
    code: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What holds now. ``state`` is ``None`` while nothing of ours goes by this id; ``problem`` says why not all is as
    sent."""

    external_id: str
    local_id: str | None
    state: Mapping[str, Any] | None
    differences: Sequence[Difference] = ()
    created: bool = False
    problem: Conflict | None = None

    @property
    def etag(self) -> str | None:
        return None if self.state is None else fingerprint(self.state)


class _Memory(Ledger):
    """Nothing is written over there, so nothing has to be compared again."""

    def touch(self, _tx: Connection, _entity: str, _local_ids: Sequence[str]) -> None:
        return None


class External:
    """Use cases of programs that keep us in step themselves."""

    def __init__(self, database: Database, clock: Clock, kinds: Kinds) -> None:
        self._database, self._clock, self._kinds = database, clock, kinds

    def number(self, source: str) -> int:
        """The connection of this name."""
        with self._database.read() as tx:
            return int(_connection(tx, source).id)

    def handed(self, number: int, count: int) -> None:
        """So many changes were read by a source, by the number of its connection."""
        if count:
            now = self._clock.now()
            self._database.run(lambda tx: connections.count(tx, number, now, {"pushed": count}))

    def get(self, source: str, entity: str, external_id: str) -> Outcome:
        """What holds here. ``NotFound`` when nothing goes by this id."""
        with self._database.read() as tx:
            found = self._outcome(tx, _connection(tx, source), entity, Remote(external_id, {}))
        if found.state is None:
            raise NotFound()
        return found

    def put(self, source: str, entity: str, remote: Remote, expected: str | None = None) -> Outcome:
        """Take in a record as it is there now. ``expected`` is the etag of the state that it started from: every
        difference is then meant. Without it we compare with what was sent last."""
        refused: dict[str, Refused] = {}
        while True:
            try:
                return self._database.run(partial(self._put, source, entity, remote, expected, refused))
            except Unplaced as problem:
                refused[WHOLE] = problem.why
            except Refused as problem:
                new = set(problem.fields or remote.fields) - set(refused)
                if not new:
                    raise RefusedHere(problem.sentence, reason=problem.code) from problem
                refused |= dict.fromkeys(new, problem)

    def remove(self, source: str, entity: str, external_id: str) -> None:
        """It was deleted there: what that means here, ``on_remote_delete`` says."""

        def work(tx: Connection) -> None:
            connection = _connection(tx, source, lock=True)
            link = links.by_remotes(tx, connection.id, entity, [external_id]).get(external_id)
            if link is None or link.dead:
                raise NotFound()
            if link.local_id is None:
                links.forget(tx, link.number)
            else:
                tally = Tally(seen=1)
                self._meeting(connection, entity, tally).gone(tx, replace(link, gone_since=self._clock.now()))
                connections.count(tx, connection.id, self._clock.now(), tally.counts)

        self._database.run(work)

    def _put(
        self, source: str, entity: str, remote: Remote, expected: str | None, refused: Mapping[str, Refused],
        tx: Connection,
    ) -> Outcome:  # fmt: skip
        connection = _connection(tx, source, lock=True)
        remote = self._replica(connection, entity).canonical(remote)
        link = links.by_remotes(tx, connection.id, entity, [remote.remote_id]).get(remote.remote_id)
        local = self._local(tx, connection, entity, link)
        if expected is not None:
            current = local.fields if local is not None else None
            if current is None or expected not in ("*", fingerprint(current)):
                found = self._outcome(tx, connection, entity, Remote(remote.remote_id, {}))
                return replace(found, problem=StateChanged())
            if link is not None and expected != "*":
                _catch_up(tx, connection, link, current)
        tally = Tally(seen=1)
        self._meeting(connection, entity, tally).meet(tx, remote, refused)
        connections.count(tx, connection.id, self._clock.now(), tally.counts)
        self._told(tx, connection, entity, remote)
        found = self._outcome(tx, connection, entity, remote)
        return replace(found, created=local is None and found.state is not None)

    def _told(self, tx: Connection, connection: Record, entity: str, remote: Remote) -> None:
        """The answer shows all of ours, so what they change from now on is meant; and what they took over is no longer in
        dispute."""
        link = links.by_remotes(tx, connection.id, entity, [remote.remote_id]).get(remote.remote_id)
        local = self._local(tx, connection, entity, link)
        if link is None or local is None or link.local_id is None:
            return
        links.save(tx, connection.id, replace(link, base_local=dict(local.fields)))
        agreed = {name for name, theirs in remote.fields.items() if local.fields.get(name) == theirs}
        for one in links.open_about(tx, link.number):
            if one.field in agreed and one.live == Live.OURS:
                links.settle(tx, link.number, one.field, actor_of(connection).name, self._clock.now())
                if not links.open_disputes(tx, link.local_id):
                    self._replica(connection, entity).disputed(tx, link.local_id, one.field, open_=False)

    def _outcome(self, tx: Connection, connection: Record, entity: str, remote: Remote) -> Outcome:
        link = links.by_remotes(tx, connection.id, entity, [remote.remote_id]).get(remote.remote_id)
        local = self._local(tx, connection, entity, link)
        disputes = links.open_about(tx, link.number) if link is not None else []
        if link is None or local is None:
            whole = next((one for one in disputes if one.field == WHOLE), None)
            problem = RefusedHere(reason=whole.note or whole.cause) if whole is not None else None
            return Outcome(remote.remote_id, None, None, problem=problem)
        owners = self._kinds[KIND].owners(connection)[entity]
        about = {one.field: one for one in reversed(disputes)}
        differences = [
            Difference(name, local.fields[name], theirs, _code(about.get(name)))
            for name, theirs in remote.fields.items()
            if name in local.fields and local.fields[name] != theirs and owners.get(name, Owner.OFF) is not Owner.OFF
        ]
        refused = [
            one.note for one in disputes
            if one.cause == Cause.REFUSED_HERE and any(one.field == other.field for other in differences)
        ]  # fmt: skip
        problem = RefusedHere(reason=refused[0]) if refused else None
        return Outcome(remote.remote_id, link.local_id, dict(local.fields), differences, problem=problem)

    def _local(self, tx: Connection, connection: Record, entity: str, link: Link | None) -> Local | None:
        if link is None or link.dead or link.local_id is None:
            return None
        return self._replica(connection, entity).read(tx, link.local_id)

    def _replica(self, connection: Record, entity: str) -> Replica:
        return self._kinds[KIND].replicas(connection, actor_of(connection))[entity]

    def _meeting(self, connection: Record, entity: str, tally: Tally) -> Meeting:
        kind = self._kinds[KIND]
        book = _Memory(self._database, self._clock, connection, "", timedelta(minutes=2))
        peer: Any = kind.connect(connection, "")
        parts = Parts(
            book, peer, kind.replicas(connection, actor_of(connection)), kind.owners(connection), self._clock,
            lambda: new_secret()[:22], timedelta(0),
        )  # fmt: skip
        return Meeting(parts, entity, tally)


def _connection(tx: Connection, source: str, *, lock: bool = False) -> Record:
    """The connection that this name belongs to. ``lock``: one call of a source at a time, until the commit."""
    row = next((row for row in connections.listing(tx, [KIND], 0, 1000) if source_of(row) == source), None)
    if row is None:
        raise NotFound("There is no source of this name: an administrator makes one, a crm-connection of kind generic.")
    if lock and row.state == "paused":
        raise Conflict("This connection is paused.")
    return connections.get(tx, row.uid, lock=True) if lock else row


def source_of(row: Record) -> str:
    return str(row.config.get("settings", {}).get("source", ""))


def _catch_up(tx: Connection, connection: Record, link: Link, state: Mapping[str, Any]) -> None:
    """They have seen all of our state: whatever is unlike it now was changed there."""
    links.save(tx, connection.id, replace(link, base_local=dict(state), base_remote=dict(state)))


def _code(dispute: Record | None) -> str:
    if dispute is None:
        return "kept"
    return str(dispute.note or dispute.cause)
