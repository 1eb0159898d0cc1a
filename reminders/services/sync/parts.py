"""What the engine works with: one connection's memory, its connector, and our side of each kind of thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, TypeVar

from reminders.clock import Clock
from reminders.domain.connector import Connector, Refused, Remote
from reminders.domain.replica import Gathering, Local, Replica
from reminders.domain.sync import Dispute, Link, Owner

T = TypeVar("T")


class Touch(NamedTuple):
    """One of our things that may differ from what is there. ``stamp`` changes when it is touched again, so that nothing
    that happens meanwhile is taken for dealt with."""

    local_id: str
    stamp: str


class Book(Protocol):
    """What is remembered of one connection. Functions take the transaction that ``run`` opened."""

    def run(self, work: Callable[[Any], T]) -> T:
        """``work`` in one transaction: everything or nothing."""
        ...

    def look(self, work: Callable[[Any], T]) -> T:
        """``work`` that only reads."""
        ...

    def cursor(self, tx: Any, entity: str) -> str | None: ...

    def set_cursor(self, tx: Any, entity: str, cursor: str | None) -> None: ...

    def links(self, tx: Any, entity: str, remote_ids: Sequence[str]) -> dict[str, Link]:
        """What is known of these items, the dead and the ignored included."""
        ...

    def link_of(self, tx: Any, entity: str, local_id: str) -> Link | None:
        """The link of one of our things; the dead one if there is no other."""
        ...

    def live(self, tx: Any, entity: str) -> dict[str, bool]:
        """Every item there that is known and not dead: id, and whether it is ours (else ignored)."""
        ...

    def gone(self, tx: Any, entity: str) -> Sequence[Link]:
        """Links whose item was deleted there and nothing was done about it yet."""
        ...

    def save(self, tx: Any, link: Link) -> Link:
        """Store a link, new when its number is 0."""
        ...

    def forget(self, tx: Any, link: Link) -> None: ...

    def dispute(self, tx: Any, link: Link, found: Dispute) -> None:
        """Add to the conflict list. The same dispute is there once."""
        ...

    def settle(self, tx: Any, link: Link, field: str) -> None:
        """Open disputes about this field are over."""
        ...

    def candidates(self, tx: Any, entity: str) -> frozenset[str]:
        """Ours that something there could be, as long as nobody has said which."""
        ...

    def touched(self, tx: Any, entity: str, after: str | None, limit: int) -> Sequence[Touch]:
        """Things to compare, in order of id."""
        ...

    def touch(self, tx: Any, entity: str, local_ids: Sequence[str]) -> None: ...

    def untouch(self, tx: Any, entity: str, touch: Touch) -> None:
        """Compared and equal; stays if it was touched again meanwhile."""
        ...

    def announced(self, tx: Any, entity: str) -> Sequence[tuple[int, str]]:
        """Items there that somebody wants looked at: number of the wish, and id."""
        ...

    def answered(self, tx: Any, numbers: Sequence[int]) -> None:
        """These wishes are dealt with."""
        ...

    def beat(self) -> None:
        """Keep the lease; raises ``LeaseLost`` when another worker has it."""
        ...


class LeaseLost(Exception):
    """Another worker took over this connection; this one stops where it stands, which is harmless."""


class Stopped(Exception):
    """The process is to end; the next pass goes on from here."""


class MassChange(Exception):
    """So much would be removed or moved at once that a person should look first."""

    def __init__(self, kind: str, entity: str, count: int, live: int) -> None:
        super().__init__(f"{kind}: {count} of {live} {entity}")
        self.kind, self.entity, self.count, self.live = kind, entity, count, live


def unwatched(_tally: Tally) -> None:
    """Nobody watches."""


class Unplaced(Exception):
    """An unknown item can neither be matched nor taken in."""

    def __init__(self, why: Refused) -> None:
        super().__init__(why.code)
        self.why = why


def placed(find: Callable[[Any, Remote], str | None], tx: Any, remote: Remote) -> str | None:
    """Match or take in; ``Unplaced`` when that is refused."""
    try:
        return find(tx, remote)
    except Refused as problem:
        raise Unplaced(problem) from problem


@dataclass(frozen=True, slots=True)
class Parts:
    """One connection, ready to run. ``watch`` is told how far it is, now and then. ``grace``: how long something deleted there rests before that counts, because many
    programs move an item by deleting it and creating it again. ``most_new``: of so many patients visits may be new at once
    before a person should look; ``None`` where nobody is told of what is new."""

    book: Book
    connector: Connector
    replicas: Mapping[str, Replica]
    owners: Mapping[str, Mapping[str, Owner]]
    clock: Clock
    new_rev: Callable[[], str]
    grace: timedelta = timedelta(minutes=2)
    watch: Callable[[Tally], None] = unwatched
    most_new: int | None = None


@dataclass(slots=True)
class Tally:
    """What a run did. ``pulled`` and ``pushed`` count items whose change was carried over, ``seen`` what was listed,
    ``remarks`` by code what could not be read, or only by guessing."""

    seen: int = 0
    pulled: int = 0
    pushed: int = 0
    removed: int = 0
    conflicts: int = 0
    remarks: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """The numbers by name: what one run's can be added to another's by."""
        return {name: value for name, value in asdict(self).items() if name != "remarks"}


@contextmanager
def gathering(replica: Replica, tx: Any, remotes: Sequence[Remote]) -> Iterator[None]:
    """These are taken in within the block, with what can be looked up for all of them at once."""
    if not isinstance(replica, Gathering):
        yield
        return
    replica.gather(tx, remotes)
    try:
        yield
    finally:
        replica.gather(tx, ())


def is_newer(remote: Remote, local: Local) -> bool:
    """Whether theirs was changed last, as far as anybody knows."""
    return remote.modified is not None and local.modified is not None and remote.modified > local.modified
