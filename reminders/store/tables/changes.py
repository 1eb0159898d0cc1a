"""The list of what changed, for programs that read on from where they were."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Uid


class ChangeCounter(Base):
    """The number of the last change: one row. Whoever takes the next holds it until the commit, so numbers become visible
    in their order and a reader who goes by them skips none."""

    __tablename__ = "change_counter"

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Id)


class ChangeEntry(Base):
    """One patient or visit and the number of its last change: it stands in the list once, at the place of the newest."""

    __tablename__ = "change_entry"
    __table_args__ = (UniqueConstraint("entity", "uid"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    entity: Mapped[str]
    uid: Mapped[str] = mapped_column(Uid)
    seq: Mapped[int] = mapped_column(Id, unique=True)
    at: Mapped[datetime]
