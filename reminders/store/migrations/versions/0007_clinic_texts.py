"""Texts of the clinic's own, with versions, and which text a message was made from

Revision: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("template", sa.String(length=40), nullable=True))
    op.add_column("message", sa.Column("text_version", sa.Integer(), nullable=True))
    op.create_table(
        "clinic_text",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic_text")),
        sa.UniqueConstraint(
            "channel", "template", "language", "version", name=op.f("uq_clinic_text_channel_template_language_version")
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
