"""Strata: both groups side by side; what a patient did before is found in an index alone

Revision: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_COUNTS = ("missed", "visits", "others_missed", "others_visits")


def upgrade() -> None:
    op.create_index("ix_appointment_patient_id_start_at_status", "appointment", ["patient_id", "start_at", "status"])
    op.drop_index("ix_appointment_patient_id_start_at", "appointment")
    op.drop_table("rollup_stratum")
    op.create_table(
        "rollup_stratum",
        sa.Column("level", sa.String(length=1), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("stratum", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.PrimaryKeyConstraint("level", "start", "stratum", name=op.f("pk_rollup_stratum")),
        sqlite_with_rowid=False,
    )
    for name in ("rollup_state", "rollup_visit", "rollup_cost", "rollup_reminder", "stale_day"):
        op.execute(sa.delete(sa.table(name)))  # add up anew
