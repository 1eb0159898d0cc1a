"""How another system is spoken to: the protocol that every connector implements, in words that no vendor owns.

A connector knows one vendor and nothing of us: it lists what changed, fetches, writes and deletes. The engine
(``services/sync/``) knows no vendor: it compares, merges and remembers. What our own side of a kind of thing
(visits, patients) looks like, and what becomes of a change made elsewhere, is a ``Replica`` (``domain/replica.py``). To connect a new system,
write one file under ``gateways/`` that implements ``Connector``, and run its contract tests.

Fields are a flat mapping of names to JSON values in *canonical* form (``domain/sync.py``): moments in UTC to the second,
texts normalised, phones in E.164. A field that the other system cannot hold is left out; it is then not compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol, runtime_checkable

from reminders.errors import GatewayError

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caps:
    """What the other system can do; the engine adapts.

    ``if_match``: a write or delete can be made conditional on the etag of what we last saw; without it the engine
    fetches just before it writes. ``batch``: most writes in one call of ``put_many``, 1 when there is none. ``fetch``:
    most ids in one call of ``fetch``. ``writes``: false for a source that is only read.
    """

    if_match: bool = True
    batch: int = 1
    fetch: int = 50
    writes: bool = True


@dataclass(frozen=True, slots=True)
class Remote:
    """One item as the other system has it now.

    ``etag``: its version there, or ``None``. ``uid``: our id, if the item carries one. ``rev``: the marker of our last
    write, if it is still there. ``raw``: the item as it came, handed back with the next write so that what we do not
    understand survives. ``modified``: when somebody last changed it there, if that is known; where the newest wins it
    decides. ``by``: who that was, as people there would recognise it, or ``None`` where the system does not say.
    """

    remote_id: str
    fields: Fields
    etag: str | None = None
    uid: str | None = None
    rev: str | None = None
    raw: str | None = None
    modified: datetime | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a listing. ``remote`` saves the fetch where the listing shows whole items; ``gone``: deleted there."""

    remote_id: str
    etag: str | None = None
    gone: bool = False
    remote: Remote | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of what changed. ``cursor`` is where to go on, kept only after everything on the page is dealt with.

    ``full``: this page belongs to a listing of everything there is, so what it does not name is gone. ``more``: there
    are further pages now; ask again with ``cursor``. An item may be listed twice, late, or in any order.
    """

    items: Sequence[Item]
    cursor: str | None
    full: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """What the other side should show.

    ``fields`` is everything, ``changed`` names what differs from what it showed: a connector that writes whole items
    starts from ``raw`` and replaces only these. ``remote_id`` is ``None`` when the other system gives ids and the item is
    new. ``rev`` goes into a place that people there do not edit. ``etag`` is what the write is conditional on.
    """

    uid: str
    remote_id: str | None
    fields: Fields
    changed: frozenset[str]
    rev: str
    create: bool
    etag: str | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """The answer to a write.

    ``stored``: the item as it is stored now, when the answer says so in one step. ``etag`` without ``stored`` promises
    that exactly what was sent is stored (RFC 4791, 5.3.4), which is ``raw`` where whole items are sent. Neither: the
    engine reads back.
    """

    remote_id: str
    etag: str | None = None
    stored: Remote | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook: ``id`` is the vendor's own, by which a repeat is recognised. It only wakes the engine up."""

    id: str
    entity: str | None = None
    remote_id: str | None = None


class PeerError(GatewayError):
    """The other system cannot be worked with now: no answer, an answer that is no answer (5xx, garbled), or a limit.
    Nothing is known about whether a write was carried out; the cursor stays. ``retry_after`` in seconds; ``reason`` is a
    stable code for lists."""

    sentence = "The other system did not answer."
    reason: ClassVar[str] = "no_answer"


class LoginRefused(PeerError):
    """Wrong or withdrawn credentials. Work stops at once: repeated tries lock accounts."""

    sentence = "The other system refused the user name or password."
    reason = "login_refused"

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence, permanent=True, account=True)


class CursorGone(Exception):
    """The cursor is too old or foreign: list everything."""


class Precondition(Exception):
    """The item is not (or no longer) as the write supposed: changed by somebody else, or there already."""


class Missing(Exception):
    """There is no such item any more."""


class Refused(Exception):
    """The write, or on our side the change, is against a rule. ``code`` is stable, ``sentence`` is for people, ``fields``
    names what is refused (none: all of it). ``candidates``: our things between which a person has to choose."""

    def __init__(
        self, code: str, sentence: str = "", fields: Sequence[str] = (), candidates: Sequence[str] = ()
    ) -> None:  # fmt: skip
        super().__init__(code)
        self.code = code
        self.sentence = sentence or code
        self.fields = tuple(fields)
        self.candidates = tuple(candidates)


class Connector(Protocol):
    """One connection to one other system. Every method may raise ``PeerError`` or ``LoginRefused``; none is called
    while a transaction is open. Used by one thread at a time."""

    @property
    def caps(self) -> Caps:
        """What the other system can do."""
        ...

    @property
    def entities(self) -> Sequence[str]:
        """Kinds of things it keeps (``patient``, ``visit``, ``event``), those that others refer to first."""
        ...

    def check(self) -> str:
        """Try address and credentials; returns one line that a person recognises (name of the calendar, account)."""
        ...

    def changes(self, entity: str, cursor: str | None, /) -> Page:
        """What changed since ``cursor``; with ``None`` everything (``Page.full``). May raise ``CursorGone``."""
        ...

    def fetch(self, entity: str, remote_ids: Sequence[str], /) -> Mapping[str, Remote]:
        """These items as they are now; what is missing in the answer does not exist."""
        ...

    def new_id(self, entity: str, uid: str, /) -> str | None:
        """The id under which a new item will be created, or ``None`` when the other system gives it."""
        ...

    def find(self, entity: str, uid: str, /) -> Remote | None:
        """The item that carries our id: asked when ids are given there and an answer never came."""
        ...

    def put(self, entity: str, write: Write, /) -> Put:
        """Create or change one item. May raise ``Precondition`` (a new one exists, the etag is not current),
        ``Missing`` and ``Refused``."""
        ...

    def delete(self, entity: str, remote_id: str, etag: str | None, /) -> None:
        """Remove one item if it is still the one of ``etag``; ``Precondition`` otherwise. Missing is success."""
        ...


@runtime_checkable
class Batching(Protocol):
    """A connector that writes many items with one call (``Caps.batch`` above 1)."""

    def put_many(
        self, entity: str, writes: Sequence[Write], /
    ) -> Sequence[Put | Precondition | Missing | Refused | PeerError]:
        """One outcome per write, in their order."""
        ...


@runtime_checkable
class Hooked(Protocol):
    """A connector whose system calls us when something changes."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Sequence[Delivery]:
        """What a webhook announces; ``Refused`` when the signature over the raw body is wrong or too old. Names of headers
        are in lower case; ``:method`` and ``:url`` are how it was called, for signatures that cover them."""
        ...
