"""What a location does with visits that are moved or deleted in a provider's calendar

Revision: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("location", sa.Column("on_remote_move", sa.String(), server_default="apply", nullable=False))
    op.add_column("location", sa.Column("on_remote_delete", sa.String(), server_default="ask", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
