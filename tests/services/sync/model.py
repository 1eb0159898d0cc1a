"""Both sides in memory, with people on each: a server that misbehaves as told, a book with real transactions, and a hook
before and after everything that happens, where a test lets the process die or people edit."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from reminders.clock import ManualClock
from reminders.domain.connector import Caps, Fields, Item, Missing, Page, PeerError, Precondition, Put, Remote, Write
from reminders.domain.replica import Fate, Local
from reminders.domain.sync import MOST_SENDS, Dispute, Link, Owner
from reminders.services.sync.engine import run_pass
from reminders.services.sync.parts import Parts, Touch
from tests.factories import MONDAY

ENTITY = "thing"
FIELDS = ("name", "note")
#: What a rewriting server cuts off; people type values that end with it.
TAIL = "~~"
#: The value that people on both sides come upon independently.
SAME = "v-same"


class Crash(BaseException):
    """The process is gone; nothing after this line runs."""


@dataclass(frozen=True)
class Mode:
    """How the server behaves, and who wins."""

    rewrites: bool = False
    withholds: bool = False
    drops_marker: bool = False
    owner: Owner = Owner.OURS
    tokens: bool = True
    gives_ids: bool = False
    if_match: bool = True

    def __str__(self) -> str:
        flags = [
            name for name in ("rewrites", "withholds", "drops_marker", "tokens", "gives_ids") if getattr(self, name)
        ]
        return "-".join([*flags, self.owner.value, *([] if self.if_match else ["no_if_match"])])


@dataclass(frozen=True)
class Stored:
    fields: dict[str, str]
    etag: int
    uid: str | None
    rev: str | None


def root(value: Any) -> str:
    """What a person typed, whatever a server made of it."""
    return str(value).removesuffix(TAIL)


class Server:
    """The other system."""

    def __init__(self, mode: Mode, hook: Callable[[str], None]) -> None:
        self.mode, self.hook = mode, hook
        self.items: dict[str, Stored] = {}
        self.log: dict[str, int] = {}
        self.writes = 0
        self.sends: Counter[tuple[Any, ...]] = Counter()
        self._numbers = itertools.count(1)

    @property
    def caps(self) -> Caps:
        return Caps(if_match=self.mode.if_match)

    @property
    def entities(self) -> Sequence[str]:
        return (ENTITY,)

    def check(self) -> str:
        return "a server in memory"

    def take_over(self, other: Server) -> None:
        """Hold what ``other`` holds."""
        self.items, self.log, self.sends = dict(other.items), dict(other.log), Counter(other.sends)
        self.writes, self._numbers = other.writes, itertools.count(other.next())

    def change(self, remote_id: str, stored: Stored | None) -> None:
        if stored is None:
            self.items.pop(remote_id, None)
            self.sends.clear()  # what is put back may be sent as often again
        else:
            self.items[remote_id] = stored
        self.log[remote_id] = next(self._numbers)

    def next(self) -> int:
        return next(self._numbers)

    def changes(self, entity: str, cursor: str | None) -> Page:
        self.hook("call")
        now = str(self.next())
        if cursor is None or not self.mode.tokens:
            listed = [Item(key, str(stored.etag)) for key, stored in self.items.items()]
            page = Page(listed, now, full=True)
        else:
            changed = [key for key, number in self.log.items() if number > int(cursor)]
            page = Page([self._item(key) for key in changed], now)
        self.hook("answer")
        return page

    def fetch(self, entity: str, remote_ids: Sequence[str]) -> Mapping[str, Remote]:
        self.hook("call")
        found = {key: self._remote(key) for key in remote_ids if key in self.items}
        self.hook("answer")
        return found

    def new_id(self, entity: str, uid: str) -> str | None:
        return None if self.mode.gives_ids else f"{uid}.ics"

    def find(self, entity: str, uid: str) -> Remote | None:
        self.hook("call")
        found = next((self._remote(key) for key, stored in self.items.items() if stored.uid == uid), None)
        self.hook("answer")
        return found

    def put(self, entity: str, write: Write) -> Put:
        self.hook("call")
        self.writes += 1
        values = {name: write.fields[name] for name in write.changed}
        self.sends[write.uid, tuple(sorted(values.items()))] += 1
        key = write.remote_id or f"given-{self.next()}"
        old = self.items.get(key)
        if write.create and old is not None:
            raise Precondition
        if not write.create and old is None:
            raise Missing
        if not write.create and self.mode.if_match and old is not None and write.etag != str(old.etag):
            raise Precondition
        fields = {**(old.fields if old else {}), **values}
        fields = {name: self._kept(value) for name, value in fields.items()}
        self.change(key, Stored(fields, self.next(), write.uid, None if self.mode.drops_marker else write.rev))
        put = Put(key) if self.mode.withholds else Put(key, stored=self._remote(key))
        self.hook("answer")
        return put

    def delete(self, entity: str, remote_id: str, etag: str | None) -> None:
        self.hook("call")
        self.writes += 1
        old = self.items.get(remote_id)
        if old is None:
            raise Missing
        if self.mode.if_match and etag != str(old.etag):
            raise Precondition
        self.change(remote_id, None)
        self.hook("answer")

    def _kept(self, value: str) -> str:
        return root(value) if self.mode.rewrites else value

    def _item(self, key: str) -> Item:
        stored = self.items.get(key)
        return Item(key, str(stored.etag)) if stored else Item(key, gone=True)

    def _remote(self, key: str) -> Remote:
        stored = self.items[key]
        return Remote(key, dict(stored.fields), str(stored.etag), stored.uid, stored.rev)


@dataclass
class State:
    """Everything that our database holds."""

    things: dict[str, dict[str, str]] = field(default_factory=dict)
    links: dict[int, Link] = field(default_factory=dict)
    touches: dict[str, str] = field(default_factory=dict)
    disputes: list[Dispute] = field(default_factory=list)
    cursor: str | None = None
    attention: set[str] = field(default_factory=set)

    def copy(self) -> State:
        return State(
            dict(self.things),
            dict(self.links),
            dict(self.touches),
            list(self.disputes),
            self.cursor,
            set(self.attention),
        )


class Ours:
    """Our side: things, and the engine's memory of them, in transactions that happen wholly or not at all."""

    def __init__(self, hook: Callable[[str], None]) -> None:
        self.state, self.hook = State(), hook
        self.writes = 0
        self.fate = Fate.DROP
        self._numbers = itertools.count(1)

    def take_over(self, other: Ours) -> None:
        """Hold what ``other`` holds."""
        self.state, self.writes = other.state.copy(), other.writes
        self._numbers = itertools.count(next(other._numbers))

    def wake(self, key: str) -> None:
        """A person changed this thing."""
        self.touch(None, ENTITY, [key])

    def disputes(self) -> Sequence[Dispute]:
        """The conflict list."""
        return self.state.disputes

    # The book

    def run(self, work: Callable[[Any], Any]) -> Any:
        self.hook("begin")
        before = self.state.copy()
        try:
            result = work(self)
            self.hook("commit")
        except BaseException:
            self.state = before
            raise
        self.hook("committed")
        return result

    def look(self, work: Callable[[Any], Any]) -> Any:
        self.hook("look")
        return work(self)

    def cursor(self, tx: Any, entity: str) -> str | None:
        return self.state.cursor

    def set_cursor(self, tx: Any, entity: str, cursor: str | None) -> None:
        self.state.cursor = cursor

    def links(self, tx: Any, entity: str, remote_ids: Sequence[str]) -> dict[str, Link]:
        return {link.remote_id: link for link in self.state.links.values() if link.remote_id in remote_ids}

    def link_of(self, tx: Any, entity: str, local_id: str) -> Link | None:
        found = [link for link in self.state.links.values() if link.local_id == local_id]
        return min(found, key=lambda link: link.dead, default=None)

    def live(self, tx: Any, entity: str) -> dict[str, bool]:
        known = [link for link in self.state.links.values() if not link.dead and link.remote_id is not None]
        return {
            link.remote_id: link.local_id is not None for link in known if link.base_remote or link.local_id is None
        }

    def gone(self, tx: Any, entity: str) -> Sequence[Link]:
        return [link for link in self.state.links.values() if link.gone_since and not (link.dead or link.held)]

    def save(self, tx: Any, link: Link) -> Link:
        link = link if link.number else replace(link, number=next(self._numbers))
        for other in self.state.links.values():
            if other.number != link.number:
                assert link.remote_id is None or other.remote_id != link.remote_id, "two links for one item"
                assert link.dead or other.dead or not link.local_id or other.local_id != link.local_id
        self.state.links[link.number] = link
        return link

    def forget(self, tx: Any, link: Link) -> None:
        self.state.links.pop(link.number, None)

    def dispute(self, tx: Any, link: Link, found: Dispute) -> None:
        if found not in self.state.disputes:
            self.state.disputes.append(found)

    def settle(self, tx: Any, link: Link, field: str) -> None:
        pass

    def candidates(self, tx: Any, entity: str) -> frozenset[str]:
        return frozenset()

    def touched(self, tx: Any, entity: str, after: str | None, limit: int) -> Sequence[Touch]:
        found = sorted(self.state.touches.items())
        return [Touch(key, stamp) for key, stamp in found if after is None or key > after][:limit]

    def touch(self, tx: Any, entity: str, local_ids: Sequence[str]) -> None:
        self.state.touches.update({key: str(next(self._numbers)) for key in local_ids})

    def untouch(self, tx: Any, entity: str, touch: Touch) -> None:
        if self.state.touches.get(touch.local_id) == touch.stamp:
            del self.state.touches[touch.local_id]

    def announced(self, tx: Any, entity: str) -> Sequence[tuple[int, str]]:
        return ()

    def answered(self, tx: Any, numbers: Sequence[int]) -> None:
        pass

    def beat(self) -> None:
        pass

    # The replica

    def canonical(self, remote: Remote) -> Remote:
        return remote

    def read(self, tx: Any, local_id: str) -> Local | None:
        fields = self.state.things.get(local_id)
        return None if fields is None else Local(dict(fields))

    def match(self, tx: Any, remote: Remote) -> str | None:
        return remote.uid if remote.uid in self.state.things else None

    def create(self, tx: Any, remote: Remote) -> str | None:
        local_id = f"from-{remote.remote_id}"
        self._write(local_id, dict(remote.fields))
        return local_id

    def apply(self, tx: Any, local_id: str, fields: Fields, remote: Remote) -> None:
        self._write(local_id, {**self.state.things[local_id], **fields})

    def removed(self, tx: Any, local_id: str) -> Fate:
        if self.fate is Fate.DROP:
            self.writes += 1
            self.state.things.pop(local_id)
        return self.fate

    def drop(self, tx: Any, local_id: str) -> None:
        self.writes += 1
        self.state.things.pop(local_id)

    def revive(self, tx: Any, local_id: str, remote: Remote) -> bool:
        self._write(local_id, dict(remote.fields))
        return True

    def everything(self, tx: Any, after: str | None, limit: int) -> Sequence[str]:
        return [key for key in sorted(self.state.things) if after is None or key > after][:limit]

    def disputed(self, tx: Any, local_id: str, field: str, *, open_: bool) -> None:
        (self.state.attention.add if open_ else self.state.attention.discard)(local_id)

    def _write(self, local_id: str, fields: dict[str, str]) -> None:
        self.writes += 1
        self.state.things[local_id] = fields


