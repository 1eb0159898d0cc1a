"""Time held without a visit

Revision: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store import guards
from reminders.store.tables import base as types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hold",
        sa.Column("provider_id", types.Id, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("start_at", types.UtcDateTime(), nullable=False),
        sa.Column("end_at", types.UtcDateTime(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_hold_provider_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
        sa.UniqueConstraint("uid", name=op.f("uq_hold_uid")),
    )
    op.create_index("ix_hold_provider_id_end_at", "hold", ["provider_id", "end_at"])
    op.create_index("ix_hold_source", "hold", ["source"])
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in guards.HOLDS_POSTGRESQL if is_postgresql else guards.HOLDS_SQLITE:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
