"""What the engine has to know of each kind of connection. A new system adds one ``Kind``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from reminders.domain.actor import Actor
from reminders.domain.connector import Connector
from reminders.domain.crm import System
from reminders.domain.replica import Replica
from reminders.domain.sync import Owner
from reminders.services.sync.parts import Tally
from reminders.store.engine import Record

#: Why a new connection to a patient system rests: somebody looks at the preview first.
FIRST_IMPORT = "first_import"


class Source(Protocol):
    """Something that is only read, and replaces what it said before as a whole: a feed. Needs no engine."""

    def check(self) -> str: ...

    def refresh(self, connection: Record, *, full: bool) -> tuple[Tally, Mapping[str, Any]]:
        """Fetch and store; returns what it did and the cursors to keep. May raise ``PeerError``."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """``family``: calendar or crm; ``system`` says what one of the latter asks for. ``connect``: from the connection's row and its opened secret. ``replicas``: our side,
    acting in the name of ``Actor``. ``visits``, ``patients``: under which entity these are touched when they change here.
    ``interval``: how often it is asked."""

    family: str
    connect: Callable[[Record, str], Connector | Source]
    replicas: Callable[[Record, Actor], Mapping[str, Replica]]
    owners: Callable[[Record], Mapping[str, Mapping[str, Owner]]]
    visits: str | None = None
    patients: str | None = None
    interval: timedelta = timedelta(minutes=3)
    grace: timedelta = timedelta(minutes=2)
    system: System | None = None


Kinds = Mapping[str, Kind]


def is_about_to_begin(connection: Record, now: datetime) -> bool:
    """A first import that was let begin and may still be taken back."""
    never_ran = connection.state == "ok" and connection.last_run_at is None
    return never_ran and "preview" in connection.config and bool(connection.next_run_at > now)


def actor_of(connection: Record) -> Actor:
    """Whom history names for a change that came from there."""
    return Actor(connection.uid, "sync")
