"""Unmarked: what a location wants done with past visits of which nobody noted the outcome

Revision: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("location", sa.Column("unmarked_after", sa.String(), server_default="ask", nullable=False))
    op.add_column("rollup_visit", sa.Column("assumed", sa.Integer(), server_default="0", nullable=False))
    still_open = sa.text("status IN ('pending', 'booked')")
    op.create_index(
        "ix_appointment_open", "appointment", ["start_at", "id"], postgresql_where=still_open, sqlite_where=still_open
    )
