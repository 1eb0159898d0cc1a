"""What the use cases need from the outside world. Gateways implement these; tests bring fakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

from reminders.domain.call import AnsweredBy
from reminders.domain.delivery import Channel, State


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider knows about one message or call, in our words.

    ``segments`` and ``price`` are ``None`` until the provider knows them; ``price`` is what we pay (positive).
    ``duration`` of a call is in seconds.
    """

    sid: str
    state: State
    status: str
    to: str = ""
    body: str | None = None
    segments: int | None = None
    price: Decimal | None = None
    currency: str | None = None
    error_code: int | None = None
    duration: int | None = None
    answered_by: AnsweredBy | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A calendar that goes with an e-mail (RFC 6047): iCalendar text (RFC 5545) and its METHOD (RFC 5546). ``reply_to``:
    where answers to it are read; without it nobody is asked to answer. ``language`` (BCP 47) is that of the mail, which
    then is also written as a page."""

    method: str
    content: str
    reply_to: str = ""
    language: str = ""


class Messenger(Protocol):
    """Sends messages and calls. Every method may raise ``GatewayError``; none is called inside a transaction."""

    def send_sms(self, to: str, body: str, token: str) -> Report:
        """Hand over one SMS. Reports about it will carry ``token``."""
        ...

    def place_call(self, to: str, token: str) -> Report:
        """Start one call; what is said is asked for later, by ``token``."""
        ...

    def check_account(self) -> None:
        """Return when the provider accepts the account; else raises ``GatewayError``, with ``account`` set when it does
        not. Sends nothing."""
        ...

    def fetch(self, channel: Channel, sid: str) -> Report:
        """What the provider knows about one message now."""
        ...

    def find(self, channel: Channel, to: str, since: datetime) -> list[Report]:
        """Everything sent to ``to`` since ``since``; used to find out whether an unanswered request went through."""
        ...


class Mailer(Protocol):
    """Sends e-mail. May raise ``GatewayError``; never called inside a transaction."""

    def send(
        self, to: str, subject: str, body: str, message_id: str, attachment: Attachment | None = None
    ) -> Report:  # fmt: skip
        """Hand over one plain-text e-mail, with the visit for the reader's calendar. ``message_id`` (letters, digits, ``_``, ``-``) is the left part of its
        Message-ID (RFC 5322) and the report's SID; the same for every try, so that a repeat is recognised."""
        ...

    def check_account(self) -> None:
        """Return when the mail server lets us in; else raises ``GatewayError``. Sends nothing."""
        ...

    def close(self) -> None:
        """Let go of what is kept between messages."""
        ...


class Unreadable(Exception):
    """An event that cannot be understood; ``code`` says in what way."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Occupied:
    """When an event takes time, as spans [start, end) in UTC. ``recurs``: there may be more outside the window. ``doubts``
    are codes of what was guessed or left out (``domain/icalmend.py``)."""

    spans: tuple[tuple[datetime, datetime], ...]
    recurs: bool
    doubts: frozenset[str] = frozenset()


class EventReader(Protocol):
    """Reads events of other people's calendars; does not touch the network."""

    def __call__(self, text: str, zone: ZoneInfo, since: datetime, until: datetime) -> Occupied:
        """When the events of ``text`` (one UID) take time: single ones after ``since``, repeating ones within [since,
        until); times without a zone and whole days are those of ``zone``. Raises ``Unreadable``."""
        ...


class Vault(Protocol):
    """Keeps secrets unreadable to those who see the database."""

    def seal(self, secret: str) -> str: ...

    def open(self, sealed: str) -> str:
        """``ReminderError`` when it was sealed under another key."""
        ...


@dataclass(frozen=True, slots=True)
class FoundCalendar:
    """A calendar on somebody's server."""

    url: str
    name: str


class Discovery(Protocol):
    """Finds calendars. May raise ``PeerError``; never called inside a transaction."""

    def __call__(self, address: str, user: str, password: str) -> list[FoundCalendar]:
        """The calendars behind an address, an e-mail address or a server's name."""
        ...


@dataclass(frozen=True, slots=True)
class Download:
    """A file from the web; ``marks`` are to be handed back the next time."""

    body: bytes
    marks: str


@dataclass(frozen=True, slots=True)
class Mails:
    """New messages of a mailbox, as they came; ``cursor`` is to be handed back the next time. ``seen`` also counts those
    that were too long; ``more``: there are further ones now."""

    bodies: tuple[bytes, ...]
    cursor: str
    seen: int
    more: bool = False


class MailReader(Protocol):
    """Reads a mailbox and leaves it as it is. May raise ``PeerError``; never called inside a transaction."""

    def check(self) -> str:
        """What can be said of the mailbox once it is open."""
        ...

    def read(self, cursor: str | None) -> Mails:
        """What came since ``cursor``; without one, what came in the last days."""
        ...


@dataclass(frozen=True, slots=True)
class Posted:
    """What came back of a webhook: a status, or a stable code that says why there is none. ``retry_after`` in seconds."""

    status: int | None
    error: str | None = None
    retry_after: float | None = None


class Courier(Protocol):
    """Hands over webhooks. Never called inside a transaction; failing is an answer, not an error."""

    def check(self, url: str) -> None:
        """``Invalid`` when nothing may be sent to this address."""
        ...

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """One POST, without redirects."""
        ...


class ZoneRules(Protocol):
    """The time zone database as this process uses it."""

    @property
    def version(self) -> str:
        """Its release, such as 2026a; empty when that cannot be told."""
        ...

    def zone(self, name: str) -> tzinfo:
        """A zone by its name in the database; ``LookupError`` when there is none."""
        ...


class Downloads(Protocol):
    """Fetches files. May raise ``PeerError``; never called inside a transaction."""

    def __call__(self, url: str, marks: str | None) -> Download | None:
        """The file, or ``None`` when it is the one of ``marks``."""
        ...


@dataclass(frozen=True, slots=True)
class Fit:
    """A logistic model: log-odds = ``intercept`` + sum of ``weights`` × columns."""

    intercept: float
    weights: tuple[float, ...]


class Learner(Protocol):
    """Fits logistic models; does not touch the network."""

    def __call__(self, rows: Sequence[Sequence[float]], outcomes: Sequence[bool]) -> Fit:
        """The model of ``outcomes``, of which there are both kinds, by ``rows`` of equal length. Raises
        ``LearnerMissing`` where it is not installed."""
        ...
