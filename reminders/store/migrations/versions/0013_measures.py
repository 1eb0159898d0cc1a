"""Measures: trials, and stored sums of past days

Revision: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rollup_cost",
        sa.Column("grouping", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=1), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("actual_messages", sa.Integer(), nullable=False),
        sa.Column("estimated_messages", sa.Integer(), nullable=False),
        sa.Column("actual", types.Amount(), nullable=False),
        sa.Column("estimated", types.Amount(), nullable=False),
        sa.Column("both_price", types.Amount(), nullable=False),
        sa.Column("both_estimated", types.Amount(), nullable=False),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("grouping", "level", "start", "key", "currency", name=op.f("pk_rollup_cost")),
    )
    op.create_table(
        "rollup_reminder",
        sa.Column("grouping", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=1), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("grouping", "level", "start", "key", "outcome", name=op.f("pk_rollup_reminder")),
    )
    op.create_table(
        "rollup_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup_state")),
    )
    op.create_table(
        "rollup_stratum",
        sa.Column("level", sa.String(length=1), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("lead_days", sa.Integer(), nullable=False),
        sa.Column("earlier", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("reminded", sa.Boolean(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "level",
            "start",
            "lead_days",
            "earlier",
            "weekday",
            "service_id",
            "reminded",
            name=op.f("pk_rollup_stratum"),
        ),
    )
    op.create_table(
        "rollup_visit",
        sa.Column("grouping", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=1), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fulfilled", sa.Integer(), nullable=False),
        sa.Column("arrived", sa.Integer(), nullable=False),
        sa.Column("noshow", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("unmarked", sa.Integer(), nullable=False),
        sa.Column("upcoming", sa.Integer(), nullable=False),
        sa.Column("late_cancelled", sa.Integer(), nullable=False),
        sa.Column("refilled", sa.Integer(), nullable=False),
        sa.Column("noshow_refilled", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("grouping", "level", "start", "key", name=op.f("pk_rollup_visit")),
    )
    op.create_table(
        "stale_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_stale_day")),
    )
    op.create_table(
        "experiment",
        sa.Column("policy_id", types.Id, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("service_ids", types.Json, nullable=False),
        sa.Column("guarded_ids", types.Json, nullable=False),
        sa.Column("branches", types.Json, nullable=False),
        sa.Column("difference", sa.Double(), nullable=False),
        sa.Column("started_at", types.UtcDateTime(), nullable=False),
        sa.Column("ended_at", types.UtcDateTime(), nullable=True),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["policy_id"], ["reminder_policy.id"], name=op.f("fk_experiment_policy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment")),
        sa.UniqueConstraint("uid", name=op.f("uq_experiment_uid")),
    )
    _partial_index("uq_experiment_running", "experiment", ["policy_id"], "ended_at IS NULL", unique=True)
    _partial_index("ix_appointment_noshow", "appointment", ["local_day", "patient_id"], "status = 'noshow'")


def _partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    some = sa.text(where)
    op.create_index(name, table, columns, unique=unique, postgresql_where=some, sqlite_where=some)


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
