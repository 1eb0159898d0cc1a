"""The wall time of visits, checks of it against the rules of time zones, and how far events of calendars are worked out

Revision: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("appointment", sa.Column("time_zone", sa.String(), nullable=True))
    op.add_column("appointment", sa.Column("local_start", sa.String(), nullable=True))
    op.add_column("calendar_entry", sa.Column("expanded_to", types.UtcDateTime(), nullable=True))
    op.create_table(
        "zone_check",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("started_at", types.UtcDateTime(), nullable=False),
        sa.Column("ended_at", types.UtcDateTime(), nullable=True),
        sa.Column("after", types.Id, nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("overlapping", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_check")),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
