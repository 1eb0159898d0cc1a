"""What a pass could not read, or only by guessing

Revision: 0032
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables.base import Json

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sync_run", sa.Column("remarks", Json, nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
