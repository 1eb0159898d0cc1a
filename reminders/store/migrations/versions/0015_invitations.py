"""Invitations by mail and the answers to them

Revision: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("appointment_id", types.Id, nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("answered_at", types.UtcDateTime(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_invitation_appointment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(op.f("ix_invitation_appointment_id"), "invitation", ["appointment_id"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
