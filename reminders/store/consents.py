"""Queries on what people said about being contacted.

A stop belongs to an address, not to a person: a phone number for texts and calls (or ``ALL`` of them), an e-mail address
in lower case for e-mail. Each keeps the words it was said with, and those that ended it; nothing is ever deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select, update

from reminders.domain.delivery import Channel
from reminders.store import outbox, patients
from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import Message, OptOut
from reminders.store.tables.base import among

ALL = "all"

#: What a stop of everything under a phone number is about.
_OF_A_PHONE = (Channel.SMS, Channel.VOICE)
#: Between the words that stopped and those that started again.
_THEN = "\n"


def stop(tx: Connection, phone: str, channel: str, now: datetime, evidence: str, message_id: int | None) -> bool:
    """Record a stop with its evidence; False when it was in force already."""
    if (phone.lower(), channel) in in_force(tx, [phone]):
        return False
    values = {"phone": phone.lower(), "channel": channel, "since": now, "evidence": _line(evidence),
              "message_id": message_id}  # fmt: skip
    tx.execute(insert(OptOut).values(**values))
    _announce(tx, phone, now)
    return True


def start(tx: Connection, phone: str, channel: str | None, now: datetime, evidence: str) -> int:
    """End the stops of an address for one channel, or for all (``None``), and keep the words; returns how many.

    A stop of everything goes on for the other channel, with its own date and words.
    """
    standing = _in_force(tx, phone)
    ended = [row for row in standing if channel is None or row.channel in (channel, ALL)]
    for row in ended:
        said = f"{row.evidence}{_THEN}{_line(evidence)}"
        tx.execute(update(OptOut).where(OptOut.id == row.id).values(ended_at=now, evidence=said))
    whole = next((row for row in ended if row.channel == ALL), None)
    if channel is not None and whole is not None:
        stopped = {channel, *(row.channel for row in standing)}
        _narrow(tx, whole, [other for other in _OF_A_PHONE if other not in stopped])
    if ended:
        _announce(tx, phone, now)
    return len(ended)


_STOPS = Prepared(select(OptOut.phone, OptOut.channel).where(among(OptOut.phone, "phones"), OptOut.ended_at.is_(None)))


def in_force(tx: Connection, phones: Collection[str]) -> set[tuple[str, str]]:
    """(phone, channel) of every stop in force among ``phones``."""
    if not phones:
        return set()
    rows = _STOPS.all(tx, {"phones": [phone.lower() for phone in phones]})
    return {(row.phone, row.channel) for row in rows}


def blocks(stops: set[tuple[str, str]], phone: str, channel: str) -> bool:
    """True when a stop covers this phone and channel."""
    return (phone.lower(), channel) in stops or (phone.lower(), ALL) in stops


def addresses(phone: str | None, email: str | None) -> list[str]:
    """Where the stops of a patient are kept."""
    return [address.lower() for address in (phone, email) if address]


def bars(stops: set[tuple[str, str]], phone: str | None, email: str | None, channel: str) -> bool:
    """True when a stop keeps this channel from a patient. Who wants nothing at all under a phone number wants no e-mail
    either, whenever its address came to be known."""
    reached = email if channel == Channel.EMAIL else phone
    return (phone or "", ALL) in stops or blocks(stops, reached or "", channel)


def said_by_text(tx: Connection, phone: str) -> bool:
    """True when a stop of texts is in force that came by text, so that the carrier may know of it, too."""
    return any(row.channel == Channel.SMS and row.message_id is not None for row in _in_force(tx, phone))


def history(tx: Connection, phones: Collection[str]) -> Sequence[Record]:
    """Every stop among ``phones``, oldest first, with the public id of the message that said it."""
    if not phones:
        return []
    query = select(*OptOut.__table__.columns, Message.uid.label("message_uid")).join_from(OptOut, Message, isouter=True)
    return tx.execute(query.where(_among(phones)).order_by(OptOut.since, OptOut.id)).all()


def words(evidence: str) -> tuple[str, str | None]:
    """What was said to stop, and what to start again."""
    stopped, _, started = evidence.partition(_THEN)
    return stopped, started or None


def _in_force(tx: Connection, phone: str) -> Sequence[Record]:
    """The stops in force for one address, locked, so that two starts cannot end the same one."""
    query = select(OptOut.__table__).where(_among([phone]), OptOut.ended_at.is_(None))
    return tx.execute(query.order_by(OptOut.id).with_for_update(key_share=True)).all()


def _announce(tx: Connection, address: str, now: datetime) -> None:
    """Other systems hear of it for everybody who is reached there."""
    for row in patients.sharing(tx, address, address):
        outbox.add(tx, patients.CHANGED, row.uid, {}, now)


def _among(phones: Collection[str]) -> ColumnElement[bool]:
    return OptOut.phone.in_([phone.lower() for phone in phones])


def _narrow(tx: Connection, whole: Record, channels: Collection[str]) -> None:
    rest = {"phone": whole.phone, "since": whole.since, "evidence": whole.evidence, "message_id": whole.message_id}
    for channel in channels:
        tx.execute(insert(OptOut).values(channel=channel, **rest))


def _line(text: str) -> str:
    return " ".join(text.split())
