"""Keeping two systems in step: the rules, pure.

What has to be done is found by comparing states, never by following events: we push what differs from what we last knew
to be agreed on (``Link.base_local``), and take what differs from what the other side last showed (``Link.base_remote``).
Nothing can be forgotten, edits coalesce, and an echo compares equal and ends there. There are two bases because servers
rewrite what they are sent; with one, a later edit of another field would pull the rewritten text over ours.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from reminders.domain.connector import Fields, Remote

#: The same content is sent at most so often; a server that keeps giving it back changed ends in the conflict list.
MOST_SENDS = 3
#: A listing that would remove this many, and this part of all, pauses the connection.
MASS_COUNT, MASS_SHARE = 5, 0.5
#: The status of a visit or event that does not take place.
CALLED_OFF = "cancelled"
#: Stands for the whole item where a field is named.
WHOLE = "*"


class Owner(StrEnum):
    """Who has the last word on a field when both sides changed it."""

    OURS = "ours"
    THEIRS = "theirs"
    NEWEST = "newest"  # the later of both changes; ours when nobody knows
    MOST_RESTRICTIVE = "most_restrictive"  # true wins, on either side, and is never cleared by the other
    MIRROR = "mirror"  # shown there; what is written there stays until ours changes
    OFF = "off"


class Cause(StrEnum):
    """Why something stands in the conflict list."""

    BOTH_CHANGED = "both_changed"
    REFUSED_HERE = "refused_here"
    REFUSED_THERE = "refused_there"
    DELETED_THERE = "deleted_there"
    DELETED_HERE = "deleted_here"
    NOT_KEPT = "not_kept"  # sent again and again, and never shown as sent
    LEFT_THERE = "left_there"  # what we only show there was edited there; it stays until ours changes
    AMBIGUOUS = "ambiguous"  # several of our records could be it


class Live(StrEnum):
    """Which value holds now."""

    OURS = "ours"
    THEIRS = "theirs"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Dispute:
    """Two values for one field, and which of them holds. ``attention``: a person should look. ``theirs_by`` and
    ``theirs_at``: who changed the item there last, and when, as far as that system says."""

    field: str
    base: Any
    ours: Any
    theirs: Any
    live: Live
    cause: Cause
    attention: bool = True
    note: str = ""
    theirs_by: str | None = None
    theirs_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """What we remember of one item that is on both sides.

    ``local_id`` ``None``: an item there that is none of our business. ``pending`` and ``rev``: a write is under way, of
    these values, marked so. ``sent_hash``/``sent_n``: what was sent last and how often. ``gone_since``: deleted there,
    not yet acted on. ``held``: a person has to decide first. ``dead``: it was on both sides once; with ``held`` it is not
    written there again.
    """

    entity: str
    local_id: str | None
    remote_id: str | None
    uid: str
    number: int = 0
    etag: str | None = None
    base_local: Fields = field(default_factory=dict)
    base_remote: Fields = field(default_factory=dict)
    raw: str | None = None
    pending: Fields | None = None
    rev: str | None = None
    sent_hash: str | None = None
    sent_n: int = 0
    gone_since: datetime | None = None
    held: bool = False
    dead: bool = False


@dataclass(frozen=True, slots=True)
class Merge:
    """What follows from comparing: values to ``take``, disputes to record, and both bases as they are afterwards if
    nothing is taken; a value taken is agreed on once our side has it."""

    take: Mapping[str, Any]
    disputes: tuple[Dispute, ...]
    base_local: Mapping[str, Any]
    base_remote: Mapping[str, Any]


_NOTHING = object()


def dirty(local: Fields, link: Link, owners: Mapping[str, Owner]) -> frozenset[str]:
    """Fields that the other side does not yet show as we have them."""
    base = link.base_local
    return frozenset(
        name
        for name, value in local.items()
        if base.get(name, _NOTHING) != value and _is_sent(owners.get(name, Owner.OFF), value, name in base)
    )


def _is_sent(owner: Owner, value: Any, known: bool) -> bool:
    """An opt-out is never cleared by us over there, only set."""
    return owner is not Owner.OFF and not (owner is Owner.MOST_RESTRICTIVE and known and not value)


def merge(
    local: Fields, remote: Fields, link: Link, owners: Mapping[str, Owner], *, newer: bool = False
) -> Merge:  # fmt: skip
    """Compare field by field, each side with its own base.

    Only theirs changed: take it. Only ours: it stays dirty and will be pushed. Both, to the same: agreed. Both: the
    owner of the field wins and the other value goes to the conflict list. ``newer``: theirs was changed last.
    """
    owners = {
        name: (Owner.THEIRS if newer else Owner.OURS) if owner is Owner.NEWEST else owner
        for name, owner in owners.items()
    }
    base_local, base_remote = dict(link.base_local), dict(link.base_remote)
    take: dict[str, Any] = {}
    disputes: list[Dispute] = []
    for name, owner in owners.items():
        if owner is Owner.OFF or name not in remote or name not in local:
            continue
        ours, theirs = local[name], remote[name]
        if ours == theirs:
            base_local[name], base_remote[name] = ours, theirs
        elif base_remote.get(name, _NOTHING) != theirs:
            _theirs_changed(name, owner, ours, theirs, base_local, base_remote, take, disputes)
    return Merge(take, tuple(disputes), base_local, base_remote)


def _theirs_changed(
    name: str, owner: Owner, ours: Any, theirs: Any, base_local: dict[str, Any], base_remote: dict[str, Any],
    take: dict[str, Any], disputes: list[Dispute],
) -> None:  # fmt: skip
    ours_changed = base_local.get(name, _NOTHING) != ours
    if owner is Owner.MIRROR and not ours_changed:
        base_remote[name] = theirs
        disputes.append(
            Dispute(name, base_local.get(name), ours, theirs, Live.THEIRS, Cause.LEFT_THERE, attention=False)
        )
        return
    if owner is Owner.MOST_RESTRICTIVE:
        ours_changed, winner = bool(ours), Live.OURS if ours else Live.THEIRS
    elif not ours_changed or (name not in base_local and not ours):
        ours_changed, winner = False, Live.THEIRS
    elif name not in base_remote and not theirs:
        winner = Live.OURS  # never agreed on, and theirs is empty: nothing is lost
    else:
        winner = Live.THEIRS if owner is Owner.THEIRS else Live.OURS
        before = base_local.get(name)
        first = name not in base_local  # both had it before they were linked: a rule decides, and can be undone
        disputes.append(Dispute(name, before, ours, theirs, winner, Cause.BOTH_CHANGED, attention=not first))
    if winner is Live.THEIRS:
        take[name] = theirs
    else:
        base_remote[name] = theirs  # seen; ours stays unlike its base and is pushed over it
        base_local[name] = theirs


def landed(link: Link, remote: Remote) -> Link:
    """Deal with a write whose answer never came. When its marker is there (or the very value), what we sent was the last
    state both sides had in common; without this, a normal edit afterwards would look like a conflict."""
    if link.pending is None:
        return link
    marked = remote.rev is not None and remote.rev == link.rev
    seen = {
        name: value
        for name, value in link.pending.items()
        if marked or (name in remote.fields and remote.fields[name] == value)
    }
    return replace(link, pending=None, base_local={**link.base_local, **seen}, base_remote={**link.base_remote, **seen})


def put_back(name: str, link: Link, theirs: Any) -> Link:
    """Remember that their value was seen and not taken, so that ours is written over it."""
    return replace(link, base_local={**link.base_local, name: theirs}, base_remote={**link.base_remote, name: theirs})


@dataclass(slots=True)
class Mass:
    """What a whole listing would do to items that both sides have. ``removed``: ids of those deleted or called off there;
    ``offsets``: by id, how many seconds a start was moved. ``patients``: those there who have visits that are new to us."""

    removed: set[str] = field(default_factory=set)
    offsets: dict[str, float] = field(default_factory=dict)
    patients: set[str] = field(default_factory=set)

    def add(self, key: str, before: Fields, after: Fields) -> None:
        """One item as it last was there, and as it is there now."""
        if after.get("status") == CALLED_OFF != before.get("status", CALLED_OFF):
            self.removed.add(key)
        old, new = before.get("start"), after.get("start")
        if isinstance(old, str) and isinstance(new, str) and old != new:
            self.offsets[key] = (datetime.fromisoformat(new) - datetime.fromisoformat(old)).total_seconds()

    def arrive(self, fields: Fields, now: datetime) -> None:
        """An item that is new to us: of a visit ahead, the patient would be reminded."""
        start, patient = fields.get("start"), fields.get("patient")
        if not patient or not isinstance(start, str) or fields.get("status") == CALLED_OFF:
            return
        if datetime.fromisoformat(start) > now:
            self.patients.add(str(patient))


def is_mass_removal(removed: int, live: int) -> bool:
    """True when so much would go at once that a person should look first: an emptied or wrong calendar, not a choice."""
    return removed >= MASS_COUNT and removed >= MASS_SHARE * live


def is_mass_move(moved: Mapping[str, Any], live: int) -> bool:
    """True when at least half of all, and five, were moved by the same offset: a wrong time zone, not a choice.
    ``moved`` holds each item's offset in seconds."""
    offsets: dict[Any, int] = {}
    for offset in moved.values():
        offsets[offset] = offsets.get(offset, 0) + 1
    return any(count >= MASS_COUNT and count >= MASS_SHARE * live for offset, count in offsets.items() if offset)


def fingerprint(fields: Fields) -> str:
    """The same for the same content."""
    text = json.dumps(fields, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def canonical_text(text: str | None) -> str:
    """NFC, ``\\n`` as the only line break, no space at the ends; ``None`` is empty."""
    return unicodedata.normalize("NFC", (text or "").replace("\r\n", "\n").replace("\r", "\n")).strip()


def canonical_moment(moment: datetime) -> str:
    """UTC, to the second."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()
