"""Queries on people who sign in, their sessions and their tries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from reminders.store.engine import Record
from reminders.store.tables import CatalogueVersion, SignInTry, StaffSession, StaffUser

_USER = StaffUser.__table__
_VERSION = select(CatalogueVersion.version).scalar_subquery().label("catalogue_version")


def add(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(insert(StaffUser), dict(values))


def by_name(tx: Connection, name: str) -> Record | None:
    """Also somebody whose account has ended: a name is never given to another person."""
    return tx.execute(select(_USER).where(_USER.c.name == name)).first()


def by_id(tx: Connection, number: int) -> Record:
    return tx.execute(select(_USER).where(_USER.c.id == number)).one()


def listing(tx: Connection) -> Sequence[Record]:
    """Everybody, by name."""
    return tx.execute(select(_USER).order_by(_USER.c.name)).all()


def change(tx: Connection, number: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(StaffUser).where(StaffUser.id == number).values(**values))


def open_session(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(insert(StaffSession), dict(values))


def by_token(tx: Connection, digest: str, former_since: datetime) -> Record | None:
    """The session with this token and its user, in force or not yet cleared away. The token it had before counts if it
    was replaced after ``former_since``."""
    columns = (
        StaffSession.id, StaffSession.uid, StaffSession.token_hash, StaffSession.created_at, StaffSession.rotated_at,
        StaffUser.id.label("user_id"), StaffUser.uid.label("user_uid"), StaffUser.name, StaffUser.role,
        StaffUser.language, _VERSION,
    )  # fmt: skip
    former = and_(StaffSession.former_hash == digest, StaffSession.rotated_at > former_since)
    query = select(*columns).join(StaffUser, StaffUser.id == StaffSession.user_id)
    return tx.execute(
        query.where(StaffUser.ended_at.is_(None), or_(StaffSession.token_hash == digest, former))
    ).first()  # fmt: skip


def rotate(tx: Connection, session_id: int, old: str, new: str, now: datetime) -> bool:
    """Replace a token; False when another request was faster."""
    same = (StaffSession.id == session_id, StaffSession.token_hash == old)
    statement = update(StaffSession).where(*same).values(token_hash=new, former_hash=old, rotated_at=now)
    return tx.execute(statement).rowcount == 1


def close_session(tx: Connection, digest: str) -> None:
    same = or_(StaffSession.token_hash == digest, StaffSession.former_hash == digest)
    tx.execute(delete(StaffSession).where(same))


def close_sessions(tx: Connection, user_id: int) -> None:
    """Everywhere this person is signed in."""
    tx.execute(delete(StaffSession).where(StaffSession.user_id == user_id))


def forget_sessions(tx: Connection, begun: datetime, used: datetime) -> None:
    """Clear away what began before ``begun`` or was not used after ``used``."""
    tx.execute(delete(StaffSession).where(or_(StaffSession.created_at <= begun, StaffSession.rotated_at <= used)))


def tried(tx: Connection, subject: str, since: datetime) -> int:
    """How often a password was tried after ``since`` without being right."""
    query = select(func.count()).where(SignInTry.subject == subject, SignInTry.at > since)
    return tx.execute(query).scalar_one()


def write_tries(tx: Connection, subjects: Iterable[str], now: datetime) -> None:
    tx.execute(insert(SignInTry), [{"subject": subject, "at": now} for subject in subjects])


def forget_tries(tx: Connection, subject: str, before: datetime) -> None:
    """Drop the tries of ``subject``, and everybody's older ones."""
    tx.execute(delete(SignInTry).where(or_(SignInTry.subject == subject, SignInTry.at <= before)))
