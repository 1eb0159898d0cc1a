"""Risk: trained models

Revision: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "risk_model",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trained_at", types.UtcDateTime(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("facts", types.Json, nullable=False),
        sa.Column("metrics", types.Json, nullable=False),
        sa.Column("in_use", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_risk_model")),
    )
    op.create_index(
        "uq_risk_model_in_use", "risk_model", ["in_use"], unique=True, postgresql_where=sa.text("in_use"),
        sqlite_where=sa.text("in_use = 1"),
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
