"""Calendars that go out: feeds, logins, entries

Revision: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("appointment", sa.Column("published", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_appointment_unpublished", "appointment", ["provider_id", "start_at"],
        postgresql_where=sa.text("NOT published"), sqlite_where=sa.text("published = 0"),
    )  # fmt: skip
    _feeds()
    _credentials()
    op.create_table(
        "calendar",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("provider_id", types.Id, nullable=False),
        sa.Column("seq", types.Id, nullable=False),
        sa.Column("floor", types.Id, nullable=False),
        sa.Column("props", types.Json, nullable=False),
        _key("calendar"),
        _refers("calendar", "provider"),
        sa.UniqueConstraint("provider_id", name=op.f("uq_calendar_provider_id")),
    )
    _entries()


def _feeds() -> None:
    op.create_table(
        "feed",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("privacy", sa.String(), nullable=False),
        sa.Column("provider_id", types.Id, nullable=True),
        sa.Column("location_id", types.Id, nullable=True),
        sa.Column("patient_id", types.Id, nullable=True),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("changed_at", types.UtcDateTime(), nullable=True),
        sa.Column("fetched_at", types.UtcDateTime(), nullable=True),
        sa.Column("agent", sa.String(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("revoked_at", types.UtcDateTime(), nullable=True),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        _key("feed"),
        *[_refers("feed", name) for name in ("provider", "location", "patient")],
        sa.UniqueConstraint("token_hash", name=op.f("uq_feed_token_hash")),
        sa.UniqueConstraint("uid", name=op.f("uq_feed_uid")),
    )


def _credentials() -> None:
    op.create_table(
        "dav_credential",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("provider_id", types.Id, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("used_at", types.UtcDateTime(), nullable=True),
        sa.Column("agent", sa.String(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("revoked_at", types.UtcDateTime(), nullable=True),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        _key("dav_credential"),
        _refers("dav_credential", "provider"),
        sa.UniqueConstraint("hash", name=op.f("uq_dav_credential_hash")),
        sa.UniqueConstraint("uid", name=op.f("uq_dav_credential_uid")),
    )


def _entries() -> None:
    op.create_table(
        "calendar_entry",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("provider_id", types.Id, nullable=False),
        sa.Column("href", sa.String(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("appointment_id", types.Id, nullable=True),
        sa.Column("seq", types.Id, nullable=False),
        sa.Column("deleted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("stale", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("start_at", types.UtcDateTime(), nullable=False),
        sa.Column("end_at", types.UtcDateTime(), nullable=False),
        sa.Column("recurring", sa.Boolean(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        *[sa.Column(name, sa.String(), nullable=False) for name in ("etag", "body", "head", "full", "initials")],
        sa.Column("client", sa.String(), nullable=True),
        sa.Column("modified_at", types.UtcDateTime(), nullable=False),
        _key("calendar_entry"),
        *[_refers("calendar_entry", name) for name in ("provider", "appointment")],
        sa.UniqueConstraint("provider_id", "href", name=op.f("uq_calendar_entry_provider_id_href")),
        sa.UniqueConstraint("appointment_id", name=op.f("uq_calendar_entry_appointment_id")),
    )
    for column in ("seq", "start_at", "uid"):
        op.create_index(f"ix_calendar_entry_provider_id_{column}", "calendar_entry", ["provider_id", column])
    op.create_index(
        "ix_calendar_entry_stale", "calendar_entry", ["provider_id"],
        postgresql_where=sa.text("stale"), sqlite_where=sa.text("stale = 1"),
    )  # fmt: skip


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _refers(table: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([f"{to}_id"], [f"{to}.id"], name=op.f(f"fk_{table}_{to}_id"))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
