"""Who changed an item in the other system last stands with the conflict

Revision: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sync_conflict", sa.Column("theirs_by", sa.String(), nullable=True))
    op.add_column("sync_conflict", sa.Column("theirs_at", types.UtcDateTime(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
