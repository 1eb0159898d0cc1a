"""Strata: packed, a row for each service and weekday

Revision: 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("rollup_stratum")
    op.create_table(
        "rollup_stratum",
        sa.Column("level", sa.String(length=1), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("service_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("weekday", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "start", "service_id", "weekday", name=op.f("pk_rollup_stratum")),
        sqlite_with_rowid=False,
    )
    for name in ("rollup_state", "rollup_visit", "rollup_cost", "rollup_reminder", "stale_day"):
        op.execute(sa.delete(sa.table(name)))  # add up anew


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
