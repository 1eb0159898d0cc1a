"""Sending at any size: combined messages, checks at the provider, circuits, spending, pauses and change sets

Revision: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("appointment", "patient"):
        op.add_column(table, sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("reminder", sa.Column("carried_by", sa.BigInteger(), nullable=True))
    op.add_column("message", sa.Column("check_at", types.UtcDateTime(), nullable=True))
    op.add_column("message", sa.Column("checks", sa.Integer(), server_default="0", nullable=False))
    _partial_index("reminder", "carried_by")
    _partial_index("message", "check_at")
    op.create_table(
        "circuit",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("opened_at", types.UtcDateTime(), nullable=False),
        sa.Column("retry_at", types.UtcDateTime(), nullable=False),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_circuit")),
        sa.UniqueConstraint("account", name=op.f("uq_circuit_account")),
    )
    op.create_table(
        "spending",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", types.Amount(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spending")),
        sa.UniqueConstraint("month", "currency", name=op.f("uq_spending_month_currency")),
    )
    op.create_table(
        "change_set",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("facts", types.Json, nullable=False),
        sa.Column("preview", types.Json, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("apply_at", types.UtcDateTime(), nullable=True),
        sa.Column("ended_at", types.UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_set")),
        sa.UniqueConstraint("uid", name=op.f("uq_change_set_uid")),
    )
    _partial_index("change_set", "apply_at")


def _partial_index(table: str, column: str) -> None:
    """Over the rows that have a value: they are few, whatever the size of the table."""
    filled = sa.text(f"{column} IS NOT NULL")
    op.create_index(f"ix_{table}_{column}", table, [column], postgresql_where=filled, sqlite_where=filled)


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
