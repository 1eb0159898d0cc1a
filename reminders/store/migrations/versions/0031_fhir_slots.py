"""Time that other systems block or open through FHIR

Revision: 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fhir_slot",
        sa.Column("provider_id", types.Id, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("start_at", types.UtcDateTime(), nullable=False),
        sa.Column("end_at", types.UtcDateTime(), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", types.UtcDateTime(), nullable=False),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", types.Uid, nullable=False),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name="fk_fhir_slot_provider_id"),
        sa.PrimaryKeyConstraint("id", name="pk_fhir_slot"),
        sa.UniqueConstraint("uid", name="uq_fhir_slot_uid"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
