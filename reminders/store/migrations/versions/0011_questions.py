"""Numbered questions to phones, and until when a visit may be cancelled by text

Revision: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("service", sa.Column("cancel_cutoff_minutes", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "question",
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("change", sa.String(), nullable=True),
        sa.Column("facts", types.Json, nullable=False),
        sa.Column("asked_at", types.UtcDateTime(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(), nullable=False),
        sa.Column("closed_at", types.UtcDateTime(), nullable=True),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("uid", name=op.f("uq_question_uid")),
    )
    op.create_index("ix_question_phone", "question", ["phone", "id"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
