"""People who sign in with a password

Revision: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_user",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("ended_at", types.UtcDateTime(), nullable=True),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_user")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_user_name")),
        sa.UniqueConstraint("uid", name=op.f("uq_staff_user_uid")),
    )
    op.create_table(
        "staff_session",
        sa.Column("user_id", types.Id, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("former_hash", sa.String(length=64), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("rotated_at", types.UtcDateTime(), nullable=False),
        sa.Column("id", types.Id, nullable=False),
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["staff_user.id"], name=op.f("fk_staff_session_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_session_token_hash")),
        sa.UniqueConstraint("uid", name=op.f("uq_staff_session_uid")),
    )
    op.create_index(op.f("ix_staff_session_user_id"), "staff_session", ["user_id"])
    op.create_index(op.f("ix_staff_session_former_hash"), "staff_session", ["former_hash"])
    op.create_table(
        "sign_in_try",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_try")),
    )
    op.create_index(op.f("ix_sign_in_try_subject_at"), "sign_in_try", ["subject", "at"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
