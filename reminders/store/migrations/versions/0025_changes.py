"""The list of what changed; everything there is by now stands in it

Revision: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "change_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", types.Id, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change_counter"),
    )
    op.create_table(
        "change_entry",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.Column("seq", types.Id, nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change_entry"),
        sa.UniqueConstraint("entity", "uid", name="uq_change_entry_entity_uid"),
        sa.UniqueConstraint("seq", name="uq_change_entry_seq"),
    )
    op.execute(
        "INSERT INTO change_entry (entity, uid, seq, at) SELECT 'patient', uid, row_number() OVER (ORDER BY id), "
        "coalesce(updated_at, created_at) FROM patient"
    )
    op.execute(
        "INSERT INTO change_entry (entity, uid, seq, at) SELECT 'appointment', uid, (SELECT count(*) FROM patient) "
        "+ row_number() OVER (ORDER BY id), updated_at FROM appointment WHERE source IS NULL"
    )
    op.execute("INSERT INTO change_counter (id, seq) SELECT 1, coalesce(max(seq), 0) FROM change_entry")


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