class World:
    """Two systems, the people who use them, and a record of every value that anybody ever typed."""

    def __init__(
        self, mode: Mode = Mode(), fate: Fate = Fate.DROP, ours: Callable[[Callable[[str], None]], Ours] = Ours
    ) -> None:
        self.mode = mode
        self.accident: Callable[[str], None] | None = None
        self.server = Server(mode, self._hook)
        self.ours = ours(self._hook)
        self.ours.fate = fate
        self.typed: set[str] = set()
        self.dealt_with: set[str] = set()
        self.parent: dict[str, str] = {}
        self.accidents = 0
        self._numbers = itertools.count(1)
        owners = {ENTITY: dict.fromkeys(FIELDS, mode.owner)}
        self.parts = Parts(
            self.ours, self.server, {ENTITY: self.ours}, owners, ManualClock(MONDAY), self._rev, grace=timedelta(0)
        )

    def twin(self) -> World:
        """Another world in which the same has happened so far; what happens in one from now on is unknown in the other."""
        made = World(self.mode, self.ours.fate)
        made.server.take_over(self.server)
        made.ours.take_over(self.ours)
        made.typed, made.dealt_with, made.parent = set(self.typed), set(self.dealt_with), dict(self.parent)
        made.accidents, made._numbers = self.accidents, itertools.count(next(self._numbers))
        return made

    def _rev(self) -> str:
        return f"rev-{next(self._numbers)}"

    def _hook(self, place: str) -> None:
        if self.accident is not None:
            self.accident(place)

    # People

    def create_here(self, key: str = "one") -> None:
        fields = {name: self._type("") for name in FIELDS}
        self.ours.state.things[key] = fields
        self.ours.wake(key)

    def create_there(self, key: str = "person-1") -> None:
        self.server.change(key, Stored({name: self._type("") for name in FIELDS}, self.server.next(), None, None))

    def edit_here(self, name: str, value: str | None = None) -> None:
        for key, fields in list(self.ours.state.things.items())[:1]:
            self.ours.state.things[key] = {**fields, name: self._type(fields[name], value)}
            self.ours.wake(key)

    def edit_there(self, name: str, value: str | None = None) -> None:
        for key, stored in list(self.server.items.items())[:1]:
            fields = {**stored.fields, name: self._type(stored.fields[name], value)}
            self.server.change(key, replace(stored, fields=fields, etag=self.server.next()))

    def delete_here(self) -> None:
        for key, fields in list(self.ours.state.things.items())[:1]:
            self.dealt_with |= {root(value) for value in fields.values()}
            del self.ours.state.things[key]
            self.ours.wake(key)

    def delete_there(self) -> None:
        for key, stored in list(self.server.items.items())[:1]:
            self.dealt_with |= {root(value) for value in stored.fields.values()}
            self.server.change(key, None)

    def _type(self, over: str, value: str | None = None) -> str:
        value = value or f"v{next(self._numbers)}"
        self.typed.add(value)
        if over:
            self.dealt_with.add(root(over))
        if over and root(over) != SAME:  # typed on both sides, so seeing it says nothing about the other one
            self.parent[value] = root(over)
        return value + TAIL

    # The engine

    def run(self, *, full: bool = False) -> None:
        run_pass(self.parts, full=full)

    def attempt(self) -> None:
        """A pass that may die or be cut off."""
        with contextlib.suppress(Crash, PeerError):
            self.run()

    def settle(self) -> int:
        """Pass after pass until nothing is written any more; how many it took."""
        for count in range(1, 8):
            before = (self.server.writes, self.ours.writes)
            self.run()
            if before == (self.server.writes, self.ours.writes) and not self._open():
                return count
        raise AssertionError("does not come to rest")

    def _open(self) -> bool:
        return bool(self.differences()) and not self._explained()

    def _explained(self) -> bool:
        return any(dispute.cause in {"not_kept", "refused_there"} for dispute in self.ours.disputes())

    # What must hold

    def differences(self) -> list[str]:
        here = sorted(tuple(root(fields[name]) for name in FIELDS) for fields in self.ours.state.things.values())
        there = sorted(tuple(root(stored.fields[name]) for name in FIELDS) for stored in self.server.items.values())
        return [] if here == there else [f"{here} != {there}"]

    def check(self) -> None:
        """Every invariant, after everything came to rest."""
        assert self.settle() <= 6
        assert self.differences() == [] or self._explained()
        before = (self.server.writes, self.ours.writes)
        self.run(full=True)
        self.run()
        assert before == (self.server.writes, self.ours.writes), "not quiet"
        assert self.lost() == set()
        assert max(self.server.sends.values(), default=0) <= MOST_SENDS + self.accidents
        uids = [stored.uid for stored in self.server.items.values() if stored.uid]
        assert len(uids) == len(set(uids)), "duplicates there"
        assert self._explained() or len(self.ours.state.things) == len(self.server.items), "duplicates"
        if not (self.mode.drops_marker or self.mode.rewrites):
            assert self.false_conflicts() == []

    def lost(self) -> set[str]:
        """Values that are nowhere, though nobody who saw them typed over them."""
        here = {root(value) for fields in self.ours.state.things.values() for value in fields.values()}
        there = {root(value) for stored in self.server.items.values() for value in stored.fields.values()}
        listed = {root(value) for found in self.ours.disputes() for value in (found.ours, found.theirs)}
        return self.typed - here - there - listed - self.dealt_with

    def false_conflicts(self) -> list[Dispute]:
        """Conflicts between a value and one that it was typed over."""
        return [
            found
            for found in self.ours.disputes()
            if found.field in FIELDS
            and (self._descends(found.ours, found.theirs) or self._descends(found.theirs, found.ours))
        ]

    def _descends(self, younger: Any, older: Any) -> bool:
        value = root(younger)
        while value in self.parent:
            value = self.parent[value]
            if value == root(older):
                return True
        return False
