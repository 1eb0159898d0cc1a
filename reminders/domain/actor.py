"""Who does something, and through which channel: the history of a visit names both."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What an API key may do."""

    DESK = "desk"
    MANAGER = "manager"
    ADMIN = "admin"
    INTEGRATION = "integration"


@dataclass(frozen=True, slots=True)
class Actor:
    """``name`` is an id (of a key, or the word patient or system), never a person's name."""

    name: str
    channel: str


@dataclass(frozen=True, slots=True)
class Once:
    """The promise of an ``Idempotency-Key``: this request by this actor takes effect once."""

    actor: str
    key: str
    fingerprint: str


SYSTEM = Actor("system", "system")
#: The rule that takes past visits for kept, where a location wants that.
ASSUMING = Actor("system", "assumed")


def patient(channel: str) -> Actor:
    """A patient answering by ``channel`` (sms, voice)."""
    return Actor("patient", channel)
