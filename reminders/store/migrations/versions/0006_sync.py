"""Other systems kept in step

Revision: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "busy_event",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("provider_id", types.Id, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("expanded_to", types.UtcDateTime(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_busy_event_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_busy_event")),
        sa.UniqueConstraint("source", "key", name=op.f("uq_busy_event_source_key")),
        sa.UniqueConstraint("uid", name=op.f("uq_busy_event_uid")),
    )
    op.create_index(
        op.f("ix_busy_event_expanded_to"),
        "busy_event",
        ["expanded_to"],
        postgresql_where=sa.text("expanded_to IS NOT NULL"),
        sqlite_where=sa.text("expanded_to IS NOT NULL"),
    )
    op.create_index(op.f("ix_busy_event_provider_id"), "busy_event", ["provider_id"])

    op.create_table(
        "sync_connection",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("provider_id", types.Id, nullable=True),
        sa.Column("location_id", types.Id, nullable=True),
        sa.Column("config", types.Json, nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("cursors", types.Json, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_reason", sa.String(), nullable=True),
        sa.Column("on_remote_delete", sa.String(), nullable=False),
        sa.Column("trusted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.Column("next_run_at", types.UtcDateTime(), nullable=False),
        sa.Column("last_run_at", types.UtcDateTime(), nullable=True),
        sa.Column("last_ok_at", types.UtcDateTime(), nullable=True),
        sa.Column("last_full_at", types.UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", types.UtcDateTime(), nullable=True),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_sync_connection_location_id")),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_sync_connection_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_connection")),
        sa.UniqueConstraint("uid", name=op.f("uq_sync_connection_uid")),
    )
    op.create_index(op.f("ix_sync_connection_next_run_at"), "sync_connection", ["next_run_at"])
    op.create_index(op.f("ix_sync_connection_provider_id"), "sync_connection", ["provider_id"])

    op.create_table(
        "sync_inbox",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("connection_id", types.Id, nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("received_at", types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["sync_connection.id"], name=op.f("fk_sync_inbox_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_inbox")),
        sa.UniqueConstraint("connection_id", "delivery_id", name=op.f("uq_sync_inbox_connection_id_delivery_id")),
    )
    op.create_table(
        "sync_link",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("connection_id", types.Id, nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("local_id", sa.String(), nullable=True),
        sa.Column("remote_id", sa.String(), nullable=True),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("base_local", types.Json, nullable=False),
        sa.Column("base_remote", types.Json, nullable=False),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.Column("pending", types.Json, nullable=True),
        sa.Column("rev", sa.String(), nullable=True),
        sa.Column("sent_hash", sa.String(), nullable=True),
        sa.Column("sent_n", sa.Integer(), nullable=False),
        sa.Column("gone_since", types.UtcDateTime(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("dead", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["sync_connection.id"], name=op.f("fk_sync_link_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_link")),
        sa.UniqueConstraint(
            "connection_id", "entity", "remote_id", name=op.f("uq_sync_link_connection_id_entity_remote_id")
        ),
    )
    op.create_index(
        op.f("ix_sync_link_gone"),
        "sync_link",
        ["connection_id"],
        postgresql_where=sa.text("gone_since IS NOT NULL"),
        sqlite_where=sa.text("gone_since IS NOT NULL"),
    )
    op.create_index(op.f("ix_sync_link_local_id"), "sync_link", ["local_id"])
    op.create_index(
        op.f("uq_sync_link_local"),
        "sync_link",
        ["connection_id", "entity", "local_id"],
        unique=True,
        postgresql_where=sa.text("NOT dead"),
        sqlite_where=sa.text("dead = 0"),
    )

    op.create_table(
        "sync_run",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("connection_id", types.Id, nullable=False),
        sa.Column("started_at", types.UtcDateTime(), nullable=False),
        sa.Column("ended_at", types.UtcDateTime(), nullable=False),
        sa.Column("full", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("pulled", sa.Integer(), nullable=False),
        sa.Column("pushed", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("conflicts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["sync_connection.id"], name=op.f("fk_sync_run_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_run")),
    )
    op.create_index(op.f("ix_sync_run_connection_id_id"), "sync_run", ["connection_id", "id"])

    op.create_table(
        "sync_touch",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("connection_id", types.Id, nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("local_id", sa.String(), nullable=False),
        sa.Column("stamp", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["sync_connection.id"], name=op.f("fk_sync_touch_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_touch")),
        sa.UniqueConstraint(
            "connection_id", "entity", "local_id", name=op.f("uq_sync_touch_connection_id_entity_local_id")
        ),
    )
    op.create_table(
        "sync_conflict",
        sa.Column("connection_id", types.Id, nullable=False),
        sa.Column("link_id", types.Id, nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("local_id", sa.String(), nullable=True),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("base", types.Json, nullable=True),
        sa.Column("ours", types.Json, nullable=True),
        sa.Column("theirs", types.Json, nullable=True),
        sa.Column("live", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("attention", sa.Boolean(), nullable=False),
        sa.Column("opened_at", types.UtcDateTime(), nullable=False),
        sa.Column("closed_at", types.UtcDateTime(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("choice", sa.String(), nullable=True),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["sync_connection.id"], name=op.f("fk_sync_conflict_connection_id")),
        sa.ForeignKeyConstraint(["link_id"], ["sync_link.id"], name=op.f("fk_sync_conflict_link_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_conflict")),
        sa.UniqueConstraint("uid", name=op.f("uq_sync_conflict_uid")),
    )
    op.create_index(op.f("ix_sync_conflict_link_id"), "sync_conflict", ["link_id"])
    op.create_index(op.f("ix_sync_conflict_local_id"), "sync_conflict", ["local_id"])
    op.create_index(
        op.f("ix_sync_conflict_open"),
        "sync_conflict",
        ["connection_id", "id"],
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
