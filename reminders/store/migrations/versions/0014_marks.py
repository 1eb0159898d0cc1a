"""Marks: changes of past days are noted by triggers, one row each

Revision: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store import staleness
from reminders.store.tables import base as types

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("stale_day")
    op.create_table(
        "stale_day",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stale_day")),
    )
    op.create_index("ix_stale_day_day", "stale_day", ["day"])
    nowhere = sa.text("appointment_id IS NULL")
    op.create_index(
        "ix_message_about_none", "message", ["created_at"], postgresql_where=nowhere, sqlite_where=nowhere
    )  # fmt: skip
    # what changed before these triggers stood may have gone unnoticed: add up anew
    for name in ("rollup_state", "rollup_visit", "rollup_stratum", "rollup_cost", "rollup_reminder"):
        op.execute(sa.delete(sa.table(name)))
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in staleness.POSTGRESQL if is_postgresql else staleness.SQLITE:
        op.execute(statement)
