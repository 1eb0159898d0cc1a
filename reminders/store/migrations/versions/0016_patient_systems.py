"""Patients in other systems: when cards changed, which became one, and what webhooks name

Revision: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("patient", sa.Column("updated_at", types.UtcDateTime(), nullable=True))
    op.add_column("patient", sa.Column("merged_into", sa.BigInteger(), nullable=True))
    op.create_index("ix_patient_merged_into", "patient", ["merged_into"])
    op.create_index("ix_patient_email", "patient", ["email"])
    op.create_table(
        "patient_merge",
        sa.Column("kept_id", types.Id, nullable=False),
        sa.Column("gone_id", types.Id, nullable=False),
        sa.Column("moved", types.Json, nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("undone_at", types.UtcDateTime(), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["kept_id"], ["patient.id"], name="fk_patient_merge_kept_id"),
        sa.ForeignKeyConstraint(["gone_id"], ["patient.id"], name="fk_patient_merge_gone_id"),
        sa.PrimaryKeyConstraint("id", name="pk_patient_merge"),
        sa.UniqueConstraint("uid", name="uq_patient_merge_uid"),
    )
    op.create_index("ix_patient_merge_kept_id", "patient_merge", ["kept_id"])
    op.create_index("ix_patient_merge_gone_id", "patient_merge", ["gone_id"])
    op.add_column("sync_inbox", sa.Column("entity", sa.String(), nullable=True))
    op.add_column("sync_inbox", sa.Column("remote_id", sa.String(), nullable=True))
    op.add_column("sync_inbox", sa.Column("handled_at", types.UtcDateTime(), nullable=True))
    op.create_index(
        "ix_sync_inbox_open",
        "sync_inbox",
        ["connection_id", "entity"],
        postgresql_where=sa.text("handled_at IS NULL"),
        sqlite_where=sa.text("handled_at IS NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
