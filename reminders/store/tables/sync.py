"""Other systems that are kept in step with ours, and what is remembered of each item there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json, Row


class SyncConnection(Row):
    """One calendar, or one account of a patient system.

    ``kind`` names the connector, ``config`` what it needs to know; its password or token is in ``secret``, encrypted.
    ``cursors`` holds, per kind of thing, where the next listing goes on. ``state`` is ok, paused (by a person), held
    (a mass change waits for a person), needs_login or failing (tried again later); ``state_reason`` a stable code.
    ``trusted``: the next pass may carry out a mass change. ``lease_owner`` works on it until ``lease_until``.
    """

    __tablename__ = "sync_connection"
    __table_args__ = (Index("ix_sync_connection_next_run_at", "next_run_at"),)

    kind: Mapped[str]
    label: Mapped[str]
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("provider.id"), index=True)
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    config: Mapped[dict[str, Any]] = mapped_column(Json)
    secret: Mapped[str | None] = mapped_column(Text)
    cursors: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str]
    state_reason: Mapped[str | None]
    on_remote_delete: Mapped[str]
    trusted: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    next_run_at: Mapped[datetime]
    last_run_at: Mapped[datetime | None]
    last_ok_at: Mapped[datetime | None]
    last_full_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]


class SyncLink(Base):
    """What is remembered of one item: see ``domain/sync.py``. The bases hold personal data: they go when the patient's
    record goes."""

    __tablename__ = "sync_link"
    __table_args__ = (
        UniqueConstraint("connection_id", "entity", "remote_id"),
        Index("uq_sync_link_local", "connection_id", "entity", "local_id", unique=True,
              postgresql_where=text("NOT dead"), sqlite_where=text("dead = 0")),
        Index("ix_sync_link_local_id", "local_id"),
        Index("ix_sync_link_gone", "connection_id", "entity", "gone_since",
              postgresql_where=text("gone_since IS NOT NULL"), sqlite_where=text("gone_since IS NOT NULL")),
        Index("ix_sync_link_waiting", "connection_id", "entity", "remote_id",
              postgresql_where=text("held AND local_id IS NULL"), sqlite_where=text("held = 1 AND local_id IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("sync_connection.id"))
    entity: Mapped[str]
    local_id: Mapped[str | None]
    remote_id: Mapped[str | None]
    uid: Mapped[str]
    etag: Mapped[str | None]
    base_local: Mapped[dict[str, Any]] = mapped_column(Json)
    base_remote: Mapped[dict[str, Any]] = mapped_column(Json)
    raw: Mapped[str | None] = mapped_column(Text)
    pending: Mapped[dict[str, Any] | None] = mapped_column(Json)
    rev: Mapped[str | None]
    sent_hash: Mapped[str | None]
    sent_n: Mapped[int]
    gone_since: Mapped[datetime | None]
    held: Mapped[bool]
    dead: Mapped[bool]


class SyncTouch(Base):
    """One of our things that may differ from what is there: to be compared by the next pass."""

    __tablename__ = "sync_touch"
    __table_args__ = (UniqueConstraint("connection_id", "entity", "local_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("sync_connection.id"))
    entity: Mapped[str]
    local_id: Mapped[str]
    stamp: Mapped[str]


class SyncConflict(Row):
    """Two values for one field of one item. ``live`` says which holds; the other is never dropped. ``attention``: a
    person should look; the rest is listed so that it can be undone. ``theirs_by``, ``theirs_at``: who changed the item
    there last, and when, as far as that system says."""

    __tablename__ = "sync_conflict"
    __table_args__ = (
        Index("ix_sync_conflict_link_id", "link_id"),
        Index("ix_sync_conflict_local_id", "local_id"),
        Index("ix_sync_conflict_open", "connection_id", "id", postgresql_where=text("closed_at IS NULL"),
              sqlite_where=text("closed_at IS NULL")),
    )  # fmt: skip

    connection_id: Mapped[int] = mapped_column(ForeignKey("sync_connection.id"))
    link_id: Mapped[int] = mapped_column(ForeignKey("sync_link.id"))
    entity: Mapped[str]
    local_id: Mapped[str | None]
    field: Mapped[str]
    base: Mapped[Any | None] = mapped_column(Json)
    ours: Mapped[Any | None] = mapped_column(Json)
    theirs: Mapped[Any | None] = mapped_column(Json)
    live: Mapped[str]
    cause: Mapped[str]
    note: Mapped[str]
    attention: Mapped[bool]
    theirs_by: Mapped[str | None]
    theirs_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    choice: Mapped[str | None]


class SyncRun(Base):
    """One pass and what came of it. ``error`` is a stable code."""

    __tablename__ = "sync_run"
    __table_args__ = (Index("ix_sync_run_connection_id_id", "connection_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("sync_connection.id"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    full: Mapped[bool]
    seen: Mapped[int]
    pulled: Mapped[int]
    pushed: Mapped[int]
    removed: Mapped[int]
    conflicts: Mapped[int]
    error: Mapped[str | None]
    #: What could not be read, or only by guessing: how many of each code.
    remarks: Mapped[dict[str, int] | None] = mapped_column(Json)


class SyncInbox(Base):
    """Webhooks of other systems, each once by the vendor's own id. The next pass looks at the item they name, and then
    sets ``handled_at``."""

    __tablename__ = "sync_inbox"
    __table_args__ = (
        UniqueConstraint("connection_id", "delivery_id"),
        Index("ix_sync_inbox_open", "connection_id", "entity", postgresql_where=text("handled_at IS NULL"),
              sqlite_where=text("handled_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("sync_connection.id"))
    delivery_id: Mapped[str]
    entity: Mapped[str | None]
    remote_id: Mapped[str | None]
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]


class BusyEvent(Row):
    """An event of somebody else's calendar that takes a provider's time; its occurrences are rows of ``hold`` whose
    ``source`` is this row's id. ``source`` and ``key`` say where it came from; ``digest`` whether it changed.
    ``expanded_to``: how far its recurrences are worked out, ``None`` when it has none."""

    __tablename__ = "busy_event"
    __table_args__ = (
        UniqueConstraint("source", "key"),
        Index("ix_busy_event_expanded_to", "expanded_to", postgresql_where=text("expanded_to IS NOT NULL"),
              sqlite_where=text("expanded_to IS NOT NULL")),
    )  # fmt: skip

    source: Mapped[str]
    key: Mapped[str]
    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"), index=True)
    digest: Mapped[str]
    raw: Mapped[str] = mapped_column(Text)
    expanded_to: Mapped[datetime | None]
    created_at: Mapped[datetime]
